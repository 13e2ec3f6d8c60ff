"""Direct calls: instances of a Python class that native code calls without a Python frame.

`directly_called` derives the class, through CPython's stable ABI, with room for a vectorcall slot.
The slot is empty at first, and calls run `__call__`. `call_directly` points it at a few
instructions that hand a call to what the attribute ``_entry`` holds at that time, or to
``_dispatcher`` while the list `detour` holds anything. They are made once for a class, when they
are first needed, and never freed.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

from .entry import References, interpreter_symbols
from .entry.layout import SIZE, unknown_interpreter

SLOTS = ("_entry", "_dispatcher", "__dict__", "__weakref__")  # `__slots__` of such a class
SYMBOL = "fg.direct"

_TP_MEMBERS = 72  # Py_tp_members in CPython's typeslots.h
_SSIZE, _READONLY = 19, 1  # Py_T_PYSSIZET and Py_READONLY, of members
_HAVE_VECTORCALL = 1 << 11
_FLAGS = 1 << 18 | 1 << 10 | _HAVE_VECTORCALL  # Py_TPFLAGS_DEFAULT, BASETYPE

Class = TypeVar("Class", bound=type)


class _Member(ctypes.Structure):
    """CPython's PyMemberDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("type", ctypes.c_int),
        ("offset", ctypes.c_ssize_t),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


class _Slot(ctypes.Structure):
    """CPython's PyType_Slot."""

    _fields_ = (("slot", ctypes.c_int), ("content", ctypes.c_void_p))


class _Spec(ctypes.Structure):
    """CPython's PyType_Spec."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("basicsize", ctypes.c_int),
        ("itemsize", ctypes.c_int),
        ("flags", ctypes.c_uint),
        ("slots", ctypes.c_void_p),
    )


class _Door:
    """Where the instances of a derived class keep what a direct call reads, and its code."""

    def __init__(self, base: type, detour: list[Any]) -> None:
        self.slot, self.detour = base.__basicsize__, detour
        # CPython keeps the pointer to the name of a member.
        self.members = (_Member * 2)(_Member(b"__vectorcalloffset__", _SSIZE, self.slot, _READONLY))
        self.derived = _derive(base, self.slot + ctypes.sizeof(ctypes.c_void_p), self.members)
        self.entry, self.dispatcher = (self._offset(name) for name in SLOTS[:2])

    def _offset(self, name: str) -> int | None:
        """Where an instance keeps an attribute: looked for, as CPython does not tell."""
        instance: object = object.__new__(self.derived)
        marker = object()
        setattr(instance, name, marker)
        words = range(object.__basicsize__, self.slot, ctypes.sizeof(ctypes.c_void_p))
        return next((at for at in words if _word(instance, at).value == id(marker)), None)

    @property
    def works(self) -> bool:
        flagged = self.derived.__flags__ & _HAVE_VECTORCALL
        return bool(flagged) and None not in (self.entry, self.dispatcher)

    @cached_property
    def library(self) -> Any:
        from .objects.link import link
        from .objects.texts import object_of

        symbols = {**interpreter_symbols(), "detour": id(self.detour)}
        assert self.entry is not None
        assert self.dispatcher is not None
        text = direct_text(self.entry, self.dispatcher, References(symbols))
        return link([object_of(text)], (), (SYMBOL,), symbols)


_doors: dict[type, _Door] = {}


def directly_called(detour: list[Any]) -> Callable[[Class], Class]:
    """A decorator of classes with `SLOTS`: the class with room for a vectorcall slot.

    It is the class itself where native code can't be called this way. A Python class derived from
    the result is called through `__call__`.
    """

    def derive(base: Class) -> Class:
        if unknown_interpreter() is not None:
            return base
        door = _Door(base, detour)
        if door.works:
            _doors[door.derived] = door
        return door.derived  # type: ignore[return-value]

    return derive


def call_directly(instance: Any) -> None:
    """From now on calls of `instance` go straight to its ``_entry``, where that is possible."""
    door = _doors.get(type(instance))
    if door is not None:
        _word(instance, door.slot).value = door.library[SYMBOL]


def direct_text(entry: int, dispatcher: int, symbols: References) -> str:
    """The function behind the slot, for attributes at these offsets.

    What it calls is held meanwhile: the attribute may be bound anew, and the code be freed.
    """
    function = f"""
define ptr @{SYMBOL}(ptr %self, ptr %args, i64 %nargs, ptr %kwnames) nounwind {{
  %size.at = getelementptr i8, ptr {symbols["detour"]}, i64 {SIZE}
  %size = load i64, ptr %size.at
  %usual = icmp eq i64 %size, 0
  %offset = select i1 %usual, i64 {entry}, i64 {dispatcher}
  %at = getelementptr i8, ptr %self, i64 %offset
  %entry = load ptr, ptr %at
  call void {symbols["Py_IncRef"]}(ptr %entry)
  %result = call ptr {symbols["PyObject_Vectorcall"]}(ptr %entry, ptr %args, i64 %nargs,
    ptr %kwnames)
  call void {symbols["Py_DecRef"]}(ptr %entry)
  ret ptr %result
}}
"""
    return "\n".join((*symbols.declarations(), function))


def _derive(base: type, size: int, members: Any) -> type:
    slots = (_Slot * 2)(_Slot(_TP_MEMBERS, ctypes.addressof(members)))
    name = f"{base.__module__}.{base.__qualname__}".encode()
    spec = _Spec(name, size, 0, _FLAGS, ctypes.addressof(slots))
    prototype = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object)
    create = prototype(("PyType_FromSpecWithBases", ctypes.pythonapi))
    derived: type = create(ctypes.addressof(spec), (base,))
    derived.__doc__ = base.__doc__
    return derived


def _word(item: object, offset: int) -> ctypes.c_void_p:
    return ctypes.c_void_p.from_address(id(item) + offset)
