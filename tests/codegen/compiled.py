"""Compile a graph as it is, and call it on arrays: what the tests of this room are made with."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from fusegrad.codegen.entry import ArrayType, SlowDoor
from fusegrad.codegen.objects.jit import compile_object
from fusegrad.codegen.objects.link import link
from fusegrad.codegen.program import Program, compile_program
from fusegrad.ir import Graph
from fusegrad.ir.passes.pipeline import CLEAN, LOWER, run_passes
from fusegrad.ir.types import NUMPY_DTYPE


def compile_graph(graph: Graph) -> Program:
    return compile_program(run_passes(graph, (*CLEAN, *LOWER)))


def door(program: Program) -> SlowDoor:
    """A door to the program's core, without an entry."""
    library = link([*program.objects, _never_due()], program.module.imports, ("run",))
    types = [
        [ArrayType(v.dtype, v.shape) for v in side]
        for side in (program.graph.inputs, program.graph.outputs)
    ]
    return SlowDoor(library["run"], types[0], types[1], program.on_error, library)


@cache
def _never_due() -> bytes:
    """The object code of a poll that finds nothing."""
    text = "define i32 @fg.poll.due(ptr %context) {\n  ret i32 0\n}\n"
    return compile_object(text, level=0)


def run_compiled(graph: Graph, arguments: Sequence[Any]) -> list[np.ndarray]:
    """The outputs of `graph`, compiled."""
    return run_lowered(run_passes(graph, (*CLEAN, *LOWER)), arguments)


def run_lowered(graph: Graph, arguments: Sequence[Any]) -> list[np.ndarray]:
    """The same for a graph that has been through the passes."""
    arrays = [
        np.ascontiguousarray(x, NUMPY_DTYPE[v.dtype]).reshape(v.shape)
        for x, v in zip(arguments, graph.inputs, strict=True)
    ]
    return door(compile_program(graph))(arrays)
