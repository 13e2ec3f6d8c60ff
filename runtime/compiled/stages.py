"""The graphs between a trace and its machine code, each made when it is first needed.

With code from the object cache none of them is: the key of the code is the content of the trace and
what is to be made of it. Who asks for a stage (`lower`, `explain`, an error that wants its line)
gets what the passes give now.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...ir import FusegradError, Graph, ShapeError, TensorType
from ...ir.location import Location
from ...ir.passes.pipeline import CLEAN, MERGE, Timings, lowering, run_passes
from ...tracer.run import Traced
from .paths import VERDICT, with_verdict
from .transform import Plan, apply

if TYPE_CHECKING:
    from ...codegen.sizes.families import Families
    from ...ir.passes.budget import Saving

MAX_DIMENSIONS = 64  # of NumPy's arrays


class Stages:
    """What becomes of a trace. `line` is the function's, for errors that know no other; `donated`
    says which outputs are to be in the memory of which inputs; `families` has the texts of the
    function's other programs.
    """

    def __init__(
        self,
        traced: Traced,
        plan: Plan,
        kind: str,
        timings: Timings,
        line: Location | None,
        donated: Mapping[int, int],
        families: Families | None = None,
    ) -> None:
        self.traced, self.plan, self.kind, self.line = traced, plan, kind, line
        self.donated = donated
        self.timings: Timings | None = timings
        self.families = families
        self._branch: Graph | None = None
        self._graph: Graph | None = None
        self.saving: Saving | None = None  # what became of the budget, when there is a graph
        self._key: tuple[str | None] | None = None

    @property
    def types(self) -> tuple[TensorType, ...]:
        """The types of the outputs of `graph`."""
        types = self.plan.types(self.traced)
        return (
            types if not self.traced.conditions else (*types[: self.plan.tree.num_leaves], *VERDICT)
        )

    @property
    def in_place(self) -> Mapping[int, int]:
        """The outputs that are given the memory of inputs when they are computed: none on a path,
        as a call may turn out to take another one.
        """
        return {} if self.traced.conditions else self.donated

    @property
    def branch(self) -> Graph:
        """Value and gradient, simplified; on a path, the values of its conditions behind them."""
        if self._branch is None:
            self._branch = run_passes(self._transformed(), CLEAN, self.timings)
        return self._branch

    @property
    def graph(self) -> Graph:
        """The same, on a path with the verdict in the place of the conditions."""
        if self._graph is None:
            self._graph = self.branch
            if self.traced.conditions:
                judged = with_verdict(self.branch, self.traced.conditions)
                self._graph = run_passes(judged, CLEAN, self.timings)
        return self._graph

    def fused(self) -> Graph:
        """Kernels, and the operations that are none."""
        return run_passes(self.graph, lowering(self.plan.fastmath), self.timings)

    @property
    def key(self) -> str | None:
        """The key of the machine code in the object cache; None where it can't be there."""
        if self._key is None:
            from ...codegen.program import key_of_program

            plan, conditions = self.plan, self.traced.conditions
            answers = tuple(condition.answer for condition in conditions)
            donated = (("donated", *sorted(self.in_place.items())),) if self.in_place else ()
            fast = ("fastmath",) if plan.fastmath else ()
            how = (plan.outputs, plan.wrt, plan.seed, plan.budget, answers)
            purpose = ("variant", *how, *donated, *fast)
            self._key = (key_of_program(self.traced.graph, purpose),)
        return self._key[0]

    def load(self) -> Any:
        """The program in the object cache, or None."""
        from ...codegen.program import load_program

        program = load_program(self.key, self.fused, self.in_place, self.families)
        if program is not None and self.timings is not None:
            self.timings.add("load", program.seconds["load"])
            self.timings = None  # what is made later on is no part of the compilation
        return program

    def compile(self, fused: Graph) -> Any:
        """The program of the graph that `fused` gave, compiled now and kept in the object cache."""
        from ...codegen.program import compile_program, store_program

        program = compile_program(fused, self.in_place, self.families)
        if program.sharing is None:
            store_program(self.key, program)
        else:
            program.forget(self.fused)
            self.timings = None  # as above
            if not self.traced.conditions:  # there are many like it: who asks gets them anew
                self._branch = self._graph = None
        return program

    def _transformed(self) -> Graph:
        try:
            graph, self.saving = apply(self.plan, self._merged(), self.kind)
            self._check(graph)
        except FusegradError as error:
            error.at = error.at or self.line
            raise
        return graph

    def _merged(self) -> Graph:
        """The trace with equal operations merged (so are then adjoints) and long loops as loops."""
        return run_passes(self.traced.graph, MERGE, self.timings)

    def _check(self, graph: Graph) -> None:
        for value in graph.outputs:
            if value.type.ndim > MAX_DIMENSIONS:
                what = f"@{self.traced.graph.name} returns an array of {value.type.ndim} dimensions"
                raise ShapeError(what, hint=f"NumPy's arrays have {MAX_DIMENSIONS} at most")
