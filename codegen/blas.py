"""The BLAS that NumPy itself has loaded: which library, which symbols, which integer width.

threadpoolctl knows the library; the names of its CBLAS functions differ by build (OpenBLAS in
NumPy's wheels has the prefix ``scipy_`` and, with 64-bit integers, the suffix ``64_``).
"""

from __future__ import annotations

import ctypes
from functools import cache

from ..ir.record import record

_VARIANTS = (
    ("scipy_cblas_{}64_", "i64"),
    ("cblas_{}64_", "i64"),
    ("cblas_{}_64", "i64"),
    ("scipy_cblas_{}", "i32"),
    ("cblas_{}", "i32"),
)
FUNCTIONS = ("dgemm", "sgemm", "dgemv", "sgemv")


@record
class Blas:
    """CBLAS functions by plain name ("dgemm"), as addresses; `integer` is their integer type."""

    library: str
    integer: str
    addresses: dict[str, int]


@cache
def find_blas() -> Blas | None:
    """NumPy's own BLAS, or None where its symbols aren't found (then products are loops)."""
    import numpy  # noqa: F401  (loads the library)
    from threadpoolctl import threadpool_info

    paths = [str(info["filepath"]) for info in threadpool_info() if info["user_api"] == "blas"]
    for path in sorted(paths, key=lambda path: "numpy" not in path):  # not SciPy's
        found = _look_into(path)
        if found:
            return found
    return None


def _look_into(path: str) -> Blas | None:
    library = ctypes.CDLL(path)
    for pattern, integer in _VARIANTS:
        functions = [getattr(library, pattern.format(name), None) for name in FUNCTIONS]
        if all(functions):
            addresses = {
                name: ctypes.cast(function, ctypes.c_void_p).value or 0  # type: ignore[arg-type]
                for name, function in zip(FUNCTIONS, functions, strict=True)
            }
            return Blas(path, integer, addresses)
    return None
