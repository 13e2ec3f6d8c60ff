"""The array that user code sees while it is traced. Operators and methods are ndarray's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Never

import numpy as np

from ..ir.errors import FusegradError, ShapeError
from ..ir.graph import Operation, Value
from ..ir.types import NUMPY_DTYPE, TensorType
from ..ir.view import View
from . import assignment, indexing, mutation
from .errors import MissingAttributeError, TraceError
from .functions import ufuncs
from .functions.calculus import without_derivative
from .methods import Methods
from .operators import Operators
from .registry import dispatch
from .source import locate
from .trace import current_trace

if TYPE_CHECKING:
    from .trace import Memory, Trace


class TracedArray(Operators, Methods):
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
        self.boxed = tracer.boxes and not weak
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

    @shape.setter
    def shape(self, shape: Any) -> None:
        raise no_shape_setter()

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

    def tensor_method(self, name: str) -> Any:
        """The method of Tensors of that name, where this stands for one; otherwise None."""
        return self.tracer.method_of(name) if self.tracer.is_tensor(self) else None

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
        """The element as a number: one that is still traced, so that gradients flow through it. Of
        Tensors they do not.
        """
        if len(index) == 1 and not isinstance(index[0], tuple):
            found = self.ravel()[index[0]]
        else:
            found = self[index[0] if len(index) == 1 else index] if index else self
        if found.size != 1:
            raise ShapeError(f"only one element can become a number, not a {found!r}", at=locate())
        dtype = {"f": "f8", "i": "i8"}.get(
            found.dtype.kind, found.dtype
        )  # those of Python's numbers
        if self.tracer.is_tensor(self):  # whose numbers are Python's, which have no gradient
            found = without_derivative(found)
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
        if not name.startswith("_"):
            method = self.tensor_method(name)
            if method is not None:
                return partial(method, self)
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


def no_shape_setter() -> MissingAttributeError:
    return MissingAttributeError(
        "the shape of an array can't be set in a compiled function",
        at=locate(),
        hint="y = y.reshape(shape), which is a view of the same elements",
    )
