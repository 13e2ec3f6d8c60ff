"""NumPy's functions of complex numbers: on both parts, multilinear, or with a rule of their own."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import reduce
from itertools import product
from typing import Any

import numpy as np

from ..complexes import (
    FUNCTIONS,
    UFUNCS,
    ComplexArray,
    angle,
    as_complex,
    imaginary_part,
    is_complex,
    minus,
    pair,
    parts_of,
    plus,
    real_part,
    unsupported,
)

# --- functions that act on both parts alike ---


def _on_parts(function: Callable[..., Any], places: tuple[int, ...]) -> Callable[..., Any]:
    """A function that is linear in the arguments at `places`, which are arrays or lists of them."""

    def rule(*args: Any, **kwargs: Any) -> Any:
        if kwargs.get("out") is not None:
            raise unsupported(f"np.{function.__name__} with out")
        runs = []
        for part in (0, 1):
            given = [_part(x, part) if i in places else x for i, x in enumerate(args)]
            runs.append(function(*given, **kwargs))
        return _joined(*runs)

    return rule


def _part(x: Any, part: int) -> Any:
    if type(x) in (list, tuple):
        return type(x)(_part(each, part) for each in x)
    complex_ = as_complex(x)
    return complex_.imag if part else complex_.real


def _joined(re: Any, im: Any) -> Any:
    if isinstance(re, list | tuple):
        return type(re)(_joined(*each) for each in zip(re, im, strict=True))
    return ComplexArray(re, im)


def _multilinear(
    function: Callable[..., Any], first: int = 0, conjugated: int | None = None
) -> Callable[..., Any]:
    """A function that is linear in each array from argument `first` on; one may be conjugated."""

    def rule(*args: Any, **kwargs: Any) -> Any:
        arrays = [i for i, x in enumerate(args) if i >= first and _is_array(x)]
        given = [parts_of(args[i]) for i in arrays]
        if conjugated is not None:
            re, im = given[conjugated]
            given[conjugated] = (re, None if im is None else -im)
        total: list[Any] = [None, None]
        for chosen in product((0, 1), repeat=len(arrays)):
            factors = [parts[k] for parts, k in zip(given, chosen, strict=True)]
            if any(x is None for x in factors):
                continue
            operands = list(args)
            for i, x in zip(arrays, factors, strict=True):
                operands[i] = x
            term = function(*operands, **kwargs)
            turns = sum(chosen)  # a factor of i for each imaginary part
            add = minus if turns % 4 >= 2 else plus
            total[turns % 2] = add(total[turns % 2], term)
        return pair(*total)

    return rule


def _is_array(x: Any) -> bool:
    return is_complex(x) or hasattr(x, "__array_function__") or isinstance(x, int | float | list)


_FIRST = (
    "sum mean reshape ravel transpose swapaxes moveaxis rollaxis squeeze expand_dims flip fliplr "
    "flipud roll rot90 tile repeat take take_along_axis diagonal trace diag diagflat tril triu pad "
    "broadcast_to diff cumsum split array_split hsplit vsplit dsplit copy delete compress gradient "
    "trapezoid resize atleast_1d atleast_2d atleast_3d average ediff1d extract "
)
_LISTS = "concatenate stack vstack hstack dstack column_stack block"
for _name in _FIRST.split():
    FUNCTIONS[getattr(np, _name)] = _on_parts(getattr(np, _name), (0,))
for _name in _LISTS.split():
    FUNCTIONS[getattr(np, _name)] = _on_parts(getattr(np, _name), (0,))
FUNCTIONS[np.where] = _on_parts(np.where, (1, 2))
FUNCTIONS[np.append] = _on_parts(np.append, (0, 1))
FUNCTIONS[np.fft.fftshift] = _on_parts(np.fft.fftshift, (0,))
FUNCTIONS[np.fft.ifftshift] = _on_parts(np.fft.ifftshift, (0,))
FUNCTIONS[np.extract] = _on_parts(np.extract, (1,))
FUNCTIONS[np.compress] = _on_parts(np.compress, (1,))
for _function in (np.dot, np.inner, np.outer, np.kron, np.convolve):
    FUNCTIONS[_function] = _multilinear(_function)
FUNCTIONS[np.vdot] = _multilinear(np.vdot, conjugated=0)
FUNCTIONS[np.correlate] = _multilinear(np.correlate, conjugated=1)
FUNCTIONS[np.einsum] = _multilinear(np.einsum, 1)
UFUNCS[np.matmul] = _multilinear(np.matmul)
if hasattr(np, "vecdot"):
    UFUNCS[np.vecdot] = _multilinear(np.vecdot, conjugated=0)


def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    return _multilinear(lambda x, y: np.tensordot(x, y, axes))(a, b)


FUNCTIONS[np.tensordot] = _tensordot


# --- functions with a rule of their own ---


def _variance(
    a: Any, axis: Any = None, dtype: Any = None, out: None = None, ddof: float = 0, **options: Any
) -> Any:
    """The variance of both parts together."""
    options = {"axis": axis, "ddof": ddof, **options}
    return np.var(real_part(a), **options) + np.var(imaginary_part(a), **options)


def _product_of(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    z = as_complex(a)
    z, at = (z.reshape(-1), 0) if axis is None else (z, operator.index(axis) % z.ndim)
    moved = np.moveaxis(z, at, 0)
    result = reduce(operator.mul, (moved[i] for i in range(len(moved))))
    if not keepdims:
        return result
    shape = (1,) * np.ndim(a) if axis is None else (*z.shape[:at], 1, *z.shape[at + 1 :])
    return result.reshape(shape)


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    return np.linalg.norm(abs(as_complex(x)), ord, axis, keepdims)


def _isclose(
    a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Any:
    return abs(as_complex(a) - b) <= atol + rtol * abs(as_complex(b))


def _filled(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda a, **options: ComplexArray(
        function(real_part(a), **options), np.zeros_like(imaginary_part(a), **options)
    )


FUNCTIONS.update(
    {
        np.real: real_part,
        np.imag: imaginary_part,
        np.angle: angle,
        np.var: _variance,
        np.std: lambda a, *args, **options: np.sqrt(_variance(a, *args, **options)),
        np.prod: _product_of,
        np.linalg.norm: _norm,
        np.isclose: _isclose,
        np.allclose: lambda *args, **options: np.all(_isclose(*args, **options)),
        np.iscomplexobj: lambda x: True,
        np.isrealobj: lambda x: False,
        np.isreal: lambda x: imaginary_part(x) == 0,
        np.iscomplex: lambda x: imaginary_part(x) != 0,
        np.shape: lambda a: a.shape,
        np.ndim: lambda a: a.ndim,
        np.size: lambda a, axis=None: a.size if axis is None else a.shape[axis],
        np.zeros_like: _filled(np.zeros_like),
        np.ones_like: _filled(np.ones_like),
        np.real_if_close: lambda a, tol=100: as_complex(a),
    }
)
