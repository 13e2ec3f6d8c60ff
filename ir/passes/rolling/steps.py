"""What a step of a repetition reads, and which of its values are used after the loop.

Every operand is read by all steps in one of five ways; a repetition of which some operand is read
in none of them stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...graph import Operation, Value
from ...record import record
from ..cse import attribute_key
from .periods import SOURCES, Listing, Reading, Run

FARTHEST = 4  # steps back that a value is carried


@record
class Inside:
    """Result number `result` of operation number `place` of the same step."""

    place: int
    result: int


@record
class Carried:
    """What `source` was some steps ago; the first steps read `first` instead, in this order."""

    source: Inside
    first: tuple[Value, ...]


@record
class Whole:
    """The same value in all steps."""

    value: Value


@record
class Made:
    """A constant, which each step makes itself."""

    operation: Operation


@record
class Cut:
    """A value of its own for each step."""

    values: tuple[Value, ...]


Role = Inside | Carried | Whole | Made | Cut


class Steps:
    """The roles of all operands: `roles[place]` are those of an operation of the step."""

    def __init__(self, listing: Listing, run: Run) -> None:
        self.listing, self.run = listing, run
        self.roles: list[list[Role]] = []
        self.possible = self._find_roles()

    def operations(self, place: int) -> list[Operation]:
        """Operation number `place` of each step."""
        run = self.run
        return self.listing.operations[run.start + place : run.stop : run.period]

    def template(self, place: int) -> Operation:
        return self.listing.operations[self.run.start + place]

    def _find_roles(self) -> bool:
        for place in range(self.run.period):
            found: list[Role] = []
            operations = self.operations(place)
            for number in range(len(operations[0].operands)):
                role = self._role(place, [op.operands[number] for op in operations])
                if role is None:
                    return False
                found.append(role)
            self.roles.append(found)
        return True

    def _role(self, place: int, operands: list[Value]) -> Role | None:
        readings = [self.listing.reading(x) for x in operands]
        roots = [reading.root for reading in readings]
        still = _same_views(readings)
        made = roots[0].producer
        if made is not None and made.name in SOURCES and still and _same_sources(roots):
            return Made(made)
        if self._is_inside(roots[-1]):
            return self._recurrence(place, roots) if still else None
        if not all(self._is_before(root) for root in roots):
            return None
        if still and all(root is roots[0] for root in roots):
            return Whole(operands[0])
        return Cut(tuple(operands))

    def _position(self, value: Value) -> int | None:
        return None if value.producer is None else self.listing.position.get(value.producer)

    def _is_inside(self, value: Value) -> bool:
        position = self._position(value)
        return position is not None and self.run.start <= position < self.run.stop

    def _is_before(self, value: Value) -> bool:
        return self.listing.after(value) < self.run.start

    def source_of(self, value: Value) -> tuple[int, Inside] | None:
        """The step that makes `value`, and where in it; None where no step does."""
        if value.producer is None or not self._is_inside(value):
            return None
        position = self.listing.position[value.producer] - self.run.start
        step, place = divmod(position, self.run.period)
        return step, Inside(place, value.producer.results.index(value))

    def _recurrence(self, place: int, roots: list[Value]) -> Role | None:
        """The way to read what steps make."""
        count = len(roots)
        at_end = self.source_of(roots[-1])
        if at_end is None:
            return None
        step, source = at_end
        back = count - 1 - step
        if not 0 <= back <= FARTHEST or (back == 0 and source.place >= place):
            return None
        if any(self.source_of(roots[k]) != (k - back, source) for k in range(back, count)):
            return None
        if not all(self._is_before(root) for root in roots[:back]):
            return None
        return Carried(source, tuple(roots[:back])) if back else source

    # --- what is used after the loop ---

    def used(self) -> dict[Inside, set[int]]:
        """For each value of a step that somebody else reads, in which steps."""
        found: dict[Inside, set[int]] = {}
        for value in self._read_outside():
            at = self.source_of(self.listing.reading(value).root)
            if at is not None:
                found.setdefault(at[1], set()).add(at[0])
        return found

    def _read_outside(self) -> Sequence[Value]:
        operations, run = self.listing.operations, self.run
        others = (*operations[run.stop :], *self.listing.stores)
        read = [x for op in others for x in op.operands]
        return [*read, *self.listing.graph.outputs]


def _same_views(readings: list[Reading]) -> bool:
    first = _starts(readings[0])
    return all(_starts(reading) == first for reading in readings)


def _starts(reading: Reading) -> tuple[tuple[int, ...], ...]:
    """Where the slices among its views begin: that is all in which they differ."""
    return tuple([view.attributes["start"] for view in reading.path if view.name == "slice"])


def _same_sources(roots: list[Value]) -> bool:
    keys = {(root.producer.name, attribute_key(root.producer)) for root in roots if root.producer}
    return len(keys) == 1
