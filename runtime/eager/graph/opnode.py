"""The node of one op of the table: it saves what the op's rules read; backward calls them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ....ir import Builder, GraphBuilder, TensorType
from ....ir.op import TABLE, ZERO, NoDerivative, Op, Rule
from ....ir.types import dtype_name
from ..core import Since, make, shared_counter
from .modes import STATE
from .node import LEAF, NEXT_SEQUENCE, Node, modified, released
from .packing import PackedOperands, pack_tensor, packed_class

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "OpNode",
    "PromotedNode",
    "Unsaved",
    "made_by",
    "node_class",
    "reads_of",
    "record",
    "seen",
]

_new = object.__new__


class Unsaved:
    """An operand whose elements no rule reads: only its type is kept."""

    __slots__ = ("dtype", "shape")

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.shape = shape
        self.dtype = dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)


class OpNode(Node):
    """A node of an op with one result.

    `operands` holds for each operand a Tensor (saved), a NumPy scalar, an array that cannot change,
    an `Unsaved`, or a plain shape (unsaved, of the result's dtype). `versions` holds the version of
    each saved Tensor, None where all are 0.
    """

    __slots__ = ("attributes", "counter", "operands", "out", "versions")

    op: ClassVar[Op]
    rules: ClassVar[Any]  # by operand; None where the derivative is zero
    elementwise: ClassVar[bool]
    saves: ClassVar[bool]
    fixed_attributes: ClassVar[bool] = False  # those of the class, not of the node
    replays: ClassVar[bool] = True

    attributes: dict[str, Any]
    operands: tuple[Any, ...] | None
    versions: tuple[int, ...] | None
    out: Any  # the result's array where a rule reads it
    counter: list[int] | None  # the result's version counter, where `out` is saved

    def propagate(self, ct: Any, builder: Builder, tensors: bool) -> Sequence[Any]:
        operands, out = self.unpack(tensors, ct.dtype)
        parts: list[Any] = []
        for index, edge in enumerate(self.edges):
            if edge is None:
                parts.append(None)
            else:
                operand = operands[index]
                rule = self.rules[index]
                if rule is None:
                    part = _zeros(builder, operand)
                else:
                    part = rule(builder, ct, operands, out, **self.attributes)
                if part.shape != operand.shape:
                    full = ct.shape if self.elementwise else None
                    part = fit(builder, part, full, operand.shape)
                parts.append(part)
        return parts

    def unpack(self, tensors: bool, dtype: np.dtype[Any]) -> tuple[tuple[Any, ...], Any]:
        """The operands and the result as the rules take them; checked to be what they were."""
        if self.operands is None:
            raise released(self.title)
        operands, out = self.restored() if self.saves else (self.operands, None)
        values: list[Any] = []
        for operand in operands:
            if operand.__class__ is tuple:
                values.append(Unsaved(operand, dtype))
            elif tensors:
                values.append(operand)
            else:
                values.append(getattr(operand, "_data", operand))
        return tuple(values), self._result(out) if tensors and out is not None else out

    def restored(self) -> tuple[tuple[Any, ...], Any]:
        """The operands and the result's array that were saved, as they were."""
        assert self.operands is not None
        self.check_versions(self.operands)
        return self.operands, self.out

    def _result(self, out: Any) -> Tensor:
        result = make(out, self)
        result._counter = self.counter
        return result

    def check_versions(self, operands: tuple[Any, ...]) -> None:
        """Raise where something saved was changed in place since."""
        counter = self.counter
        if counter is not None and counter[0]:
            what = f"its result, output 0 of {self.title},"
            raise modified(self.title, what, self.out.shape, counter[0], 0)
        for i, operand in enumerate(operands):
            counter = getattr(operand, "_counter", None)
            if counter is not None:
                expected = 0 if self.versions is None else self.versions[i]
                if counter[0] != expected:
                    what = f"operand {i}{_maker(operand)}"
                    raise modified(self.title, what, operand.shape, counter[0], expected)

    def release(self) -> None:
        if self.saves:
            self.operands = None
            self.out = None

    def holds(self, tensor: Tensor, data: np.ndarray) -> bool:
        return any(operand is tensor for operand in self.operands or ())

    def adopt(self, result: Tensor, heir: Tensor) -> None:
        if self.out is result._data:
            self.out = heir._data
            self.counter = Since(shared_counter(heir))

    def pack(self, pack: Any, unpack: Any) -> None:
        hooks = (pack, unpack)
        if self.operands is None or not self.saves:
            return
        operands, out = self.operands, self.out
        self.operands = tuple(pack_tensor(x, hooks) if hasattr(x, "_data") else x for x in operands)
        if out is not None:
            shown = make(out)
            shown._counter = self.counter
            self.out = pack_tensor(shown, hooks, own=True)
            self.counter = None
        self.__class__ = packed_class(type(self), PackedOperands)

    def saved(self, word: str) -> Any:
        """A saved value by its place, "0", "1", … or "out"; None where it was not saved."""
        if self.operands is None:
            raise released(self.title)
        operands, out = self.restored()
        if word == "out":
            return None if out is None else self._result(out)
        value = operands[int(word)]
        if isinstance(value, tuple | Unsaved):
            return None
        return value if hasattr(value, "_data") else value.item() if not value.ndim else value

    def _word(self, name: str, word: str) -> Any:
        if word != "out" and int(word) >= len(self.edges):
            raise AttributeError(f"{self.title} has no attribute {name!r}")
        return self.saved(word)

    # Not by `__getattr__`: with that every other attribute of a node takes the interpreter longer.
    _saved_self = property(lambda self: self._word("_saved_self", "0"))
    _saved_other = property(lambda self: self._word("_saved_other", "1"))
    _saved_exponent = property(lambda self: self._word("_saved_exponent", "1"))
    _saved_mat2 = property(lambda self: self._word("_saved_mat2", "1"))
    _saved_result = property(lambda self: self._word("_saved_result", "out"))


def _maker(x: Tensor) -> str:
    node = x._node
    if node is None or node is LEAF:
        return ""
    return f", output {getattr(node, 'number', 0)} of {x.grad_fn.title},"


class PromotedNode(OpNode):
    """A node whose operands had different dtypes and were cast to a common one."""

    __slots__ = ("dtype",)

    dtype: np.dtype[Any]

    def unpack(self, tensors: bool, dtype: np.dtype[Any]) -> tuple[tuple[Any, ...], Any]:
        operands, out = super().unpack(tensors, dtype)
        return tuple(_cast(x, self.dtype) for x in operands), out

    def propagate(self, ct: Any, builder: Builder, tensors: bool) -> Sequence[Any]:
        assert self.operands is not None or self.out is None
        dtypes = [getattr(x, "dtype", self.dtype) for x in self.operands or ()]
        parts = super().propagate(ct, builder, tensors)
        return [
            None if part is None else _cast(part, dtype)
            for part, dtype in zip(parts, dtypes, strict=True)
        ]


def _cast(x: Any, dtype: np.dtype[Any]) -> Any:
    if x.dtype == dtype:
        return x
    if isinstance(x, Unsaved):
        return Unsaved(x.shape, dtype)
    return x.to(dtype) if hasattr(x, "_data") else x.astype(dtype)


def _zeros(builder: Builder, operand: Any) -> Any:
    kind = TensorType(dtype_name(operand.dtype) or "f32", ())
    return builder.broadcast(builder.constant(0.0, kind), tuple(operand.shape))


def fit(builder: Builder, part: Any, full: tuple[int, ...] | None, shape: tuple[int, ...]) -> Any:
    """A cotangent in the shape of its operand, which was broadcast to `full` in the operation."""
    if full is None:
        return builder.broadcast(part, shape)
    if part.shape != full:
        part = builder.broadcast(part, full)
    return builder.sum_to(part, shape)


@cache
def node_class(title: str, op_name: str, base: type[Node] = OpNode) -> type[Any]:
    """The class of the nodes of an op called `title`, as PyTorch shows `type(node)`."""
    op = TABLE[op_name]
    members = {
        "__slots__": (),
        "__module__": __name__,
        "title": title,
        "op": op,
        "elementwise": op.elementwise,
        "saves": bool(op.saves),
        "rules": _rules(op),
    }
    return type(title, (base,), members)


class _VariadicRules:
    """The rules of an op with any number of operands: one, which is told the operand's index."""

    def __init__(self, rule: Any) -> None:
        self._rule = rule

    def __getitem__(self, index: int) -> Rule:
        return partial(self._rule, index=index)


def _rules(op: Op) -> Any:
    if op.arity is None:
        return _VariadicRules(op.vjp_rule(0))
    rules = (op.vjp_rule(i) for i in range(op.arity))
    return tuple(None if isinstance(rule, NoDerivative) else rule for rule in rules)


@cache
def reads_of(op_name: str) -> tuple[frozenset[str], ...]:
    """For each rule of an elementwise op, or of dot, what of "0", "1", …, "out" it reads.

    `saves` is what all rules together read; which of them run is known only when the node is made.
    """
    op = TABLE[op_name]
    return tuple(_reads(op, index) for index in range(op.arity or 0))


def _reads(op: Op, index: int) -> frozenset[str]:
    rule = op.vjp_rule(index)
    if isinstance(rule, NoDerivative) or not op.saves:
        return frozenset()
    if op.name == "dot":
        return frozenset(str(1 - index))
    if not op.elementwise:
        return frozenset(op.saves)
    return _read_values(op, rule)


def _read_values(op: Op, rule: Rule) -> frozenset[str]:
    """What a graph of the rule's result is built from: values, and not what gives its type."""
    builder = GraphBuilder("probe")
    kind = TensorType("f32", (2,))
    words = [str(i) for i in range(op.arity or 0)]
    operands = tuple(
        builder.input(kind.with_dtype("bool") if op.name == "select" and word == "0" else kind)
        for word in words
    )
    out, g = builder.input(kind), builder.input(kind)
    result = rule(builder, g, operands, out)
    used = {x for operation in builder.operations for x in operation.operands} | {result}
    pairs = zip((*words, "out"), (*operands, out), strict=True)
    return frozenset(word for word, value in pairs if value in used)


def record(
    cls: type[Any],
    operands: Sequence[Any],
    arrays: Sequence[Any],
    data: Any,
    attributes: dict[str, Any],
) -> Any:
    """A node of class `cls` for what was computed, or None where nothing asks for a gradient."""
    op: Op = cls.op
    edges = []
    linked = False
    for i, x in enumerate(operands):
        source = getattr(x, "_node", None)
        if source is not None:
            rule = op.vjp_rule(i)
            if rule is ZERO or not isinstance(rule, NoDerivative):
                linked = True
                edges.append(x if source is LEAF else source)
                continue
        edges.append(None)
    if not linked:
        return None
    node = _new(cls)
    node.edges = tuple(edges)
    node.sequence = NEXT_SEQUENCE()
    node.hooks = None
    if not cls.fixed_attributes:
        node.attributes = attributes
    node.versions = node.out = node.counter = None
    if cls.saves:
        _save(node, op, operands, arrays, data)
    else:
        node.operands = tuple([Unsaved(array.shape, array.dtype) for array in arrays])
    return node


def seen(node: Any) -> None:
    """Show a node that is complete to the watch of this thread, if there is one."""
    watch = STATE.enabled
    if watch is not True and node is not None and watch:
        watch.see(node)


def _save(node: Any, op: Op, operands: Sequence[Any], arrays: Sequence[Any], data: Any) -> None:
    """Keep what the rules of the operands read that require grad."""
    if op.arity is None:
        needs = frozenset(("out", *map(str, range(len(operands)))))
    else:
        reads = zip(reads_of(op.name), node.edges, strict=True)
        needs = frozenset().union(*(read for read, edge in reads if edge is not None))
    kept = []
    versions = []
    for i, (x, array) in enumerate(zip(operands, arrays, strict=True)):
        if str(i) in needs:
            kept.append(x)
            counter = getattr(x, "_counter", None)
            versions.append(0 if counter is None else counter[0])
        else:
            kept.append(Unsaved(array.shape, array.dtype))
            versions.append(0)
    node.operands = tuple(kept)
    node.versions = tuple(versions)
    if "out" in needs:
        node.out = np.asarray(data)


def made_by(node: Any, data: Any) -> Tensor:
    """The result of `node`; where that saved its elements, the two share a version counter."""
    result = make(data, node)
    if node is not None and node.out is not None:
        node.out = result._data
        result._counter = node.counter = [0]
    if STATE.enabled is not True:
        seen(node)
    return result
