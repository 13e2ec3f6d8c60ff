"""Addresses: the one table through which emitted code reaches CPython, NumPy and user objects.

The names are stable from process to process and the addresses are not, so object code is linked by
name and serves every process. `References` spells a symbol in LLVM IR.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import struct
import sys
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from .spec import (
    NUMPY_NAME,
    CellGuard,
    DictGuard,
    DictNode,
    EntrySpec,
    FunctionGuard,
    Guard,
    Leaf,
    ListGuard,
    NoneNode,
    OutputLeaf,
    SizeGuard,
    Tree,
    ValueGuard,
)

_PYTHON_FUNCTIONS = (
    "PyDict_GetItemWithError",
    "PyDict_New",
    "PyDict_SetItem",
    "PyErr_BadInternalCall",
    "PyErr_CheckSignals",
    "PyErr_Occurred",
    "PyEval_RestoreThread",
    "PyEval_SaveThread",
    "PyList_New",
    "PyLong_AsLongLongAndOverflow",
    "PyLong_FromLong",
    "PyObject_Vectorcall",
    "PyTuple_New",
    "Py_DecRef",
    "Py_IncRef",
)
_PYTHON_OBJECTS: dict[str, object] = {
    "None": None,
    "True": True,
    "False": False,
    "dict": dict,
    "float": float,
    "int": int,
    "list": list,
    "tuple": tuple,
}
_NEW_FROM_DESCR = 94  # PyArray_NewFromDescr in NumPy's __multiarray_api.h, unchanged since 1.0
_TP_ALLOC = 47  # Py_tp_alloc in CPython's typeslots.h, part of the stable ABI


class Memory:
    """Bytes that emitted code reads, at an address of their own as long as this lives."""

    __slots__ = ("_buffer", "address")

    def __init__(self, data: bytes) -> None:
        self._buffer = ctypes.create_string_buffer(data, max(len(data), 1))
        self.address = ctypes.addressof(self._buffer)

    def put(self, place: int, data: bytes) -> None:
        ctypes.memmove(self.address + place, data, len(data))


class References:
    """Spells symbols in LLVM IR, as external names; KeyError for one that there is not."""

    def __init__(self, symbols: Mapping[str, int]) -> None:
        self.symbols = symbols
        self.used: dict[str, None] = {}

    def __getitem__(self, name: str) -> str:
        if name not in self.symbols:
            raise KeyError(name)
        self.used[name] = None
        return f'@"{external_name(name)}"'

    def __contains__(self, name: str) -> bool:
        return name in self.symbols

    def declarations(self) -> list[str]:
        """The lines that declare the external names used so far."""
        return [f'@"{external_name(name)}" = external global i8' for name in self.used]


def external_name(name: str) -> str:
    """The linker's name of a symbol."""
    return f"fg.symbol.{name}"


@functools.cache
def interpreter_symbols() -> Mapping[str, int]:
    """The addresses of CPython's and NumPy's functions and objects, the same for every entry."""
    table = {"clock": _clock_address(), "memcmp": _memcmp_address()}
    if not hasattr(ctypes, "pythonapi"):
        return table
    table |= {name: _address(getattr(ctypes.pythonapi, name)) for name in _PYTHON_FUNCTIONS}
    table |= {name: id(item) for name, item in _PYTHON_OBJECTS.items()}
    return table | _numpy_symbols()


def _numpy_symbols() -> dict[str, int]:
    table = {"ndarray": id(np.ndarray), "np.True_": id(np.True_), "np.False_": id(np.False_)}
    table["PyArray_NewFromDescr"] = _numpy_function(_NEW_FROM_DESCR)
    for dtype, name in NUMPY_NAME.items():
        descr = np.dtype(name)
        table[f"descr.{dtype}"] = id(descr)
        table[f"scalar.{dtype}"] = id(descr.type)
        table[f"alloc.{dtype}"] = _allocator(descr.type)
    return table


def _address(function: object) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0  # type: ignore[arg-type]


def _clock_address() -> int:
    if sys.platform == "win32":
        return _address(ctypes.WinDLL("kernel32").GetTickCount64)
    return _address(ctypes.CDLL(None).clock_gettime)


def _memcmp_address() -> int:
    library = ctypes.cdll.msvcrt if sys.platform == "win32" else ctypes.CDLL(None)
    return _address(library.memcmp)


def _numpy_function(index: int) -> int:
    module = importlib.import_module("numpy._core._multiarray_umath")
    prototype = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
    get_pointer = prototype(("PyCapsule_GetPointer", ctypes.pythonapi))
    table = get_pointer(module._ARRAY_API, None)
    return ctypes.c_void_p.from_address(table + 8 * index).value or 0


def _allocator(scalar_type: type) -> int:
    prototype = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_int)
    get_slot = prototype(("PyType_GetSlot", ctypes.pythonapi))
    return get_slot(scalar_type, _TP_ALLOC) or 0


def bound_objects(
    spec: EntrySpec, fallback: Callable[..., object], on_error: Callable[[int], object]
) -> dict[str, object]:
    """The objects whose addresses an entry embeds, by symbol name.

    They must live as long as the entry's code: put them among the resources of its `Owner`.
    """
    table: dict[str, object] = {"fallback": fallback, "on_error": on_error}
    sizes = spec.shapes()[1]
    table["shapes"] = Memory(struct.pack(f"={len(sizes)}q", *sizes))
    for place, name in enumerate(spec.parameters):
        table[f"parameter.{place}"] = sys.intern(name)
    for place, tree in enumerate(spec.inputs):
        table.update(_keys(tree, f"input.{place}"))
    table.update(_keys(spec.output, "output"))
    for place, guard in enumerate(spec.guards):
        table.update(_guard_objects(guard, f"guard.{place}"))
    for place, hidden in enumerate(spec.hidden):
        table[f"hidden.{place}"] = hidden.array
    return table


def _guard_objects(guard: Guard, path: str) -> Iterator[tuple[str, object]]:
    if isinstance(guard, ListGuard):
        yield f"{path}.list", guard.sequence
        yield from ((f"{path}.expected.{i}", item) for i, item in enumerate(guard.expected))
        return
    if isinstance(guard, FunctionGuard):
        yield f"{path}.function", guard.function
        yield from ((f"{path}.code", guard.code), (f"{path}.defaults", guard.defaults))
        return
    if isinstance(guard, ValueGuard):
        yield from ((f"{path}.array", guard.array), (f"{path}.copy", guard.copy))
        return
    if isinstance(guard, CellGuard):
        yield f"{path}.cell", guard.cell
    else:
        yield f"{path}.dict", guard.mapping
    if isinstance(guard, DictGuard):
        yield f"{path}.key", _interned(guard.key)
    if not isinstance(guard, SizeGuard):
        yield f"{path}.expected", guard.expected


def object_symbols(objects: Mapping[str, object]) -> dict[str, int]:
    """The addresses of `bound_objects`, to be merged with `interpreter_symbols`."""
    return {
        name: item.address if type(item) is Memory else id(item) for name, item in objects.items()
    }


def _keys(tree: Tree, path: str) -> Iterator[tuple[str, object]]:
    if isinstance(tree, Leaf | OutputLeaf | NoneNode):
        return
    if isinstance(tree, DictNode):
        for place, key in enumerate(tree.keys):
            yield f"{path}.key{place}", _interned(key)
    for place, child in enumerate(tree.children):
        yield from _keys(child, f"{path}.{place}")


def _interned(key: object) -> object:
    # The names in user code are interned: a dict finds such a key by its address alone.
    return sys.intern(key) if type(key) is str else key
