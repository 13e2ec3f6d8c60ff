"""Linking, without a say in what the names of threads and entries stand for.

Objects are linked by name, so that they hold no address: the same object serves every process.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from ..linalg.blas import NativeLibrary, find_blas, find_controls
from ..linalg.lapack import find_lapack
from .image import UnsupportedObjectError, link_image, links_here


def load(
    objects: Sequence[bytes],
    imports: Sequence[str],
    exports: Sequence[str],
    address_of: Callable[[str], int],
) -> Any:
    """Load objects together. The result maps exported names to addresses and keeps the code.

    `imports` are all the names outside of the objects, as LLVM's linker wants them beforehand;
    `address_of` tells where each is.
    """
    if links_here():
        try:
            return link_image(objects, address_of, exports)
        except UnsupportedObjectError:
            pass  # LLVM's linker knows all that LLVM writes
    from .jit import link_by_llvm

    return link_by_llvm(objects, {name: address_of(name) for name in imports}, exports)


def address_in_libraries(name: str) -> int:
    """Where a function of BLAS, of LAPACK, of the interpreter or of the C library is. Raises
    LookupError.
    """
    if name.startswith("fg.blas."):
        return _of_library(find_blas(), "BLAS", name.removeprefix("fg.blas."))
    if name.startswith("fg.lapack."):
        return _of_library(find_lapack(), "LAPACK", name.removeprefix("fg.lapack."))
    if name.startswith("fg.control."):
        return _of_library(find_controls(), "control of BLAS", name.removeprefix("fg.control."))
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
