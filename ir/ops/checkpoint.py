"""checkpoint: a part of a program of which the adjoint keeps nothing but the operands; it computes
the inside again.

    %0 = checkpoint %x, %w {yields = [["f64", [4]]]} (
      ^body(%a: f64[4], %b: f64[4]) { … yield %y }
    ) : f64[4]

later: its first operand, but not before the others are there. What the adjoint computes again reads
the operands through it, so that no pass takes it for what the primal has computed already, and
fusion does not compute it before it is needed.

The derivatives and the batching of a checkpoint are those of its region: they stand in
`ir.checkpoints`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..builder import Builder, Handle
from ..errors import IRError
from ..op import Op, Sample, register
from ..types import TensorType

Yields = tuple[tuple[str, tuple[int, ...]], ...]


def _infer(*operands: TensorType, yields: Yields) -> tuple[TensorType, ...]:
    return tuple(TensorType(dtype, shape) for dtype, shape in yields)


def _eval(*operands: np.ndarray, yields: Yields, regions: tuple[Any, ...]) -> Any:
    from ..interpret import interpret

    return tuple(interpret(regions[0], operands))


def _elsewhere(*_: Any, **__: Any) -> Any:
    raise IRError("checkpoint: what becomes of its region is said in ir.checkpoints")


CHECKPOINT = register(
    Op(
        name="checkpoint",
        arity=None,
        traits=frozenset({"regions", "part"}),
        infer=_infer,
        eval=_eval,
        vjp=(_elsewhere,),
        jvp=(_elsewhere,),
        batch=_elsewhere,
        saves=(),
        emit=None,
        samples=(),
    )
)


# --- later ---


def _infer_later(x: TensorType, *after: TensorType) -> tuple[TensorType, ...]:
    return (x,)


def _eval_later(x: Any, *after: Any) -> Any:
    return x


def _vjp_later(
    b: Builder, g: Handle, operands: tuple[Handle, ...], out: Handle, *, index: int
) -> Handle:
    return g if index == 0 else b.zeros_like(operands[index])


def _jvp_later(
    b: Builder, g: Handle, operands: tuple[Handle, ...], out: Handle, *, index: int
) -> Handle:
    return g if index == 0 else b.zeros_like(out)


def _batch_later(b: Builder, operands: tuple[Handle, ...], batched: tuple[bool, ...]) -> Handle:
    x, *after = operands
    if not batched[0]:
        size = next(b.type_of(y).shape[0] for y, has in zip(operands, batched, strict=True) if has)
        x = b.broadcast(x, (size, *b.type_of(x).shape))
    return b("later", x, *after)


register(
    Op(
        name="later",
        arity=None,
        traits=frozenset({"structure"}),
        infer=_infer_later,
        eval=_eval_later,
        vjp=(_vjp_later,),
        jvp=(_jvp_later,),
        batch=_batch_later,
        saves=(),
        emit=None,
        samples=(
            Sample((TensorType("f64", (2, 3)), TensorType("f64", (4,)))),
            Sample((TensorType("f32", (3,)), TensorType("f32", ()), TensorType("f32", (2,)))),
            Sample((TensorType("i64", (3,)), TensorType("i64", ()))),
        ),
    )
)
