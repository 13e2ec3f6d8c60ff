"""What to save: which values of the primal its adjoint finds in memory, and which it makes again.

The adjoint reads some values of the primal. Each is kept, or made again from others that are. What
is kept is a cut through the primal, between what can't be made again (inputs, products, sums …) and
what is read; the best one is a minimum cut. Everything is priced in bytes that memory moves in the
time: a value that is kept is written and read, unless it is in memory anyway; one that is made
again takes its operations. (Values as nodes of a network are split in two, with their price on the
edge between them; what an operation costs stands on an edge from the source, as in the partitioner
of PyTorch's AOTAutograd, which bans operations instead of pricing them.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from ..graph import Graph, Operation, Value
from ..record import identity_record
from .flow import ENDLESS, minimum_cut
from .levels import VIEWS, is_fusible
from .prices import UNIT, can_repeat, is_source, work

HOLDING = 2  # of a byte that lies in memory until the adjoint runs
ARRAY = 512 * UNIT  # of an array more that a program hands over
MOST_VALUES = 4000  # in one network: beyond it, what is read is kept


@identity_record
class Question:
    """What is to be decided.

    `reads` are the values of the primal that the adjoint reads, in order; `readers` the operations
    of both halves that read each value; `primal` those of the primal. `outside` are the caller's
    arrays. They are there anyway, but the caller may change them: only what is read of them now
    (`trusted`) may be read then. Where memory is scarce, what is kept costs `scarcity` times as
    much, and `anything` but a loop may be done again. `array` is the price of one array more.
    """

    reads: Sequence[Value]
    readers: Mapping[Value, Sequence[Operation]]
    primal: frozenset[Operation]
    outside: frozenset[Value]
    trusted: frozenset[Value]
    scarcity: int = 1
    anything: bool = False
    array: int = ARRAY

    def repeats(self, operation: Operation) -> bool:
        return can_repeat(operation, self.anything)

    def held(self, kept: Iterable[Value]) -> int:
        """The bytes that are held for the adjoint alone."""
        return sum(x.type.bytes for x in kept if x not in self.outside)


def question_of(
    joint: Graph, primal: Iterable[Operation], reads: Sequence[Value], outputs: Sequence[Value]
) -> Question:
    """What to keep where a graph that computes `outputs` and gradients is cut in two: the
    operations `primal`, which are those that the outputs need, and the others, which read `reads`.
    """
    readers = readers_of(joint.operations)
    trusted = frozenset(y for x in reads for y in (x, _root(x)))
    outside = frozenset((*joint.inputs, *outputs))
    return Question(reads, readers, frozenset(primal), outside, trusted)


def readers_of(operations: Iterable[Operation]) -> dict[Value, list[Operation]]:
    readers: dict[Value, list[Operation]] = {}
    for operation in operations:
        for operand in operation.operands:
            readers.setdefault(operand, []).append(operation)
    return readers


def _root(value: Value) -> Value:
    """What `value` is a view of, in the end."""
    while value.producer is not None and value.producer.name in VIEWS:
        value = value.producer.operands[0]
    return value


def choose(question: Question) -> list[Value]:
    """The values to keep. From them (and constants) all that is read can be made by operations that
    may be done again. Those that are read come first, in their order.
    """
    network = _Candidates(question)
    kept: dict[Value, None] = {}
    for group in network.groups():
        kept.update(dict.fromkeys(network.decide(group)))
    return [*(x for x in question.reads if x in kept), *(x for x in kept if x not in network.reads)]


class _Candidates:
    """The values that can be kept so that what is read can be made."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.reads = frozenset(question.reads)
        self.order: dict[Value, int] = {}
        self._find(question.reads)

    def _find(self, reads: Iterable[Value]) -> None:
        pending = list(reads)
        while pending:
            value = pending.pop()
            if value in self.order:
                continue
            self.order[value] = len(self.order)
            pending += self.made_from(value)

    def made_from(self, value: Value) -> tuple[Value, ...]:
        """The values that one more operation would need; none where it has to be kept."""
        producer = value.producer
        if producer is None or not self.question.repeats(producer):
            return ()
        return producer.operands

    def groups(self) -> list[list[Value]]:
        """The candidates, apart where what is decided of some does not matter to the others."""
        group_of: dict[Value, list[Value]] = {x: [x] for x in self.order}
        for value in self.order:
            for operand in self.made_from(value):
                one, other = group_of[value], group_of[operand]
                if one is not other:
                    small, large = sorted((one, other), key=len)
                    large += small
                    group_of.update(dict.fromkeys(small, large))
        return list({id(group): group for group in group_of.values()}.values())

    def decide(self, group: list[Value]) -> list[Value]:
        """Those of a group to keep."""
        read = [x for x in group if x in self.reads and not is_source(x)]
        fixed = all(not self.made_from(x) for x in read)
        if fixed or len(group) > MOST_VALUES:
            return read
        place = {x: 2 + 2 * i for i, x in enumerate(group)}
        edges = [edge for x in group for edge in self._edges(x, place)]
        _, kept_side = minimum_cut(2 + 2 * len(group), edges, 0, 1)
        return [x for x in group if place[x] in kept_side and place[x] + 1 not in kept_side]

    def _edges(self, value: Value, place: Mapping[Value, int]) -> list[tuple[int, int, int]]:
        here = place[value]
        producer = value.producer
        repeatable = producer is not None and self.question.repeats(producer)
        cost = self._again(value, producer) if producer and repeatable else ENDLESS
        edges = [(0, here, cost), (here, here + 1, self._keeping(value))]
        edges += [(place[x] + 1, here, ENDLESS) for x in self.made_from(value)]
        if value in self.reads:
            edges.append((here + 1, 1, ENDLESS))
        return edges

    def _again(self, value: Value, producer: Operation) -> int:
        """The price of making a value in the adjoint."""
        written = value in self.reads and self._read_whole(value, lambda op: not self._primal(op))
        return work(producer) + 2 * UNIT * value.type.bytes * written

    def _keeping(self, value: Value) -> int:
        """The price of having a value in memory when the adjoint runs."""
        if is_source(value):
            return ENDLESS
        size = value.type.bytes
        if value in self.question.outside:
            return UNIT * size if value in self.question.trusted else ENDLESS
        stored = not can_repeat(value.producer) if value.producer else True
        stored = stored or self._read_whole(value, self._primal)
        price = size * (UNIT + HOLDING + UNIT * (not stored))
        return price * self.question.scarcity + self.question.array

    def _primal(self, operation: Operation) -> bool:
        return operation in self.question.primal

    def _read_whole(self, value: Value, which: Callable[[Operation], bool]) -> bool:
        """Do `which` operations read it (or a view of it) that are no kernels, from memory?"""
        pending = [value]
        while pending:
            for reader in self.question.readers.get(pending.pop(), ()):
                if reader.name in VIEWS:
                    pending.append(reader.result)
                elif which(reader) and not is_fusible(reader):
                    return True
        return False
