"""LAPACK: where it is, and how emitted code and this process call it.

It is looked for in the library that NumPy itself has loaded, then in SciPy (`cython_lapack`). Both
have the Fortran routines: every argument is a pointer, matrices stand column by column, and the
last argument, `info`, reports a failure. Those of float64 suffice, as NumPy uses no others.

A call is described once, as a list of arguments: one character, an int, a pointer in emitted code,
or one of the words below for working memory. `workspace` asks the routine how much of that it
wants, `write_call` writes the call. Behind the arguments stand the lengths of the characters, as
Fortran compilers pass them.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache
from typing import Any

from ...ir import FusegradError
from ..emitter import Emitter
from .blas import NativeLibrary, find_functions

_VARIANTS = (
    ("scipy_{}_64_", "i64"),
    ("{}_64_", "i64"),
    ("scipy_{}_", "i32"),
    ("{}_", "i32"),
)
NAMES = ("dgesv", "dgetrf", "dpotrf", "dsyevd", "dgesdd", "dgeqrf", "dorgqr", "dtrtrs")

WORK, WORK_SIZE = "WORK", "LWORK"  # memory for floats, and how many
INTEGER_WORK, INTEGER_WORK_SIZE = "IWORK", "LIWORK"  # and for integers

Argument = str | int  # in emitted code
_LENGTH = "i64"
_C_INTEGER = {"i64": ctypes.c_int64, "i32": ctypes.c_int32}


@cache
def find_lapack() -> NativeLibrary | None:
    """NumPy's own LAPACK, else SciPy's; None where there is neither."""
    return find_functions(NAMES, _VARIANTS, "numpy.linalg._umath_linalg") or _of_scipy()


def _of_scipy() -> NativeLibrary | None:
    try:
        from scipy.linalg import cython_lapack
    except ImportError:
        return None
    capsules: dict[str, Any] = dict(cython_lapack.__pyx_capi__)
    signature, _ = _opened(capsules[NAMES[0]])
    integer = "i32" if b"int *" in signature else "i64"
    addresses = {name: _opened(capsules[name])[1] for name in NAMES}
    return NativeLibrary(str(cython_lapack.__file__), integer, addresses)


def _opened(capsule: object) -> tuple[bytes, int]:
    """The name of a capsule, which is the signature of its function, and the function's address."""
    python = ctypes.pythonapi
    name_of = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)(("PyCapsule_GetName", python))
    pointer_of = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", python)
    )
    name = name_of(capsule)
    return name, pointer_of(capsule, name)


def workspace(
    lapack: NativeLibrary, routine: str, arguments: Sequence[Argument]
) -> tuple[int, int]:
    """How many floats and how many integers of working memory `routine` wants for a call."""
    integer = _C_INTEGER[lapack.integer]
    floats, integers, info, unused = ctypes.c_double(), integer(), integer(), ctypes.c_double()
    words = {
        WORK: floats,
        INTEGER_WORK: integers,
        WORK_SIZE: integer(-1),  # asks
        INTEGER_WORK_SIZE: integer(-1),
    }

    def passed(argument: Argument) -> Any:
        if isinstance(argument, int):
            return integer(argument)
        if is_character(argument):
            return ctypes.c_char(argument.encode())
        return words.get(argument, unused)

    lengths = [ctypes.c_size_t(1) for each in arguments if is_character(each)]
    pointers = [ctypes.byref(passed(each)) for each in arguments]
    function = ctypes.CFUNCTYPE(None)(lapack.addresses[routine])
    function(*pointers, ctypes.byref(info), *lengths)
    if info.value:
        raise FusegradError(f"LAPACK's {routine} took none of {arguments}: info {info.value}")
    return max(int(floats.value), 1), max(integers.value, 1)


def is_character(argument: Argument) -> bool:
    return isinstance(argument, str) and len(argument) == 1


def write_call(e: Emitter, integer: str, routine: str, arguments: Sequence[Argument]) -> None:
    """The call; `arguments` are characters, ints and pointers, that to `info` the last of them."""
    lengths = [f"{_LENGTH} 1" for each in arguments if is_character(each)]
    name = f"fg.lapack.{routine}"
    kinds = ", ".join([*["ptr"] * len(arguments), *[_LENGTH] * len(lengths)])
    e.declarations[name] = f"declare void @{name}({kinds})"
    passed = [f"ptr {_pointer(e, integer, each)}" for each in arguments]
    e.write(f"call void @{name}({', '.join([*passed, *lengths])})")


def _pointer(e: Emitter, integer: str, argument: Argument) -> str:
    """The pointer to an argument: constants of the module for those that are known."""
    if isinstance(argument, str) and not is_character(argument):
        return argument
    number = argument if isinstance(argument, int) else ord(argument)
    kind = integer if isinstance(argument, int) else "i8"
    name = f"fg.constant.{kind}.{number}"
    e.declarations[name] = f"@{name} = private unnamed_addr constant {kind} {number}"
    return f"@{name}"
