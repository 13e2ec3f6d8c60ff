"""Derivative rules of ops, each written out as one function of NumPy arrays.

A rule of the op table is traced once for a dtype, simplified, and printed as straight-line Python:
what backward calls for an operand is `f(g, *operands, out)`, and nothing of the builder is left.
The functions hold no extents: they serve operands of every shape.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ....ir import GraphBuilder, TensorType
from ....ir.op import TABLE, NoDerivative, Op
from ....ir.types import dtype_name
from ..backward.straight import function_of

__all__ = ["Derivatives", "derivatives", "power_of"]

Derivatives = tuple[Any, ...]  # by operand: f(g, *operands, out); None where it is zero


def derivatives(
    op_name: str,
    dtype: np.dtype[Any],
    dims: tuple[int, ...] = (),
    attributes: tuple[tuple[str, Any], ...] = (),
    number: float | None = None,
) -> Derivatives:
    """The rules of an op for operands of `dtype`; () where the IR has no such dtype, and where an
    operand has no derivative (it is integer, or zero).

    `dims` are the numbers of axes of the operands, for a contraction; elementwise ops take any.
    With `number` that stands everywhere in the second operand.
    """
    name = dtype_name(dtype)
    if name is None:
        return ()
    op = TABLE[op_name]
    if any(isinstance(op.vjp_rule(i), NoDerivative) for i in range(op.arity or 0)):
        return ()
    kinds = [TensorType(name, (2,) * n) for n in dims or (1,) * (op.arity or 0)]
    return tuple(_function(op, i, kinds, dict(attributes), number) for i in range(len(kinds)))


def _function(
    op: Op,
    index: int,
    kinds: list[TensorType],
    attributes: dict[str, Any],
    number: float | None,
) -> Callable[..., Any]:
    from ....ir.passes.pipeline import CLEAN, run_passes

    builder = GraphBuilder(op.name)
    kind = op.infer(*kinds, **attributes)[0]
    g = builder.input(kind, "g")
    operands = [builder.input(kind) for kind in kinds]
    out = builder.input(kind, "out")
    if number is not None:
        operands[1] = builder.constant(number, kind)
    rule: Any = op.vjp_rule(index)
    result = rule(builder, g, tuple(operands), out, **attributes)
    graph = run_passes(builder.build([result]), CLEAN)
    return function_of(graph.inputs, graph.operations, graph.outputs[0])


def power_of(x: np.ndarray, exponent: np.ndarray, otherwise: Callable[..., Any] = np.power) -> Any:
    """x to the power of a number: small whole ones by multiplication, as compiled code has them."""
    number = exponent.item()
    if number == 2.0:
        return np.multiply(x, x)
    if number == 3.0:
        return np.multiply(np.multiply(x, x), x)
    return otherwise(x, exponent)
