"""Elementwise code on large arrays, natively: block by block, so that temporaries stay in cache.

NumPy runs through memory once for each operation, and some of its functions have no vector code.
Where arrays are large, an elementwise part of a graph is compiled instead, when it is first run:
once for its dtypes (and for which of its operands are numbers), not for shapes. The results are
those of compiled functions, which differ from NumPy's in the last digits at most. Which of the two
computes depends on sizes alone, so that the same call gives the same bits each time. Without
llvmlite, and where compiling is switched off (`fg.eager()`), NumPy computes everything.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from ....ir import GraphBuilder, Operation, TensorType, Value
from ....ir.op import TABLE, Op
from ....ir.types import NUMPY_DTYPE, dtype_name
from ...compiled.switch import eager_requested
from ..backward.reach import needed_for

__all__ = ["LARGE", "Blocks", "large_eval"]

LARGE = 1 << 16  # elements from which native code is worth its compilation
_BLOCK = 4096


@cache
def _available() -> bool:
    return importlib.util.find_spec("llvmlite") is not None


class Blocks:
    """`outputs`, computed from `inputs` by elementwise `operations`, for large arrays."""

    __slots__ = ("_computed", "_doors", "_dtypes", "_handed", "_operations", "_used", "_values")

    def __init__(
        self, inputs: Sequence[Value], operations: Sequence[Operation], outputs: Sequence[Value]
    ) -> None:
        places = {value: i for i, value in enumerate(inputs)}
        self._handed = [places.get(value) for value in outputs]
        self._computed = [value for value in outputs if value not in places]
        needed = needed_for(self._computed, set(inputs))
        read = {x for operation in needed for x in operation.operands}
        self._used = [i for i, value in enumerate(inputs) if value in read]
        self._values = [inputs[i] for i in self._used]
        self._dtypes = [NUMPY_DTYPE[value.dtype] for value in self._values]
        self._operations = [operation for operation in operations if operation in needed]
        self._doors: dict[tuple[bool, ...], Any] = {}  # by which operands are numbers

    def __call__(self, arguments: Sequence[Any]) -> list[Any] | None:
        """The outputs; None where the arguments are not for native code."""
        arrays, like = [], None
        for i, dtype in zip(self._used, self._dtypes, strict=True):
            x = arguments[i]
            if x.dtype != dtype or (x.ndim and like is not None and x.shape != like.shape):
                return None
            if x.ndim:
                like = x
                x = _thinned(x)
            if not (x.flags.c_contiguous and x.flags.aligned):
                return None
            arrays.append(x)
        numbers = tuple([not x.ndim for x in arrays])
        if like is None or all(numbers) or like.size < LARGE:
            return None
        if eager_requested() or not _available():
            return None
        door = self._doors.get(numbers)
        if door is None:
            door = self._doors[numbers] = self._compiled(numbers)
        computed = iter(door([np.asarray(x) for x in arrays], like))
        return [next(computed) if place is None else arguments[place] for place in self._handed]

    def _compiled(self, numbers: tuple[bool, ...]) -> Any:
        from ....codegen.blocks import BlockDoor
        from ....codegen.program import program_of
        from ....ir.passes.pipeline import CLEAN, LOWER

        builder = GraphBuilder("blocks")
        found: dict[Value, Value] = {}
        for value, number in zip(self._values, numbers, strict=True):
            shape = () if number else (_BLOCK,)
            operand = builder.input(TensorType(value.dtype, shape), value.name)
            found[value] = builder.broadcast(operand, (_BLOCK,))
        for operation in self._operations:
            attributes = dict(operation.attributes)
            if operation.name == "constant":
                attributes["shape"] = (_BLOCK,)
            operands = tuple([found[x] for x in operation.operands])
            found[operation.result] = builder.apply(operation.op, operands, attributes)
        graph = builder.build([found[value] for value in self._computed])
        return BlockDoor(program_of(graph, (*CLEAN, *LOWER)), _BLOCK)


def _thinned(x: Any) -> Any:
    """x, or the one element that is repeated in it."""
    return x if any(x.strides) or not x.size else x[(0,) * x.ndim + (...,)]


@cache
def blocks_of(op_name: str, dtype: np.dtype[Any]) -> Blocks | None:
    """One elementwise op for operands of `dtype`; None where the IR has no such dtype."""
    name = dtype_name(dtype)
    if name is None:
        return None
    builder, kind = GraphBuilder(op_name), TensorType(name, (2,))
    operands = [builder.input(kind) for _ in range(TABLE[op_name].arity or 0)]
    result = builder(op_name, *operands)
    return Blocks(operands, builder.operations, (result,))


_FAST_IN_NUMPY = frozenset((("tanh", "f"),))


def large_eval(op: Op) -> Callable[..., Any]:
    """What evaluates an elementwise op on large arrays: native code, if the op takes long."""
    if "transcendental" not in op.traits:
        return op.eval

    def evaluate(*arrays: Any) -> Any:
        dtype = arrays[0].dtype
        blocks = None if (op.name, dtype.char) in _FAST_IN_NUMPY else blocks_of(op.name, dtype)
        found = None if blocks is None else blocks(arrays)
        return op.eval(*arrays) if found is None else found[0]

    return evaluate
