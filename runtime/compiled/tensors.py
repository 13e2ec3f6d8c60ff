"""Compiled functions called on Tensors: one backward node, whose forward and adjoint are native.

The node is the one that compositions have in eager mode; only what runs the graphs differs. So
everything that a caller can observe of a node (accumulation, retain_graph, hooks, version checks,
create_graph) is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ...ir import Graph, GraphBuilder, Operation, ShapeError, TensorType, Value
from ...ir.passes.pipeline import CLEAN, LOWER
from ...tracer.pytree import map_leaves, unflatten
from ..eager.changes import bump, check
from ..eager.composite import Composite, run_composite
from ..eager.core import make
from ..eager.errors import TensorShapeError
from ..eager.modes import STATE
from ..eager.node import LEAF
from ..eager.reach import needed_for
from .aliases import shown_again, shown_outputs
from .call import Call, as_array
from .donation import store, tensors_only
from .paths import warn_eager
from .saved import Keeper
from .stores import SHARED, stores_into_shared, write_back

if TYPE_CHECKING:
    from .function import CompiledFunction
    from .paths import Answers
    from .variant import Variant


class NativeProgram:
    """Computes `outputs` from the values `inputs` in native code; compiled when it is first run.

    An output that is an input is handed through, not copied, and one that comes twice is one array:
    what backward reads may be the caller's. The first `owned` outputs are arrays of their own all
    the same.
    """

    __slots__ = ("_door", "_graph", "_handed", "_owned", "_shared", "_threads")

    def __init__(
        self,
        inputs: Sequence[Value],
        operations: Sequence[Operation],
        outputs: Sequence[Value],
        owned: int = 0,
        threads: int = 0,
    ) -> None:
        self._owned = owned
        self._threads = threads
        places = {value: i for i, value in enumerate(inputs)}
        self._handed = [places.get(value) for value in outputs]
        own = [value for value in outputs[:owned] if value not in places]
        others = dict.fromkeys(x for x in outputs[owned:] if x not in places and x not in own)
        computed = [*own, *others]
        numbers = {value: i for i, value in enumerate(computed)}
        self._shared = [numbers.get(value) for value in outputs[owned:]]
        needed = needed_for(computed, set(inputs))
        self._graph = _part(inputs, [op for op in operations if op in needed], computed)
        self._door: Any = None

    def run(self, arguments: Sequence[Any]) -> list[Any]:
        """The outputs for `arguments`, arrays (or NumPy scalars) of the inputs' types."""
        if self._door is None:
            from ...codegen.program import flat_door, program_of

            program = program_of(self._graph, (*CLEAN, *LOWER))
            self._door = flat_door(program, self._threads)
        arrays = [as_array(x, v.type) for x, v in zip(arguments, self._graph.inputs, strict=True)]
        computed = self._door(arrays)
        own = iter(computed)
        first, others = self._handed[: self._owned], self._handed[self._owned :]
        found = [next(own) if place is None else arrays[place].copy() for place in first]
        for place, number in zip(others, self._shared, strict=True):
            found.append(computed[number] if place is None else arrays[place])
        return found


def _part(
    inputs: Sequence[Value], operations: Sequence[Operation], outputs: Sequence[Value]
) -> Graph:
    """The graph from `inputs`, which may be results of operations before these, to `outputs`."""
    builder = GraphBuilder("part")
    copies = {value: builder.input(value.type, value.name) for value in inputs}
    for operation in operations:
        results = builder.copy(operation, tuple([copies[x] for x in operation.operands]))
        copies.update(zip(operation.results, results, strict=True))
    return builder.build([copies[value] for value in outputs])


def _probe(variant: Variant) -> Callable[[Any], Any]:
    """Computes the verdict of a path alone."""
    graph = variant.graph
    if variant.probe is None:
        variant.probe = NativeProgram(graph.inputs, graph.operations, graph.outputs[-2:])
    run: Callable[[Any], Any] = variant.probe.run
    return run


def _composite(variant: Variant, kept: tuple[int, ...]) -> Composite:
    """The function as one node, with those of its outputs that are arrays of their own: which ones
    depends on the arguments that are Tensors.
    """
    if kept not in variant.composites:
        graph = variant.branch
        outputs = [graph.outputs[i] for i in kept]

        def program(
            inputs: Sequence[Value],
            operations: Sequence[Operation],
            results: Sequence[Value],
            views: bool = True,
        ) -> NativeProgram:
            owned = len(kept) if views else 0
            return NativeProgram(inputs, operations, results, owned, variant.transform.threads)

        own = Graph(graph.name, graph.inputs, graph.operations, outputs)
        variant.composites[kept] = Composite(own, program, Keeper(variant.transform.budget))
    return variant.composites[kept]  # type: ignore[no-any-return]


def node_of(variant: Variant, leaves: Sequence[Any]) -> tuple[Composite, tuple[int, ...]]:
    """What a call with these arguments is recorded as, and the operands that require gradients."""
    shown = shown_outputs(variant.shown, leaves)
    kept = tuple([i for i in range(variant.out_tree.num_leaves) if i not in shown])
    plan = _composite(variant, kept)
    operands = (*leaves, *variant.traced.captured)
    wrt = [i for i in plan.passing if getattr(operands[i], "requires_grad", False)]
    return plan, tuple(wrt)


def call_on_eager_arrays(function: CompiledFunction, call: Call) -> Any:
    """The result of a call from a function that runs eagerly on NumPy's arrays."""
    from .eager_array import unwrap, wrap

    tensors = Call(call.names, call.tree, unwrap(call.leaves))
    return wrap(call_on_tensors(function, tensors, call.leaves))


def call_on_tensors(
    function: CompiledFunction, call: Call, given: Sequence[Any] | None = None
) -> Any:
    """The result of a call with Tensors among its arguments: Tensors, linked to one node. What it
    stores goes to `given`.
    """
    arrays = [getattr(leaf, "_data", leaf) for leaf in call.leaves]

    def attempt(variant: Variant, insist: bool) -> tuple[Answers | None, Any]:
        return variant.judge(arrays, _probe(variant)), None

    found = _found(function, Call(call.names, call.tree, arrays), attempt)
    shares = found is not None and stores_into_shared(
        found.traced.written, arrays, found.traced.captured
    )
    if shares:
        warn_eager(function._function_name(), SHARED, "in this call")
    if found is None or shares:
        from .eager import run_eagerly

        return run_eagerly(function._function, function._transform, function._parameters, call)
    title = f"CompiledFunctionBackward({function._function_name()})"
    shown = shown_outputs(found.shown, call.leaves) if given is None else {}
    pairs = found.donated if given is not None else tensors_only(found.donated, call.leaves)
    if found.donated and given is None and not shown and _runs_on_arrays(found, call):
        return _on_arrays(found, call)
    results = _computed(found, call.leaves, title, shown)
    written = found.traced.written
    write_back(written, given or call.leaves, (None, results[len(results) - len(written) :]))
    for i, source in shown.items():
        results[i] = shown_again(source, call.leaves, results)
        if i in pairs:  # others may be written over what it shows
            results[i] = results[i].clone()
    results = store(pairs, results, given or call.leaves)
    result = unflatten(found.out_tree, results)
    return result[0] if written else result


def _runs_on_arrays(variant: Variant, call: Call) -> bool:
    """Is nothing to be recorded of a call that updates Tensors, and no argument else?"""
    captured = [getattr(x, "tensor", x) for x in variant.traced.captured]
    linked = any(getattr(x, "_node", None) is not None for x in (*call.leaves, *captured))
    pairs = tensors_only(variant.donated, call.leaves)
    alone = pairs == variant.donated and not variant.traced.written
    return alone and not (STATE.enabled and linked)


def _on_arrays(variant: Variant, call: Call) -> Any:
    """The result of such a call: the Tensors whose arrays the native program updates, and new
    ones.
    """
    updated = [call.leaves[leaf] for leaf in variant.donated.values()]
    for x in updated:
        check(x)
    _, result = variant.run([getattr(x, "_data", x) for x in call.leaves], True)
    for x in updated:
        bump(x)
    owners = {id(x._data): x for x in updated}
    return map_leaves(lambda x: owners[id(x)] if id(x) in owners else make(x), result)


def _found(function: CompiledFunction, call: Call, attempt: Callable[..., Any]) -> Variant | None:
    """The variant for a call; None where it has to be run eagerly."""
    try:
        found = function._find(call, attempt)
    except ShapeError as error:
        raise TensorShapeError.of(error) from None
    return None if found is None else found[0]


def _computed(
    variant: Variant, leaves: Sequence[Any], title: str, without: dict[int, Any]
) -> list[Any]:
    """The outputs, None for those that are not asked for."""
    results: list[Any] = [None] * variant.out_tree.num_leaves
    kept = tuple([i for i in range(len(results)) if i not in without])
    if kept:
        operands = [
            _operand(leaf, value.type, i in variant.traced.written)
            for i, (leaf, value) in enumerate(zip(leaves, variant.inputs, strict=False))
        ]
        captured = [getattr(x, "tensor", x) for x in variant.traced.captured]  # of eager arrays
        found = run_composite(_composite(variant, kept), [*operands, *captured], title)
        for i, x in zip(kept, found, strict=True):
            results[i] = x
    return results


def _operand(leaf: Any, type: TensorType, written: bool) -> Any:
    """A leaf as the node keeps it: the elements that it has now, where it is stored into later."""
    if not hasattr(leaf, "_data"):
        return as_array(leaf, type)
    if not written or leaf._node is LEAF:
        return leaf
    return make(leaf._data.copy(), leaf._node)
