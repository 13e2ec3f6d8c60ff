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

from ...ir import Builder, GraphBuilder, TensorType
from ...ir.types import NUMPY_DTYPE
from . import names
from .builder import shares
from .core import make, make_view, shared_counter
from .errors import explain
from .modes import STATE
from .node import LEAF, NEXT_SEQUENCE, Node, Output, modified, released
from .opnode import seen
from .packing import PackedResiduals, pack_tensor, packed_class
from .plan import Adjoint, Composite
from .quiet import RESTORE, SILENCE, SILENT

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = ["Composite", "CompositeNode", "composite", "plan_of"]

_new = object.__new__
_NAME: dict[int, str] = {dtype.num: name for name, dtype in NUMPY_DTYPE.items()}


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
            parts = self.adjoint.backward.run([*self.saved_values(), *cts])
        live = self._live(ct)
        result: list[Any] = [None] * len(self.edges)
        for i, part in zip(self.wrt, parts, strict=True):
            if live is None or i in live:
                result[i] = part
        return result

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
            found = _version(x)
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
        arrays = {id(x._data): x for x in self.operands or () if hasattr(x, "_data")}
        self.residuals = [
            pack_tensor(arrays.get(id(x)) or make(x), (pack, unpack))
            if isinstance(x, np.ndarray)
            else x
            for x in self.residuals or ()
        ]
        self.counters = ()
        self.__class__ = packed_class(type(self), PackedResiduals)

    def __getattr__(self, name: str) -> Any:
        if name not in ("_saved_self", "_saved_result"):
            raise AttributeError(f"{self.title} has no attribute {name!r}")
        if self.operands is None:
            raise released(self.title)
        first = self.operands[0]
        return first if name == "_saved_self" and hasattr(first, "_data") else None


def _second_order(title: str) -> str:
    """
    >>> _second_order("SigmoidBackward0")
    'SigmoidBackwardBackward0'
    """
    return f"{title.removesuffix('0')}Backward0"


def _wanted(plan: Composite, operands: Sequence[Any]) -> tuple[int, ...]:
    """The operands that require grad and that an output depends on."""
    found = [i for i, x in enumerate(operands) if getattr(x, "_node", None) is not None]
    return tuple([i for i in found if any(i in operand_set for operand_set in plan.reach)])


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
        wrt = _wanted(plan, operands)
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
    node: CompositeNode = _new(_node_class(title))
    node.edges = tuple([_edge(x) if i in wrt else None for i, x in enumerate(operands)])
    node.sequence = NEXT_SEQUENCE()
    node.hooks = None
    node.count = len(plan.views)
    node.composite = plan
    node.adjoint = adjoint
    node.wrt = wrt
    node.operands = kept = tuple(
        [x if i in adjoint.reads else _unread(x) for i, x in enumerate(operands)]
    )
    node.versions = tuple([_version(x) for x in kept])
    node.residuals = residuals
    return node


def _unread(x: Any) -> Any:
    """What stands for an operand whose elements the derivative does not read."""
    data = getattr(x, "_data", None)
    return x if data is None else _blank(data.dtype, data.shape)


@lru_cache(maxsize=256)
def _blank(dtype: np.dtype[Any], shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(dtype.type(0), shape)


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
