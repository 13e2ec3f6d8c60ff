"""One compiled variant of a function: for arguments of certain types, in a certain state of its
surroundings.
"""

from __future__ import annotations

import sys
import time
import types
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...codegen.entry import ValueGuard
from ...ir import Graph
from ...ir.passes.pipeline import Timings
from ...ir.text import print_graph
from ...ir.types import NUMPY_DTYPE
from ...tracer.pytree import Treedef, unflatten
from ...tracer.source import location_of
from ...tracer.trace import LARGEST_DENSE, array_behind, is_traced, is_tracing
from .call import Call, Parameters, as_array
from .donation import check_apart, store
from .guards import AnyGuard, SlowGuard, Surroundings, holds, root_of
from .paths import Answers, answers_until, refused_by, verdict_of
from .progress import Progress
from .randomness import Generators, warn_frozen
from .signature import NotNativeError, entry_spec
from .stores import write_back
from .tracing import collector_paused, stages_of, traced_call
from .transform import Transform

if TYPE_CHECKING:
    from ...codegen.sizes.families import Families, Sharing

_HELD_BY_US = 3  # references to a baked list that nobody else can reach


class Variant:
    """A trace, the graph that the transform makes of it, and (once it is called) machine code.

    `doors` has a native entry for each combination of kinds of leaves (array, NumPy scalar, Python
    float …) that was seen; the program behind them is one. With `conditions` it is one path of the
    function: `branch` is the graph that yields their values, `graph` the one that yields a verdict.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        parameters: Parameters,
        transform: Transform,
        call: Call,
        answers: Answers = (),
        families: Families | None = None,
    ) -> None:
        self.call, self.parameters, self.transform = call, parameters, transform
        self.families = families
        with collector_paused():
            self._make_graph(function, answers)
        self.call = Call(call.names, call.tree, [None] * len(call.leaves))  # the arrays may go

    def _make_graph(self, function: Callable[..., Any], answers: Answers) -> None:
        call, parameters, transform = self.call, self.parameters, self.transform
        self.timings = Timings()
        self.avals = call.avals()
        statics = call.tree.statics  # functions among the arguments reach for things as well
        surroundings = Surroundings((function, *statics) if statics else function)
        generators = Generators(surroundings.objects)
        start = time.perf_counter()
        stores = not transform.differentiates
        self.traced = traced_call(function, parameters, call, self.avals, answers, stores)
        self.conditions = self.traced.conditions
        self.keys = tuple(condition.key for condition in self.conditions)
        moved = generators.moved()
        if moved:
            warn_frozen(f"@{self.traced.graph.name}", moved, location_of(function))
        self.guards: tuple[AnyGuard, ...] = surroundings.guards(self.traced)
        self.settled: set[int] = set()  # arrays, by address, whose values turned out not to matter
        self.timings.add("trace", time.perf_counter() - start)
        self._progress = Progress(self.traced.graph.name, location_of(function))
        self.baked = [(x, copy) for x, copy in self.traced.baked if _may_change(x)]
        self.stages = stages_of(function, transform, self.traced, call, self.timings, self.families)
        self.donated = self.stages.donated
        self.inputs = self.traced.graph.inputs
        self.outputs = self.stages.types
        self.out_tree: Treedef = self.stages.plan.tree
        self.shown = () if transform.differentiates else self.traced.shown
        # one result, in memory of its own
        self.single = self.out_tree.num_leaves == 1 and not self.traced.written
        self.single = self.single and not any(self.shown)
        # how often each result was changed before it is returned, () where none was
        changed = any(self.traced.versions) and not transform.differentiates
        self.versions = self.traced.versions if changed else ()
        self._program: Any = None
        self._text: str | None = None
        self.native_misses: str | None = None  # why there is no native entry
        self.entries: dict[tuple[str, ...], Any] = {}  # kinds -> Doors
        self._flat: Any = None
        self.composites: dict[tuple[int, ...], Any] = {}  # for calls on Tensors: see tensors.py
        self.chains: dict[tuple[Any, ...], Any] = {}  # the same, where these need several nodes
        self.probe: Any = None  # the verdict alone, for these

    @property
    def graph(self) -> Graph:
        """What is compiled, before fusion."""
        return self.stages.graph

    @property
    def branch(self) -> Graph:
        """The same, on a path with the values of its conditions in the place of the verdict."""
        return self.stages.branch

    def prepare(self) -> None:
        """Find the code in the object cache, or make the graph: faults show before it is used."""
        if not is_tracing():
            self._program = self.stages.load()
        if self._program is None:
            self._progress.traced(self.traced.graph, self.timings)
            with collector_paused():
                self.stages.graph  # noqa: B018 - makes it

    # --- validity ---

    def holds(self) -> bool:
        """Is everything that was read while tracing still as it was?"""
        return (
            all(holds(guard) for guard in self.guards)
            and all(_same_values(x, copy) for x, copy in self.baked)
            and self._captured_hold()
        )

    def _captured_hold(self) -> bool:
        """Have captured arrays still their shapes and dtypes, and the traces that they are of not
        ended?
        """
        inputs = self.inputs[len(self.call.leaves) :]
        arrays = [current_array(x) for x in self.traced.captured]
        return all(
            x.tracer.alive
            if is_traced(x)
            else x.shape == v.shape and x.dtype == NUMPY_DTYPE[v.dtype]
            for x, v in zip(arrays, inputs, strict=True)
        )

    def settle(self, old: Variant) -> None:
        """Stop comparing arrays whose values changed since `old` was traced, if that made no
        difference.

        `old` is a variant for the same arguments. Without this a captured array that is updated in
        place would cost a compilation each time, wherever a constant is around that could have been
        computed from it.
        """
        broken = [guard for guard in old.guards if not holds(guard)]
        changed = [guard for guard in broken if isinstance(guard, ValueGuard)]
        if len(changed) == len(broken) and self._same_trace(old):
            self.settled = old.settled | {id(g.array) for g in changed if self._may_settle(g)}
            self.guards = tuple(
                guard
                for guard in self.guards
                if not (isinstance(guard, ValueGuard) and id(guard.array) in self.settled)
            )

    def _may_settle(self, guard: ValueGuard) -> bool:
        """Not where Python or NumPy is known to have read the array, nor where that is likely: of
        one of few elements which the tracer did not watch.
        """
        read = {id(root_of(x)) for x in self.traced.read}
        return guard.array.size > LARGEST_DENSE and id(root_of(guard.array)) not in read

    def _same_trace(self, old: Variant) -> bool:
        new, before = self.traced, old.traced
        return (
            len(new.captured) == len(before.captured)
            and all(map(_same_array, new.captured, before.captured))
            and print_graph(new.graph, comments=False) == print_graph(before.graph, comments=False)
        )

    # --- code ---

    def take_code(self, old: Variant) -> bool:
        """Use the machine code of `old` if it is for the same graph: other arrays were captured."""
        if self.text != old.text:
            return False
        self._program = old._program or self._program
        return True

    @property
    def text(self) -> str:
        """The graph as text, with the lines that errors name."""
        if self._text is None:
            self._text = print_graph(self.graph)
        return self._text

    @property
    def program(self) -> Any:
        """The machine code; made when it is first needed."""
        if self._program is None:
            with collector_paused():
                fused = self.stages.fused()
                self._progress.lowered(self.graph, self.timings)
                self._program = self.stages.compile(fused)
            for stage, seconds in self._program.seconds.items():
                self.timings.add(stage, seconds)
        return self._program

    @property
    def loaded(self) -> bool:
        """Is its machine code from the object cache?"""
        return self._program is not None and self._program.loaded

    @property
    def shared(self) -> Sharing | None:
        """Its machine code, if there is some already, and it serves other sizes as well."""
        return None if self._program is None else self._program.sharing

    @property
    def names(self) -> list[str]:
        """What the leaves are called."""
        return [value.name for value in self.inputs[: len(self.call.leaves)]]

    def open(self, kinds: tuple[str, ...], fallback: Callable[..., Any], name: str) -> Any:
        """A native entry for leaves of `kinds`, or None where Python must look at each call."""
        from ...codegen.doors import open_doors

        self.native_misses = self._why_in_python()
        if self.native_misses is not None:
            return None
        native = tuple(g for g in self.guards if not isinstance(g, SlowGuard))
        try:
            spec = entry_spec(
                self.parameters,
                self.call,
                kinds,
                self.inputs,
                self.outputs,
                self.out_tree,
                self.traced.captured,
                native,
                self.program.releases_gil,
                self.transform.threads,
                tuple(self.donated.items()),
            )
        except NotNativeError as reason:
            self.native_misses = str(reason)
            return None
        doors = open_doors(self.program, spec, fallback, name, None)
        self.entries[kinds] = doors
        self._flat = self._flat or doors.flat
        self.native_misses = doors.reason
        return doors.native

    def _why_in_python(self) -> str | None:
        """What Python has to do at each call, if there is such a thing."""
        if self.baked:
            return "a list or a mask that was read while tracing is compared at each call"
        if self.traced.written:
            return "it stores into an argument, which Python does after the call"
        if any(isinstance(guard, SlowGuard) for guard in self.guards):
            return "a set, a slot or a long list that it reads is compared at each call"
        if self.donated and self.conditions:
            return "it updates arguments in place once it knows its path"
        return None

    @property
    def flat(self) -> Any:
        """The door for a list of arrays."""
        if self._flat is None:
            from ...codegen.doors import flat_door

            self._flat = flat_door(self.program, self.transform.threads)
        return self._flat

    def run(self, leaves: Sequence[Any], insist: bool = False) -> tuple[Answers | None, Any]:
        """The result for arguments that the native entry does not take: (None, result).

        Where they take another path: (answers to its first questions, None), unless the caller
        insists: it knows that this one is right.
        """
        arguments = [*leaves, *map(current_array, self.traced.captured)]
        if self.donated:
            self._check_apart(arguments)
        arrays = [as_array(x, v.type) for x, v in zip(arguments, self.inputs, strict=True)]
        refused, outputs = self._judged(arrays, self._compute)
        if refused is not None and not insist:
            return refused, None
        count = self.out_tree.num_leaves
        values = [x[()] if x.ndim == 0 else x for x in outputs[:count]]
        stored = self._hand_over(self.with_arguments(values, leaves), leaves)
        result = unflatten(self.out_tree, stored)
        return None, write_back(self.traced.written, leaves, result, self.traced.captured)

    def _compute(self, arrays: list[Any]) -> Any:
        return self.flat(arrays, self.stages.in_place)

    def _check_apart(self, arguments: Sequence[Any]) -> None:
        """Raise where a result would be written over an argument that is no copy of its own."""
        captured = (f"{x.name}, which is read from outside," for x in self.inputs)
        paths = [*self.call.paths, *captured][: len(arguments)]
        check_apart(self.donated.values(), arguments, paths)

    def _hand_over(self, values: list[Any], leaves: Sequence[Any]) -> list[Any]:
        """The results, with the donated arguments that are some of them."""
        if not self.stages.in_place:
            return store(self.donated, values, leaves)
        for output, leaf in self.donated.items():
            values[output] = leaves[leaf]
        return values

    def with_arguments(self, values: list[Any], leaves: Sequence[Any]) -> list[Any]:
        """The results, with arguments that the function changes and hands back as what they are."""
        for output, leaf in self.traced.returned:
            values[output] = leaves[leaf]
        return values

    def judge(self, leaves: Sequence[Any], door: Callable[[Any], Any]) -> Answers | None:
        """What `run` says of the path, where `door` computes the verdict, or more than that."""
        arguments = [*leaves, *map(current_array, self.traced.captured)]
        return self._judged(arguments, door)[0] if self.conditions else None

    def _judged(self, arrays: list[Any], door: Any) -> tuple[Answers | None, Any]:
        if not self.conditions:
            return None, door(arrays)
        try:
            outputs = door(arrays)
        except Exception:  # an index out of range, perhaps only on this path
            refused = refused_by(self.branch, self.conditions, arrays)
            if refused is None:
                raise
            return refused, None
        failed, actual = verdict_of(outputs)
        if not failed:
            return None, outputs
        answers = answers_until(self.conditions, failed, actual)
        return answers or refused_by(self.branch, self.conditions, arrays), outputs

    def judge_exactly(self, leaves: Sequence[Any]) -> Answers | None:
        """The same in NumPy, one condition after the other; leaves may be arrays being traced.

        Raises UnknownInputError where only the type of such an array is known.
        """
        if not self.conditions:
            return None
        arrays = [array_behind(x) for x in (*leaves, *self.traced.captured)]
        return refused_by(self.branch, self.conditions, arrays)

    @property
    def differs_eagerly(self) -> str | None:
        """Why the gradient that it computes is not that of eager mode, if so."""
        return (self.transform.differentiates and self.traced.eagerly) or None

    @property
    def captures_traced(self) -> bool:
        """Does it read arrays of a trace that is not over?"""
        return any(map(is_traced, self.traced.captured))


def _same_values(x: Any, copy: np.ndarray) -> bool:
    return np.array_equal(np.asarray(x), copy, equal_nan=copy.dtype.kind == "f")


def _same_array(x: Any, y: Any) -> bool:
    return x is y or (
        isinstance(x, np.ndarray)
        and isinstance(y, np.ndarray)
        and x.dtype == y.dtype
        and np.array_equal(x, y, equal_nan=x.dtype.kind == "f")
    )


def current_array(x: Any) -> Any:
    """The array of a captured object, as it is now."""
    return getattr(getattr(x, "tensor", x), "_data", x)  # also of an array in eager mode


def _may_change(x: Any) -> bool:
    """Can anybody but us change an object whose value was written into the graph?"""
    if isinstance(x, tuple | types.CodeType):
        return False
    return sys.getrefcount(x) > _HELD_BY_US + 1
