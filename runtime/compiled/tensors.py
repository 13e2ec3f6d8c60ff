"""Compiled functions called on Tensors: one backward node, whose forward and adjoint are native.

The node is the one that compositions have in eager mode; only what runs the graphs differs. So
everything that a caller can observe of a node (accumulation, retain_graph, hooks, version checks,
create_graph) is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ...ir import Graph, GraphBuilder, Operation, Value
from ...ir.passes.pipeline import CLEAN, LOWER
from ...tracer.pytree import unflatten
from ..eager.composite import Composite, run_composite
from ..eager.reach import needed_for
from .call import Call, as_array
from .stores import write_back

if TYPE_CHECKING:
    from .function import CompiledFunction
    from .paths import Answers
    from .variant import Variant


class NativeProgram:
    """Computes `outputs` from the values `inputs` in native code; compiled when it is first run.

    An output that is an input is handed through, not copied: what backward reads may be the
    caller's array.
    """

    __slots__ = ("_door", "_graph", "_handed", "_threads")

    def __init__(
        self,
        inputs: Sequence[Value],
        operations: Sequence[Operation],
        outputs: Sequence[Value],
        views: bool = True,
        threads: int = 0,
    ) -> None:
        self._threads = threads
        places = {value: i for i, value in enumerate(inputs)}
        self._handed = [places.get(value) for value in outputs]
        computed = [value for value in outputs if value not in places]
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
        computed = iter(self._door(arrays))
        return [next(computed) if place is None else arrays[place] for place in self._handed]


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


def _without_conditions(variant: Variant) -> Graph:
    graph = variant.branch
    results = graph.outputs[: variant.out_tree.num_leaves]
    return Graph(graph.name, graph.inputs, graph.operations, results)


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

    found = function._find(Call(call.names, call.tree, arrays), attempt)
    if found is None:
        from .eager import run_eagerly

        return run_eagerly(function._function, function._transform, function._parameters, call)
    variant, _ = found
    if variant.composite is None:
        program = partial(NativeProgram, threads=variant.transform.threads)
        variant.composite = Composite(_without_conditions(variant), program)
    operands = [
        leaf if hasattr(leaf, "_data") else as_array(leaf, value.type)
        for leaf, value in zip(call.leaves, variant.inputs, strict=False)
    ]
    title = f"CompiledFunctionBackward({function._function_name()})"
    captured = [getattr(x, "tensor", x) for x in variant.traced.captured]  # of eager arrays
    results = run_composite(variant.composite, [*operands, *captured], title)
    result = unflatten(variant.out_tree, results)
    return write_back(variant.traced.written, given or call.leaves, result)
