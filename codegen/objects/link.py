"""From object code to addresses: what its names stand for in this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..arena import slot_address
from ..entry.symbols import external_name
from ..threads.pool import function_of_threads
from ..threads.pool import slot_address as pool_slot
from .load import address_in_libraries, load

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
    outside = (*imports, *map(external_name, known))
    return load(objects, outside, exports, lambda name: address_of(name, known))


def address_of(name: str, symbols: Mapping[str, int]) -> int:
    """Where a name of emitted code is in this process. Raises LookupError."""
    if name.startswith(_SYMBOL):
        return symbols[name.removeprefix(_SYMBOL)]
    if name.startswith(("fg.parallel", "fg.alone.")):
        return function_of_threads(name)
    if name in _SLOTS:
        return _SLOTS[name]()
    return address_in_libraries(name)
