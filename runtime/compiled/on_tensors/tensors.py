"""Compiled functions called on Tensors: one backward node, whose forward and adjoint are native.

The node is the one that compositions have in eager mode; only what runs the graphs differs. So
everything that a caller can observe of a node (accumulation, retain_graph, hooks, version checks,
create_graph) is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ....ir import Graph, GraphBuilder, Operation, ShapeError, TensorType, Value
from ....ir.passes.pipeline import CLEAN, lowering
from ....tracer.pytree import map_leaves, unflatten
from ...eager.apply.composite import Composite, run_composite
from ...eager.backward.reach import needed_for
from ...eager.core import make
from ...eager.errors import TensorShapeError
from ...eager.graph.changes import bump, check
from ...eager.graph.modes import STATE
from ..call import Call, as_array, which_tensors
from ..donation import store, tensors_only
from ..paths import warn_eager
from ..recording import why_recorded
from ..stores import why_eager, write_back
from .aliases import as_before, counted, shown_again, shown_outputs, take_over
from .chain import Chain, chain_of
from .parts import completed, made_at
from .saved import Keeper

if TYPE_CHECKING:
    from ....codegen.sizes.families import Families
    from ....tracer.shown import Shown
    from ..function import CompiledFunction
    from ..paths import Answers
    from ..variant import Variant


class NativeProgram:
    """Computes `outputs` from the values `inputs` in native code; compiled when it is first run.

    An output that is an input is handed through, not copied, and one that comes twice is one array:
    what backward reads may be the caller's. The first `owned` outputs are arrays of their own all
    the same.
    """

    __slots__ = (
        "_door",
        "_families",
        "_fast",
        "_graph",
        "_handed",
        "_owned",
        "_shared",
        "_threads",
    )

    def __init__(
        self,
        inputs: Sequence[Value],
        operations: Sequence[Operation],
        outputs: Sequence[Value],
        owned: int = 0,
        threads: int = 0,
        families: Families | None = None,
        fast: bool = False,
    ) -> None:
        self._owned = owned
        self._fast = fast
        self._threads = threads
        self._families = families
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
            from ....codegen.doors import flat_door
            from ....codegen.program import program_of

            program = program_of(self._graph, (*CLEAN, *lowering(self._fast)), self._families)
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
        variant.probe = NativeProgram(
            graph.inputs,
            graph.operations,
            graph.outputs[-2:],
            families=variant.families,
            fast=variant.transform.fastmath,
        )
    run: Callable[[Any], Any] = variant.probe.run
    return run


def _plan(variant: Variant, graph: Graph, share: int = 1) -> Composite:
    """A composition whose outputs are arrays of their own: one of so many that share a budget."""
    budget = variant.transform.budget

    def program(
        inputs: Sequence[Value],
        operations: Sequence[Operation],
        results: Sequence[Value],
        views: bool = True,
    ) -> NativeProgram:
        owned = len(graph.outputs) if views else 0
        how = (owned, variant.transform.threads, variant.families, variant.transform.fastmath)
        return NativeProgram(inputs, operations, results, *how)

    return Composite(graph, program, Keeper(budget // share if type(budget) is int else budget))


def _composite(variant: Variant, kept: tuple[int, ...]) -> Composite:
    """The function as one node, with those of its outputs that are arrays of their own: which ones
    depends on the arguments that are Tensors.
    """
    if kept not in variant.composites:
        graph = variant.branch
        outputs = [graph.outputs[i] for i in kept]
        own = Graph(graph.name, graph.inputs, graph.operations, outputs)
        plan = _plan(variant, own)
        source = _source(variant)
        plan.made = made_at(source, [source.outputs[i] for i in kept]) if len(kept) > 1 else None
        plan.delivery = completed(source.inputs, source.operations)
        variant.composites[kept] = plan
    return variant.composites[kept]  # type: ignore[no-any-return]


def nodes_of(variant: Variant, leaves: Sequence[Any]) -> list[tuple[Composite, tuple[int, ...]]]:
    """What a call with these arguments is recorded as, and the operands that require gradients."""
    shown = shown_outputs(variant.shown, leaves)
    kept = tuple([i for i in range(variant.out_tree.num_leaves) if i not in shown])
    plan = _composite(variant, kept)
    operands = (*leaves, *variant.traced.captured)
    linked = [i for i, x in enumerate(operands) if getattr(x, "requires_grad", False)]
    chain = _chain(variant, kept, shown, tuple(linked))
    if chain is not None:
        return chain.nodes()
    return [(plan, tuple([i for i in plan.passing if i in linked]))]


def call_on_eager_arrays(function: CompiledFunction, call: Call) -> Any:
    """The result of a call from a function that runs eagerly on NumPy's arrays."""
    from ..eager.array import unwrap, wrap

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

    tensors = which_tensors(call.leaves) if given is None else ()
    found = _found(function, Call(call.names, call.tree, arrays, tensors), attempt)
    reason = (
        None if found is None else why_eager(found.traced, arrays) or why_recorded(found.traced)
    )
    if reason is not None:
        warn_eager(function._function_name(), reason, "in this call")
    if found is None or reason is not None:
        from ..eager.call import run_eagerly

        return run_eagerly(function._function, function._transform, function._parameters, call)
    title = f"CompiledFunctionBackward({function._function_name()})"
    if given is None:
        if found.donated and _runs_on_arrays(found, call):
            return _on_arrays(found, call)
        results = _donated(found, call.leaves, _results(found, call.leaves, title))
    else:
        results = store(found.donated, _for_stand_ins(found, call.leaves, title, given), given)
    result = unflatten(found.out_tree, results)
    return result[0] if found.traced.written else result


def _donated(variant: Variant, leaves: Sequence[Any], results: list[Any]) -> list[Any]:
    """The results, with the donated arguments that are some of them."""
    pairs = tensors_only(variant.donated, leaves)
    shown = shown_outputs(variant.shown, leaves) if pairs else {}
    for i in pairs:
        if i in shown:  # others may be written over what it shows
            results[i] = results[i].clone()
    return store(pairs, results, leaves)


def _runs_on_arrays(variant: Variant, call: Call) -> bool:
    """Is nothing to be recorded of a call that updates Tensors, and no argument else?"""
    captured = [getattr(x, "tensor", x) for x in variant.traced.captured]
    linked = any(getattr(x, "_node", None) is not None for x in (*call.leaves, *captured))
    pairs = tensors_only(variant.donated, call.leaves)
    alone = pairs == variant.donated and not variant.traced.written
    alone = alone and not shown_outputs(variant.shown, call.leaves)
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


def _for_stand_ins(
    variant: Variant, leaves: Sequence[Any], title: str, given: Sequence[Any]
) -> list[Any]:
    """The results for Tensors that stand for `given`, by one node; what is stored goes to these."""
    everything = tuple(range(variant.out_tree.num_leaves))
    results: list[Any] = []
    if everything:
        operands = _operands(variant, leaves)
        results = run_composite(_composite(variant, everything), operands, title)
    written = variant.traced.written
    write_back(written, given, (None, results[len(results) - len(written) :]))
    return results


def _results(variant: Variant, leaves: Sequence[Any], title: str) -> list[Any]:
    """The outputs: by one node, or by several where they feed each other; those that lie in the
    memory of others are taken from these.
    """
    versions = variant.versions
    if variant.single:
        found = run_composite(_composite(variant, (0,)), _operands(variant, leaves), title)
        return _counted(variant, (0,), found) if versions else found
    results: list[Any] = [None] * variant.out_tree.num_leaves
    shown = shown_outputs(variant.shown, leaves)
    written = variant.traced.written
    stored = dict(zip(range(len(results) - len(written), len(results)), written, strict=True))

    def taken(number: int, x: Any) -> Any:
        if number in shown:
            return _show(shown, number, leaves, results)
        if number in stored:
            return _store(variant, leaves, stored[number], x)
        return counted(x, versions[number], x.grad_fn) if versions else x

    kept = tuple([i for i in range(len(results)) if i not in shown])
    done = _compute(variant, leaves, title, kept, shown, results, taken)
    for number in stored:
        if number not in done:
            results[number] = taken(number, results[number])
    for number in shown:
        _show(shown, number, leaves, results)
    return results


def _compute(
    variant: Variant,
    leaves: Sequence[Any],
    title: str,
    kept: tuple[int, ...],
    shown: dict[int, Shown],
    results: list[Any],
    taken: Callable[[int, Any], Any],
) -> frozenset[int]:
    """Put the outputs `kept` among the results; returns those that were `taken` already."""
    if not kept:
        return frozenset()
    operands = _operands(variant, leaves)
    linked = [i for i, x in enumerate(operands) if getattr(x, "_node", None) is not None]
    chain = _chain(variant, kept, shown, tuple(linked)) if STATE.enabled else None
    if chain is not None:
        chain.run(title, operands, results, taken)
        _counted(variant, chain.loose, [results[i] for i in chain.loose])
        return chain.done
    found = run_composite(_composite(variant, kept), operands, title)
    for i, x in zip(kept, _counted(variant, kept, found), strict=True):
        results[i] = x
    return frozenset()


def _counted(variant: Variant, numbers: Sequence[int], found: list[Any]) -> list[Any]:
    """Results of one node, or of none, with the changes that were made to them."""
    node = next((x.grad_fn for x in found if x._node is not None), None)
    for number, x in zip(numbers, found, strict=True):
        if number < len(variant.versions):
            counted(x, variant.versions[number], node)
    return found


def _show(shown: dict[int, Shown], number: int, leaves: Sequence[Any], results: list[Any]) -> Any:
    """A result that lies in the memory of an argument or of another result."""
    source = shown[number].number
    if results[number] is None:
        if shown[number].source == "result" and source in shown:
            _show(shown, source, leaves, results)
        results[number] = shown_again(shown[number], leaves, results)
    return results[number]


def _store(variant: Variant, leaves: Sequence[Any], number: int, new: Any) -> Any:
    """Let an argument have its new elements; returns what stands for these from now on."""
    target, written = leaves[number], variant.traced.written
    if not hasattr(target, "_data"):
        write_back((number,), leaves, (None, [new]))
        return new
    take_over(target, new, variant.traced.changes[written.index(number)])
    return target


def _chain(
    variant: Variant, kept: tuple[int, ...], shown: dict[int, Shown], wrt: tuple[int, ...]
) -> Chain | None:
    """The nodes that the outputs `kept` need, where the operands `wrt` require gradients; None for
    a single one.
    """
    if not wrt or variant.out_tree.num_leaves < 2:
        return None
    key = kept, wrt
    if key not in variant.chains:
        views = [i for i, x in shown.items() if x.steps is not None]
        variant.chains[key] = _new_chain(variant, wrt, kept, views)
    return variant.chains[key]  # type: ignore[no-any-return]


def _new_chain(
    variant: Variant, wrt: tuple[int, ...], kept: tuple[int, ...], views: list[int]
) -> Chain | None:
    def native(forward: Graph, owned: int) -> NativeProgram:
        inputs, operations, outputs = forward.inputs, forward.operations, forward.outputs
        how = (owned, variant.transform.threads, variant.families, variant.transform.fastmath)
        return NativeProgram(inputs, operations, outputs, *how)

    return chain_of(_source(variant), wrt, kept, views, partial(_plan, variant), native)


def _source(variant: Variant) -> Graph:
    """A graph in which results are different values where the function made them one by one."""
    return variant.branch if variant.transform.differentiates else variant.traced.graph


def _operands(variant: Variant, leaves: Sequence[Any]) -> list[Any]:
    """The operands of the nodes: the arguments, as they are now, and what was captured."""
    traced = variant.traced
    arguments = [
        _operand(leaf, value.type, i in traced.written)
        for i, (leaf, value) in enumerate(zip(leaves, variant.inputs, strict=False))
    ]
    return [*arguments, *(getattr(x, "tensor", x) for x in traced.captured)]  # of eager arrays


def _operand(leaf: Any, type: TensorType, written: bool) -> Any:
    if not hasattr(leaf, "_data"):
        return as_array(leaf, type)
    return as_before(leaf) if written else leaf
