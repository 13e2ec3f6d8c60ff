"""Where CPython and NumPy keep what the native door reads, and a test that it is so here.

The offsets are those of CPython 3.11 to 3.14 with the GIL and of NumPy 2, on 64-bit machines. None
of them is trusted: `self_test` reads sample objects through ctypes and compares with what Python
says.
"""

from __future__ import annotations

import ctypes
import functools
import struct
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .spec import NUMPY_NAME

TYPE = 8  # PyObject.ob_type
SIZE = 16  # PyVarObject.ob_size; PyDictObject.ma_used stands at the same place
TUPLE_ITEMS = tuple.__basicsize__  # 24; 32 from 3.14 on, where the hash is kept before the items
LIST_ITEMS = 24
FLOAT_VALUE = 16
CELL_CONTENT = 16

ARRAY_DATA = 16
ARRAY_NDIM = 24
ARRAY_SHAPE = 32
ARRAY_DESCR = 56
ARRAY_FLAGS = 64
DESCR_BYTEORDER = 26
SCALAR_VALUE = 16

C_CONTIGUOUS = 0x0001
ALIGNED = 0x0100
WRITEABLE = 0x0400

_SAMPLES: dict[str, Any] = {"f32": -1.5, "f64": 2.75, "i32": -70000, "i64": 1 << 40, "bool": True}
_C_TYPE: dict[str, Any] = {
    "f32": ctypes.c_float,
    "f64": ctypes.c_double,
    "i32": ctypes.c_int32,
    "i64": ctypes.c_int64,
    "bool": ctypes.c_bool,
}


@functools.cache
def self_test() -> str | None:
    """None if the native door can be used in this process, else the reason why not."""
    reason = unknown_interpreter()
    if reason is not None:
        return reason
    try:
        wrong = [name for name, check in _CHECKS.items() if not all(check())]
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        return f"the layout test failed: {error!r}"
    return f"unknown object layout: {', '.join(wrong)}" if wrong else None


def unknown_interpreter() -> str | None:
    """Why the native door can't be used here, as far as the interpreter itself tells."""
    if sys.implementation.name != "cpython":
        return f"the interpreter is {sys.implementation.name}, not CPython"
    if struct.calcsize("P") != 8:
        return "the process is not 64-bit"
    if hasattr(sys, "gettotalrefcount"):
        return "CPython is a debug build"
    if object.__basicsize__ != 16:
        return "objects have another header (a free-threaded or tracing build of CPython)"
    if not hasattr(ctypes, "pythonapi"):
        return "ctypes.pythonapi is missing"
    return None


def _function_slots() -> tuple[int, int]:
    """Where a function keeps its code and its defaults: looked for, as versions differ."""

    def probe(x: object = object()) -> object:
        return x

    size = type(probe).__basicsize__
    words = {_pointer(probe, offset): offset for offset in range(16, size, 8)}
    return words.get(id(probe.__code__), 0), words.get(id(probe.__defaults__), 0)


def _pointer(item: object, offset: int) -> int | None:
    return ctypes.c_void_p.from_address(id(item) + offset).value


def _integer(item: object, offset: int) -> int:
    return ctypes.c_ssize_t.from_address(id(item) + offset).value


def _check_types() -> Iterator[bool]:
    samples: tuple[object, ...] = ((), [], {}, 1.0, 1, np.ones(1), np.float64(1))
    for item in samples:
        yield _pointer(item, TYPE) == id(type(item))


def _check_containers() -> Iterator[bool]:
    first, second = object(), object()
    pair, row, table = (first, second), [first, second], {"a": first, "b": second}
    yield all(_integer(item, SIZE) == 2 for item in (pair, row, table))
    yield _pointer(pair, TUPLE_ITEMS) == id(first)
    yield _pointer(pair, TUPLE_ITEMS + 8) == id(second)
    yield list.__basicsize__ == LIST_ITEMS + 16
    items = _pointer(row, LIST_ITEMS) or 0
    yield ctypes.c_void_p.from_address(items + 8).value == id(second)


def _check_cells() -> Iterator[bool]:
    content = object()

    def closure() -> object:
        return content

    cells = closure.__closure__ or ()
    yield len(cells) == 1
    yield _pointer(cells[0], CELL_CONTENT) == id(content)


def _check_functions() -> Iterator[bool]:
    yield all(_function_slots())

    def without() -> None: ...

    yield _pointer(without, FUNCTION_DEFAULTS) is None


def _check_arrays() -> Iterator[bool]:
    array = np.arange(24, dtype=np.float64).reshape(2, 3, 4)
    yield _pointer(array, ARRAY_DATA) == array.ctypes.data
    yield ctypes.c_int.from_address(id(array) + ARRAY_NDIM).value == 3
    yield _pointer(array, ARRAY_DESCR) == id(array.dtype) == id(np.dtype("float64"))
    yield _flags(array) & (C_CONTIGUOUS | ALIGNED) == C_CONTIGUOUS | ALIGNED
    yield not _flags(array[:, ::2]) & C_CONTIGUOUS
    yield bool(_flags(array) & WRITEABLE)
    array.flags.writeable = False
    yield not _flags(array) & WRITEABLE
    unaligned = np.frombuffer(bytes(17), dtype=np.float64, count=2, offset=1)
    yield not _flags(unaligned) & ALIGNED
    dimensions = _pointer(array, ARRAY_SHAPE) or 0
    yield tuple((ctypes.c_ssize_t * 3).from_address(dimensions)) == (2, 3, 4)


def _flags(array: np.ndarray[Any, Any]) -> int:
    return ctypes.c_int.from_address(id(array) + ARRAY_FLAGS).value


def _check_dtypes() -> Iterator[bool]:
    for text in ("<f8", ">f8", "?"):
        dtype = np.dtype(text)
        yield (
            ctypes.c_char.from_address(id(dtype) + DESCR_BYTEORDER).value
            == dtype.byteorder.encode()
        )


def _check_scalars() -> Iterator[bool]:
    yield ctypes.c_double.from_address(id(value := 6.5e100) + FLOAT_VALUE).value == value
    for dtype, sample in _SAMPLES.items():
        scalar = np.dtype(NUMPY_NAME[dtype]).type(sample)
        yield _C_TYPE[dtype].from_address(id(scalar) + SCALAR_VALUE).value == sample


# A check stops at its first surprise, so a pointer is followed only where all before it was right.
_CHECKS: dict[str, Callable[[], Iterator[bool]]] = {
    "type pointer": _check_types,
    "tuple, list or dict": _check_containers,
    "closure cell": _check_cells,
    "function": _check_functions,
    "array": _check_arrays,
    "dtype": _check_dtypes,
    "scalar": _check_scalars,
}

FUNCTION_CODE, FUNCTION_DEFAULTS = _function_slots() if unknown_interpreter() is None else (0, 0)
