"""What object code depends on beside the program: this processor, LLVM, NumPy, and our own sources.

It is found out without loading LLVM: code that is in the object cache needs none.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
from functools import cache

import numpy as np

from ...ir import loaded
from ...ir.loaded import LOADED
from .image import links_here

_SOURCES = ("ir", "codegen", "runtime/compiled")  # all that stands between a trace and its code
_CHANGING = (  # lines of /proc/cpuinfo that differ from core to core, or from time to time
    *(b"processor", b"cpu MHz", b"physical id", b"siblings", b"core id", b"cpu cores"),
    *(b"apicid", b"initial apicid", b"bogomips"),
)
_MARGIN = 1.0  # seconds between reading a file and noting that it was loaded
_WINDOWS = sys.platform == "win32"  # where st_ctime is when a file was made
_ENOUGH = 1 << 14  # bytes of /proc/cpuinfo that hold the first processor


class UnknownHostError(Exception):
    """What object code depends on can't be found out here; the reason is the text."""


@cache
def host() -> str:
    """All of it as text, the same in each process for which the same code will do.

    Raises UnknownHostError.
    """
    parts = (
        sys.platform,
        platform.machine(),
        sys.implementation.cache_tag or sys.version,
        f"numpy {np.__version__} {np.__file__}",
        *_llvmlite(),
        *_processor(),
        *_sources(),
    )
    return "\n".join(parts)


def is_unchanged() -> bool:
    """Do our sources still stand as `host` found them?"""
    try:
        return host().endswith("\n".join(_sources()))
    except UnknownHostError:
        return False


def _llvmlite() -> list[str]:
    spec = importlib.util.find_spec("llvmlite")
    if spec is None or not spec.origin:
        raise UnknownHostError("llvmlite is not installed as files")
    version = os.path.join(os.path.dirname(spec.origin), "_version.py")
    try:
        with open(version, encoding="utf-8") as file:
            return [f"llvmlite {version}", file.read()]
    except OSError as error:
        raise UnknownHostError(f"the version of llvmlite is not known: {error}") from error


def _processor() -> list[str]:
    """The processor and what it can do, as the kernel sees them, or else LLVM."""
    if links_here():
        try:
            with open("/proc/cpuinfo", "rb", buffering=0) as file:
                first, end, _ = file.read(_ENOUGH).partition(b"\n\n")
        except OSError:
            end = b""
        if end and b"\nflags" in first:
            lines = [x for x in first.split(b"\n") if x.split(b"\t")[0] not in _CHANGING]
            return [os.uname().release, b"\n".join(lines).decode("latin-1")]
    from .jit import processor

    return [*processor()]


def _sources() -> list[str]:
    """When the files of this package changed last: a change of any of them changes this.

    The time of a file's last change is the system's own note; no tool that copies files sets it.
    Raises UnknownHostError where one has changed since they were loaded: then what runs is not what
    stands there.
    """
    package = os.path.dirname(os.path.dirname(os.path.abspath(loaded.__file__)))
    found: list[str] = []
    pending = [*_SOURCES]
    try:
        while pending:
            room = pending.pop()
            with os.scandir(f"{package}/{room}") as files:
                for file in files:
                    if file.name.endswith((".py", ".pyc", ".so")):
                        found.append(f"{room}/{file.name} {_change(file)}")
                    elif "." not in file.name and file.name != "__pycache__" and file.is_dir():
                        pending.append(f"{room}/{file.name}")
    except OSError as error:
        raise UnknownHostError(f"fusegrad's own files can't be looked at: {error}") from error
    return [package, *sorted(found)]


def _change(file: os.DirEntry[str]) -> str:
    at = file.stat()
    if max(at.st_ctime, _WINDOWS * at.st_mtime) > LOADED - _MARGIN:
        raise UnknownHostError(f"{file.name} has changed since it was loaded")
    return f"{at.st_size} {at.st_mtime_ns} {at.st_ctime_ns}"
