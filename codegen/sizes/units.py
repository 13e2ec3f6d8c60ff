"""A module's text, taken apart into the functions that do its work: each can be code of its own.

A unit is a function that is given the call's context and is not inlined: a kernel, a product, the
loop over blocks of rows, `run`. Its text is freed of what depends on its module: its own name, and
those of the units that it calls, are by number. All else is the prelude: what units may use as if
it were their own (declarations, maths, the poll).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ...ir.record import identity_record

CALLEE = re.compile(r'@"fg\.callee\.(\d+)"')

_UNIT = re.compile(r"define (?:internal )?i32 (@\w+)\((.*ptr %context)\) (.*)\{$")
SYMBOL = re.compile(r'@(?:[-\w.$]+|"[^"]*")')
_HELPER = re.compile(r'define internal \S+(?: x \S+ \S+)? @"fg\..*\) noinline ')
_NAME = re.compile(r"@[a-z_]+\d*\b")
_SIZE = re.compile(r" dereferenceable\(\d+\)")  # a hint, which is another one for each size


@identity_record
class Unit:
    """A function: `lines` of one or more definitions, the first of which is `@"fg.unit"`.

    The `symbol` is its name in the module, and `callees` are those of the units that it calls as
    ``@"fg.callee.0"``, ``@"fg.callee.1"`` …
    """

    symbol: str
    lines: list[str]
    callees: tuple[str, ...]


@identity_record
class Units:
    """A module: its units, callees before their callers and `run` last, and its prelude, by what
    each part of it defines or declares.
    """

    units: tuple[Unit, ...]
    prelude: dict[str, str]


def take_apart(text: str) -> Units:
    """The units of a module's text."""
    prelude: dict[str, str] = {}
    functions: dict[str, list[str]] = {}
    inlined: set[str] = set()
    for part in _parts(text.split("\n")):
        found = _UNIT.match(part[0])
        if found is None:
            prelude |= _defined(part)
            continue
        functions[found[1]] = part
        if "alwaysinline" in found[3].split():
            inlined.add(found[1])
    whole = [symbol for symbol in functions if symbol not in inlined]
    units = tuple([_unit(symbol, functions, inlined) for symbol in whole])
    return Units(units, prelude)


def needed_of(prelude: dict[str, str], texts: Sequence[str]) -> dict[str, str]:
    """The parts of a prelude, by their symbols, that `texts` refer to, or parts that are needed by
    others do; under "" what has no symbol.
    """
    by_symbol: dict[str, str] = {}
    others = []
    for part in prelude.values():
        found = SYMBOL.search(part)
        if found is None:
            others.append(part)
        else:
            by_symbol[found[0]] = part
    needed: set[str] = set()
    pending = list(texts)
    while pending:
        for symbol in set(SYMBOL.findall(pending.pop())) - needed:
            if symbol in by_symbol:
                needed.add(symbol)
                pending.append(by_symbol[symbol])
    found_parts = {symbol: part for symbol, part in by_symbol.items() if symbol in needed}
    return {"": "\n".join(others), **found_parts}


def is_helper(part: str) -> bool:
    """Is it a function that units call, and can share: a tile of a product, maths?"""
    return _HELPER.match(part) is not None


def published(part: str) -> str:
    """A helper, for others to see as well."""
    return part.replace("define internal ", "define ", 1)


def declared(part: str) -> str:
    """A helper that is defined elsewhere."""
    return part.split("\n")[0].replace("define internal ", "declare ", 1).rstrip("{ ")


def _defined(part: list[str]) -> dict[str, str]:
    """A function, or lines that are one definition each, by name."""
    if part[0].startswith("define "):
        return {part[0].split("(")[0]: "\n".join(part)}
    return {line.split(" = ")[0]: line for line in part}


def _parts(lines: Sequence[str]) -> Iterator[list[str]]:
    """The definitions of functions, each as one part, and the lines between them."""
    start = 0
    for i, line in enumerate(lines):
        if line.startswith("define ") and i > start:
            yield list(lines[start:i])
            start = i
        elif line == "}":
            yield list(lines[start : i + 1])
            start = i + 1
    if start < len(lines):
        yield list(lines[start:])


def _unit(symbol: str, functions: dict[str, list[str]], inlined: set[str]) -> Unit:
    names = {symbol: '@"fg.unit"'}  # of what is inlined, by number as well
    callees: dict[str, int] = {}
    lines: list[str] = []

    def rename(match: re.Match[str]) -> str:
        name = match[0]
        if name not in functions:
            return name
        if name in names:
            return names[name]
        if name in inlined:
            names[name] = f'@"fg.unit.{len(names)}"'
            pending.append(name)
            return names[name]
        return f'@"fg.callee.{callees.setdefault(name, len(callees))}"'

    pending = [symbol]
    for name in pending:  # grows meanwhile
        head, *body = functions[name]
        assert body[0] == "entry:", head
        lines.append(_NAME.sub(rename, _SIZE.sub("", head)))
        lines += [_NAME.sub(rename, line) if "@" in line else line for line in body]
    lines[0] = lines[0].replace("define internal ", "define ", 1)
    return Unit(symbol, lines, tuple(callees))
