"""Writing routes: the backward pass of one shape of graph as Python source.

    def run(n0, g0, retain):
        if g0.dtype is not dtype: return 0           # checks, with nothing done
        n1, l0 = n0.edges
        ...
        g1 = f0(g0, a0, b0, o0)                      # then the rules, latest node first
        if not retain: n0.operands = n0.out = None
        ...
        return {l0: h0}

`n` are nodes, `l` leaves, `g` and `h` their cotangents; `a` and `b` are what nodes saved of their
operands, `o` their results. A name is dropped as soon as it is not needed: an array that nobody
else has becomes the gradient of a leaf as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np

from ..apply.blocks import LARGE
from ..apply.composite import CompositeNode
from ..apply.single import SingleNode
from ..graph.arrays import NUMPY
from ..graph.node import LEAF_EDGE, OUTPUT, Node
from ..graph.opnode import OpNode, PromotedNode, fit
from ..graph.shortnode import BinaryNode, NumberNode, PowerNode, ShortNode, UnaryNode, power_rules
from ..operators.elementwise import as_constant
from ..operators.totals import MeanNode, TotalNode
from ..tensor import Tensor
from .plain import joined
from .routes import Route
from .straight import spread

__all__ = ["Survey", "write_route"]

_MOST_NODES = 200
_SEQUENCE = attrgetter("sequence")


@dataclass(frozen=True)
class Survey:
    """The shape of a graph: its nodes, latest first; where their edges lead, as names of nodes
    ("n3") and leaves ("l0"), None along edges that are None; and the dtype of the cotangent.
    """

    nodes: list[Node]
    targets: list[tuple[str | None, ...]]
    leaves: dict[str, Any]
    dtype: np.dtype[Any]
    key: Any

    @staticmethod
    def of(end: Node, dtype: np.dtype[Any]) -> Survey | None:
        """None where the graph is large, or holds nodes that are not replayed."""
        found = _nodes_before(end)
        if found is None:
            return None
        nodes = sorted(found, key=_SEQUENCE, reverse=True)
        names: dict[Any, str] = {node: f"n{i}" for i, node in enumerate(nodes)}
        leaves: dict[str, Any] = {}
        targets = []
        for node in nodes:
            for edge in node.edges:
                if edge is not None and edge not in names:
                    names[edge] = f"l{len(leaves)}"
                    leaves[names[edge]] = edge
            targets.append(tuple([None if edge is None else names[edge] for edge in node.edges]))
        kinds = [(type(node), way, _detail(node)) for node, way in zip(nodes, targets, strict=True)]
        key = (tuple(kinds), dtype, tuple([type(leaf) for leaf in leaves.values()]))
        return Survey(nodes, targets, leaves, dtype, key)


def _nodes_before(end: Node) -> set[Node] | None:
    found, stack = {end}, [end]
    while stack:
        for edge in stack.pop().edges:
            if edge is None or edge.edge_kind == LEAF_EDGE or edge in found:
                continue
            if edge.edge_kind == OUTPUT or len(found) == _MOST_NODES:
                return None
            found.add(edge)
            stack.append(edge)
    return found if all(node.replays and node.count == 1 for node in found) else None


def _detail(node: Any) -> Any:
    """What else the code for a node depends on."""
    if isinstance(node, CompositeNode):
        return id(node.composite)
    if isinstance(node, PowerNode) and node.operands and _is_shared(node.operands[1]):
        return id(node.operands[1])
    return tuple([type(x) for x in getattr(node, "operands", None) or ()])


def _is_shared(number: np.ndarray) -> bool:
    """Whether equal numbers are this one array."""
    return as_constant(number.item(), number.dtype) is number


def write_route(survey: Survey) -> Route:
    """The function that does what the survey saw."""
    writer = _Writer(survey)
    for i in range(len(survey.nodes)):
        writer.add(i)
    route: Route = writer.function()
    return route


class _Writer:
    """Writes the lines; `names` is what the code refers to."""

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self.names: dict[str, Any] = {}
        self.bound: dict[int, str] = {}  # names by the address of what they stand for
        self.at = 0  # the node that is being written: what a check that fails returns
        self.checks: list[str] = []
        self.body: list[str] = []
        self.arrived = {"n0"}  # nodes and leaves whose cotangents have a first part
        self.met = {"n0"}  # those that have a name in the checks
        self.untyped: set[str] = set()  # nodes whose cotangents may be of another dtype
        self.sized: dict[str, str] = {}  # by node: the name of "its cotangent is small"
        self.require(f"g0.dtype is {self.bind(survey.dtype)}")

    def bind(self, value: Any) -> str:
        """A name for an object that the code uses."""
        name = self.bound.get(id(value))
        if name is None:
            name = self.bound[id(value)] = f"k{len(self.names)}"
            self.names[name] = value
        return name

    def check(self, line: str) -> None:
        self.checks.append(f"    {line}\n")

    def require(self, *conditions: str) -> None:
        self.check(f"if not ({' and '.join(conditions)}): return {self.at}")

    def line(self, line: str) -> None:
        self.body.append(f"    {line}\n")

    def add(self, i: int) -> None:
        """Check the edges of node `i`, and write its form."""
        self.at, node, name = i, self.survey.nodes[i], f"n{i}"
        self.edges(i)
        if i and name not in self.survey.targets[i - 1]:
            self.require(f"n{i - 1}.sequence > {name}.sequence")
        form = _stepped if name in self.untyped else _form(node)
        if not form(self, i, node):
            _stepped(self, i, node)
        self.line(f"g{i} = None")

    def edges(self, i: int) -> None:
        """Names for the ends of the edges, which are of the classes that were seen."""
        targets, node = self.survey.targets[i], self.survey.nodes[i]
        temporary, conditions = [], []
        for at, target in enumerate(targets):
            new = target is not None and target not in self.met
            temporary.append(str(target) if new else f"e{at}")
            if target is None:
                conditions.append(f"e{at} is None")
            elif new:
                self.met.add(target)
                conditions.append(f"type({target}) is {self.bind(type(self.end(target)))}")
            else:
                conditions.append(f"e{at} is {target}")
        if not isinstance(node, ShortNode | TotalNode):
            self.require(f"len(n{i}.edges) == {len(targets)}")
        self.check(f"{', '.join(temporary)}, = n{i}.edges")
        self.require(*conditions)

    def end(self, target: str) -> Any:
        """The node or leaf of that name."""
        survey = self.survey
        return survey.nodes[int(target[1:])] if target[0] == "n" else survey.leaves[target]

    def deliver(self, i: int, at: int, part: str, shape: str = "") -> None:
        """Add a part of the cotangents to what has arrived where edge `at` leads; first summed to
        `shape`, if it has another.
        """
        target = self.survey.targets[i][at]
        assert target is not None
        name = target.replace("n", "g").replace("l", "h")
        new = target not in self.arrived
        value = name if new else "p"
        self.line(f"{value} = {part}")
        if shape:
            fitted = f"{self.bind(fit)}({self.bind(NUMPY)}, {value}, g{i}.shape, {shape})"
            self.line(f"if {value}.shape != {shape}: {value} = {fitted}")
        if not new:
            self.line(f"box.append({name})")
            self.line(f"{name} = None")  # so that nobody else refers to it
            self.line(f"{name} = {self.bind(joined)}(box.pop(), p)")
            self.line("p = None")
        self.arrived.add(target)

    def rule(self, i: int, rule: Any, arguments: str) -> str:
        """A call of a rule, which is another one for large arrays."""
        name = self.bind(rule)
        if rule.large is not rule:
            small = self.sized.get(f"n{i}")
            if small is None:
                small = self.sized[f"n{i}"] = f"s{i}"
                self.line(f"{small} = g{i}.size < {LARGE}")
            name = f"({name} if {small} else {self.bind(rule.large)})"
        return f"{name}(g{i}, {arguments})"

    def function(self) -> Any:
        leaves = self.survey.leaves
        if len(leaves) > 1:
            self.require(f"len({{{', '.join(leaves)}}}) == {len(leaves)}")
        self.line(f"return {{{', '.join(f'{leaf}: h{leaf[1:]}' for leaf in leaves)}}}")
        head = "def run(n0, g0, retain):\n    box = []\n"
        self.check("s = c = None")
        source = f"{head}{''.join(self.checks)}{''.join(self.body)}"
        exec(compile(source, "<fusegrad backward>", "exec"), self.names)
        return self.names["run"]


# --- forms of nodes: each returns False, with nothing written, for what it does not serve ---


def _form(node: Node) -> Callable[[_Writer, int, Any], bool]:
    for kind, form in _FORMS.items():
        if isinstance(node, kind):
            return form
    return _stepped


def _stepped(w: _Writer, i: int, node: Any) -> bool:
    """The node's own `step`, which checks what it saved."""
    targets = w.survey.targets[i]
    w.line(f"ps = n{i}.step(g{i}, retain)")
    for at, target in enumerate(targets):
        if target is not None:
            w.deliver(i, at, f"ps[{at}]")
    w.line("ps = None")
    if isinstance(node, CompositeNode):
        w.require(f"n{i}.composite is {w.bind(node.composite)}")
    if f"n{i}" in w.untyped or not _keeps_dtype(node, w.survey.dtype):
        w.untyped.update(target for target in targets if target)
    return True


def _keeps_dtype(node: Any, dtype: np.dtype[Any]) -> bool:
    """Whether the parts certainly have `dtype`, if the cotangent has."""
    if isinstance(node, SingleNode):
        return bool(node.composite.num == dtype.num)
    plain = isinstance(node, OpNode) and not isinstance(node, PromotedNode)
    return plain and node.op.name != "cast"


def _total(w: _Writer, i: int, node: TotalNode) -> bool:
    part = f"g{i}"
    w.check(f"x{i}, = n{i}.operands")
    if isinstance(node, MeanNode):
        count = f"{w.bind(math.prod)}(x{i})"
        part = f"{part} / {w.bind(as_constant)}({count}, {w.bind(w.survey.dtype)})"
    w.deliver(i, 0, f"{w.bind(spread)}({part}, x{i})")
    return True


def _of_one(w: _Writer, i: int, node: Any) -> bool:
    rules = node.rules_for(w.survey.dtype)
    names = _saved(w, i, node) if rules else None
    if names is None:
        return False
    _ruled(w, i, node, rules, names, shapes=("",))
    return True


def _of_number(w: _Writer, i: int, node: Any) -> bool:
    rules = _power_rules(w, node) if isinstance(node, PowerNode) else node.rules_for(w.survey.dtype)
    names = _saved(w, i, node, numbers=(1,)) if rules else None
    if names is None:
        return False
    _ruled(w, i, node, rules, names, shapes=("",))
    return True


def _power_rules(w: _Writer, node: PowerNode) -> Any:
    """The rules for a constant exponent, which is one array for many nodes."""
    number = None if node.operands is None else node.operands[1]
    if number is None or number.dtype is not w.survey.dtype:
        return ()
    return power_rules(number) if _is_shared(number) else ()


def _of_two(w: _Writer, i: int, node: Any) -> bool:
    rules = node.rules_for(w.survey.dtype)
    names = _saved(w, i, node) if rules else None
    if names is None:
        return False
    kinds = [type(x) is tuple for x in node.operands]
    shapes = [f"x{i}_{at}" if kinds[at] else f"a{i}_{at}.shape" for at in (0, 1)]
    _ruled(w, i, node, rules, names, shapes if node.elementwise else ("", ""))
    return True


def _saved(w: _Writer, i: int, node: Any, numbers: tuple[int, ...] = ()) -> tuple[str, ...] | None:
    """Checks of what a node saved, and the names of it: operands, then the result."""
    operands = node.operands
    for at, x in enumerate(operands or ()):
        if not (type(x) is tuple or type(x) is Tensor or at in numbers):
            return None
    if operands is None or (node.out is not None and not node.saves):
        return None
    w.check(f"s = n{i}.operands")
    w.require("s is not None")
    w.check(f"{', '.join(f'x{i}_{at}' for at in range(len(operands)))}, = s")
    names = [_operand(w, i, at, x, at in numbers) for at, x in enumerate(operands)]
    if node.out is None:
        return (*names, "None")
    w.check(f"c = n{i}.counter")
    w.require("(c is None or not c[0])")
    w.check(f"o{i} = n{i}.out")
    return (*names, f"o{i}")


def _operand(w: _Writer, i: int, at: int, x: Any, is_number: bool) -> str:
    """What the rules get for an operand."""
    name = f"x{i}_{at}"
    if is_number:
        power = isinstance(w.survey.nodes[i], PowerNode)
        w.require(f"{name} is {w.bind(x)}" if power else f"type({name}) is {w.bind(type(x))}")
        return name
    w.require(f"type({name}) is {w.bind(type(x))}")
    if type(x) is tuple:
        return "None"
    w.check(f"c = {name}._counter")
    versions = f"(n{i}.versions or {w.bind(_NO_CHANGES)})"
    w.require(f"(c is None or c[0] == {versions}[{at}])")
    w.check(f"a{i}_{at} = {name}._data")
    w.check(f"{name} = None")
    return f"a{i}_{at}"


_NO_CHANGES = (0, 0)


def _ruled(
    w: _Writer, i: int, node: Any, rules: Any, names: tuple[str, ...], shapes: Sequence[str]
) -> None:
    """A rule for each operand that has an edge; then what was saved is dropped."""
    for at, target in enumerate(w.survey.targets[i]):
        if target is not None:
            w.deliver(i, at, w.rule(i, rules[at], ", ".join(names)), shapes[at])
            if not shapes[at] and node.elementwise and f"n{i}" in w.sized:
                w.sized.setdefault(target, w.sized[f"n{i}"])
    arrays = [name for name in names if name[0] in "ao"]
    if arrays:
        w.line(f"{' = '.join(arrays)} = None")
    if node.saves:
        w.line(f"if not retain: n{i}.operands = n{i}.out = None")


_FORMS: dict[type[Node], Callable[[_Writer, int, Any], bool]] = {
    TotalNode: _total,
    UnaryNode: _of_one,
    NumberNode: _of_number,
    BinaryNode: _of_two,
}
