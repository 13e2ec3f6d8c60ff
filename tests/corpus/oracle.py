"""Derivatives in a direction by central differences, extrapolated, with an estimate of their error.

Arguments are trees: tuples, lists, dicts and dataclasses of arrays and floats.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

ROWS = 7
STEPS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)


def combined(rule: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """The tree with each leaf replaced by `rule(leaf, …)` of it and its partners in `others`."""
    if tree is None:
        return None
    if isinstance(tree, dict):
        return {key: combined(rule, tree[key], *(o[key] for o in others)) for key in tree}
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        names = [field.name for field in dataclasses.fields(tree)]
        parts = {
            n: combined(rule, getattr(tree, n), *(getattr(o, n) for o in others)) for n in names
        }
        return dataclasses.replace(tree, **parts)
    if isinstance(tree, tuple | list):
        items = [combined(rule, *parts) for parts in zip(tree, *others, strict=True)]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    return rule(tree, *others)


def leaves(tree: Any) -> Iterator[Any]:
    """Arrays and numbers of a tree, in order."""
    found: list[Any] = []
    combined(found.append, tree)
    return iter(found)


def direction(rng: np.random.Generator, tree: Any) -> Any:
    """A random tree like `tree`: as large as its leaves are, or of size 1 where they are small."""

    def draw(leaf: Any) -> Any:
        size = float(np.sqrt(np.mean(np.square(leaf)))) if np.size(leaf) else 0.0
        size = size if size > 1e-3 else 1.0
        drawn = size * rng.standard_normal(np.shape(leaf))
        return float(drawn) if isinstance(leaf, float) else drawn.astype(leaf.dtype)

    return combined(draw, tree)


def inner(x: Any, y: Any) -> tuple[float, float]:
    """The inner product of two trees, and the sum of the magnitudes of its terms."""
    products = leaves(combined(lambda a, b: np.ravel(a) * np.ravel(b), x, y))
    terms = np.concatenate(list(products))
    return math.fsum(terms), math.fsum(np.abs(terms))


def slope(function: Callable[[Any], float], at: Any, along: Any) -> tuple[float, float]:
    """The derivative of `function` at a tree along another one, and an estimate of its error.

    The first step whose estimate is good ends the search; otherwise the best one counts.
    """
    best = (math.nan, math.inf)
    for step in STEPS:
        found = _extrapolated(lambda t: function(_moved(at, along, t)), step)
        best = min(best, found, key=lambda pair: pair[1])
        if best[1] <= 1e-9 * abs(best[0]):
            break
    return best


def _moved(at: Any, along: Any, t: float) -> Any:
    def move(leaf: Any, d: Any) -> Any:
        moved = leaf + t * d
        return type(leaf)(moved) if isinstance(leaf, float) else moved

    return combined(move, copy.deepcopy(at), along)


def _extrapolated(function: Callable[[float], float], step: float) -> tuple[float, float]:
    """Ridders' method: halved steps, Neville's scheme in their squares, the most stable entry.

    C. J. F. Ridders, Advances in Engineering Software 4 (1982), 75.
    """
    best = (math.nan, math.inf)
    row: list[float] = []
    for i in range(ROWS):
        above, h = row, step / 2**i
        high, low = function(h), function(-h)
        row = [(high - low) / (2 * h)]
        rounding = 4e-16 * (abs(high) + abs(low)) / h
        for j, earlier in enumerate(above):
            row.append(row[j] + (row[j] - earlier) / (4 ** (j + 1) - 1))
            error = max(abs(row[-1] - row[j]), abs(row[-1] - earlier)) + rounding
            best = min(best, (row[-1], error), key=lambda pair: pair[1])
        if above and abs(row[-1] - above[-1]) > 2 * best[1]:
            break
    return best
