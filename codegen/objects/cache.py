"""The object cache: object code on disk, found by a hash of all that decides what it is.

    file   ::= magic digest rest              digest: SHA-256 of rest
    rest   ::= length header object-code      length: of the header, four bytes
    header ::= a JSON object: "key", and facts about the code

Nothing of a file is used, or shown to a linker, before its digest has been checked and its header
names the key that was asked for. A file that fails is removed, and made anew by the compilation
that follows. There is no pickle, and nothing is ever imported or evaluated.

Whoever can write to the directory can run code as its user: the digest guards against accidents,
the directory against others. It has to be the user's own, and closed to writing by anybody else, or
is not used. Files are written under another name and then renamed, so that a reader, in any
process, meets a whole file or none.

`FUSEGRAD_CACHE=0` switches it off, `FUSEGRAD_CACHE_DIR` puts it elsewhere. When it has grown beyond
`MAX_BYTES`, what has not been used for longest is removed.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import stat
import sys
import time
import warnings
from functools import cache
from pathlib import Path
from typing import Any

from ...ir.record import record
from .host import UnknownHostError, host, is_unchanged

MAX_BYTES = 1 << 28
MAX_ENTRY = 1 << 25  # bytes; larger programs take long to load, too
KEPT = 0.75  # of MAX_BYTES, when old files are removed
SUFFIX = ".object"
_MAGIC = b"fusegrad object 1\n"
_DIGEST = hashlib.sha256().digest_size
_TOUCH = 3600.0  # seconds; a file that was used less recently is marked as used
_ABANDONED = 3600.0  # seconds after which a temporary file has no writer any more
_LOOK = 64  # of so many files written, one looks at the size of the directory
_OTHERS = stat.S_IWGRP | stat.S_IWOTH

_serial = itertools.count()


class CacheWarning(UserWarning):
    """The object cache can't be used as it is set up."""


@record
class Entry:
    """Object code, and facts about it: plain data, as JSON has it."""

    facts: dict[str, Any]
    code: bytes


def key_of(kind: str, text: str) -> str | None:
    """The name of what `kind` makes of `text` on this machine; None where nothing is cached."""
    if directory() is None:
        return None
    try:
        whole = f"{kind}\n{host()}\n{text}"
    except UnknownHostError:
        return None
    return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()


def why_off() -> str | None:
    """Why nothing is cached; None if it is."""
    if not _wanted():
        return (
            "FUSEGRAD_CACHE=0" if os.environ.get("FUSEGRAD_CACHE") == "0" else "FUSEGRAD_VERIFY=1"
        )
    found = _checked(_place())
    if isinstance(found, str):
        return found
    try:
        host()
    except UnknownHostError as error:
        return str(error)
    return None


def directory() -> Path | None:
    """Where the files are, or None where they must not be read or written."""
    if not _wanted():
        return None
    found = _checked(_place())
    return None if isinstance(found, str) else found


def load(key: str) -> Entry | None:
    """What was stored under `key`. What is damaged, or not the user's, is removed."""
    place = directory()
    if place is None:
        return None
    path = place / (key + SUFFIX)
    try:
        data = _read(path)
    except FileNotFoundError:
        return None
    except OSError:
        data = None
    entry = None if data is None else _entry(data, key)
    if entry is None:
        drop(key)
    return entry


def holds(key: str) -> bool:
    """Is something stored under `key`? It is not looked at."""
    place = directory()
    return place is not None and (place / (key + SUFFIX)).exists()


def drop(key: str) -> None:
    """Forget what is stored under `key`."""
    place = directory()
    if place is not None:
        with contextlib.suppress(OSError):
            (place / (key + SUFFIX)).unlink()


def store(key: str, entry: Entry) -> bool:
    """Keep `entry` under `key`; False where it can't be kept."""
    place = directory()
    header = json.dumps({"key": key, **entry.facts}, sort_keys=True).encode()
    rest = b"".join((len(header).to_bytes(4, "little"), header, entry.code))
    if place is None or len(rest) > MAX_ENTRY or not is_unchanged():
        return False
    temporary = place / f"{key}.{os.getpid()}.{next(_serial)}.tmp"
    try:
        _write(temporary, b"".join((_MAGIC, hashlib.sha256(rest).digest(), rest)))
        os.replace(temporary, place / (key + SUFFIX))
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if "FUSEGRAD_CACHE_DIR" in os.environ:
            _warn_once(f"the object cache in {place} can't be written: {error}")
        return False
    if int(key[:8], 16) % _LOOK == 0:
        _trim(place)
    return True


# --- files ---


def _read(path: Path) -> bytes | None:
    """The whole file; None if others may have written it."""
    descriptor = os.open(path, os.O_RDONLY | _flag("O_NOFOLLOW") | _flag("O_BINARY"))
    with open(descriptor, "rb", buffering=0) as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > 2 * MAX_ENTRY or not _is_ours(found):
            return None
        data = file.read()
    if time.time() - found.st_mtime > _TOUCH:
        with contextlib.suppress(OSError):
            os.utime(path)
    return data


def _entry(data: bytes, key: str) -> Entry | None:
    """What the bytes of a file say, if they are whole and stand for `key`."""
    start = len(_MAGIC) + _DIGEST
    rest = data[start:]
    if not data.startswith(_MAGIC) or hashlib.sha256(rest).digest() != data[len(_MAGIC) : start]:
        return None
    end = 4 + int.from_bytes(rest[:4], "little")
    try:
        facts = json.loads(rest[4:end])
    except ValueError:
        return None
    if not isinstance(facts, dict) or facts.pop("key", None) != key:
        return None
    return Entry(facts, rest[end:])


def _write(path: Path, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _flag("O_NOFOLLOW") | _flag("O_BINARY")
    with open(os.open(path, flags, 0o600), "wb", buffering=0) as file:
        left = memoryview(data)
        while left:
            left = left[file.write(left) or 0 :]


def _flag(name: str) -> int:
    return int(getattr(os, name, 0))


def _trim(place: Path) -> None:
    """Remove files, the least recently used ones first, where all are too large together."""
    now, found = time.time(), []
    with contextlib.suppress(OSError), os.scandir(place) as files:
        for file in files:
            with contextlib.suppress(OSError):
                at = file.stat(follow_symlinks=False)
                if file.name.endswith(SUFFIX):
                    found.append((at.st_mtime, at.st_size, file.path))
                elif file.name.endswith(".tmp") and now - at.st_mtime > _ABANDONED:
                    os.unlink(file.path)
    total = sum(size for _, size, _ in found)
    if total <= MAX_BYTES:
        return
    for _, size, path in sorted(found):
        if total <= KEPT * MAX_BYTES:
            return
        with contextlib.suppress(OSError):
            os.unlink(path)
        total -= size


# --- the directory ---


def _wanted() -> bool:
    return os.environ.get("FUSEGRAD_CACHE") != "0" and os.environ.get("FUSEGRAD_VERIFY") != "1"


def _place() -> str:
    """The directory that is asked for, or the user's own."""
    chosen = os.environ.get("FUSEGRAD_CACHE_DIR")
    if chosen:
        return os.path.abspath(os.path.expanduser(chosen))
    if sys.platform == "win32":
        root = os.environ.get("LOCALAPPDATA") or "~"
    elif sys.platform == "darwin":
        root = "~/Library/Caches"
    else:
        root = os.environ.get("XDG_CACHE_HOME") or ""
        root = root if os.path.isabs(root) else "~/.cache"  # relative ones are not valid
    return os.path.join(os.path.expanduser(root), "fusegrad")


@cache
def _checked(place: str) -> Path | str:
    """The directory, made if need be; or the reason why it is not used."""
    if place.startswith("~"):
        return "this user has no home directory"
    path = Path(place)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = path.resolve(strict=True)
        reason = _why_unsafe(path)
    except OSError as error:
        reason = f"the object cache can't be kept in {place}: {error}"
        if "FUSEGRAD_CACHE_DIR" in os.environ:
            _warn_once(reason)
        return reason
    if reason is None:
        return path
    _warn_once(
        f"{reason}; nothing is cached. Try: chmod go-w on a directory of your own, "
        "or FUSEGRAD_CACHE_DIR=another one"
    )
    return reason


def _why_unsafe(path: Path) -> str | None:
    """Who else could write into the directory, or put another one in its place."""
    if sys.platform == "win32":  # the user's profile is closed by access lists, which stat omits
        return None
    found = path.stat()
    if not stat.S_ISDIR(found.st_mode):
        return f"the object cache {path} is no directory"
    if found.st_uid != os.geteuid():
        return f"the object cache {path} belongs to another user"
    if found.st_mode & _OTHERS:
        return f"the object cache {path} can be written by other users"
    for parent in path.parents:
        mode = parent.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            return f"the object cache {path} is in {parent}, which everybody can write"
    return None


def _is_ours(found: os.stat_result) -> bool:
    return sys.platform == "win32" or (found.st_uid == os.geteuid() and not found.st_mode & _OTHERS)


@cache
def _warn_once(text: str) -> None:
    warnings.warn(text, CacheWarning, stacklevel=2)
