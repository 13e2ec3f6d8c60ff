"""A compiled graph run along arrays of any length, block by block.

The graph is compiled for vectors of `block` elements. The function made here,

    define i32 @fg.blocks(ptr %inputs, ptr %outputs, ptr %context)

calls its `run` for elements 0 … block - 1, block … 2·block - 1, and so on; the last call ends where
the arrays end and may do some elements again. One more place of `inputs` holds their length (not a
pointer), which is at least `block`. Inputs without axes are the same for all blocks. Outputs must
not share memory with inputs.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..ir.types import NUMPY_DTYPE
from .entry import EntrySpec, NoneNode, door_text, interpreter_symbols
from .entry.poll import CONTEXT_SIZE
from .objects.link import link
from .objects.texts import object_of
from .program import Facts, Program

__all__ = ["BlockDoor"]


class BlockDoor:
    """A program of elementwise operations on vectors of one length, and on scalars, as a function
    of C-contiguous arrays of any larger size. The GIL is released meanwhile.
    """

    __slots__ = ("_dtypes", "_library", "_program", "_run")

    def __init__(self, program: Program, block: int) -> None:
        self._program = program
        self._dtypes = [NUMPY_DTYPE[type.dtype] for type in program.facts.outputs]
        spec = EntrySpec("fg", (), (), NoneNode(), release_gil=True, run="fg.blocks")
        texts = (_loop_text(program.facts, block), door_text(spec, interpreter_symbols()))
        objects = [*self._program.objects, *map(object_of, texts)]
        imports = self._program.facts.imports
        self._library = link(objects, imports, ("fg.invoke",), interpreter_symbols())
        pointer = ctypes.c_void_p
        prototype = ctypes.PYFUNCTYPE(ctypes.c_int, pointer, pointer, pointer)
        self._run = prototype(self._library["fg.invoke"])

    def __call__(self, arrays: Sequence[np.ndarray], like: np.ndarray) -> list[np.ndarray]:
        """New arrays of the shape of `like`, which those of `arrays` that have axes have too."""
        results = [np.empty(like.shape, dtype) for dtype in self._dtypes]
        addresses = [_address(x) for x in arrays]
        inputs = (ctypes.c_void_p * (len(addresses) + 1))(*addresses, like.size)
        outputs = (ctypes.c_void_p * len(results))(*[_address(x) for x in results])
        status = self._run(inputs, outputs, (ctypes.c_char * CONTEXT_SIZE)())
        if status > 0:
            self._program.on_error(status)
        if status != 0:  # an interrupt has already come out of the call as an exception
            raise SystemError(f"compiled code returned {status} without an exception")
        return results


def _address(array: np.ndarray) -> Any:
    return array.__array_interface__["data"][0]


def _loop_text(facts: Facts, block: int) -> str:
    """The module of the loop."""
    inputs = [_stride(type.dtype, type.shape) for type in facts.inputs]
    outputs = [_stride(type.dtype, type.shape) for type in facts.outputs]
    lines = [
        "declare i32 @run(ptr, ptr, ptr)",
        "define i32 @fg.blocks(ptr %inputs, ptr %outputs, ptr %context) {",
        "start:",
        f"  %in = alloca [{len(inputs) + 1} x ptr], align 8",
        f"  %out = alloca [{len(outputs) + 1} x ptr], align 8",
        f"  %place = getelementptr inbounds ptr, ptr %inputs, i64 {len(inputs)}",
        "  %length = load i64, ptr %place",
        f"  %last = sub i64 %length, {block}",
        "  br label %loop",
        "loop:",
        "  %at = phi i64 [ 0, %start ], [ %next, %more ]",
        *_moved("in", "%inputs", inputs),
        *_moved("out", "%outputs", outputs),
        "  %status = call i32 @run(ptr %in, ptr %out, ptr %context)",
        "  %failed = icmp ne i32 %status, 0",
        "  %done = icmp eq i64 %at, %last",
        "  %stop = or i1 %failed, %done",
        "  br i1 %stop, label %end, label %more",
        "more:",
        f"  %after = add i64 %at, {block}",
        "  %fits = icmp slt i64 %after, %last",
        "  %next = select i1 %fits, i64 %after, i64 %last",
        "  br label %loop",
        "end:",
        "  ret i32 %status",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _stride(dtype: str, shape: tuple[int, ...]) -> int:
    """Bytes from element to element; 0 for a scalar."""
    return NUMPY_DTYPE[dtype].itemsize if shape else 0


def _moved(name: str, pointers: str, strides: Sequence[int]) -> list[str]:
    """Store the pointers for the block at %at into the array %name."""
    lines = []
    for i, stride in enumerate(strides):
        r = f"%{name}.{i}"
        lines += [
            f"  {r}.from = getelementptr inbounds ptr, ptr {pointers}, i64 {i}",
            f"  {r}.base = load ptr, ptr {r}.from",
            f"  {r}.bytes = mul i64 %at, {stride}",
            f"  {r}.pointer = getelementptr inbounds i8, ptr {r}.base, i64 {r}.bytes",
            f"  {r}.to = getelementptr inbounds ptr, ptr %{name}, i64 {i}",
            f"  store ptr {r}.pointer, ptr {r}.to",
        ]
    return lines
