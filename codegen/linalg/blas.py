"""The BLAS that NumPy itself has loaded: which library, which symbols, which integer width.

On Linux the dynamic linker finds it from NumPy's own extension module, elsewhere threadpoolctl
does. The names of its CBLAS functions differ by build (OpenBLAS in NumPy's wheels has the prefix
``scipy_`` and, with 64-bit integers, the suffix ``64_``).
"""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
from collections.abc import Sequence
from functools import cache

from ...ir.record import record

_VARIANTS = (
    ("scipy_cblas_{}64_", "i64"),
    ("cblas_{}64_", "i64"),
    ("cblas_{}_64", "i64"),
    ("scipy_cblas_{}", "i32"),
    ("cblas_{}", "i32"),
)
CONTROLS = ("get_num_threads", "set_num_threads")
_CONTROL_VARIANTS = (
    ("scipy_openblas_{}64_", "i32"),
    ("openblas_{}64_", "i32"),
    ("openblas_{}_64", "i32"),
    ("scipy_openblas_{}", "i32"),
    ("openblas_{}", "i32"),
)
_EXTENSION = "numpy._core._multiarray_umath"  # of NumPy, which is linked to its BLAS
FUNCTIONS = ("dgemm", "sgemm", "dgemv", "sgemv")


@record
class NativeLibrary:
    """Functions by plain name ("dgemm"), as addresses; `integer` is their integer type.

    `version` tells files apart that were under the same path one after the other.
    """

    library: str
    integer: str
    addresses: dict[str, int]

    @property
    def version(self) -> str:
        try:
            found = os.stat(self.library)
        except OSError:
            return "unknown"
        return f"{found.st_size} {found.st_mtime_ns}"


@cache
def find_blas() -> NativeLibrary | None:
    """NumPy's own BLAS, or None where its symbols aren't found (then products are loops)."""
    return find_functions(FUNCTIONS, _VARIANTS, _EXTENSION)


@cache
def find_controls() -> NativeLibrary | None:
    """How many threads that BLAS uses: its functions to get and to set it, where it is OpenBLAS."""
    blas = find_blas()
    found = find_functions(CONTROLS, _CONTROL_VARIANTS, _EXTENSION)
    return found if found and blas and found.library == blas.library else None


def find_functions(
    names: Sequence[str], variants: Sequence[tuple[str, str]], extension: str
) -> NativeLibrary | None:
    """`names` in a library that is loaded, all under one of the variants of their symbols.

    Looked for in what NumPy's `extension` module is linked to, then in every BLAS of the process.
    """
    if sys.platform == "linux":  # elsewhere a look-up goes no further, or too far
        linked = str(importlib.import_module(extension).__file__)
        found = _found(linked, names, variants)
        home = found and _file_of(found.addresses[names[0]])
        if found and home:
            return NativeLibrary(home, found.integer, found.addresses)
    return next(filter(None, (_found(path, names, variants) for path in _libraries())), None)


def _found(
    path: str, names: Sequence[str], variants: Sequence[tuple[str, str]]
) -> NativeLibrary | None:
    """The functions, as the dynamic linker finds them from the library at `path`."""
    library = ctypes.CDLL(path)
    for pattern, integer in variants:
        functions = {name: getattr(library, pattern.format(name), None) for name in names}
        if all(functions.values()):
            return NativeLibrary(path, integer, {n: address(f) for n, f in functions.items()})
    return None


class _Place(ctypes.Structure):
    """Dl_info of the dynamic linker."""

    _fields_ = (
        ("file", ctypes.c_char_p),
        ("base", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
    )


def _file_of(address: int) -> str | None:
    """The library that an address is in."""
    find = getattr(ctypes.CDLL(None), "dladdr", None)
    place = _Place()
    if find is None or not find(ctypes.c_void_p(address), ctypes.byref(place)):
        return None
    return os.path.realpath(os.fsdecode(place.file))


def _libraries() -> list[str]:
    """The BLAS libraries of this process; NumPy's before SciPy's."""
    import numpy  # noqa: F401  (loads the library)
    from threadpoolctl import threadpool_info

    paths = [str(info["filepath"]) for info in threadpool_info() if info["user_api"] == "blas"]
    return sorted(paths, key=lambda path: "numpy" not in path)


def address(function: object) -> int:
    """Where a function of a library stands in memory."""
    return ctypes.cast(function, ctypes.c_void_p).value or 0  # type: ignore[arg-type]
