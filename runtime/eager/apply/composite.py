"""Functions composed of ops, in eager mode: one node each, under PyTorch's name.

A composition is written once, as a function of a `Builder`. For the types at hand it is built as a
graph, kept, and replayed; so is its adjoint, which reads what the forward run saved. Under
`create_graph` the adjoint is itself applied as a composition, of the operands and the cotangents,
so that it differentiates to any order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ....ir import Builder
from ....ir.types import NUMPY_DTYPE
from ..core import InferenceCounter, make, make_view, shared_counter
from ..graph import names
from ..graph.modes import STATE
from ..graph.node import LEAF, NEXT_SEQUENCE, Node, Output, modified, released
from ..graph.opnode import seen
from ..graph.packing import PackedResiduals, pack_tensor, packed_class
from .builder import shares
from .plan import Adjoint, Composite
from .plans import plan_of
from .quiet import RESTORE, SILENCE, SILENT

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "Composite",
    "CompositeNode",
    "blank",
    "composite",
    "linked",
    "node_class",
    "run_composite",
    "second_order",
    "watched",
]


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

    replays: ClassVar[bool] = True

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
        if self.counters:
            self._check_residuals()
        if not tensors and self.count == 1 and len(self.wrt) == len(self.edges) == 1:
            return self.adjoint.backward.run([*self.saved_values(), ct])  # type: ignore[no-any-return]
        cts = self._cotangents(ct, tensors)
        if tensors:
            self._check_operands()
            derivative = self.derivative()
            parts: Any = run_composite(
                derivative,
                (*self.primal(cts[0]), *cts, *self.own_results()),
                second_order(self.title),
            )
        else:
            parts = self.adjoint.backward.run([*self.saved_values(), *cts])
        live = self._live(ct)
        result: list[Any] = [None] * len(self.edges)
        for i, part in zip(self.wrt, parts, strict=True):
            if live is None or i in live:
                result[i] = part
        return result

    def primal(self, ct: Any) -> tuple[Any, ...]:
        """The operands, or what stands for those whose elements are not read."""
        return self.operands or ()

    def derivative(self) -> Composite:
        """The composition from the operands and the cotangents to the operands' cotangents."""
        return self.composite.derivative(self.wrt, True)

    def own_results(self) -> list[Any]:
        """Its results as far as they were saved, at their place in the graph, for `derivative`."""
        found = []
        saved = self.saved_values() if self.adjoint.results else []
        for number, place in self.adjoint.results.items():
            result = make(saved[place], _link(self.composite, number, self))
            what = f"output {number}"
            counter = next((entry[0] for entry in self.counters if entry[2] == what), None)
            result._counter = result._counter if counter is None else counter
            found.append(result)
        return found

    def _live(self, ct: Any) -> set[int] | None:
        """The operands that outputs with a cotangent depend on; None for all of them."""
        if self.count == 1:
            return None
        pairs = zip(ct, self.composite.reach, strict=True)
        return {i for value, operands in pairs if value is not None for i in operands}

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
            found = x._counter[0] if expected < 0 else _version(x)
            if found != expected:
                raise modified(self.title, f"operand {i}", x.shape, found, expected)

    def saved_values(self) -> list[Any]:
        """The residuals as arrays."""
        assert self.residuals is not None
        return self.residuals

    def release(self) -> None:
        if self.residuals:
            self.residuals = self.operands = None

    def holds(self, tensor: Tensor, data: np.ndarray) -> bool:
        if not any(operand is tensor for operand in self.operands or ()):
            return False
        self.residuals = [
            x.copy() if isinstance(x, np.ndarray) and np.may_share_memory(x, data) else x
            for x in self.residuals or ()
        ]
        return True

    def adopt(self, result: Tensor, heir: Tensor) -> None:
        old, new = result._counter, shared_counter(heir)
        self.counters = tuple(
            [
                (new, new[0], what, shape) if counter is old else (counter, version, what, shape)
                for counter, version, what, shape in self.counters
            ]
        )

    def pack(self, pack: Any, unpack: Any) -> None:
        hooks, operands = (pack, unpack), self.operands or ()
        arrays = {id(x._data): x for x in operands if hasattr(x, "_data")}
        done: dict[int, Any] = {}
        for x in self.residuals or ():
            if isinstance(x, np.ndarray) and id(x) not in done:
                own = id(x) not in arrays
                done[id(x)] = pack_tensor(make(x) if own else arrays[id(x)], hooks, own)
        self.residuals = [done.get(id(x), x) for x in self.residuals or ()]
        if not getattr(pack, "wholly", False):
            self.counters = ()
        else:
            self.operands = tuple([_packed(x, done, hooks) for x in operands])
            self.versions = tuple([_version(x) for x in self.operands])
        self.__class__ = packed_class(type(self), PackedResiduals)

    def arranged(self, tables: dict[int, Any]) -> Iterable[tuple[int, Any]]:
        made = self.composite.made
        return sorted(tables.items(), key=lambda entry: -made[entry[0]]) if made else tables.items()

    @property
    def several_steps(self) -> bool:
        return self.composite.made is not None

    def reached_from(self, number: int) -> Iterable[int]:
        return self.composite.reach[number]

    @property
    def delivery(self) -> tuple[int, ...] | None:
        """Numbers of edges in the order in which their gradients are complete, if that is known."""
        return self.composite.delivery

    @property
    def _saved_self(self) -> Any:
        """The first operand, where the derivative reads it."""
        if self.operands is None:
            raise released(self.title)
        first = self.operands[0] if self.operands else None
        return first if hasattr(first, "_data") else None

    @property
    def _saved_result(self) -> Any:
        if self.operands is None:
            raise released(self.title)
        return None


def second_order(title: str) -> str:
    """
    >>> second_order("SigmoidBackward0")
    'SigmoidBackwardBackward0'
    """
    return f"{title.removesuffix('0')}Backward0"


@cache
def node_class(title: str, base: type[Node] = CompositeNode) -> type[Any]:
    """The class of the nodes called `title`."""
    return type(title, (base,), {"__slots__": (), "__module__": __name__, "title": title})


def composite(
    name: str, function: Callable[..., Any], operands: Sequence[Any], title: str = "", **static: Any
) -> Any:
    """`function(b, *operands, **static)` of Tensors (or arrays), recorded as one node.

    Returns a Tensor, or a tuple of them where the function does. The node is called `title`, by
    default PyTorch's name for the derivative of `name`.
    """
    arrays = [getattr(x, "_data", x) for x in operands]
    types = tuple([(a.dtype.num, a.shape) for a in arrays])
    plan = plan_of(name, function, types, tuple(static.items()), operands)
    results = run_composite(plan, operands, title or names.of_function(name), arrays)
    return results[0] if len(results) == 1 else tuple(results)


def run_composite(
    plan: Composite, operands: Sequence[Any], title: str, arrays: list[Any] | None = None
) -> list[Tensor]:
    """The outputs of a composition, as Tensors linked to one node."""
    if arrays is None:
        arrays = [getattr(x, "_data", x) for x in operands]
    wrt: tuple[int, ...] = ()
    if STATE.enabled:
        wrt = tuple([i for i in plan.passing if getattr(operands[i], "_node", None) is not None])
    adjoint = None
    program = plan.forward
    if wrt:
        adjoint = plan.adjoints.get(wrt) or plan.adjoint(wrt)
        program = adjoint.forward
    token = SILENCE(SILENT)
    try:
        values = program.run(arrays)
    finally:
        RESTORE(token)
    if adjoint is None:
        return [_wrap(plan, i, data, None, operands, arrays) for i, data in enumerate(values)]
    count = len(plan.views)
    return linked(title, plan, adjoint, wrt, operands, arrays, values[:count], values[count:])


def linked(
    title: str,
    plan: Composite,
    adjoint: Adjoint,
    wrt: tuple[int, ...],
    operands: Sequence[Any],
    arrays: Sequence[Any],
    values: Sequence[Any],
    residuals: list[Any],
) -> list[Tensor]:
    """The outputs `values` as Tensors, linked to a node that keeps the `residuals`."""
    node = _record(title, plan, adjoint, wrt, operands, residuals)
    if plan.simple:
        results = [make(values[0], node)]
    else:
        results = [_wrap(plan, i, data, node, operands, arrays) for i, data in enumerate(values)]
    node.counters = watched(adjoint, operands, results) if adjoint.watched else ()
    if STATE.enabled is not True:
        seen(node)
    return results


def _record(
    title: str,
    plan: Composite,
    adjoint: Adjoint,
    wrt: tuple[int, ...],
    operands: Sequence[Any],
    residuals: list[Any],
) -> CompositeNode:
    node: CompositeNode = node_class(title)()
    if len(operands) == 1:
        source = operands[0]._node
        node.edges = (operands[0] if source is LEAF else source,)
    else:
        node.edges = tuple([_edge(x) if i in wrt else None for i, x in enumerate(operands)])
    node.sequence = NEXT_SEQUENCE()
    node.hooks = None
    node.count = len(plan.views)
    node.composite = plan
    node.adjoint = adjoint
    node.wrt = wrt
    reads = adjoint.reads
    node.operands = kept = tuple([x if i in reads else _unread(x) for i, x in enumerate(operands)])
    node.versions = tuple([_version(x) for x in kept])
    node.residuals = residuals
    return node


def _packed(x: Any, done: dict[int, Any], hooks: Any) -> Any:
    """An operand that is packed as the residuals are; a leaf stays, as it does without."""
    if not hasattr(x, "_data") or x._node is LEAF:
        return x
    return done.get(id(x._data)) or pack_tensor(x, hooks)


def _unread(x: Any) -> Any:
    """What stands for an operand whose elements the derivative does not read."""
    data = getattr(x, "_data", None)
    return x if data is None else blank(data.dtype, data.shape)


@lru_cache(maxsize=256)
def blank(dtype: np.dtype[Any], shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(dtype.type(0), shape)


def _version(x: Any) -> int:
    """The version of an operand that is read again under `create_graph`; -1 for one that has none,
    which only is an error there.
    """
    counter = getattr(x, "_counter", None)
    if counter is None:
        return 0
    return -1 if counter.__class__ is InferenceCounter else counter[0]


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
    link = None if node is None else _link(plan, index, node)
    source = plan.views[index]
    if source is None or not hasattr(operands[source], "_data"):
        return make(data, link)
    base = arrays[source]
    if shares(data, base):
        several = f"Output {index} of {_plain(node, plan)}" if len(plan.views) > 1 else None
        return make_view(data, link, operands[source], several)
    return make(data, link)


def _link(plan: Composite, index: int, node: CompositeNode) -> Any:
    """What an output's `_node` is: none where it depends on nothing that requires grad."""
    if not plan.graph.outputs[index].type.is_float or plan.reach[index].isdisjoint(node.wrt):
        return None
    return Output(node, index) if index else node


def _plain(node: CompositeNode | None, plan: Composite) -> str:
    """What users call a node: the function without "Backward0"."""
    return plan.graph.name if node is None else node.title.partition("Backward")[0]


def watched(
    adjoint: Adjoint, operands: Sequence[Any], results: list[Tensor]
) -> tuple[tuple[list[int], int, str, tuple[int, ...]], ...]:
    """The version counters of what the residuals are views of, and their versions now."""
    found = []
    for what, i in adjoint.watched:
        tensor = operands[i] if what == "operand" else results[i]
        if hasattr(tensor, "_data"):
            counter = shared_counter(tensor)
            found.append((counter, counter[0], f"{what} {i}", tensor._data.shape))
    return tuple(found)
