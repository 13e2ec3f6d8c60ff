"""Object code in executable memory, linked here: ELF objects for x86-64.

LLVM's own linker wants a target, a session and threads of LLVM's; this one wants the bytes. So code
that is in the object cache runs without LLVM being loaded, and a compilation takes some
milliseconds less. What it does not know it refuses with UnsupportedObjectError, before anything is
mapped; `codegen.objects.load` then asks LLVM.

An image is one private mapping of three parts, each of whole pages: code (read and execute),
constants together with the table of addresses (read), variables (read and write). A call of a
function outside goes through a stub of six bytes, ``jmp *slot``: what is outside may be further
away than a call reaches.
"""

from __future__ import annotations

import ctypes
import mmap
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache

from ...ir.record import record

Resolver = Callable[[str], int]  # the address of what is outside, by name

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_RELOCATION = struct.Struct("<QIIq")
_MAGIC = b"\x7fELF\x02\x01\x01"  # 64-bit, little endian
_RELOCATABLE, _X86_64 = 1, 62

_SYMBOLS, _RELOCATIONS, _EMPTY = 2, 4, 8  # kinds of sections (SHT_SYMTAB, RELA, NOBITS)
_WRITE, _ALLOCATE, _EXECUTE, _THREAD = 1, 2, 4, 0x400  # their flags
_UNDEFINED, _ABSOLUTE, _RESERVED = 0, 0xFFF1, 0xFF00  # their numbers, in symbols
_GLOBAL = 1  # binding from which on other objects see a symbol
_ABSOLUTE_64, _RELATIVE_32, _CALL_32, _RELATIVE_64 = 1, 2, 4, 24
_SLOT_32 = (9, 41, 42)  # GOTPCREL, and its two forms which a linker may rewrite
_STUB = b"\xff\x25"  # jmp *disp32(%rip)

_READ, _CHANGE, _RUN = 1, 2, 4  # rights (PROT_READ, PROT_WRITE, PROT_EXEC)
_PARTS = (_READ | _RUN, _READ, _READ | _CHANGE)


class UnsupportedObjectError(Exception):
    """An object that this linker does not know; LLVM's does."""


@cache
def links_here() -> bool:
    """Does this process run code of the kind that is linked here?"""
    import platform

    return (
        sys.platform == "linux"
        and platform.machine() == "x86_64"
        and struct.calcsize("P") == 8
        and sys.implementation.name == "cpython"
    )


class Image:
    """Linked code; `image[name]` is the address of an export. The memory goes with the image."""

    __slots__ = ("_addresses", "_memory")

    def __init__(self, memory: mmap.mmap, addresses: dict[str, int]) -> None:
        self._memory, self._addresses = memory, addresses

    def __getitem__(self, name: str) -> int:
        return self._addresses[name]


@record
class _Section:
    kind: int
    flags: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int

    @property
    def part(self) -> int:
        if self.flags & _EXECUTE:
            return 0
        return 2 if self.flags & _WRITE else 1


class _Object:
    """One object: its sections, its symbols, and where its sections stand in the image."""

    def __init__(self, code: bytes) -> None:
        self.code = code
        self.sections = list(_sections(code))
        self.places: dict[int, int] = {}
        self.symbols: list[tuple[str, int, int, int]] = []  # name, binding, section, value
        for section in self.sections:
            if section.kind == _SYMBOLS:
                names = self.sections[section.link]
                start = section.offset
                self.symbols = [
                    (_string(code, names.offset + name), info >> 4, number, value)
                    for name, info, _, number, value, _ in _SYMBOL.iter_unpack(
                        code[start : start + section.size]
                    )
                ]

    def loaded(self) -> Iterator[tuple[int, _Section]]:
        for number, section in enumerate(self.sections):
            if section.flags & _ALLOCATE and section.size:
                yield number, section

    def relocations(self) -> Iterator[tuple[int, int, int, int]]:
        """Where in the image, of which kind, of which symbol, with which addend."""
        for section in self.sections:
            if section.kind == _RELOCATIONS and section.info in self.places:
                base, start = self.places[section.info], section.offset
                size = self.sections[section.info].size
                for at, kind, symbol, addend in _RELOCATION.iter_unpack(
                    self.code[start : start + section.size]
                ):
                    width = 8 if kind in (_ABSOLUTE_64, _RELATIVE_64) else 4
                    if at + width > size:
                        raise UnsupportedObjectError("a relocation outside of its section")
                    yield base + at, kind, symbol, addend


def _sections(code: bytes) -> Iterator[_Section]:
    if len(code) < _HEADER.size or not code.startswith(_MAGIC):
        raise UnsupportedObjectError("not an ELF object of 64 bits")
    head = _HEADER.unpack_from(code)
    kind, machine, table, size, count = head[1], head[2], head[6], head[11], head[12]
    if (kind, machine, size) != (_RELOCATABLE, _X86_64, _SECTION.size) or not count:
        raise UnsupportedObjectError("not a relocatable object for x86-64")
    for fields in _SECTION.iter_unpack(code[table : table + count * size]):
        section = _Section(fields[1], fields[2], *fields[4:9])
        inside = section.kind == _EMPTY or section.offset + section.size <= len(code)
        if section.flags & _THREAD or not inside:
            raise UnsupportedObjectError("a section of a kind that is not known")
        yield section


def _string(code: bytes, start: int) -> str:
    return code[start : code.index(0, start)].decode()


def link_image(objects: Sequence[bytes], resolve: Resolver, exports: Sequence[str]) -> Image:
    """Load `objects` together. Raises UnsupportedObjectError, and what `resolve` raises."""
    return _Linker([_Object(code) for code in objects]).link(resolve, exports)


class _Linker:
    """Lays the objects out, copies them, writes addresses into them."""

    def __init__(self, objects: list[_Object]) -> None:
        self.objects = objects
        self.defined: dict[str, tuple[_Object, int]] = {}
        for one in objects:
            for number, (name, binding, section, _) in enumerate(one.symbols):
                if binding >= _GLOBAL and section != _UNDEFINED:
                    if name in self.defined:
                        raise UnsupportedObjectError(f"{name} is defined twice")
                    self.defined[name] = (one, number)
        self.slots: dict[str, int] = {}  # of the table of addresses, by name
        self.stubs: dict[str, int] = {}
        self.values: dict[str, int] = {}  # addresses of names, once they are asked for

    def link(self, resolve: Resolver, exports: Sequence[str]) -> Image:
        self._resolve = resolve
        sizes = self._lay_out()
        memory = mmap.mmap(
            -1,
            sum(sizes),
            flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS,
            prot=_READ | _CHANGE,
        )
        self.memory, self.base = memory, _address_of(memory)
        for one in self.objects:
            for number, section in one.loaded():
                if section.kind != _EMPTY:
                    place, start = one.places[number], section.offset
                    memory[place : place + section.size] = one.code[start : start + section.size]
        self._relocate()
        _protect(self.base, sizes)
        return Image(memory, {name: self._value(name) for name in exports})

    def _lay_out(self) -> list[int]:
        """Places of sections, stubs and slots; the sizes of the three parts."""
        wanted_slots, wanted_stubs = self._needs()
        sizes, start = [], 0
        for part in range(len(_PARTS)):
            at = start
            for one in self.objects:
                for number, section in one.loaded():
                    if section.part == part:
                        step = max(section.alignment, 1)
                        if step > mmap.PAGESIZE:
                            raise UnsupportedObjectError(f"a section aligned to {step} bytes")
                        one.places[number] = at = -(-at // step) * step
                        at += section.size
            if part == 0:
                for name in wanted_stubs:
                    self.stubs[name] = at
                    at += 8
            elif part == 1:
                at = -(-at // 8) * 8
                for name in wanted_slots:
                    self.slots[name] = at
                    at += 8
            end = -(-at // mmap.PAGESIZE) * mmap.PAGESIZE
            sizes.append(end - start)
            start = end
        return sizes

    def _needs(self) -> tuple[dict[str, None], dict[str, None]]:
        """The names that need a slot, and those that need a stub (and so a slot too)."""
        slots: dict[str, None] = {}
        stubs: dict[str, None] = {}
        for one in self.objects:
            loaded = {number for number, _ in one.loaded()}
            for section in one.sections:
                if section.kind != _RELOCATIONS or section.info not in loaded:
                    continue
                data = one.code[section.offset : section.offset + section.size]
                for _, kind, symbol, _ in _RELOCATION.iter_unpack(data):
                    name, _, number, _ = one.symbols[symbol]
                    if kind in _SLOT_32:
                        slots[_named(name)] = None
                    elif kind == _CALL_32 and number == _UNDEFINED and name not in self.defined:
                        slots[name] = stubs[name] = None
        return slots, stubs

    def _relocate(self) -> None:
        base, pack = self.base, struct.pack_into
        for name, at in self.slots.items():
            pack("<Q", self.memory, at, self._value(name))
        for name, at in self.stubs.items():
            self.memory[at : at + 2] = _STUB
            pack("<i", self.memory, at + 2, self.slots[name] - (at + 6))
        for one in self.objects:
            for at, kind, symbol, addend in one.relocations():
                name, _, number, value = one.symbols[symbol]
                if kind in _SLOT_32:
                    target = base + self.slots[name]
                elif kind == _CALL_32 and name in self.stubs and number == _UNDEFINED:
                    target = base + self.stubs[name]
                else:
                    target = self._target(one, name, number, value)
                if kind == _ABSOLUTE_64:
                    pack("<Q", self.memory, at, (target + addend) % (1 << 64))
                elif kind == _RELATIVE_64:
                    pack("<q", self.memory, at, target + addend - (base + at))
                elif kind in (_RELATIVE_32, _CALL_32) or kind in _SLOT_32:
                    self._relative(at, target + addend - (base + at), name)
                else:
                    raise UnsupportedObjectError(f"a relocation of kind {kind}")

    def _relative(self, at: int, distance: int, name: str) -> None:
        if not -(1 << 31) <= distance < 1 << 31:
            raise UnsupportedObjectError(f"{name} is out of reach")
        struct.pack_into("<i", self.memory, at, distance)

    def _target(self, one: _Object, name: str, section: int, value: int) -> int:
        """The address of a symbol of an object."""
        if section == _UNDEFINED:
            return self._value(_named(name))
        if section == _ABSOLUTE:
            return value
        if section >= _RESERVED or section not in one.places:
            raise UnsupportedObjectError(f"the symbol {name} is in no section that is loaded")
        return self.base + one.places[section] + value

    def _value(self, name: str) -> int:
        """The address of a name: in one of the objects, or outside of them."""
        found = self.values.get(name)
        if found is None:
            if name in self.defined:
                one, number = self.defined[name]
                _, _, section, value = one.symbols[number]
                found = self._target(one, name, section, value)
            else:
                found = self._resolve(name)
            self.values[name] = found
        return found


def _named(name: str) -> str:
    if not name:
        raise UnsupportedObjectError("a symbol without a name")
    return name


def _address_of(memory: mmap.mmap) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))


@cache
def _mprotect() -> Callable[[int, int, int], int]:
    function = ctypes.CDLL(None, use_errno=True).mprotect
    function.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return function


def _protect(base: int, sizes: list[int]) -> None:
    for size, protection in zip(sizes, _PARTS, strict=True):
        if size and _mprotect()(base, size, protection):
            error = ctypes.get_errno()
            raise OSError(error, "the system refuses to make memory executable")
        base += size
