"""NumPy as a traced function sees it: the same names, and arrays that can become traced ones.

NumPy asks traced arrays for functions that they are arguments of, but not for those that make
arrays, nor about lists of traced numbers. So the traced function is given a module in NumPy's place
(see `rebind`). What is called with numbers alone NumPy computes, and it gives known arrays; what
has a traced array somewhere in it is traced. Nobody else sees this module.
"""

from __future__ import annotations

import math
import operator
import types
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import numpy as np

from ...ir.view import row_major_strides
from .. import complexes
from ..errors import UnsupportedError
from ..functions import series, special, vectorised
from ..mutation import fitted, layout_of
from ..operands import lift
from ..promotion import static_shape, supported_dtype
from ..registry import FUNCTIONS
from ..source import locate
from ..trace import current_trace, is_traced, is_tracing
from . import questions
from .conversions import CONVERTORS, MODE
from .known import CALLING_BACK, any_traced, call_function, call_plain, given, known
from .mathematics import traced_version

# --- functions that make arrays: NumPy has no protocol for them ---


def _fresh(x: Any) -> Any:
    return current_trace().wrap(x.value)


def _array(
    object: Any,
    dtype: Any = None,
    *,
    copy: Any = True,
    order: str = "K",
    subok: bool = False,
    ndmin: int = 0,
    like: Any = None,
) -> Any:
    source = list(object) if isinstance(object, types.GeneratorType) else object
    if complexes.any_complex((source,)):
        return complexes.as_complex(source).copy()
    x = lift(_settled(source), "np.array")
    alone = is_traced(object)
    if dtype is not None and x.dtype != np.dtype(dtype):
        x, alone = x.astype(dtype), False
    if ndmin > x.ndim:
        x = x.reshape((1,) * (ndmin - x.ndim) + x.shape)
    if alone and not copy and (x.shape or x.boxed):
        return x
    made = _fresh(x)
    made.boxed = not made.shape
    return made


def _settled(x: Any) -> Any:
    """Lists in which every known array is what it holds."""
    return [_settled(each) for each in x] if isinstance(x, list | tuple) else given(x)


def _as_array(a: Any, dtype: Any = None, order: Any = None, **options: Any) -> Any:
    return _array(a, dtype, copy=bool(options.get("copy")))


def _as_contiguous(a: Any, dtype: Any = None, *, like: Any = None) -> Any:
    return _laid_out(_as_array(a, dtype), row_major_strides)


def _as_fortran(a: Any, dtype: Any = None, *, like: Any = None) -> Any:
    return _laid_out(_as_array(a, dtype), lambda shape: row_major_strides(shape[::-1])[::-1])


def _laid_out(x: Any, order: Callable[[Any], Any]) -> Any:
    """`x` itself where its elements lie in this order, else a copy; of one axis at least."""
    layout = layout_of(x)
    strides = () if layout is None else zip(x.shape, layout.strides, order(x.shape), strict=True)
    if layout is None or any(n > 1 and have != want for n, have, want in strides):
        x = x.copy()
    return x if x.shape else x.reshape(1)


def _full(shape: Any, fill_value: Any, dtype: Any = None, order: str = "C", **options: Any) -> Any:
    value = lift(fill_value, "np.full")
    name = value.value_type.dtype if dtype is None else supported_dtype(dtype, "np.full")
    made = current_trace().wrap(fitted(value, name, static_shape(shape)))
    made.boxed = not made.shape
    return made


def _from_iterable(iter: Iterable[Any], dtype: Any, count: int = -1, **options: Any) -> Any:
    items = list(iter)
    return _array(items if count < 0 else items[:count], dtype)


def _arange(*args: Any, dtype: Any = None, **options: Any) -> Any:
    """With traced bounds: how many elements there are is asked for, where they lie is traced."""
    bounds = list(args) if len(args) != 1 else [0, args[0]]
    start, stop, step = (*bounds, 1)[:3]
    count = max(math.ceil((stop - start) / step), 0)
    found = start + np.arange(count) * lift(step)
    return found if dtype is None else found.astype(dtype)


MAKERS: dict[Callable[..., Any], Callable[..., Any]] = {
    np.array: _array,
    np.asarray: _as_array,
    np.asanyarray: _as_array,
    np.ascontiguousarray: _as_contiguous,
    np.asfortranarray: _as_fortran,
    np.full: _full,
    np.fromiter: _from_iterable,
    np.arange: _arange,
}
if hasattr(np, "asarray_chkfinite"):
    MAKERS[np.asarray_chkfinite] = _as_array


def _index(x: Any) -> Any:
    """A traced shape as integers."""
    if isinstance(x, list | tuple):
        return tuple(operator.index(each) for each in x)
    return operator.index(x)


_SHAPED: frozenset[Any] = frozenset(
    {np.zeros, np.ones, np.empty, np.eye, np.identity, np.tri, np.indices}
)


# --- functions ---


def complex_buffer(function: Any, made: Any, part: Callable[[Any], Any]) -> Any:
    """What np.zeros and np.empty make: of complex numbers a pair, whose parts `part` makes."""
    if function not in _BUFFERS or type(made) is not np.ndarray or made.dtype.kind != "c":
        return made
    if made.dtype not in (np.complex64, np.complex128):
        return made
    return complexes.ComplexArray(part(made.real.copy()), part(made.imag.copy()))


_BUFFERS = (np.zeros, np.empty)


def _run(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A function of NumPy's, while tracing."""
    if function is np.fromiter and args:  # an iterator is looked into once
        args = (list(args[0]), *args[1:])
    if not any_traced((args, kwargs)) and function not in CALLING_BACK:
        if function in _AS_IT_IS and not kwargs and type(args[0]) is np.ndarray:
            return args[0]
        return complex_buffer(function, call_plain(function, args, kwargs), known)
    if function in MAKERS:
        return MAKERS[function](*args, **kwargs)
    if function in _SHAPED:
        args = tuple(_index(x) if any_traced(x) else x for x in args)
        return call_plain(function, args, kwargs)
    if function in FUNCTIONS or hasattr(function, "__wrapped__"):
        return call_function(function, args, kwargs)
    return function(*args, **kwargs)


_AS_IT_IS: tuple[Any, ...] = (np.asarray, np.asanyarray)


@lru_cache(maxsize=4096)
def function_version(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of NumPy's that takes lists of traced numbers, and makes known arrays."""

    def call(*args: Any, **kwargs: Any) -> Any:
        if is_tracing():
            return _run(function, args, kwargs)
        if MODE.eager is not None:
            return MODE.eager(call, function, args, kwargs)
        return function(*args, **kwargs)

    call.__name__ = getattr(function, "__name__", "function")
    call.__doc__ = function.__doc__
    call.__module__ = "numpy"
    return call


class UfuncVersion:
    """A ufunc of which lists of traced numbers can be operands."""

    def __init__(self, ufunc: np.ufunc) -> None:
        self._ufunc = ufunc
        self.__name__ = ufunc.__name__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._run("__call__", args, kwargs)

    def __hash__(self) -> int:
        return hash(self._ufunc)

    def __eq__(self, other: object) -> bool:
        return self is other or self._ufunc is other

    def _run(self, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = getattr(self._ufunc, method)
        if not is_tracing():
            if MODE.eager is None:
                return call(*args, **kwargs)
            version = self if method == "__call__" else getattr(self, method)
            return MODE.eager(version, call, args, kwargs)
        if not any_traced((args, kwargs)):
            return call_plain(call, args, kwargs)
        return call(*map(_lifted_list, args), **kwargs)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._ufunc, name)
        if not callable(found):
            return found

        def method(*args: Any, **kwargs: Any) -> Any:
            return self._run(name, args, kwargs)

        return method

    def __repr__(self) -> str:
        return repr(self._ufunc)


def _lifted_list(x: Any) -> Any:
    return lift(x) if isinstance(x, list | tuple) and any_traced(x) else x


ufunc_version = lru_cache(maxsize=4096)(UfuncVersion)


# --- modules ---


class Namespace(types.ModuleType):
    """A module whose functions are given in their traced versions, looked up when asked for."""

    def __init__(self, module: types.ModuleType, version: Callable[[str, Any], Any]) -> None:
        super().__init__(module.__name__, module.__doc__)
        self.__dict__["_module"] = module
        self.__dict__["_version"] = version

    def __getattr__(self, name: str) -> Any:
        return self._version(name, getattr(self._module, name))

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._module, name, value)

    def __dir__(self) -> list[str]:
        return dir(self._module)


def _numpy_version(name: str, value: Any) -> Any:
    if isinstance(value, types.ModuleType):
        return NUMPY.get(value, value)
    if name in _REPLACED:
        return _REPLACED[name]
    return version_of(value)


# What NumPy's functions are; others bear their names too, as functions compiled from them do.
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, type(np.sum))


def version_of(value: Any) -> Any:
    """The traced version of a function or type of NumPy's, or of `math`; else the value itself."""
    if isinstance(value, np.ufunc):
        return ufunc_version(value)
    if value is np.vectorize:
        return vectorised.Vectorised
    if value is np.isscalar:
        return questions.is_scalar
    if isinstance(value, type):
        return series.version_of(CONVERTORS.get(value, value))
    if not callable(value):
        return value
    found = special.function_of(value)
    if found is not None:
        return _scipy_version(value, found)
    module = str(getattr(value, "__module__", None) or "")
    if module == "math" and isinstance(value, types.BuiltinFunctionType):
        return _math_version(value)
    if module.partition(".")[0] == "numpy" and type(value) in _FUNCTIONS:
        return function_version(value)
    return value


def _scipy_version(original: Any, traced: Callable[..., Any]) -> Callable[..., Any]:
    """A function that SciPy writes in Python, which gives traced arrays no door."""

    def call(*args: Any, **kwargs: Any) -> Any:
        if is_tracing() and any_traced((args, kwargs)):
            return traced(*map(_lifted_list, args), **kwargs)
        if MODE.eager is not None and not is_tracing():
            return MODE.eager(call, original, args, kwargs)
        return call_plain(original, args, kwargs) if is_tracing() else original(*args, **kwargs)

    call.__name__ = original.__name__
    return call


@lru_cache(maxsize=256)
def _math_version(function: Callable[..., Any]) -> Callable[..., Any]:
    return traced_version(function, _eager_math)


def _eager_math(function: Any, version: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
    if MODE.eager is None or function in _WHOLE:
        return function(*args, **kwargs)
    return MODE.eager(version, function, args, kwargs)


_WHOLE = frozenset({math.floor, math.ceil, math.trunc, math.isnan, math.isinf, math.isfinite})


class _Joiner:
    """np.r_ and np.c_: of traced parts a concatenation."""

    def __init__(self, original: Any, join: Callable[[list[Any]], Any]) -> None:
        self._original = original
        self._join = join

    def __getitem__(self, parts: Any) -> Any:
        if not any_traced(parts):
            read = self._original.__getitem__
            return call_plain(read, (parts,), {}) if is_tracing() else read(parts)
        listed = parts if isinstance(parts, tuple) else (parts,)
        if any(isinstance(part, str) for part in listed):
            raise UnsupportedError(
                "np.r_ and np.c_ with directions in a string are not supported while tracing",
                at=locate(),
                hint="np.concatenate or np.stack",
            )
        flat = function_version(np.atleast_1d)
        return self._join([np.r_[x] if isinstance(x, slice) else flat(x) for x in listed])


def _enumerated(arr: Any) -> Any:
    """np.ndenumerate: indices and elements in row-major order."""
    x = function_version(np.asarray)(arr)
    return ((index, x[index]) for index in np.ndindex(*x.shape))


_REPLACED: dict[str, Any] = {
    "ndenumerate": _enumerated,
    "r_": _Joiner(np.r_, function_version(np.concatenate)),
    "c_": _Joiner(np.c_, function_version(np.column_stack)),
}

NUMPY: dict[types.ModuleType, types.ModuleType] = {
    module: Namespace(module, _numpy_version)
    for module in (
        np,
        np.linalg,
        np.fft,
        np.polynomial,
        np.polynomial.polynomial,
        np.polynomial.chebyshev,
        np.polynomial.legendre,
        np.polynomial.hermite,
        np.polynomial.hermite_e,
        np.polynomial.laguerre,
    )
}
MATH = Namespace(math, lambda name, value: version_of(value))
MODULES: dict[types.ModuleType, types.ModuleType] = {**NUMPY, math: MATH}
