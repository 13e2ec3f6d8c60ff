"""The trace of a function for one call, and the stages that are to be made of it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...ir import FusegradError, Graph
from ...ir.passes.pipeline import Timings
from ...tracer.run import Aval, Traced, trace_flat
from ...tracer.shown import Shown
from ...tracer.source import location_of
from ...tracer.surroundings import rebind  # noqa: F401 - each trace needs it: not for the first call to load
from .call import Call, Parameters, put_together
from .donation import pair_types
from .paths import Answers
from .recording import recorded, switched_off, switched_on
from .stages import Stages
from .tensor_methods import method_of
from .transform import Transform, plan

if TYPE_CHECKING:
    from ...codegen.sizes.families import Families


def traced_call(
    function: Callable[..., Any],
    parameters: Parameters,
    call: Call,
    avals: tuple[Aval, ...],
    answers: Answers,
    stores: bool,
) -> Traced:
    """Trace the function for a call; `parameters` tells how the arguments are handed over."""
    from ...tracer.pytree import flatten

    args, kwargs = put_together(parameters, call, list(range(len(call.leaves))))
    order, in_tree = flatten((args, kwargs))
    leaves = [call.leaves[i] for i in order]
    kinds = [avals[i] for i in order]
    with recorded():
        before = switched_on()
        traced = trace_flat(
            *(function, in_tree, kinds, "", leaves, answers, stores, switched_off, method_of)
        )
        traced = replace(traced, records=switched_on() > before)
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
    written = tuple(order[i] for i in traced.written)
    returned = tuple((output, order[i]) for output, i in traced.returned)
    shown = tuple(_with_place(x, order) for x in traced.shown)
    return replace(
        traced, graph=graph, in_tree=in_tree, written=written, returned=returned, shown=shown
    )


def stages_of(
    function: Callable[..., Any],
    transform: Transform,
    traced: Traced,
    call: Call,
    timings: Timings,
    families: Families | None,
) -> Stages:
    """What is to be made of a trace; errors that know no line name the function's."""
    line = location_of(function)
    try:
        made = plan(transform, traced, call)
        arguments = [x.type for x in traced.graph.inputs]
        results = made.types(traced)[: made.tree.num_leaves - len(traced.written)]
        returned = [output for output, _ in traced.returned]
        donated = pair_types(transform, call, arguments, results, traced.written, returned)
        return Stages(traced, made, transform.kind, timings, line, donated, families)
    except FusegradError as error:
        error.at = error.at or line
        raise


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


def _with_place(shown: Shown | None, order: list[int]) -> Shown | None:
    if shown is None or shown.source != "argument":
        return shown
    return Shown(shown.source, order[shown.number], shown.steps)
