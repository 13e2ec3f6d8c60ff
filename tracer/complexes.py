"""Complex numbers as pairs of real arrays: what a traced function sees of them.

The IR has real numbers only. A complex value is a `ComplexArray`, whose real and imaginary parts
are arrays of their own; its rules are written in NumPy on the parts, so that they serve traced
arrays and the arrays of eager mode alike. Derivatives are those of the parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ..ir.errors import ShapeError
from .errors import TraceError, UnsupportedError
from .pytree import register_pytree_node

# Real and imaginary part; None stands for zero.
Parts = tuple[Any, Any]

UFUNCS: dict[np.ufunc, Callable[..., Any]] = {}
FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}


class ComplexArray:
    """A complex array: `real` and `imag` have one shape and one dtype of float."""

    __slots__ = ("imag", "real")
    __array_priority__ = 1002.0

    def __init__(self, real: Any, imag: Any) -> None:
        self.real = real
        self.imag = imag

    # --- NumPy's protocols ---

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(
        self, function: Any, types: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        return call_function(function, args, kwargs)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        return np.asarray(self.real) + 1j * np.asarray(self.imag)

    # --- what is known ---

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.real.shape)

    @property
    def ndim(self) -> int:
        return len(self.real.shape)

    @property
    def size(self) -> int:
        return int(self.real.size)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.result_type(self.real.dtype, np.complex64)

    def __len__(self) -> int:
        return len(self.real)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"complex array ({self.real!r}, {self.imag!r})"

    def __complex__(self) -> complex:
        return complex(float(self.real), float(self.imag))

    def __bool__(self) -> bool:
        return bool((self.real != 0) | (self.imag != 0))

    # --- operators ---

    def __getitem__(self, index: Any) -> ComplexArray:
        return ComplexArray(self.real[index], self.imag[index])

    def __setitem__(self, index: Any, value: Any) -> None:
        re, im = parts_of(value)
        self.real[index] = 0.0 if re is None else re
        self.imag[index] = 0.0 if im is None else im

    def __add__(self, other: Any) -> Any:
        return np.add(self, other)

    def __radd__(self, other: Any) -> Any:
        return np.add(other, self)

    def __sub__(self, other: Any) -> Any:
        return np.subtract(self, other)

    def __rsub__(self, other: Any) -> Any:
        return np.subtract(other, self)

    def __mul__(self, other: Any) -> Any:
        return np.multiply(self, other)

    def __rmul__(self, other: Any) -> Any:
        return np.multiply(other, self)

    def __truediv__(self, other: Any) -> Any:
        return np.true_divide(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return np.true_divide(other, self)

    def __pow__(self, other: Any) -> Any:
        return np.power(self, other)

    def __rpow__(self, other: Any) -> Any:
        return np.power(other, self)

    def __matmul__(self, other: Any) -> Any:
        return np.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return np.matmul(other, self)

    def __neg__(self) -> Any:
        return ComplexArray(-self.real, -self.imag)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return np.hypot(self.real, self.imag)

    def __eq__(self, other: Any) -> Any:
        return np.equal(self, other)

    def __ne__(self, other: Any) -> Any:
        return np.not_equal(self, other)

    __hash__ = None  # type: ignore[assignment]  # as an ndarray: == compares elements

    # --- in place: the parts are changed, which views of them see ---

    def __iadd__(self, other: Any) -> Any:
        return self._become(self + other)

    def __isub__(self, other: Any) -> Any:
        return self._become(self - other)

    def __imul__(self, other: Any) -> Any:
        return self._become(self * other)

    def __itruediv__(self, other: Any) -> Any:
        return self._become(self / other)

    def __ipow__(self, other: Any) -> Any:
        return self._become(self**other)

    def _become(self, result: Any) -> Any:
        if not self.shape:  # a number is bound anew
            return result
        if result.shape != self.shape:
            raise ShapeError(
                f"non-broadcastable output operand with shape {self.shape} doesn't match the "
                f"broadcast shape {result.shape}"
            )
        self.real[...] = result.real
        self.imag[...] = result.imag
        return self

    # --- methods ---

    def conj(self) -> ComplexArray:
        return ComplexArray(self.real.copy(), -self.imag)

    conjugate = conj

    def copy(self, order: str = "C") -> ComplexArray:
        return ComplexArray(self.real.copy(), self.imag.copy())

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        """In another complex dtype, or (with NumPy's loss) the real part alone."""
        found = np.dtype(dtype)
        if found.kind != "c":
            return self.real.astype(found)
        part = np.float32 if found == np.complex64 else np.float64
        return ComplexArray(self.real.astype(part), self.imag.astype(part))

    @property
    def T(self) -> Any:
        return np.transpose(self)

    def reshape(self, *shape: Any, **kwargs: Any) -> Any:
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, **kwargs)

    def transpose(self, *axes: Any) -> Any:
        return np.transpose(self, (axes[0] if len(axes) == 1 else axes) or None)

    def __getattr__(self, name: str) -> Any:
        function = getattr(np, name, None)
        if name.startswith("_") or function not in FUNCTIONS or not hasattr(np.ndarray, name):
            raise AttributeError(f"a {self!r} has no attribute {name!r}")
        return lambda *args, **kwargs: function(self, *args, **kwargs)


def _flatten(x: ComplexArray) -> tuple[tuple[Any, ...], Any]:
    return (x.real, x.imag), None


def _unflatten(aux: Any, parts: Any) -> Any:
    """Of arrays with values a complex array of NumPy's, else a pair again."""
    re, im = parts
    if all(isinstance(part, np.ndarray | np.generic) for part in (re, im)):
        return (re + 1j * im).astype(np.result_type(re.dtype, np.complex64))
    return ComplexArray(re, im)


# --- from anything to parts and back ---


def is_complex(x: Any) -> bool:
    """Whether `x` is complex: a pair, a number, or an array of NumPy's."""
    if type(x) is ComplexArray:
        return True
    if isinstance(x, np.ndarray | np.generic):
        return x.dtype.kind == "c"
    return isinstance(x, complex)


def any_complex(args: Any) -> bool:
    """Whether a complex value is among arguments, or in a list that is one of them."""
    return any(any_complex(x) if type(x) in (list, tuple) else is_complex(x) for x in args)


def parts_of(x: Any) -> Parts:
    if isinstance(x, complex) and not isinstance(x, np.generic):
        return (x.real or None), (x.imag or None)
    if is_complex(x):
        return x.real, x.imag
    if isinstance(x, list | tuple) and any_complex(x):
        stacked = np.stack([as_complex(each) for each in x])
        return stacked.real, stacked.imag
    return x, None


def as_complex(x: Any) -> Any:
    return x if type(x) is ComplexArray else pair(*parts_of(x))


def pair(re: Any, im: Any) -> Any:
    """A complex array of two parts of one shape and dtype."""
    if _is_number(re) and _is_number(im):
        re, im = np.float64(re or 0.0), np.float64(im or 0.0)
    if _is_number(re):
        im = _float(im)
        re = np.full_like(im, re or 0.0)
    elif _is_number(im):
        re = _float(re)
        im = np.full_like(re, im or 0.0)
    if re.shape != im.shape:
        re, im = np.broadcast_arrays(re, im)
    if re.dtype != im.dtype or re.dtype.kind != "f":
        common = np.result_type(re.dtype, im.dtype, np.float32)
        re, im = re.astype(common), im.astype(common)
    return ComplexArray(re.copy(), im.copy())  # memory of its own: it may be changed in place


def _is_number(x: Any) -> bool:
    return x is None or type(x) in (bool, int, float)


def _float(x: Any) -> Any:
    return x if x.dtype.kind == "f" else x.astype(np.float64)


def plus(x: Any, y: Any) -> Any:
    return y if x is None else x if y is None else np.add(x, y)


def minus(x: Any, y: Any) -> Any:
    if x is None:
        return None if y is None else np.negative(y)
    return x if y is None else np.subtract(x, y)


def times(x: Any, y: Any) -> Any:
    return None if x is None or y is None else np.multiply(x, y)


# --- the doors ---


def call_ufunc(ufunc: np.ufunc, method: str, inputs: Any, kwargs: Mapping[str, Any]) -> Any:
    """A universal function, complex values among whose operands."""
    rule = UFUNCS.get(ufunc)
    out = kwargs.get("out")
    if out is not None and out[0] is not None:
        rest = {name: value for name, value in kwargs.items() if name != "out"}
        return _into(out[0], call_ufunc(ufunc, method, inputs, rest), ufunc.__name__)
    given = {k: v for k, v in kwargs.items() if v is not None and not (k == "where" and v is True)}
    if method == "reduce" and ufunc in _REDUCTIONS:
        return call_function(_REDUCTIONS[ufunc], inputs, {"axis": 0, **given})
    if method == "outer" and rule is not None and len(inputs) == 2:
        x, y = (as_complex(each) for each in inputs)
        return rule(x.reshape(x.shape + (1,) * y.ndim), y)
    if rule is None or method != "__call__":
        raise unsupported(f"np.{ufunc.__name__}")
    if given:
        raise unsupported(f"np.{ufunc.__name__} with {', '.join(given)}")
    return rule(*inputs)


def call_function(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    rule = FUNCTIONS.get(function)
    if rule is None:
        module = function.__module__.replace("numpy", "np", 1)
        raise unsupported(f"{module}.{function.__name__}")
    out = kwargs.get("out")
    if out is None:
        return rule(*args, **kwargs)
    rest = {name: value for name, value in kwargs.items() if name != "out"}
    return _into(out, rule(*args, **rest), function.__name__)


def _into(out: Any, result: Any, name: str) -> Any:
    """`result`, stored into the complex array `out`, which is returned."""
    if type(out) is not ComplexArray:
        raise unsupported(f"np.{name} with out= of another kind of array")
    if np.shape(result) != out.shape:
        raise ShapeError(f"np.{name}: out= has shape {out.shape}, the result {np.shape(result)}")
    out[...] = result
    return out


def unsupported(name: str) -> UnsupportedError:
    return UnsupportedError(
        f"{name} of complex numbers is not supported while tracing",
        hint="x.real and x.imag, which are real arrays",
    )


_REDUCTIONS: dict[np.ufunc, Callable[..., Any]] = {np.add: np.sum}


def real_part(x: Any) -> Any:
    return as_complex(x).real


def imaginary_part(x: Any) -> Any:
    return as_complex(x).imag


def angle(z: Any, deg: bool = False) -> Any:
    angle = np.arctan2(imaginary_part(z), real_part(z))
    return np.degrees(angle) if deg else angle


register_pytree_node(ComplexArray, _flatten, _unflatten)


def refuse_order(*operands: Any) -> Any:
    raise TraceError("complex numbers are not ordered", hint="compare abs(z), z.real or z.imag")
