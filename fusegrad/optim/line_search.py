"""A line search for the strong Wolfe conditions (Nocedal & Wright, algorithms 3.5 and 3.6)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

__all__ = ["Point", "strong_wolfe"]

_DECREASE = 1e-4  # of the slope at the start, at least
_CURVATURE = 0.9  # of the slope at the start, at most


class Point(NamedTuple):
    """Where on the line, and what is there: the loss, its gradient, the slope along the line."""

    t: float
    loss: float
    gradient: np.ndarray
    slope: float


def _cubic(a: Point, c: Point, low: float, high: float) -> float:
    """The minimum of the cubic through two points with slopes, within [low, high]."""
    first, second = (a, c) if a.t <= c.t else (c, a)
    if first.t == second.t:
        return (low + high) / 2
    d1 = first.slope + second.slope - 3 * (first.loss - second.loss) / (first.t - second.t)
    square = d1 * d1 - first.slope * second.slope
    if square < 0:
        return (low + high) / 2
    d2 = math.sqrt(square)
    span = second.t - first.t
    at = second.t - span * ((second.slope + d2 - d1) / (second.slope - first.slope + 2 * d2))
    return min(max(at, low), high)


def strong_wolfe(
    at: Callable[[float], Point],
    start: Point,
    length: float,
    reach: float,
    tolerance: float,
    most: int = 25,
) -> Point:
    """A point on the line that satisfies the conditions, or the best one met.

    `at` evaluates the line, `length` is tried first; `reach` is the largest move in any direction
    for one unit of length, by which the search is ended when moves become smaller than `tolerance`.
    """
    previous, current = start, at(length)
    used = 0
    while used < most:
        worse = used > 0 and current.loss >= previous.loss
        if current.loss > start.loss + _DECREASE * current.t * start.slope or worse:
            break
        if abs(current.slope) <= -_CURVATURE * start.slope:
            return current
        if current.slope >= 0:
            break
        low = current.t + 0.01 * (current.t - previous.t)
        following = at(_cubic(previous, current, low, current.t * 10))
        previous, current = current, following
        used += 1
    else:
        return min(start, current, key=lambda point: point.loss)
    return _zoom(at, start, previous, current, reach, tolerance, most - used)


def _zoom(
    at: Callable[[float], Point],
    start: Point,
    one: Point,
    other: Point,
    reach: float,
    tolerance: float,
    most: int,
) -> Point:
    """Narrow the bracket of two points; the better one is kept."""
    best, rest = sorted((one, other), key=lambda point: point.loss)
    stuck = False
    for _ in range(most):
        low, high = sorted((best.t, rest.t))
        if (high - low) * reach < tolerance:
            break
        t, stuck = _inside(_cubic(best, rest, low, high), low, high, stuck)
        new = at(t)
        if new.loss > start.loss + _DECREASE * t * start.slope or new.loss >= best.loss:
            rest = new
            best, rest = sorted((best, rest), key=lambda point: point.loss)
            continue
        if abs(new.slope) <= -_CURVATURE * start.slope:
            return new
        if new.slope * (rest.t - best.t) >= 0:
            rest = best
        best = new
    return best


def _inside(t: float, low: float, high: float, stuck: bool) -> tuple[float, bool]:
    """t, moved away from the ends of the bracket where it would make no progress."""
    margin = 0.1 * (high - low)
    if min(high - t, t - low) / (high - low) >= 0.1:
        return t, False
    if stuck or t >= high or t <= low:
        return (high - margin if abs(t - high) < abs(t - low) else low + margin), False
    return t, True
