"""What becomes of a call, stage by stage, for the reader."""

from __future__ import annotations

import html
from typing import Any

from ...ir import Graph
from ...ir.text import print_graph
from .variant import Variant


class Stage:
    """One stage of a compilation: `str()` is its text; `graph` its graph, where it has one."""

    def __init__(self, name: str, text: str, graph: Graph | None = None) -> None:
        self.name = name
        self.text = text
        self.graph = graph

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<stage {self.name}: {len(self.text.splitlines())} lines; print() shows them>"

    def _repr_html_(self) -> str:
        text = html.escape(self.text)
        return f"<details open><summary>{self.name}</summary><pre>{text}</pre></details>"


class Lowered:
    """The stages of one call: `.trace .adjoint .fused .loops .llvm .asm`, each made when it is
    asked for.
    """

    def __init__(self, variant: Variant) -> None:
        self._variant = variant

    @property
    def trace(self) -> Stage:
        """What the function did, op by op."""
        return _graph_stage("trace", self._variant.traced.graph)

    @property
    def adjoint(self) -> Stage:
        """Value and gradient together (for `compile`: the value), simplified."""
        return _graph_stage("adjoint", self._variant.graph)

    @property
    def fused(self) -> Stage:
        """Kernels, and the operations that are none."""
        return _graph_stage("fused", self._variant.program.graph)

    @property
    def loops(self) -> Stage:
        """The loop nest of each kernel."""
        from ...codegen.module import print_loops

        return Stage("loops", print_loops(self._variant.program.graph))

    @property
    def llvm(self) -> Stage:
        """The LLVM module after LLVM's passes, as what computes goes to code generation."""
        from ...codegen.objects.jit import optimised

        return Stage("llvm", optimised(self._variant.program.module.llvm))

    @property
    def asm(self) -> Stage:
        """The machine code, as assembly."""
        from ...codegen.objects.jit import assembly

        return Stage("asm", assembly(self._variant.program.module.llvm))

    def __str__(self) -> str:
        return "\n\n".join(str(stage) for stage in (self.trace, self.adjoint, self.fused))

    def __repr__(self) -> str:
        return f"<Lowered @{self._variant.graph.name}: .trace .adjoint .fused .loops .llvm .asm>"

    def _repr_html_(self) -> str:
        stages: list[Any] = [self.trace, self.adjoint, self.fused, self.loops]
        return "".join(stage._repr_html_() for stage in stages)


def _graph_stage(name: str, graph: Graph) -> Stage:
    return Stage(name, print_graph(graph, stage=name), graph)
