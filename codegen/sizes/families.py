"""Machine code for many sizes: functions whose texts differ in numbers alone share their code.

A program of another size is traced, fused and written anew, so its LLVM text is exactly what this
size needs. LLVM runs only for what is new in it. The text is taken apart into its functions
(`codegen.sizes.units`); where one of them differs from an earlier one only in numbers, and these
stand where LLVM takes registers as well (`codegen.sizes.numerals`), it is compiled with these
numbers in a table, and serves every size whose function differs in them alone.

Nothing is assumed about which numbers are sizes, and nothing can be wrong: what runs is the text of
this size, number by number. A number that no earlier size has changed, and this one does, or two
that were equal and are no more, cost one more compilation; a text of another form begins a family
of its own, with the numbers in its table that no text had before.

    first program of a function      compiled as a whole, as it stands
    a few small ones                 the same
    second, if some numbers differ   its functions are compiled one by one, with tables
    others                           only functions that are new are compiled

Each program has a table for each of its functions: its numbers, and for each function that it calls
the address, and that of its table. Where the table of a running function is stands in the context
(`entry.poll`): a caller puts that of the function which it calls there, and then its own again. A
function loads its numbers once, when it begins.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ...ir.record import identity_record, record
from ..entry.symbols import Memory, external_name
from ..function import FunctionText
from .generic import Entry, Numbers, Spot, entries_place, generic_text, renamed
from .numerals import Number, digits_of, split_line
from .units import SYMBOL, Unit, Units, declared, is_helper, needed_of, published, take_apart

MOST_FUNCTIONS = 256  # forms of a kind of programs; of those with most like it the oldest goes
MOST_UNREAD = 16
MOST_SMALL = 4
_WORD = 8

# Text, what is asked for of it, and where things are that it refers to -> where the first are
Make = Callable[[str, Sequence[str], Mapping[str, int]], Any]


@identity_record
class Code:
    """Code for all functions of a family that differ in the numbers of `entries` alone."""

    entries: tuple[Entry, ...]
    libraries: tuple[Any, ...]  # it, and those that it calls
    address: int


@identity_record
class Sharing:
    """A program of shared code: the address of its `run`, and the tables, that of `run` first."""

    core: int
    table: Memory
    codes: tuple[Code, ...]
    numbers: int  # in the tables


@record
class Compilation:
    """One run of LLVM: for how many functions of how many, with how many numbers in tables."""

    functions: int
    of: int
    numbers: int

    def __str__(self) -> str:
        return f"{self.functions} of {self.of} functions, with {self.numbers} numbers at run time"


class Families:
    """The functions of one Python function's programs."""

    def __init__(self) -> None:
        self._kinds: dict[object, _Kind] = {}
        self._lock = threading.RLock()
        self.compilations: list[Compilation] = []
        self.written: dict[tuple[str, bool, str], FunctionText] = {}  # for `write_module`

    def expect(self, kind: object, text: Callable[[], str]) -> None:
        """There is a program whose text nobody has written yet: its code came from elsewhere."""
        with self._lock:
            unread = self._kinds.setdefault(kind, _Kind()).unread
            unread.append(text)
            del unread[:-MOST_UNREAD]

    def find(self, kind: object, text: str, small: bool, make: Make) -> Sharing | None:
        """Shared code for a program; None where there is no use in sharing. `kind` are the dtypes
        and ranks of what it takes and gives; `make` compiles and loads. Of a `small` one the calls
        between functions would take a good part of the time: some of them are left whole.
        """
        with self._lock:
            program = take_apart(text)
            found = self._kinds.setdefault(kind, _Kind())
            return found.find(program, small, make, self.compilations)


class _Kind:
    """Programs that take and give arrays of the same dtypes and ranks."""

    def __init__(self) -> None:
        self.unread: list[Callable[[], str]] = []
        self._families: dict[int, list[_Family]] = {}  # by how many lines their texts have
        self._small = 0  # programs so far
        self._prelude: dict[str, str] = {}
        self._helpers: dict[str, int] = {}  # where they are, by symbol
        self._libraries: list[Any] = []  # that have some
        self._known: set[str] = set()  # the numbers of all forms, as they are spelled

    def find(
        self, program: Units, small: bool, make: Make, made: list[Compilation]
    ) -> Sharing | None:
        while self.unread:
            self._enter(take_apart(self.unread.pop()()))
        if small and self._small < MOST_SMALL:
            self._small += 1
            self._enter(program)
            return None
        if any(self._prelude.get(name, text) != text for name, text in program.prelude.items()):
            return None
        found = [self._nearest(unit) for unit in program.units]
        if not _differs(program.units, found):
            self._enter(program)
            return None
        self._prelude |= program.prelude
        fresh = self._fresh(program.units, found)
        members = [
            family or self._begin(unit, fresh)
            for unit, family in zip(program.units, found, strict=True)
        ]
        for unit, family in zip(program.units, members, strict=True):
            family.admit(unit)
        new = [family for family in dict.fromkeys(members) if family.code is None]
        if new:
            self._compile(new, program.prelude, make)
            numbers = sum(len(family.entries) for family in new)
            made.append(Compilation(len(new), len(members), numbers))
        return _tables(program.units, members)

    def _compile(self, new: Sequence[_Family], prelude: dict[str, str], make: Make) -> None:
        """One module for all that is new. Helpers that an earlier one had are called there."""
        texts = [
            renamed(generic_text(f.lines, f.frames, f.entries, f.callees), i)
            for i, f in enumerate(new)
        ]
        parts = needed_of(prelude, texts)
        helpers = [symbol for symbol, part in parts.items() if is_helper(part)]
        for symbol in helpers:
            there = symbol in self._helpers
            parts[symbol] = declared(parts[symbol]) if there else published(parts[symbol])
        names = {symbol: f'@"{external_name(symbol[2:-1])}"' for symbol in helpers}
        text = SYMBOL.sub(lambda m: names.get(m[0], m[0]), "\n".join([*parts.values(), *texts]))
        added = [names[symbol][2:-1] for symbol in helpers if symbol not in self._helpers]
        exports = [f"fg.unit.{i}" for i in range(len(new))]
        known = {symbol[2:-1]: address for symbol, address in self._helpers.items()}
        library = make(text, [*exports, *added], known)
        for family, name in zip(new, exports, strict=True):
            family.code = Code(family.entries, (library, *self._libraries), library[name])
        if added:
            self._libraries.append(library)
        for symbol in helpers:
            if symbol not in self._helpers:
                self._helpers[symbol] = library[names[symbol][2:-1]]

    def _enter(self, program: Units) -> None:
        self._prelude |= program.prelude
        for unit in program.units:
            family = self._nearest(unit)
            if family is None or family.differing(family.numbers(unit)):
                self._known.update(digits_of(unit.lines))
                self._begin(unit, set())

    def _fresh(self, units: Sequence[Unit], families: Sequence[_Family | None]) -> set[str]:
        """The numbers in functions of new forms that were in none of the forms so far: it is likely
        that they vary. Now they are known.
        """
        new = [unit for unit, family in zip(units, families, strict=True) if family is None]
        found = {digits for unit in new for digits in digits_of(unit.lines)}
        fresh = found - self._known
        self._known |= found
        return fresh

    def _begin(self, unit: Unit, fresh: set[str]) -> _Family:
        """A new family, whose numbers are `fresh` in part."""
        family = _Family(unit)
        family.expect(fresh)
        same = self._families.setdefault(len(unit.lines), [])
        same.insert(0, family)
        if sum(map(len, self._families.values())) > MOST_FUNCTIONS:
            max(self._families.values(), key=len).pop()
        return family

    def _nearest(self, unit: Unit) -> _Family | None:
        """The family of a function; of several the one that it differs from in the fewest numbers
        that vary in none of its functions so far.
        """
        best, least = None, -1
        for family in self._families.get(len(unit.lines), ()):
            if family.fits(unit):
                distance = family.distance(unit)
                if best is None or distance < least:
                    best, least = family, distance
                if not distance:
                    break
        return best


class _Family:
    """The first function of a form, and the code that others share with it."""

    def __init__(self, unit: Unit) -> None:
        self.lines, self.callees = unit.lines, len(unit.callees)
        self.frames: dict[int, tuple[str, tuple[Number, ...]]] = {}  # of lines that were compared
        self.entries: tuple[Entry, ...] = ()
        self.code: Code | None = None
        self._compared: tuple[Unit, int, Numbers] | None = None  # the last one, and the frames then

    def fits(self, unit: Unit) -> bool:
        """Does a function, of as many lines, differ from the first one in numbers alone?"""
        return all(
            split_line(other)[0] == self._frame(i)[0]
            for i, (mine, other) in enumerate(zip(self.lines, unit.lines, strict=True))
            if mine != other
        )

    def numbers(self, unit: Unit) -> Numbers:
        """The numbers of a function that fits, in all lines in which any function differed."""
        if self._compared is not None:
            last, frames, numbers = self._compared
            if last is unit and frames == len(self.frames):
                return numbers
        numbers = {i: split_line(unit.lines[i])[1] for i in self.frames}
        self._compared = unit, len(self.frames), numbers
        return numbers

    def expect(self, fresh: set[str]) -> None:
        """Put numbers with these digits into the table from the start."""
        chosen: dict[object, list[Spot]] = {}
        for i, line in enumerate(self.lines):
            if not fresh.isdisjoint(digits_of([line])):
                for k, number in enumerate(self._frame(i)[1]):
                    if not fresh.isdisjoint(digits_of([number.text])):
                        chosen.setdefault(number, []).append((i, k))
        self._set_entries(chosen)

    def _frame(self, line: int) -> tuple[str, tuple[Number, ...]]:
        if line not in self.frames:
            self.frames[line] = split_line(self.lines[line])
        return self.frames[line]

    def differing(self, numbers: Numbers) -> list[tuple[Spot, Number, Number]]:
        """Where a function differs from the first one; its numbers, and those of this one."""
        return [
            ((line, k), mine, other)
            for line, others in numbers.items()
            if self.frames[line][1] != others
            for k, (mine, other) in enumerate(zip(self.frames[line][1], others, strict=True))
            if mine != other
        ]

    def distance(self, unit: Unit) -> int:
        known = {spot for entry in self.entries for spot in entry.spots}
        return sum(spot not in known for spot, _, _ in self.differing(self.numbers(unit)))

    def admit(self, unit: Unit) -> None:
        """See to it that the family's code will serve a function, too."""
        numbers = self.numbers(unit)
        if self.table(numbers) is not None:
            return
        before = {spot: i for i, entry in enumerate(self.entries) for spot in entry.spots}
        differs = {spot for spot, _, _ in self.differing(numbers)}
        groups: dict[object, list[Spot]] = {}
        for line, others in numbers.items():
            for k, (mine, other) in enumerate(zip(self._frame(line)[1], others, strict=True)):
                spot = (line, k)
                if spot in differs or spot in before:  # what was always equal is there once
                    groups.setdefault((before.get(spot), mine, other), []).append(spot)
        self._set_entries(groups)

    def _set_entries(self, groups: Mapping[object, list[Spot]]) -> None:
        entries, place = [], entries_place(self.callees)
        for spots in groups.values():
            line, k = spots[0]
            number = self._frame(line)[1][k]
            entries.append(Entry(place, number, tuple(spots)))
            place += -(-len(number.data) // _WORD) * _WORD
        self.entries, self.code = tuple(entries), None

    def table(self, numbers: Numbers) -> bytes | None:
        """The table's part behind the callees; None where there are differences beside it."""
        table, start = b"", entries_place(self.callees)
        free: set[Spot] = set()
        for entry in self.entries:
            number, *others = {numbers[line][k] for line, k in entry.spots}
            if others:
                return None
            table = table.ljust(entry.place - start, b"\0") + number.data
            free.update(entry.spots)
        inside = all(spot in free for spot, _, _ in self.differing(numbers))
        return table if inside else None


def _differs(units: Sequence[Unit], families: Sequence[_Family | None]) -> bool:
    """Does a program differ from others in some number?"""
    pairs = zip(units, families, strict=True)
    return any(f is not None and f.differing(f.numbers(unit)) for unit, f in pairs)


def _tables(units: Sequence[Unit], members: Sequence[_Family]) -> Sharing:
    """The tables of a program, that of `run`, which is the last unit, first."""
    places: dict[str, int] = {}
    parts: dict[str, bytes] = {}
    codes: dict[str, Code] = {}
    size = numbers = 0
    for unit, family in reversed(list(zip(units, members, strict=True))):
        part, code = family.table(family.numbers(unit)), family.code
        assert part is not None
        assert code is not None
        places[unit.symbol], parts[unit.symbol], codes[unit.symbol] = size, part, code
        size += -(-(entries_place(len(unit.callees)) + len(part)) // _WORD) * _WORD
        numbers += len(code.entries)
    memory = Memory(bytes(size))
    for unit in units:
        calls = [(codes[name].address, memory.address + places[name]) for name in unit.callees]
        memory.put(places[unit.symbol], _words(calls) + parts[unit.symbol])
    core = codes[units[-1].symbol].address
    return Sharing(core, memory, tuple(dict.fromkeys(codes.values())), numbers)


def _words(pairs: Iterable[tuple[int, int]]) -> bytes:
    return b"".join(word.to_bytes(_WORD, sys.byteorder) for pair in pairs for word in pair)
