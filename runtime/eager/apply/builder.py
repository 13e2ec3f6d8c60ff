"""The builder of eager mode: it applies an op at once, to Tensors, and records a node.

Derivative rules run with it when `create_graph` asks for a gradient that can be differentiated
again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ....ir import Builder, TensorType
from ....ir.op import Op
from ....ir.types import NUMPY_DTYPE, dtype_name
from ..core import make_view
from ..errors import explain
from ..graph import names
from ..graph.modes import STATE
from ..graph.opnode import made_by, node_class, record, seen
from .quiet import RESTORE, SILENCE, SILENT

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["TENSORS", "TensorBuilder", "apply", "shares"]


def apply(
    op: Op, operands: Sequence[Any], attributes: dict[str, Any], title: str | None = None
) -> Tensor:
    """The result of `op`, an op with one result, for Tensors, arrays and NumPy scalars.

    Elementwise operands have one dtype and broadcast. `title` is the name of the node.
    """
    arrays = [getattr(x, "_data", x) for x in operands]
    token = SILENCE(SILENT)
    try:
        data = op.eval(*arrays, **attributes)
    except (ValueError, TypeError) as error:
        raise explain(op.name, arrays, error) from None
    finally:
        RESTORE(token)
    node = None
    if STATE.enabled:
        cls = node_class(title or names.of_op(op.name), op.name)
        node = record(cls, operands, arrays, data, attributes)
    if "view" in op.traits and shares(data, arrays[0]) and hasattr(operands[0], "_data"):
        if STATE.enabled is not True:
            seen(node)
        return make_view(data, node, operands[0])
    return made_by(node, data)


def shares(data: Any, operand: Any) -> bool:
    """Whether `data`, the result of a view op, is in the memory of `operand`."""
    if data is operand:
        return True
    return data.base is not None and (not data.size or np.may_share_memory(data, operand))


class TensorBuilder(Builder):
    """Applies ops to Tensors, recording as eager mode does; constants are NumPy scalars."""

    def apply(self, op: Op, operands: tuple[Any, ...], attributes: dict[str, Any]) -> Tensor:
        return apply(op, operands, attributes)

    def type_of(self, x: Any) -> TensorType:
        name = dtype_name(x.dtype)
        if name is None:
            raise TypeError(f"no derivative is known in dtype {x.dtype}")
        return TensorType(name, tuple(x.shape))

    def constant(self, value: float | int | bool, type: TensorType) -> Any:
        return NUMPY_DTYPE[type.dtype].type(value)

    def full_like(self, x: Any, value: float | int | bool) -> Any:
        return x.dtype.type(value)


TENSORS = TensorBuilder()
