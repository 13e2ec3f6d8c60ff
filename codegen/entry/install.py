"""From the address of an emitted entry to a Python function that owns its code."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable
from types import BuiltinFunctionType

_METH_KEYWORDS = 0x0002
_METH_FASTCALL = 0x0080


class _MethodDef(ctypes.Structure):
    """CPython's PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


class Owner:
    """Keeps what a native function needs alive; it is the function's ``__self__``.

    `resources` are the tracker of the machine code and the objects whose addresses the code embeds
    (`bound_objects`). They go when the function does: CPython drops ``__self__`` last of all.
    """

    __slots__ = ("__weakref__", "method", "resources")

    def __init__(self, resources: Iterable[object]) -> None:
        self.resources = list(resources)
        self.method: object = None


def make_function(
    address: int, name: str, doc: str | None, owner: Owner, module: str | None = None
) -> BuiltinFunctionType:
    """A Python function whose calls go straight to the machine code at `address`.

    `doc` may begin with ``name(signature)\\n--\\n\\n``, which `inspect.signature` then reads.
    """
    method = _MethodDef(
        name.encode(), address, _METH_FASTCALL | _METH_KEYWORDS, doc.encode() if doc else None
    )
    owner.method = method  # ctypes keeps the two strings alive with it
    return _new_function()(ctypes.addressof(method), owner, module)


def _new_function() -> Callable[..., BuiltinFunctionType]:
    # A prototype of our own: setting argtypes on ctypes.pythonapi would be seen by everyone.
    prototype = ctypes.PYFUNCTYPE(
        ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.py_object
    )
    return prototype(("PyCFunction_NewEx", ctypes.pythonapi))
