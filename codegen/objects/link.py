"""From object code to addresses: what links it, and what its names stand for in this process.

Objects are linked by name, so that they hold no address: the same object serves every process.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from ..arena import slot_address
from ..entry.symbols import external_name
from ..linalg.blas import NativeLibrary, find_blas, find_controls
from ..linalg.lapack import find_lapack
from ..threads.pool import function_of_threads
from ..threads.pool import slot_address as pool_slot
from .image import UnsupportedObjectError, link_image, links_here

_SYMBOL = external_name("")
_SLOTS = {"fg.arena": slot_address, "fg.pool": pool_slot}


def link(
    objects: Sequence[bytes],
    imports: Sequence[str],
    exports: Sequence[str],
    symbols: Mapping[str, int] | None = None,
) -> Any:
    """Load objects together. The result maps exported names to addresses and keeps the code.

    `imports` are what the objects call outside of them; `symbols` what an entry refers to (see
    `entry.symbols`).
    """
    known = symbols or {}
    if links_here():
        try:
            return link_image(objects, lambda name: address_of(name, known), exports)
        except UnsupportedObjectError:
            pass  # LLVM's linker knows all that LLVM writes
    from .jit import link_by_llvm

    outside = {name: address_of(name, known) for name in imports}
    outside |= {external_name(name): address for name, address in known.items()}
    return link_by_llvm(objects, outside, exports)


def address_of(name: str, symbols: Mapping[str, int]) -> int:
    """Where a name of emitted code is in this process. Raises LookupError."""
    if name.startswith(_SYMBOL):
        return symbols[name.removeprefix(_SYMBOL)]
    if name.startswith("fg.blas."):
        return _of_library(find_blas(), "BLAS", name.removeprefix("fg.blas."))
    if name.startswith("fg.lapack."):
        return _of_library(find_lapack(), "LAPACK", name.removeprefix("fg.lapack."))
    if name.startswith("fg.control."):
        return _of_library(find_controls(), "control of BLAS", name.removeprefix("fg.control."))
    if name.startswith(("fg.parallel", "fg.alone.")):
        return function_of_threads(name)
    if name in _SLOTS:
        return _SLOTS[name]()
    function = getattr(ctypes.pythonapi, name, None) or getattr(_process(), name, None)
    if function is None:
        raise LookupError(f"{name} is called, but this process has no such function")
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def _of_library(library: NativeLibrary | None, kind: str, name: str) -> int:
    if library is None or name not in library.addresses:
        raise LookupError(f"{name} is called, but there is no {kind} that has it")
    return library.addresses[name]


@cache
def _process() -> ctypes.CDLL:
    """All that the process has loaded: the C library, and its mathematics."""
    return ctypes.CDLL(None)
