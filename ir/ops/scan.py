"""scan: a counted loop. Its region is one step: what it carries on, and what it leaves behind.

    %0, %1 = scan %start, %x, %w {length = 100, carries = 1, slices = 1, reverse = false,
                                  yields = [["f64", [3]]]} (
      ^body(%c: f64[], %x0: f64[4], %w0: f64[4]) { … yield %next, %left }
    ) : f64[], f64[100, 3]

The first `carries` operands are the carries' first values; of the next `slices`, each of which has
`length` as its first axis, a step reads its own part; of the rest it reads all. The region yields
the next carries, and then one part of each stacked result: `yields` = [[dtype, shape], …] are
these. The results are the last carries and the stacks. With `reverse` the steps run from the last
part to the first.

Its derivatives and its batching are those of its region: they stand in `ir.loops`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import IRError
from ..op import Op, register
from ..types import TensorType

Yields = tuple[tuple[str, tuple[int, ...]], ...]


def _infer(
    *operands: TensorType, length: int, carries: int, slices: int, reverse: bool, yields: Yields
) -> tuple[TensorType, ...]:
    if length < 1:
        raise IRError(f"scan: {length} steps")
    if carries < 0 or slices < 0 or carries + slices > len(operands):
        raise IRError(f"scan: {carries} carries and {slices} slices of {len(operands)} operands")
    for operand in operands[carries : carries + slices]:
        if operand.shape[:1] != (length,):
            raise IRError(f"scan: {operand} has not {length} parts")
    stacks = (TensorType(dtype, (length, *shape)) for dtype, shape in yields)
    return (*operands[:carries], *stacks)


def _eval(
    *operands: np.ndarray,
    length: int,
    carries: int,
    slices: int,
    reverse: bool,
    yields: Yields,
    regions: tuple[Any, ...],
) -> tuple[np.ndarray, ...]:
    from ..interpret import interpret

    carried = list(operands[:carries])
    cut, whole = operands[carries : carries + slices], operands[carries + slices :]
    stacks: list[list[np.ndarray]] = [[] for _ in yields]
    for i in range(length)[:: -1 if reverse else 1]:
        outputs = interpret(regions[0], [*carried, *(x[i] for x in cut), *whole])
        carried = outputs[:carries]
        for stack, part in zip(stacks, outputs[carries:], strict=True):
            stack.append(part)
    turn = slice(None, None, -1 if reverse else 1)
    return (*carried, *(np.stack(stack)[turn] for stack in stacks))


def _elsewhere(*_: Any, **__: Any) -> Any:
    raise IRError("scan: derivatives and batching are made from its region, by ir.loops")


SCAN = register(
    Op(
        name="scan",
        arity=None,
        traits=frozenset({"regions", "loop"}),
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
