"""The array that user code sees while it is traced. Operators and methods are ndarray's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Never

import numpy as np

from ..ir.errors import FusegradError, ShapeError
from ..ir.graph import Operation, Value
from ..ir.types import NUMPY_DTYPE, TensorType
from ..ir.view import View
from . import assignment, complexes, indexing, mutation, ufuncs
from .errors import MissingAttributeError, TraceError
from .promotion import supported_dtype
from .registry import dispatch
from .source import locate
from .trace import current_trace

if TYPE_CHECKING:
    from .trace import Memory, Trace


class TracedArray:
    """A value of the graph, used as a NumPy array of that shape and dtype is used.

    value    the value of the graph that it has now
    tracer   the trace that it belongs to
    weak     whether it stands for a Python number
    boxed    whether it is an array although it has no axes: of a scalar, += makes a new one
    memory   what it shares with other arrays; None while nobody else can see a change of it
    steps    the operations that show it in its memory
    layout   where its elements lie there, once somebody has asked
    seen     the version of the memory that the value was derived from
    """

    __slots__ = (
        "__weakref__",
        "_value",
        "boxed",
        "layout",
        "memory",
        "seen",
        "steps",
        "tracer",
        "weak",
    )
    __array_priority__ = 1000.0

    def __init__(self, value: Value, tracer: Trace, *, weak: bool = False) -> None:
        self._value = value
        self.tracer = tracer
        self.weak = weak
        self.boxed = False
        self.memory: Memory | None = None
        self.steps: tuple[Operation, ...] = ()
        self.layout: View | None = None
        self.seen = 0

    @property
    def value(self) -> Value:
        memory = self.memory
        if memory is None or memory.version == self.seen:
            return self._value
        return mutation.refresh(self)

    @property
    def value_type(self) -> TensorType:
        """Its type, which no store changes."""
        return self._value.type

    # --- NumPy's protocols ---

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return ufuncs.dispatch_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(
        self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return dispatch(function, args, kwargs)

    # --- fusegrad's own functions, which are compositions of ops ---

    __fusegrad_trace__ = True

    def __fusegrad_apply__(
        self, function: Callable[..., Any], operands: Sequence[Any], static: dict[str, Any]
    ) -> Any:
        """Record the composition `function(builder, *operands, **static)`."""
        trace = current_trace()
        values = [trace.lift(x).value for x in operands]
        results = function(trace.builder, *values, **static)
        if isinstance(results, tuple):
            return tuple(trace.wrap(value) for value in results)
        return trace.wrap(results)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise self._has_no_values()

    def _has_no_values(self) -> FusegradError:
        try:
            self.tracer.concretise(self, "array")
        except FusegradError as error:
            return error
        return TraceError(f"a {self!r} cannot become a NumPy array", at=locate())

    # --- what is known ---

    @property
    def shape(self) -> tuple[int, ...]:
        return self._value.type.shape

    @property
    def ndim(self) -> int:
        return len(self._value.type.shape)

    @property
    def size(self) -> int:
        return self._value.type.size

    @property
    def dtype(self) -> np.dtype[Any]:
        return NUMPY_DTYPE[self._value.type.dtype]

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self._value.type.bytes

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __repr__(self) -> str:
        return f"traced array {self._value.type}"

    def __format__(self, spec: str) -> str:
        return repr(self)

    # --- what is not known ---

    def __bool__(self) -> bool:
        return bool(self.tracer.concretise(self, "bool"))

    def __int__(self) -> int:
        return int(self.tracer.concretise(self, "int"))

    def __float__(self) -> float:
        return float(self.tracer.concretise(self, "float"))

    def __complex__(self) -> complex:
        return complex(self.tracer.concretise(self, "complex"))

    def __index__(self) -> int:
        return int(self.tracer.concretise(self, "index"))

    def __trunc__(self) -> int:
        return int(self)

    def __floor__(self) -> int:
        return int(np.floor(self))

    def __ceil__(self) -> int:
        return int(np.ceil(self))

    def item(self, *index: Any) -> Any:
        """The element as a number: one that is still traced, so that gradients flow through it."""
        if len(index) == 1 and not isinstance(index[0], tuple):
            found = self.ravel()[index[0]]
        else:
            found = self[index[0] if len(index) == 1 else index] if index else self
        if found.size != 1:
            raise ShapeError(f"only one element can become a number, not a {found!r}", at=locate())
        dtype = {"f": "f8", "i": "i8"}.get(
            found.dtype.kind, found.dtype
        )  # those of Python's numbers
        number: TracedArray = found.reshape(()).astype(dtype)
        number.weak = True
        return number

    def tolist(self) -> Any:
        return [row.tolist() for row in self] if self.shape else self.item()

    def tobytes(self, order: Any = "C") -> bytes:
        raise self._has_no_values()

    def __reduce__(self) -> Never:
        raise TraceError(
            f"a {self!r} cannot be pickled", at=locate(), hint="return it, and pickle the result"
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or not hasattr(np.ndarray, name):
            raise AttributeError(f"a {self!r} has no attribute {name!r}")
        raise MissingAttributeError(
            f"ndarray.{name} is not supported while tracing",
            at=locate(),
            hint="the np function of that name may be",
        )

    # --- indexing ---

    def __getitem__(self, index: Any) -> TracedArray:
        return indexing.get_item(self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        assignment.set_item(self, index, value)

    def __iter__(self) -> Iterator[TracedArray]:
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(self.shape[0]))

    def __contains__(self, x: Any) -> bool:
        return bool((self == x).any())

    # --- operators ---

    def __add__(self, other: Any) -> Any:
        return ufuncs.operate(np.add, self, other)

    def __radd__(self, other: Any) -> Any:
        return ufuncs.operate(np.add, other, self)

    def __sub__(self, other: Any) -> Any:
        return ufuncs.operate(np.subtract, self, other)

    def __rsub__(self, other: Any) -> Any:
        return ufuncs.operate(np.subtract, other, self)

    def __mul__(self, other: Any) -> Any:
        return ufuncs.operate(np.multiply, self, other)

    def __rmul__(self, other: Any) -> Any:
        return ufuncs.operate(np.multiply, other, self)

    def __truediv__(self, other: Any) -> Any:
        return ufuncs.operate(np.true_divide, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return ufuncs.operate(np.true_divide, other, self)

    def __floordiv__(self, other: Any) -> Any:
        return ufuncs.operate(np.floor_divide, self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return ufuncs.operate(np.floor_divide, other, self)

    def __mod__(self, other: Any) -> Any:
        return ufuncs.operate(np.remainder, self, other)

    def __rmod__(self, other: Any) -> Any:
        return ufuncs.operate(np.remainder, other, self)

    def __divmod__(self, other: Any) -> Any:
        return ufuncs.operate(np.divmod, self, other)

    def __rdivmod__(self, other: Any) -> Any:
        return ufuncs.operate(np.divmod, other, self)

    def __pow__(self, other: Any) -> Any:
        return ufuncs.power_operator(self, other)

    def __rpow__(self, other: Any) -> Any:
        return ufuncs.operate(np.power, other, self)

    def __matmul__(self, other: Any) -> Any:
        return ufuncs.operate(np.matmul, self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return ufuncs.operate(np.matmul, other, self)

    def __and__(self, other: Any) -> Any:
        return ufuncs.operate(np.bitwise_and, self, other)

    def __rand__(self, other: Any) -> Any:
        return ufuncs.operate(np.bitwise_and, other, self)

    def __or__(self, other: Any) -> Any:
        return ufuncs.operate(np.bitwise_or, self, other)

    def __ror__(self, other: Any) -> Any:
        return ufuncs.operate(np.bitwise_or, other, self)

    def __xor__(self, other: Any) -> Any:
        return ufuncs.operate(np.bitwise_xor, self, other)

    def __rxor__(self, other: Any) -> Any:
        return ufuncs.operate(np.bitwise_xor, other, self)

    def __lt__(self, other: Any) -> Any:
        return ufuncs.operate(np.less, self, other)

    def __le__(self, other: Any) -> Any:
        return ufuncs.operate(np.less_equal, self, other)

    def __gt__(self, other: Any) -> Any:
        return ufuncs.operate(np.greater, self, other)

    def __ge__(self, other: Any) -> Any:
        return ufuncs.operate(np.greater_equal, self, other)

    def __eq__(self, other: object) -> Any:
        return ufuncs.equality(np.equal, self, other)

    def __ne__(self, other: object) -> Any:
        return ufuncs.equality(np.not_equal, self, other)

    def __hash__(self) -> int:
        if self.shape or self.boxed:  # == compares elements
            raise TypeError("unhashable type: 'numpy.ndarray'")
        raise TraceError(
            f"a {self!r} has no value while tracing, it cannot be in a set or a key of a dict",
            at=locate(),
            hint="lists and indices instead of sets and dicts of values; np.unique for a set",
        )

    def __neg__(self) -> Any:
        return ufuncs.operate(np.negative, self)

    def __pos__(self) -> Any:
        return ufuncs.operate(np.positive, self)

    def __abs__(self) -> Any:
        return ufuncs.operate(np.absolute, self)

    def __invert__(self) -> Any:
        return ufuncs.operate(np.invert, self)

    def __round__(self, digits: int | None = None) -> Any:
        if self.shape:
            raise TypeError(f"a {self!r} has no __round__: use np.round")
        return int(np.rint(self)) if digits is None else self.round(digits)

    # --- operators in place: a number is rebound, an array that nobody else sees is changed ---

    def __iadd__(self, other: Any) -> Any:
        return self._become("+", self + other)

    def __isub__(self, other: Any) -> Any:
        return self._become("-", self - other)

    def __imul__(self, other: Any) -> Any:
        return self._become("*", self * other)

    def __itruediv__(self, other: Any) -> Any:
        return self._become("/", self / other)

    def __ifloordiv__(self, other: Any) -> Any:
        return self._become("//", self // other)

    def __imod__(self, other: Any) -> Any:
        return self._become("%", self % other)

    def __ipow__(self, other: Any) -> Any:
        return self._become("**", self**other)

    def __imatmul__(self, other: Any) -> Any:
        return self._become("@", self @ other)

    def __iand__(self, other: Any) -> Any:
        return self._become("&", self & other)

    def __ior__(self, other: Any) -> Any:
        return self._become("|", self | other)

    def __ixor__(self, other: Any) -> Any:
        return self._become("^", self ^ other)

    def _become(self, sign: str, result: Any) -> Any:
        """What `self` is after ``self {sign}= other``."""
        if result is NotImplemented or not (self.shape or self.boxed):
            return result
        return mutation.store_result(f"{sign}=", self, result)

    # --- methods that are a NumPy function of the same name ---

    def sum(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.sum, (self, *args), kwargs)

    def prod(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.prod, (self, *args), kwargs)

    def mean(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.mean, (self, *args), kwargs)

    def var(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.var, (self, *args), kwargs)

    def std(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.std, (self, *args), kwargs)

    def max(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.max, (self, *args), kwargs)

    def min(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.min, (self, *args), kwargs)

    def argmax(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.argmax, (self, *args), kwargs)

    def argmin(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.argmin, (self, *args), kwargs)

    def argsort(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.argsort, (self, *args), kwargs)

    def argpartition(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.argpartition, (self, *args), kwargs)

    def searchsorted(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.searchsorted, (self, *args), kwargs)

    def sort(self, *args: Any, **kwargs: Any) -> None:
        self[...] = dispatch(np.sort, (self, *args), kwargs)

    def partition(self, *args: Any, **kwargs: Any) -> None:
        self[...] = dispatch(np.partition, (self, *args), kwargs)

    def fill(self, value: Any) -> None:
        self[...] = value

    def put(self, indices: Any, values: Any, mode: str = "raise") -> None:
        dispatch(np.put, (self, indices, values, mode), {})

    @property
    def flat(self) -> assignment.Flat:
        return assignment.Flat(self)

    @flat.setter
    def flat(self, values: Any) -> None:
        assignment.Flat(self)[:] = values

    def any(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.any, (self, *args), kwargs)

    def all(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.all, (self, *args), kwargs)

    def cumsum(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.cumsum, (self, *args), kwargs)

    def cumprod(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.cumprod, (self, *args), kwargs)

    def compress(self, condition: Any, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.compress, (condition, self, *args), kwargs)

    def choose(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.choose, (self, *args), kwargs)

    def dot(self, other: Any, **kwargs: Any) -> Any:
        return dispatch(np.dot, (self, other), kwargs)

    def clip(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.clip, (self, *args), kwargs)

    def round(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.round, (self, *args), kwargs)

    def take(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.take, (self, *args), kwargs)

    def repeat(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.repeat, (self, *args), kwargs)

    def squeeze(self, axis: Any = None) -> Any:
        return dispatch(np.squeeze, (self, axis), {})

    def swapaxes(self, axis1: int, axis2: int) -> Any:
        return dispatch(np.swapaxes, (self, axis1, axis2), {})

    def diagonal(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.diagonal, (self, *args), kwargs)

    def trace(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.trace, (self, *args), kwargs)

    def ravel(self, order: str = "C") -> Any:
        return dispatch(np.ravel, (self,), {"order": order})

    # --- methods with a call of their own ---

    def reshape(self, *shape: Any, **kwargs: Any) -> Any:
        wanted = shape[0] if len(shape) == 1 else shape
        return dispatch(np.reshape, (self, wanted), kwargs)

    def flatten(self, order: str = "C") -> Any:
        return dispatch(np.ravel, (self,), {"order": order}).copy()

    def transpose(self, *axes: Any) -> Any:
        wanted = (axes[0] if len(axes) == 1 else axes) or None
        return dispatch(np.transpose, (self, wanted), {})

    def astype(self, dtype: Any, *args: Any, copy: bool = True, **kwargs: Any) -> Any:
        """The elements in another dtype. Without `copy` it is the same array where it can be."""
        from .operands import cast_to, lift, wrap

        if not copy and not self.weak and self.dtype == dtype:
            return self
        if np.dtype(dtype).kind == "c":
            return complexes.as_complex(self).astype(dtype)

        return wrap(cast_to(lift(self), supported_dtype(dtype, "the result of astype")))

    def copy(self, order: str = "C") -> TracedArray:
        from .operands import lift, wrap

        return wrap(lift(self).value)

    def __copy__(self) -> TracedArray:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> TracedArray:
        return self.copy()

    @property
    def T(self) -> Any:
        return self.transpose()

    @property
    def mT(self) -> Any:
        if self.ndim < 2:
            raise ValueError("matrix transpose with ndim < 2 is undefined")
        return self.swapaxes(-1, -2)

    @property
    def real(self) -> TracedArray:
        return self

    @property
    def imag(self) -> Any:
        return dispatch(np.zeros_like, (self,), {})

    def conj(self) -> TracedArray:
        return self

    conjugate = conj
