"""A budget for what is saved: the adjoint makes more again, until what is kept for it fits.

The price of memory is raised until the minimum cut fits; what is left of the budget then keeps what
would take longest to make again. (Least cuts for a price are the corners of a convex curve. What
lies between two of them is a knapsack, as in PyTorch's `activation_memory_budget`.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..builder import GraphBuilder
from ..graph import Graph, Operation, Value
from ..record import record
from .prices import is_source, work
from .saving import Question, choose, question_of
from .segments import in_segments

RISE = 8  # from one price of memory to the next
HIGHEST = RISE**8
MOST_TRIED = 200  # values that may be kept after all

Budget = int | float


@record
class Saving:
    """What became of a budget: the bytes that it allows, those that are kept without and with it,
    and how many operations are done again on account of it.
    """

    allowed: int
    before: int
    after: int
    again: int

    @property
    def met(self) -> bool:
        return self.after <= self.allowed


def fit(question: Question, budget: Budget) -> tuple[list[Value], Saving]:
    """The values to keep, of `budget` bytes, or of that part (a float) of what is kept without."""
    kept = choose(question)
    before = question.held(kept)
    allowed = _allowed(budget, before)
    if before > allowed:
        kept = _fitted(question, kept, allowed)
    return kept, Saving(allowed, before, question.held(kept), 0)


def _allowed(budget: Budget, before: int) -> int:
    return int(budget * before) if isinstance(budget, float) else budget


def _fitted(question: Question, kept: list[Value], allowed: int) -> list[Value]:
    more, scarcity = kept, 1
    while question.held(kept) > allowed and scarcity < HIGHEST:
        more, scarcity = kept, scarcity * RISE
        kept = choose(_scarce(question, scarcity))
    return _filled(_scarce(question, scarcity), kept, more, allowed)


def _scarce(question: Question, scarcity: int) -> Question:
    return Question(
        question.reads,
        question.readers,
        question.primal,
        question.outside,
        question.trusted | question.outside,
        scarcity,
        True,
    )


def _filled(
    question: Question, kept: list[Value], more: Sequence[Value], allowed: int
) -> list[Value]:
    """`kept`, and of `more` what fits beside it, what takes longest first."""
    has = set(kept) | question.outside
    spare = allowed - question.held(kept)
    tried = [x for x in more if x not in has and x.type.bytes <= spare][:MOST_TRIED]
    order = {x: i for i, x in enumerate(tried)}
    for x in sorted(tried, key=lambda x: (-_price(x, has) // max(x.type.bytes, 1), -order[x])):
        if x.type.bytes <= spare:
            kept = [*kept, x]
            spare -= x.type.bytes
    return _needed(question, kept)


def _price(value: Value, given: set[Value]) -> int:
    """Of making `value` from what is given."""
    return sum(map(work, _between([value], given)))


def _between(values: Iterable[Value], given: Iterable[Value]) -> dict[Operation, None]:
    """The operations that make `values` from what is given."""
    known, found, pending = set(given), dict[Operation, None](), list(values)
    while pending:
        value = pending.pop()
        producer = value.producer
        if value not in known and producer is not None and producer not in found:
            found[producer] = None
            pending += producer.operands
    return found


def _needed(question: Question, kept: list[Value]) -> list[Value]:
    """Those of the values to keep that something is made of."""
    made = _between(question.reads, kept)
    read = {x for operation in made for x in operation.operands} | set(question.reads)
    return [x for x in kept if x in read]


# --- in one program ---


def save_less(joint: Graph, count: int, budget: Budget) -> tuple[Graph, Saving]:
    """A graph that computes `count` outputs and then gradients, with less between the two.

    Requires: derivatives are taken, no kernels. Ensures: the same outputs, to the last bit. Why: a
    value that is made again need not lie in memory meanwhile.
    """
    primal = _between(joint.outputs[:count], ())
    known = {x for operation in primal for x in operation.results} | set(joint.inputs)
    read = [x for op in joint if op not in primal for x in op.operands]
    read += joint.outputs[count:]
    reads = [x for x in dict.fromkeys(read) if x in known and not is_source(x)]
    question = question_of(joint, primal, reads, joint.outputs[:count])
    kept = choose(question)
    before = question.held(kept)
    allowed = _allowed(budget, before)
    if before <= allowed:
        return joint, Saving(allowed, before, before, 0)
    order = [operation for operation in joint if operation in primal]
    kept, after = in_segments(_scarce(question, 1), order, kept, allowed)
    return made_again(joint, count, question, kept, Saving(allowed, before, after, 0))


def made_again(
    joint: Graph,
    count: int,
    question: Question,
    kept: Iterable[Value],
    saving: Saving,
    cts: Sequence[Value] = (),
) -> tuple[Graph, Saving]:
    """The graph in which the adjoint makes again what it reads and is not kept, each value when it
    is read first. `cts` are inputs that belong to the adjoint.
    """
    writer = _Writer(joint, question, {*kept, *question.outside}, cts)
    graph = writer.write(count)
    return graph, Saving(saving.allowed, saving.before, saving.after, writer.again)


class _Writer:
    """Rebuilds a joint graph. `values` are those of the adjoint in it, `remade` those of the primal
    that are made again, and those that are kept, as what is made again reads them. `depth` is the
    length of the longest chain of operations to a value, `latest` the deepest so far: what is made
    again waits for it.
    """

    def __init__(
        self, joint: Graph, question: Question, kept: set[Value], cts: Sequence[Value]
    ) -> None:
        self.joint, self.primal, self.kept = joint, question.primal, kept
        self.builder = GraphBuilder(joint.name)
        self.builder.inputs = list(joint.inputs)
        self.own = {x for operation in question.primal for x in operation.results}
        self.values: dict[Value, Value] = {x: x for x in cts}
        self.remade: dict[Value, Value] = {}
        self.depth: dict[Value, int] = dict.fromkeys(joint.inputs, 0)
        self.latest: Value | None = None
        self.again = 0

    def write(self, count: int) -> Graph:
        for operation in self.joint:
            if operation in self.primal:
                self._append(operation, operation.operands)
            else:
                results = self._append(operation, self._read_all(operation.operands))
                self.values.update(zip(operation.results, results, strict=True))
        gradients = self._read_all(self.joint.outputs[count:])
        return self.builder.build([*self.joint.outputs[:count], *gradients])

    def _append(self, operation: Operation, operands: tuple[Value, ...]) -> tuple[Value, ...]:
        results = self.builder.keep(operation, operands)
        return self._deepened(results, operands)

    def _deepened(
        self, results: tuple[Value, ...], operands: tuple[Value, ...]
    ) -> tuple[Value, ...]:
        depth = 1 + max((self.depth[x] for x in operands), default=-1)
        self.depth.update(dict.fromkeys(results, depth))
        if self.latest is None or depth > self.depth[self.latest]:
            self.latest = results[0]
        return results

    def _read_all(self, operands: Sequence[Value]) -> tuple[Value, ...]:
        """What the adjoint reads for `operands`."""
        return tuple([self._read(x) for x in operands])

    def _read(self, value: Value) -> Value:
        if value in self.values:
            return self.values[value]
        if value not in self.own or value in self.kept or is_source(value):
            return value
        pending = [value]
        while pending:
            x = pending[-1]
            if x in self.remade:
                pending.pop()
            elif x not in self.own or x in self.kept:
                self.remade[x] = self._later(x)
            elif missing := [y for y in _operands(x) if y not in self.remade]:
                pending += missing
            else:
                self._make(x)
        return self.remade[value]

    def _make(self, value: Value) -> None:
        operation = value.producer
        assert operation is not None
        operands = tuple([self.remade[y] for y in operation.operands])
        self.again += not is_source(value)
        results = self._deepened(self.builder.copy(operation, operands), operands)
        self.remade.update(zip(operation.results, results, strict=True))

    def _later(self, value: Value) -> Value:
        self.builder.location, self.builder.note = None, "made again"
        assert self.latest is not None  # (what is made again was made before)
        operands = (value, self.latest)
        found: Value = self.builder("later", *operands)
        return self._deepened((found,), operands)[0]


def _operands(value: Value) -> tuple[Value, ...]:
    return value.producer.operands if value.producer is not None else ()
