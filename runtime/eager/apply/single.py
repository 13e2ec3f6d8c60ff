"""Compositions of one Tensor with one result: activations, norms …

They take a shorter way than `composite`, to a node that holds less. What is elementwise does not
depend on the shape: that is built once for a dtype.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from ....ir import Graph
from ..core import make
from ..graph import names
from ..graph.modes import STATE
from ..graph.node import LEAF, NEXT_SEQUENCE, Node
from .blocks import LARGE
from .composite import (
    Composite,
    CompositeNode,
    blank,
    composite,
    node_class,
    watched,
)
from .plan import Adjoint
from .plans import Static, build, plan_of
from .quiet import RESTORE, SILENCE, SILENT

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["Single", "single"]

_MOST = 4096


class Single:
    """A composition of one operand, for a dtype; and for a shape, unless it is elementwise."""

    __slots__ = ("adjoint", "forward", "function", "lean", "name", "node", "num", "reads", "static")

    # Both are None where it has no derivative; large arrays take the lean one.
    adjoint: Adjoint | None
    lean: Adjoint | None

    def __init__(self, name: str, function: Any, static: Static, num: int, plan: Composite) -> None:
        self.name, self.function, self.static, self.num = name, function, static, num
        self.node = node_class(names.of_function(name), SingleNode)  # where no title is given
        self.forward = plan.forward
        self.adjoint = self.lean = plan.adjoint((0,)) if plan.passing else None
        if plan.passing and self.serves_all_shapes():
            self.lean = Adjoint(plan.graph, (0,), plan.program, lean=True)
        self.reads = self.adjoint is not None and 0 in self.adjoint.reads

    def serves_all_shapes(self) -> bool:
        """Whether no line of the code holds a shape, as that of a constant gradient does."""
        adjoint = self.adjoint
        programs = [self.forward] + ([adjoint.forward, adjoint.backward] if adjoint else [])
        return all(program.elementwise for program in programs)

    def composite(self, shape: tuple[int, ...]) -> Composite:
        """The composition for operands of a shape."""
        return plan_of(self.name, self.function, ((self.num, shape),), self.static)


class SingleNode(CompositeNode):
    """A recorded composition of one operand, which it keeps where the derivative reads it."""

    __slots__ = ("shape",)

    count: ClassVar[int] = 1  # type: ignore[misc]
    wrt: ClassVar[tuple[int, ...]] = (0,)  # type: ignore[misc]
    delivery: ClassVar[None] = None  # type: ignore[misc]
    several_steps: ClassVar[bool] = False
    arranged = Node.arranged

    composite: Single  # type: ignore[assignment]
    shape: tuple[int, ...]

    def derivative(self) -> Composite:
        return self.composite.composite(self.shape).derivative(self.wrt)

    def own_results(self) -> list[Any]:
        return []

    def primal(self, ct: Any) -> tuple[Any, ...]:
        return self.operands or (blank(ct.dtype, self.shape),)

    def _cotangents(self, ct: Any, tensors: bool) -> list[Any]:
        return [ct]

    def step(self, ct: Any, retain: bool) -> Sequence[Any]:
        residuals = self.residuals
        if residuals is None:
            return Node.step(self, ct, retain)
        if self.counters:
            self._check_residuals()
        program = self.adjoint.backward
        parts = (program.run if ct.size < LARGE else program.large)([*residuals, ct])
        if not retain and residuals:
            self.residuals = self.operands = None
        return parts  # type: ignore[no-any-return]


def single(
    name: str, function: Callable[..., Any], x: Tensor, title: str, static: dict[str, Any]
) -> Any:
    """`composite` of one Tensor, by the short way where there is one."""
    data = x._data
    key = (function, data.dtype.num, *static.items())
    plan = _elementwise.get(key)
    if plan is None:
        plan = _of_shape.get((key, data.shape))
        if plan is None:
            plan = _examined(key, name, x)
        if plan is _OTHER:
            return composite(name, function, (x,), title, **static)
    return run_single(plan, x, title)


def run_single(plan: Single, x: Tensor, title: str = "") -> Tensor:
    """The result of a plan that serves x."""
    data = x._data
    source, mode = x._node, STATE.enabled
    small = data.size < LARGE
    adjoint = plan.adjoint if small else plan.lean
    if source is None or not mode:
        adjoint = None
    program = plan.forward if adjoint is None else adjoint.forward
    token = SILENCE(SILENT)
    try:
        values = (program.run if small else program.large)((data,))
    finally:
        RESTORE(token)
    if adjoint is None:
        return make(values[0])
    node = (node_class(title, SingleNode) if title else plan.node)()
    node.edges = (x if source is LEAF else source,)
    node.sequence = NEXT_SEQUENCE()
    node.hooks = None
    node.composite = plan
    node.adjoint = adjoint
    if plan.reads:
        node.operands = (x,)
        node.versions = (0 if x._counter is None else x._counter[0],)
    else:
        node.operands = node.versions = ()
    node.shape = data.shape
    result = make(values[0], node)
    node.residuals = values[1:]
    node.counters = watched(adjoint, (x,), [result]) if adjoint.watched else ()
    if mode is not True:
        mode.see(node)
    return result


_OTHER: Any = object()  # stands for a function that takes the long way
_elementwise: dict[Any, Any] = {}
_of_shape: dict[Any, Any] = {}


def _examined(key: Any, name: str, x: Tensor) -> Any:
    """The plan for operands like x, made and kept."""
    function, num, *items = key
    static, shape = tuple(items), x._data.shape
    plan = plan_of(name, function, ((num, shape),), static, (x,))
    if not plan.simple:
        return _kept(_of_shape, (key, shape), _OTHER)
    found = Single(name, function, static, num, plan)
    if _is_elementwise(plan.graph) and found.serves_all_shapes():
        other = build(function, ((num, (2, *shape)),), static)
        if _is_elementwise(other) and _code(plan.graph) == _code(other):
            return _kept(_elementwise, key, found)
    return _kept(_of_shape, (key, shape), found)


def _kept(where: dict[Any, Any], key: Any, plan: Any) -> Any:
    if len(where) >= _MOST:
        where.clear()
    where[key] = plan
    return plan


def _is_elementwise(graph: Graph) -> bool:
    """Whether the output has the shape of the input, and every operation works on elements."""
    return graph.outputs[0].shape == graph.inputs[0].shape and all(
        operation.op.elementwise or operation.name == "constant" for operation in graph
    )


def _code(graph: Graph) -> list[Any]:
    """Operations and numbers, without shapes."""
    return [
        (operation.name, [(k, v) for k, v in operation.attributes.items() if k != "shape"])
        for operation in graph
    ]
