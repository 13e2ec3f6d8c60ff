"""A budget for one program that runs forward and back: the primal in segments.

What is made again lies in memory as well, from then on. So the adjoint makes one segment of the
primal again at a time, from what crosses its beginning, and of the last segment, with which it
begins, all is kept that is kept without a budget. With m + 1 segments, equal in what is kept of
them, a part of 1 / (m + 1) of that and what crosses between them lie in memory at a time. (Griewank
& Walther, Evaluating Derivatives, 2nd ed., SIAM 2008, ch. 12, has better ways for loops.)
"""

from __future__ import annotations

from collections.abc import Sequence

from ..graph import Operation, Value
from .prices import is_source
from .saving import Question

MOST_SEGMENTS = 64


def in_segments(
    question: Question, order: Sequence[Operation], kept: Sequence[Value], allowed: int
) -> tuple[list[Value], int]:
    """The values to keep of the primal operations `order`, where `kept` are without a budget; and
    the bytes that lie in memory at a time: the fewest segments for which they are `allowed`, or
    those for which they are least.
    """
    line = _Line(question, order, kept)
    best = (list(kept), line.total)
    for count in range(1, min(MOST_SEGMENTS, len(order))):
        found = line.cut(count)
        if found[1] < best[1]:
            best = found
        if best[1] <= allowed:
            break
    return best


class _Line:
    """The primal as a row of operations. `bytes_at` says what is kept of each of them, `crossing`
    what is alive behind it.
    """

    def __init__(
        self, question: Question, order: Sequence[Operation], kept: Sequence[Value]
    ) -> None:
        self.question, self.order, self.kept = question, order, kept
        self.place = {x: i for i, operation in enumerate(order) for x in operation.results}
        self.bytes_at = [0] * len(order)
        for x in kept:
            if x in self.place and x not in question.outside:
                self.bytes_at[self.place[x]] += x.type.bytes
        self.total = sum(self.bytes_at)
        self.last = {x: i for i, operation in enumerate(order) for x in operation.operands}
        self.crossing = self._count_crossing()

    def _is_held(self, value: Value) -> bool:
        return not is_source(value) and value not in self.question.outside

    def _count_crossing(self) -> list[int]:
        alive, change = 0, [0] * (len(self.order) + 1)
        for x, begin in self.place.items():
            if self._is_held(x) and self.last.get(x, begin) > begin:
                change[begin] += x.type.bytes
                change[self.last[x]] -= x.type.bytes
        found = []
        for i in range(len(self.order)):
            alive += change[i]
            found.append(alive)
        return found

    def cut(self, count: int) -> tuple[list[Value], int]:
        """What is kept with so many cuts, and the bytes that lie in memory at a time."""
        ends = self._ends(count)
        across = [x for x, begin in self.place.items() if self._crosses(x, begin, ends)]
        loops = [
            x
            for x in self.place
            if x.producer is not None and not self.question.repeats(x.producer) and self._is_held(x)
        ]
        behind = [x for x in self.kept if self.place.get(x, -1) > ends[-1]]
        outside = [x for x in self.kept if x in self.question.outside]
        parts, start = [], 0
        for end in (*ends, len(self.order) - 1):
            parts.append(sum(self.bytes_at[start : end + 1]))
            start = end + 1
        held = sum(x.type.bytes for x in dict.fromkeys((*across, *loops)))
        return [*dict.fromkeys((*outside, *across, *loops, *behind))], held + max(parts)

    def _crosses(self, value: Value, begin: int, ends: Sequence[int]) -> bool:
        last = self.last.get(value, begin)
        return self._is_held(value) and any(begin <= end < last for end in ends)

    def _ends(self, count: int) -> list[int]:
        """Where segments end: about equal in what is kept of them, where little is alive."""
        share = self.total / (count + 1)
        ends: list[int] = []
        before, wanted = 0, 1
        found: list[int] = []
        for i, size in enumerate(self.bytes_at):
            before += size
            while wanted <= count and before >= (wanted + 0.25) * share:
                ends.append(self._least(found) if found else i)
                wanted, found = wanted + 1, []
            if before >= (wanted - 0.25) * share:
                found.append(i)
        return sorted(set(ends)) or [self._least(range(len(self.order) - 1) or [0])]

    def _least(self, places: Sequence[int]) -> int:
        return min(places, key=lambda i: (self.crossing[i], i))
