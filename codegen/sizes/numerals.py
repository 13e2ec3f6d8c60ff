"""The numbers in a line of LLVM text that may as well be registers: its operands.

What must be a constant in LLVM (sizes of types, alignments, masks of shuffles, cases of a switch,
immediate arguments of intrinsics) is none of them, nor is anything in a line of a kind that is not
known here. So a line is a frame and its numbers: two lines of one frame differ in numbers that
could be read from memory.
"""

from __future__ import annotations

import re
import struct
import sys
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

_KEPT = 1 << 12  # lines: those of one program, about, of which most come again
MARKS = {"number": "\0", "splat": "\1", "vector": "\2"}  # what stands for them in a frame
MARK = re.compile("[\0\1\2]")

_OPCODE = re.compile(r"  (?:%[-\w.]+ = )?(\w+)")
_KNOWN = re.compile(
    "add|sub|mul|[su]div|[su]rem|and|or|xor|shl|[la]shr|[if]cmp|f(?:add|sub|mul|div|neg)|phi|select|"
    "store|getelementptr|call|alloca|(?:insert|extract)element|trunc|[sz]ext|fptrunc|fpext|[su]itofp"
)
_SCALAR = r"(?:i64|i32|double|float)"
_TOKEN = re.compile(
    rf"""(?P<skip> align\ \d+ | [%@!]"[^"]*" | [%@!][-\w.$]+ | \[\d+\ x\ [^]]*\] )
       | (?P<splat> splat\ \({_SCALAR}\ (?:0x[0-9A-F]{{16}}|-?\d+)\) )
       | (?P<vector> <{_SCALAR}\ [^>]*> )
       | (?P<type> <\d+\ x\ \w+> | \b(?:i\d+|double|float|ptr)\b )
       | (?P<number> (?<![\w.])(?:0x[0-9A-F]{{16}}|-?\d+)(?![\w.]) )
    """,
    re.VERBOSE,
)
_IMMEDIATE = ("i32", "i8", "i1")  # kinds of arguments that intrinsics want as constants
_DIGITS = re.compile(r"(?<![\w.%@])(?:0x[0-9A-F]{16}|-?\d+)(?![\w.])")
_ELEMENT = re.compile(rf"({_SCALAR}) (0x[0-9A-F]{{16}}|-?\d+)")


class Number(NamedTuple):
    """An operand of `type` (LLVM's), with its spelling: a number, a `splat (…)`, or a vector."""

    type: str
    text: str

    @property
    def data(self) -> bytes:
        """As it lies in memory; of a splat the one element."""
        return b"".join(_bytes(kind, digits) for kind, digits in self._elements())

    @property
    def is_splat(self) -> bool:
        return self.text.startswith("splat")

    def _elements(self) -> list[tuple[str, str]]:
        if self.is_splat or self.text.startswith("<"):
            return _ELEMENT.findall(self.text)
        return [(self.type, self.text)]


def digits_of(lines: Iterable[str]) -> set[str]:
    """All that looks like a number."""
    return {digits for line in lines for digits in _DIGITS.findall(line)}


def _bytes(kind: str, digits: str) -> bytes:
    if kind in ("double", "float"):  # both are spelled by the bits of a double
        value = bytes.fromhex(digits[2:])
        return struct.pack("=Q", int.from_bytes(value, "big")) if kind == "double" else _f32(value)
    bits = int(kind[1:])
    return (int(digits) % (1 << bits)).to_bytes(bits // 8, sys.byteorder)


def _f32(value: bytes) -> bytes:
    return struct.pack("=f", *struct.unpack(">d", value))


@lru_cache(_KEPT)
def split_line(line: str) -> tuple[str, tuple[Number, ...]]:
    """A line's frame, with a mark for each of its numbers; the whole line where there are none."""
    opcode = _OPCODE.match(line)
    if opcode is None or _KNOWN.fullmatch(opcode[1]) is None:
        return line, ()
    intrinsic = opcode[1] == "call" and "@llvm." in line
    numbers: list[Number] = []
    frame, end, type = [], 0, ""
    for token in _TOKEN.finditer(line):
        kind, text = token.lastgroup, token[0]
        if kind == "type":
            type = text
        if kind in ("skip", "type") or not _fits(type, text, str(kind), intrinsic):
            continue
        frame += [line[end : token.start()], MARKS[str(kind)]]
        end = token.end()
        numbers.append(Number(type, text))
    frame.append(line[end:])
    return "".join(frame), tuple(numbers)


def _fits(type: str, text: str, kind: str, intrinsic: bool) -> bool:
    """Can this be read from memory as a value of `type`?"""
    if intrinsic and type in _IMMEDIATE:
        return False
    if kind == "number":
        return re.fullmatch(_SCALAR, type) is not None and (type[0] == "i") != text.startswith("0x")
    if not re.fullmatch(rf"<\d+ x {_SCALAR}>", type):
        return False
    count, element = type[1:-1].split(" x ")
    found = _ELEMENT.findall(text)
    whole = 1 if kind == "splat" else int(count)
    return len(found) == whole and all(each == element for each, _ in found)
