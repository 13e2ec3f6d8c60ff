"""Functions composed of ops, in eager mode: one node each, under PyTorch's name.

A composition is written once, as a function of a `Builder`. For the types at hand it is built as a
graph, kept, and replayed; so is its adjoint, which reads what the forward run saved. Under
`create_graph` the adjoint is itself applied as a composition, of the operands and the cotangents,
so that it differentiates to any order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ...ir import Builder, Graph, GraphBuilder, Operation, TensorType, Value
from ...ir.autodiff import value_and_vjp
from ...ir.types import NUMPY_DTYPE
from . import names
from .core import make, make_view, shared_counter
from .errors import explain
from .modes import STATE
from .node import LEAF, NEXT_SEQUENCE, Node, Output, modified, released
from .quiet import RESTORE, SILENCE, SILENT
from .replay import Program, needed_for, root_of

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = ["Composite", "CompositeNode", "composite", "plan_of"]

# Makes of (inputs, operations, outputs) what replays them: it has `run(arguments) -> outputs`.
ProgramMaker = Callable[[Sequence[Value], Sequence[Operation], Sequence[Value]], Any]

_new = object.__new__
_NAME: dict[int, str] = {dtype.num: name for name, dtype in NUMPY_DTYPE.items()}


class Adjoint:
    """The adjoint of a composition for the operands `wrt`, and the forward run that saves for it.

    `forward` gives the outputs and then the `residuals`, values that `backward` reads ahead of the
    cotangents. `watched` are the operands and outputs that residuals may be views of: ("operand",
    i) and ("output", i). Where one is changed in place, the residuals no longer hold.
    """

    __slots__ = ("backward", "forward", "graph", "watched")

    def __init__(self, graph: Graph, wrt: tuple[int, ...], program: ProgramMaker) -> None:
        self.graph = joint = value_and_vjp(graph, wrt)
        count = len(graph.outputs)
        outputs, gradients = joint.outputs[:count], joint.outputs[count:]
        operands, cts = joint.inputs[: len(graph.inputs)], joint.inputs[len(graph.inputs) :]
        primal = needed_for(outputs, set())
        known = {result for operation in primal for result in operation.results} | set(operands)
        residuals = _read_from(gradients, known)
        self.forward = program(operands, joint.operations, (*outputs, *residuals))
        self.backward = program((*residuals, *cts), joint.operations, gradients)
        places = {value: ("operand", i) for i, value in enumerate(operands)}
        places |= {root_of(value): ("output", i) for i, value in enumerate(outputs)} | places
        origins = dict.fromkeys(places.get(root_of(value)) for value in residuals)
        self.watched = [origin for origin in origins if origin is not None]


def _read_from(gradients: Sequence[Value], known: set[Value]) -> list[Value]:
    """Those of the primal values `known` that the adjoint reads, constants aside."""
    needed = needed_for(gradients, known)
    read = {x: None for operation in needed for x in operation.operands if x in known}
    read |= dict.fromkeys(x for x in gradients if x in known)
    ordered = sorted(read, key=lambda v: (v.producer is not None, v.name))
    return [x for x in ordered if x.producer is None or x.producer.operands]


class Composite:
    """A composition for operands of certain types: its graph, and what is made of that."""

    __slots__ = ("adjoints", "derivatives", "forward", "graph", "program", "views")

    def __init__(self, graph: Graph, program: ProgramMaker = Program) -> None:
        self.graph = graph
        self.program = program
        self.forward = program(graph.inputs, graph.operations, graph.outputs)
        self.adjoints: dict[tuple[int, ...], Adjoint] = {}
        self.derivatives: dict[tuple[int, ...], Composite] = {}
        roots = [root_of(output) for output in graph.outputs]
        self.views = [graph.inputs.index(r) if r in graph.inputs else None for r in roots]

    def adjoint(self, wrt: tuple[int, ...]) -> Adjoint:
        found = self.adjoints.get(wrt)
        if found is None:
            found = self.adjoints[wrt] = Adjoint(self.graph, wrt, self.program)
        return found

    def derivative(self, wrt: tuple[int, ...]) -> Composite:
        """The composition from operands and cotangents to the operands' cotangents."""
        found = self.derivatives.get(wrt)
        if found is None:
            joint = self.adjoint(wrt).graph
            gradients = joint.outputs[len(self.graph.outputs) :]
            graph = Graph(joint.name, joint.inputs, joint.operations, gradients)
            found = self.derivatives[wrt] = Composite(_without_dead_code(graph), self.program)
        return found


def _without_dead_code(graph: Graph) -> Graph:
    needed = needed_for(graph.outputs, set(graph.inputs))
    return Graph(graph.name, graph.inputs, [o for o in graph if o in needed], graph.outputs)


class CompositeNode(Node):
    """A recorded composition: its operands, and what the forward run saved for the adjoint."""

    __slots__ = (
        "adjoint",
        "composite",
        "count",
        "counters",
        "operands",
        "residuals",
        "versions",
        "wrt",
    )

    composite: Composite
    adjoint: Adjoint
    wrt: tuple[int, ...]
    operands: tuple[Any, ...] | None
    versions: tuple[int, ...]
    residuals: list[Any] | None
    counters: tuple[tuple[list[int], int, str, tuple[int, ...]], ...]

    def propagate(self, ct: Any, builder: Builder, tensors: bool) -> Sequence[Any]:
        if self.residuals is None or self.operands is None:
            raise released(self.title)
        self._check_residuals()
        cts = self._cotangents(ct, tensors)
        if tensors:
            self._check_operands()
            derivative = self.composite.derivative(self.wrt)
            parts: Any = run_composite(
                derivative, (*self.operands, *cts), _second_order(self.title)
            )
        else:
            parts = self.adjoint.backward.run([*self.residuals, *cts])
        result: list[Any] = [None] * len(self.edges)
        for i, part in zip(self.wrt, parts, strict=True):
            result[i] = part
        return result

    def _cotangents(self, ct: Any, tensors: bool) -> list[Any]:
        """One for each output of floating point, in full shape."""
        outputs = self.composite.graph.outputs
        given = [ct] if len(outputs) == 1 else ct
        cts = []
        for output, value in zip(outputs, given, strict=True):
            if output.type.is_float:
                if value is None:
                    value = np.zeros(output.shape, NUMPY_DTYPE[output.dtype])
                    value = make(value) if tensors else value
                cts.append(value)
        return cts

    def _check_residuals(self) -> None:
        for counter, expected, what, shape in self.counters:
            if counter[0] != expected:
                raise modified(self.title, what, shape, counter[0], expected)

    def _check_operands(self) -> None:
        for i, (x, expected) in enumerate(zip(self.operands or (), self.versions, strict=True)):
            found = _version(x)
            if found != expected:
                raise modified(self.title, f"operand {i}", x.shape, found, expected)

    def release(self) -> None:
        if self.residuals:
            self.residuals = self.operands = None

    def __getattr__(self, name: str) -> Any:
        if name not in ("_saved_self", "_saved_result"):
            raise AttributeError(f"{self.title} has no attribute {name!r}")
        if self.operands is None:
            raise released(self.title)
        return self.operands[0] if name == "_saved_self" else None


def _second_order(title: str) -> str:
    """
    >>> _second_order("SigmoidBackward0")
    'SigmoidBackwardBackward0'
    """
    return f"{title.removesuffix('0')}Backward0"


@cache
def _node_class(title: str) -> type[Any]:
    members = {"__slots__": (), "__module__": __name__, "title": title}
    return type(title, (CompositeNode,), members)


@lru_cache(maxsize=4096)
def plan_of(
    function: Callable[..., Any],
    types: tuple[tuple[int, tuple[int, ...]], ...],
    static: tuple[tuple[str, Any], ...],
) -> Composite:
    """`function(b, *operands, **static)` for operands of `types` (dtype number, shape)."""
    builder = GraphBuilder(getattr(function, "__name__", "composite"))
    inputs = [builder.input(TensorType(_NAME[num], shape)) for num, shape in types]
    outputs = function(builder, *inputs, **dict(static))
    return Composite(builder.build(outputs if isinstance(outputs, tuple) else (outputs,)))


def composite(
    name: str, function: Callable[..., Any], operands: Sequence[Any], title: str = "", **static: Any
) -> Any:
    """`function(b, *operands, **static)` of Tensors (or arrays), recorded as one node.

    Returns a Tensor, or a tuple of them where the function does. The node is called `title`, by
    default PyTorch's name for the derivative of `name`.
    """
    types = tuple((x.dtype.num, x.shape) for x in [getattr(x, "_data", x) for x in operands])
    try:
        plan = plan_of(function, types, tuple(static.items()))
    except KeyError:
        unknown = {str(x.dtype) for x in operands} - {str(d) for d in NUMPY_DTYPE.values()}
        raise TypeError(f"{name} does not take dtype {', '.join(sorted(unknown))}") from None
    except ValueError as error:
        raise explain(name, operands, error) from None
    results = run_composite(plan, operands, title or names.of_function(name))
    return results[0] if len(results) == 1 else tuple(results)


def run_composite(plan: Composite, operands: Sequence[Any], title: str) -> list[Tensor]:
    """The outputs of a composition, as Tensors linked to one node."""
    wrt: tuple[int, ...] = ()
    if STATE.enabled:
        wrt = tuple([i for i, x in enumerate(operands) if getattr(x, "_node", None) is not None])
    arrays = [getattr(x, "_data", x) for x in operands]
    adjoint = plan.adjoint(wrt) if wrt else None
    program = plan.forward if adjoint is None else adjoint.forward
    token = SILENCE(SILENT)
    try:
        values = program.run(arrays)
    finally:
        RESTORE(token)
    if adjoint is None:
        return [_wrap(plan, i, data, None, operands, arrays) for i, data in enumerate(values)]
    count = len(plan.views)
    node = _record(title, plan, adjoint, wrt, operands, values[count:])
    results = [
        _wrap(plan, i, data, node, operands, arrays) for i, data in enumerate(values[:count])
    ]
    node.counters = _watched(adjoint, operands, results) if adjoint.watched else ()
    return results


def _record(
    title: str,
    plan: Composite,
    adjoint: Adjoint,
    wrt: tuple[int, ...],
    operands: Sequence[Any],
    residuals: list[Any],
) -> CompositeNode:
    node: CompositeNode = _new(_node_class(title))
    node.edges = tuple([_edge(x) for x in operands])
    node.sequence = NEXT_SEQUENCE()
    node.hooks = None
    node.count = len(plan.views)
    node.composite = plan
    node.adjoint = adjoint
    node.wrt = wrt
    node.operands = tuple(operands)
    node.versions = tuple([_version(x) for x in operands])
    node.residuals = residuals
    return node


def _version(x: Any) -> int:
    counter = getattr(x, "_counter", None)
    return 0 if counter is None else counter[0]


def _edge(x: Any) -> Any:
    node = getattr(x, "_node", None)
    return x if node is LEAF else node


def _wrap(
    plan: Composite,
    index: int,
    data: Any,
    node: CompositeNode | None,
    operands: Sequence[Any],
    arrays: Sequence[Any],
) -> Tensor:
    """Output `index` as a Tensor: linked to its node, and a view where it shares memory."""
    link: Any = node if plan.graph.outputs[index].type.is_float else None
    if link is not None and index:
        link = Output(link, index)
    source = plan.views[index]
    if source is None or not hasattr(operands[source], "_data"):
        return make(data, link)
    base = arrays[source]
    if data is base or (data.base is not None and np.may_share_memory(data, base)):
        return make_view(data, link, operands[source])
    return make(data, link)


def _watched(
    adjoint: Adjoint, operands: Sequence[Any], results: list[Tensor]
) -> tuple[tuple[list[int], int, str, tuple[int, ...]], ...]:
    """The version counters of what the residuals are views of, and their versions now."""
    watched = []
    for what, i in adjoint.watched:
        tensor = operands[i] if what == "operand" else results[i]
        if hasattr(tensor, "_data"):
            counter = shared_counter(tensor)
            watched.append((counter, counter[0], f"{what} {i}", tensor._data.shape))
    return tuple(watched)
