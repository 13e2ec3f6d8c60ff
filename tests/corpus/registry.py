"""The table of the corpus: functions as people write them, each with a maker of its arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

Maker = Callable[[np.random.Generator], tuple[Any, ...]]


@dataclass(frozen=True)
class Entry:
    """One function of the corpus: what is differentiated, and what it is called with."""

    name: str
    area: str
    function: Callable[..., Any]
    make: Maker
    argnums: int | tuple[int, ...]
    keywords: dict[str, Any]

    def arguments(self, seed: int) -> tuple[Any, ...]:
        """Arguments for one call; the same seed gives the same."""
        return self.make(np.random.default_rng([seed, len(self.name), ord(self.name[0])]))

    def wrt(self) -> tuple[int, ...]:
        """The positions of the arguments that are differentiated."""
        return self.argnums if isinstance(self.argnums, tuple) else (self.argnums,)


class Table:
    """The entries of one module, in the order in which they stand there."""

    def __init__(self, area: str) -> None:
        self.area = area
        self.entries: list[Entry] = []

    def add(
        self, make: Maker, wrt: int | tuple[int, ...] = 0, **keywords: Any
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register a function, which stays what it is: `make` gives its positional arguments,
        `keywords` are passed at each call, `wrt` says which arguments are differentiated."""

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            name = function.__name__
            self.entries.append(Entry(name, self.area, function, make, wrt, keywords))
            return function

        return register

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)
