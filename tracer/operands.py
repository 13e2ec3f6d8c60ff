"""From what the user passes to values of the graph: lifted, cast, broadcast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ir.builder import GraphBuilder
from ..ir.graph import Value
from ..ir.types import FLOATS, INTEGERS, NUMPY_DTYPE, TensorType
from .promotion import Kind, Shape, broadcast_shapes, result_dtype, supported_dtype
from .surroundings.foreign import leaked
from .trace import current_trace, is_traced, is_tracing

if TYPE_CHECKING:
    from .array import TracedArray

_NUMBERS = (bool, int, float)


def builder() -> GraphBuilder:
    """The builder of the graph that is being traced."""
    return current_trace().builder


def lift(x: Any, who: str = "") -> TracedArray:
    """`x` as an array of the current trace."""
    if is_traced(x) and not is_tracing():
        raise leaked(x)
    return current_trace().lift(x, who)


def wrap(value: Value) -> TracedArray:
    """The traced array of a value, fresh memory of its own."""
    return current_trace().wrap(value)


def wrap_view(value: Value, of: TracedArray, *, shared: bool = False) -> TracedArray:
    """The traced array of a value that in NumPy would be a view of `of`."""
    from .mutation import view_of

    return view_of(value, of, shared=shared)


def is_number(x: Any) -> bool:
    """A Python or a NumPy scalar, whose value is known."""
    return type(x) in _NUMBERS or isinstance(x, np.generic)


def lift_unless_number(x: Any, who: str) -> Any:
    """`x` as it is if it is a number: as a constant it can take any shape and dtype at once."""
    return x if is_number(x) else lift(x, who)


def kind_of(x: Any) -> Kind:
    """What `x` (a traced array or a number) is for NumPy's promotion."""
    if is_traced(x):
        dtype = NUMPY_DTYPE[x.value.type.dtype]
        return _WEAK_KINDS[x.value.type.dtype] if x.weak else dtype
    cls = type(x)
    if cls is bool:
        return NUMPY_DTYPE["bool"]
    if cls is int or cls is float:
        return cls
    return NUMPY_DTYPE[supported_dtype(x.dtype, repr(x))]


_WEAK_KINDS: dict[str, Kind] = {"f64": float, "i64": int, "bool": NUMPY_DTYPE["bool"]}


def shape_of(x: Any) -> Shape:
    """The shape of a traced array or a number."""
    return x.value.type.shape if is_traced(x) else ()


def materialise(x: Any, dtype: str, shape: Shape) -> Value:
    """The value of `x` (a traced array or a number) in `dtype`, broadcast to `shape`."""
    b = builder()
    if not is_traced(x):
        trace = current_trace()
        trace.note_scalar(x)
        return trace.constant(x, TensorType(dtype, shape))
    value = x.value
    producer = value.producer
    if producer is not None and producer.op.name == "constant" and not value.type.shape:
        number = producer.attributes["value"]
        if not (isinstance(number, float) and dtype in INTEGERS):
            return b.constant(number, TensorType(dtype, shape))
    return b.broadcast(b.cast(value, dtype), shape)  # type: ignore[no-any-return]


def cast_to(x: TracedArray, dtype: str) -> Value:
    """The value of `x` in `dtype`."""
    return materialise(x, dtype, x.value.type.shape)


def together(operands: Sequence[Any], who: str) -> tuple[list[Value], str]:
    """Values of all operands in their common dtype and shape, and that dtype."""
    lifted = [lift_unless_number(x, who) for x in operands]
    dtype = result_dtype([kind_of(x) for x in lifted])
    shape = broadcast_shapes(who, [shape_of(x) for x in lifted])
    return [materialise(x, dtype, shape) for x in lifted], dtype


def same_dtype(operands: Sequence[Any], who: str) -> list[Value]:
    """Values of all operands in the dtype that they have in common, each in its own shape."""
    lifted = [lift(x, who) for x in operands]
    dtype = result_dtype([kind_of(x) for x in lifted])
    return [cast_to(x, dtype) for x in lifted]


def float_dtype(dtype: str) -> str:
    """The dtype of a mean: floats as they are, f64 for the others."""
    return dtype if dtype in FLOATS else "f64"


def sum_dtype(dtype: str) -> str:
    """The dtype of a sum in NumPy: i64 for truth values and i32."""
    return "i64" if dtype == "bool" or dtype in INTEGERS else dtype
