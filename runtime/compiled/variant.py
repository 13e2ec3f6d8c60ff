"""One compiled variant of a function: for arguments of certain types, in a certain state of its
surroundings.
"""

from __future__ import annotations

import gc
import sys
import time
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ...codegen.entry import ValueGuard
from ...ir import FusegradError, Graph, ShapeError
from ...ir.passes.pipeline import CLEAN, LOWER, Timings, run_passes
from ...ir.text import print_graph
from ...ir.types import NUMPY_DTYPE
from ...tracer.pytree import Treedef, unflatten
from ...tracer.source import location_of
from ...tracer.trace import Aval, Traced, is_traced, trace_flat
from .call import Call, Parameters, as_array, put_together
from .guards import AnyGuard, SlowGuard, Surroundings, holds
from .signature import NotNativeError, entry_spec
from .transform import Result, Transform, apply

MAX_DIMENSIONS = 64  # of NumPy's arrays
_HELD_BY_US = 3  # references to a baked list that nobody else can reach


class Variant:
    """A trace, the graph that the transform makes of it, and (once it is called) machine code.

    `doors` has a native entry for each combination of kinds of leaves (array, NumPy scalar, Python
    float …) that was seen; the program behind them is one.
    """

    def __init__(
        self, function: Callable[..., Any], parameters: Parameters, transform: Transform, call: Call
    ) -> None:
        self.call, self.parameters, self.transform = call, parameters, transform
        with collector_paused():
            self._make_graph(function)

    def _make_graph(self, function: Callable[..., Any]) -> None:
        call, parameters, transform = self.call, self.parameters, self.transform
        self.timings = Timings()
        self.avals = call.avals()
        surroundings = Surroundings(function)
        start = time.perf_counter()
        self.traced = _trace(function, parameters, call, self.avals)
        self.guards: tuple[AnyGuard, ...] = surroundings.guards(self.traced)
        self.settled: set[int] = set()  # arrays, by address, whose values turned out not to matter
        self.timings.add("trace", time.perf_counter() - start)
        self.baked = [(x, copy) for x, copy in self.traced.baked if _may_change(x)]
        result = _transformed(function, transform, self.traced, call)
        self.graph: Graph = run_passes(result.graph, CLEAN, self.timings)
        self.out_tree: Treedef = result.tree
        self._program: Any = None
        self._text: str | None = None
        self.native_misses: str | None = None  # why there is no native entry
        self.entries: dict[tuple[str, ...], Any] = {}  # kinds -> Doors
        self._flat: Any = None
        self.composite: Any = None  # for calls on Tensors

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
        inputs = self.graph.inputs[len(self.call.leaves) :]
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
            self.settled = old.settled | {id(guard.array) for guard in changed}
            self.guards = tuple(
                guard
                for guard in self.guards
                if not (isinstance(guard, ValueGuard) and id(guard.array) in self.settled)
            )

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
        self._program = self._program or old._program
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
            from ...codegen.program import compile_program

            with collector_paused():
                self._program = compile_program(run_passes(self.graph, LOWER, self.timings))
            for stage, seconds in self._program.seconds.items():
                self.timings.add(stage, seconds)
        return self._program

    def open(self, kinds: tuple[str, ...], fallback: Callable[..., Any], name: str) -> Any:
        """A native entry for leaves of `kinds`, or None where Python must look at each call."""
        from ...codegen.program import open_doors

        if self.baked:
            self.native_misses = (
                "a list or a mask that was read while tracing is compared at each call"
            )
            return None
        native = tuple(g for g in self.guards if not isinstance(g, SlowGuard))
        if len(native) < len(self.guards):
            self.native_misses = (
                "a set, a slot or a long list that it reads is compared at each call"
            )
            return None
        try:
            spec = entry_spec(
                self.parameters,
                self.call,
                kinds,
                self.graph,
                self.out_tree,
                self.traced.captured,
                native,
                self.program.releases_gil,
            )
        except NotNativeError as reason:
            self.native_misses = str(reason)
            return None
        doors = open_doors(self.program, spec, fallback, name, None)
        self.entries[kinds] = doors
        self._flat = self._flat or doors.flat
        self.native_misses = doors.reason
        return doors.native

    @property
    def flat(self) -> Any:
        """The door for a list of arrays."""
        if self._flat is None:
            from ...codegen.program import flat_door

            self._flat = flat_door(self.program)
        return self._flat

    def run(self, leaves: Sequence[Any]) -> Any:
        """The result for arguments that the native entry does not take."""
        arguments = [*leaves, *map(current_array, self.traced.captured)]
        arrays = [as_array(x, v.type) for x, v in zip(arguments, self.graph.inputs, strict=True)]
        outputs = self.flat(arrays)
        return unflatten(self.out_tree, [x[()] if x.ndim == 0 else x for x in outputs])


@contextmanager
def collector_paused() -> Iterator[None]:
    """Garbage collection off: a graph in the making is all alive, each look at it takes longer."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


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
    return getattr(x, "_data", x)


def _transformed(
    function: Callable[..., Any], transform: Transform, traced: Traced, call: Call
) -> Result:
    """What `transform` makes of a trace; errors that know no line name the function's."""
    try:
        result = apply(transform, traced, call)
        for value in result.graph.outputs:
            if value.type.ndim > MAX_DIMENSIONS:
                what = f"@{traced.graph.name} returns an array of {value.type.ndim} dimensions"
                raise ShapeError(what, hint=f"NumPy's arrays have {MAX_DIMENSIONS} at most")
    except FusegradError as error:
        error.at = error.at or location_of(function)
        raise
    return result


def _trace(
    function: Callable[..., Any], parameters: Parameters, call: Call, avals: tuple[Aval, ...]
) -> Traced:
    """Trace the function for a call; `parameters` tells how the arguments are handed over."""
    from ...tracer.pytree import flatten

    args, kwargs = put_together(parameters, call, list(range(len(call.leaves))))
    order, in_tree = flatten((args, kwargs))
    traced = trace_flat(function, in_tree, [avals[i] for i in order])
    if order == list(range(len(order))):
        return traced
    places = {leaf: position for position, leaf in enumerate(order)}
    inputs = [traced.graph.inputs[places[i]] for i in range(len(order))]
    graph = Graph(
        traced.graph.name,
        [*inputs, *traced.graph.inputs[len(order) :]],
        traced.graph.operations,
        traced.graph.outputs,
    )
    return Traced(
        graph, in_tree, traced.out_tree, traced.captured, traced.baked, traced.output_weak
    )


def _may_change(x: Any) -> bool:
    """Can anybody but us change an object whose value was written into the graph?"""
    if isinstance(x, tuple | types.CodeType):
        return False
    return sys.getrefcount(x) > _HELD_BY_US + 1
