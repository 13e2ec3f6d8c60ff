"""Compiled functions called on Tensors: one backward node, whose forward and adjoint are native.

The node is the one that compositions have in eager mode; only what runs the graphs differs. So
everything that a caller can observe of a node (accumulation, retain_graph, hooks, version checks,
create_graph) is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...ir import Graph, Operation, Value
from ...ir.passes.pipeline import CLEAN, LOWER, run_passes
from ...tracer.pytree import unflatten
from ..eager.composite import Composite, run_composite
from ..eager.replay import needed_for
from .call import Call, as_array

if TYPE_CHECKING:
    from .function import CompiledFunction


class NativeProgram:
    """Computes `outputs` from the values `inputs` in native code; compiled when it is first run.

    An output that is an input is handed through, not copied: what backward reads may be the
    caller's array.
    """

    __slots__ = ("_door", "_graph", "_handed")

    def __init__(
        self, inputs: Sequence[Value], operations: Sequence[Operation], outputs: Sequence[Value]
    ) -> None:
        places = {value: i for i, value in enumerate(inputs)}
        self._handed = [places.get(value) for value in outputs]
        computed = [value for value in outputs if value not in places]
        needed = needed_for(computed, set(inputs))
        self._graph = Graph("part", inputs, [op for op in operations if op in needed], computed)
        self._door: Any = None

    def run(self, arguments: Sequence[Any]) -> list[Any]:
        """The outputs for `arguments`, arrays (or NumPy scalars) of the inputs' types."""
        if self._door is None:
            from ...codegen.program import compile_program, flat_door

            self._door = flat_door(compile_program(run_passes(self._graph, (*CLEAN, *LOWER))))
        arrays = [as_array(x, v.type) for x, v in zip(arguments, self._graph.inputs, strict=True)]
        computed = iter(self._door(arrays))
        return [next(computed) if place is None else arrays[place] for place in self._handed]


def call_on_tensors(function: CompiledFunction, call: Call) -> Any:
    """The result of a call with Tensors among its arguments: Tensors, linked to one node."""
    arrays = [getattr(leaf, "_data", leaf) for leaf in call.leaves]
    variant = function._variant(Call(call.names, call.tree, arrays))
    if variant.composite is None:
        variant.composite = Composite(variant.graph, NativeProgram)
    operands = [
        leaf if hasattr(leaf, "_data") else as_array(leaf, value.type)
        for leaf, value in zip(call.leaves, variant.graph.inputs, strict=False)
    ]
    title = f"CompiledFunctionBackward({function._function_name()})"
    results = run_composite(variant.composite, [*operands, *variant.traced.captured], title)
    return unflatten(variant.out_tree, results)
