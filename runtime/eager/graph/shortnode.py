"""Nodes of ops of one and two operands: `OpNode`s with a short way through backward.

The short way is for arrays of dtypes that the IR has, where nothing that was saved has been changed
since. Else `OpNode` does the work (and the complaining).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..apply.blocks import LARGE
from .arrays import NUMPY
from .derivatives import Derivatives, derivatives
from .opnode import OpNode, fit, node_class
from .specialise import own_method

if TYPE_CHECKING:
    from .node import Node

__all__ = [
    "BinaryNode",
    "NumberNode",
    "PowerNode",
    "ShortNode",
    "UnaryNode",
    "dot_class",
    "power_rules",
]


class ShortNode(OpNode):
    """What the nodes below have in common: their ops' attributes are those of the class."""

    __slots__ = ()

    fixed_attributes: ClassVar[bool] = True
    attributes: ClassVar[dict[str, Any]] = {}  # type: ignore[misc]
    dims: ClassVar[tuple[int, ...]] = ()  # of the operands; () for elementwise ops: any
    known: ClassVar[dict[np.dtype[Any], Derivatives]]  # by dtype of the cotangent

    def __init_subclass__(cls) -> None:
        cls.known = {}
        cls.step = own_method(cls.step)  # type: ignore[method-assign]

    def rules_for(self, dtype: np.dtype[Any]) -> Derivatives:
        """The derivatives for cotangents of `dtype`; () where there are none."""
        rules = self.known.get(dtype)
        if rules is None:
            attributes = tuple(self.attributes.items())
            rules = self.known[dtype] = derivatives(self.op.name, dtype, self.dims, attributes)
        return rules

    def changed(self, operands: tuple[Any, ...]) -> bool:
        """Whether something saved is not what it was."""
        versions = self.versions
        for i, x in enumerate(operands):
            counter = getattr(x, "_counter", None)
            if counter is not None and counter[0] != (0 if versions is None else versions[i]):
                return True
        return False


class UnaryNode(ShortNode):
    """A node of an elementwise op of one operand."""

    __slots__ = ()

    def step(self, ct: Any, retain: bool) -> Sequence[Any]:
        operands, counter = self.operands, self.counter
        rules = self.known.get(ct.dtype) or self.rules_for(ct.dtype)
        if not rules or operands is None or (counter is not None and counter[0]):
            return OpNode.step(self, ct, retain)
        x = operands[0]
        if hasattr(x, "_data"):
            if x._counter is not None and self.changed(operands):
                return OpNode.step(self, ct, retain)
            x = x._data
        rule = rules[0] if ct.size < LARGE else rules[0].large
        part = rule(ct, x, self.out)
        if not retain and self.saves:
            self.operands = self.out = None
        return (part,)


class BinaryNode(ShortNode):
    """A node of an op of two operands; those of elementwise ops broadcast."""

    __slots__ = ()

    def step(self, ct: Any, retain: bool) -> Sequence[Any]:  # noqa: C901
        operands, counter = self.operands, self.counter
        rules = self.known.get(ct.dtype) or self.rules_for(ct.dtype)
        if not rules or operands is None or (counter is not None and counter[0]):
            return OpNode.step(self, ct, retain)
        a, b = x, y = operands
        versions = self.versions
        if hasattr(x, "_data"):
            a, counter = x._data, x._counter
            if counter is not None and counter[0] != (versions[0] if versions else 0):
                return OpNode.step(self, ct, retain)
        if hasattr(y, "_data"):
            b, counter = y._data, y._counter
            if counter is not None and counter[0] != (versions[1] if versions else 0):
                return OpNode.step(self, ct, retain)
        out = self.out
        if not retain and self.saves:
            self.operands = self.out = None
        part = other = None
        first, second = self.edges
        if first is not None:
            rule = rules[0] if ct.size < LARGE else rules[0].large
            part = rule(ct, a, b, out)
            shape = x if x.__class__ is tuple else a.shape
            if part.shape != shape:
                part = fit(NUMPY, part, ct.shape, shape)
        if second is not None:
            rule = rules[1] if ct.size < LARGE else rules[1].large
            other = rule(ct, a, b, out)
            shape = y if y.__class__ is tuple else b.shape
            if other.shape != shape:
                other = fit(NUMPY, other, ct.shape, shape)
        return part, other


class NumberNode(ShortNode):
    """A node of an elementwise op of a tensor and a number, an array that stands second."""

    __slots__ = ()

    def step(self, ct: Any, retain: bool) -> Sequence[Any]:
        operands, counter = self.operands, self.counter
        rules = self.known.get(ct.dtype) or self.rules_for(ct.dtype)
        if not rules or operands is None or (counter is not None and counter[0]):
            return OpNode.step(self, ct, retain)
        x, number = operands
        if hasattr(x, "_data"):
            if x._counter is not None and self.changed(operands):
                return OpNode.step(self, ct, retain)
            x = x._data
        rule = rules[0] if ct.size < LARGE else rules[0].large
        part = rule(ct, x, number, self.out)
        if not retain and self.saves:
            self.operands = self.out = None
        return part, None


class PowerNode(NumberNode):
    """A node of a power of a tensor with a constant exponent: simple ones have simple rules."""

    __slots__ = ()

    def step(self, ct: Any, retain: bool) -> Sequence[Any]:
        operands, counter = self.operands, self.counter
        if operands is None or (counter is not None and counter[0]):
            return OpNode.step(self, ct, retain)
        x, number = operands
        if hasattr(x, "_data"):
            if x._counter is not None and self.changed(operands):
                return OpNode.step(self, ct, retain)
            x = x._data
        known = _powers.get(id(number))
        rules = known[1] if known is not None and known[0] is number else power_rules(number)
        if not rules or ct.dtype is not number.dtype:
            return OpNode.step(self, ct, retain)
        rule = rules[0] if ct.size < LARGE else rules[0].large
        part = rule(ct, x, number, self.out)
        if not retain:
            self.operands = self.out = None
        return part, None


def power_rules(number: np.ndarray) -> Derivatives:
    """The rules for the exponent `number`, an array that is one object for many nodes."""
    exponent = number.item()
    simple = exponent if exponent in _SIMPLE else None
    key = (number.dtype, simple)
    rules = _power_rules_of.get(key)
    if rules is None:
        rules = _power_rules_of[key] = derivatives("pow", number.dtype, number=simple)
    if len(_powers) >= _MOST_POWERS:
        _powers.clear()
    _powers[id(number)] = (number, rules)
    return rules


_MOST_POWERS = 256
_powers: dict[int, tuple[np.ndarray, Derivatives]] = {}  # by the address of the exponent
_power_rules_of: dict[Any, Derivatives] = {}
_SIMPLE = frozenset((-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0))


@cache
def dot_class(
    title: str,
    dims: tuple[int, int],
    contract: tuple[tuple[int, ...], tuple[int, ...]],
    batch: tuple[tuple[int, ...], tuple[int, ...]],
) -> type[Any]:
    """The class of the nodes of a contraction of arrays with `dims` axes."""
    base: type[Node] = node_class(title, "dot", BinaryNode)
    attributes = {"contract": contract, "batch": batch}
    members = {"__slots__": (), "__module__": __name__, "attributes": attributes, "dims": dims}
    return type(title, (base,), members)
