"""The table of idioms: functions of one array of three numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

IDIOMS: dict[str, Callable[[Any], Any]] = {}


def idiom(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Enter a function, which stays what it is."""
    IDIOMS[function.__name__] = function
    return function
