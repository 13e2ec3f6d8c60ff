"""The text of a function that finds numbers, and the functions that it calls, in a table.

table ::= for each function called: its address, the address of its table
          for each entry: a number, a float, or a vector of some
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...ir.record import record
from ..entry.poll import CONTEXT_TABLE
from .numerals import MARK, Number
from .units import CALLEE

_PAIR = 16  # bytes, of an address and its table

Spot = tuple[int, int]  # a line, and which of its numbers
Numbers = dict[int, tuple[Number, ...]]  # by line


@record
class Entry:
    """A number of the table: where it begins, one that may stand there, and its spots."""

    place: int
    example: Number
    spots: tuple[Spot, ...]


def entries_place(callees: int) -> int:
    """Where the numbers begin."""
    return _PAIR * callees


def generic_text(
    lines: Sequence[str],
    frames: Mapping[int, tuple[str, tuple[Number, ...]]],
    entries: Sequence[Entry],
    callees: int,
) -> str:
    """The text of a unit with its `entries` and callees in a table."""
    places = {spot: entry.place for entry in entries for spot in entry.spots}
    examples = {entry.place: entry.example for entry in entries}
    changed = {line for line, _ in places}
    written: list[str] = []
    for start, end in _functions(lines):
        body: list[str] = []
        needed: dict[int, Number] = {}
        called: set[int] = set()
        for i in range(start + 2, end):  # behind the head, and the label "entry:"
            line = lines[i]
            if i in changed:
                frame, numbers = frames[i]
                here = [places.get((i, k)) for k in range(len(numbers))]
                line = _filled(frame, here, numbers)
                needed |= {place: examples[place] for place in here if place is not None}
            body += _calling(line, called)
        loads = _loads(needed, called) if needed or called else []
        written += [*lines[start : start + 2], *loads, *body]
    return "\n".join(written)


def renamed(text: str, number: int) -> str:
    """The text of a unit with names that are its own among others in one module."""
    return text.replace('@"fg.unit', f'@"fg.unit.{number}')


def _functions(lines: Sequence[str]) -> list[tuple[int, int]]:
    starts = [i for i, line in enumerate(lines) if line.startswith("define ")]
    return list(zip(starts, [*starts[1:], len(lines)], strict=True))


def _filled(frame: str, places: Sequence[int | None], numbers: Sequence[Number]) -> str:
    parts = iter(MARK.split(frame))
    line = [next(parts)]
    for place, number in zip(places, numbers, strict=True):
        line += [number.text if place is None else f"%number.{place}", next(parts)]
    return "".join(line)


def _calling(line: str, called: set[int]) -> list[str]:
    """A line, which may call another unit: around that its table is the one in the context."""
    found = CALLEE.search(line)
    if found is None:
        return [line]
    number = int(found[1])
    called.add(number)
    return [
        f"  store ptr %callee.{number}.table, ptr %table.at",
        CALLEE.sub(f"%callee.{number}", line),
        "  store ptr %table, ptr %table.at",
    ]


def _loads(needed: Mapping[int, Number], called: set[int]) -> list[str]:
    """The registers that the lines read."""
    lines = [
        f"  %table.at = getelementptr i8, ptr %context, i64 {CONTEXT_TABLE}",
        "  %table = load ptr, ptr %table.at",
    ]
    for number in sorted(called):
        lines += _load(f"%callee.{number}", "ptr", _PAIR * number)
        lines += _load(f"%callee.{number}.table", "ptr", _PAIR * number + _PAIR // 2)
    for place, example in sorted(needed.items()):
        register, kind = f"%number.{place}", example.type
        if not example.is_splat:
            lines += _load(register, kind, place)
            continue
        count, element = kind[1:-1].split(" x ")
        zeros = f"<{count} x i32> zeroinitializer"
        lines += [
            *_load(f"{register}.one", element, place),
            f"  {register}.first = insertelement {kind} poison, {element} {register}.one, i64 0",
            f"  {register} = shufflevector {kind} {register}.first, {kind} poison, {zeros}",
        ]
    return lines


def _load(register: str, kind: str, place: int) -> list[str]:
    return [
        f"  {register}.at = getelementptr i8, ptr %table, i64 {place}",
        f"  {register} = load {kind}, ptr {register}.at, align 8",
    ]
