"""Near-minimax polynomials by Lawson's weighted least squares, in MPFR's multiple precision.

This made the coefficients in :mod:`fusegrad.codegen.maths`. Each coefficient is rounded to its
final format in turn, lowest degree first, and the remaining ones are fitted again, so that later
coefficients absorb the rounding of earlier ones (after Brisebarre and Chevillard's "fpminimax").
Lawson's iteration replaces Remez's exchange because a basis without its lowest powers, as it
arises after the first rounding, need not have alternating extrema. See Muller, "Elementary
Functions", chapter 3.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

import gmpy2
from gmpy2 import mpfr

Function = Callable[[mpfr], mpfr]
PRECISION = 320


def minimax(
    function: Function,
    low: float | mpfr,
    high: float | mpfr,
    powers: Sequence[int],
    weight: Function | None = None,
    formats: str = "f64",
) -> tuple[list[float], float]:
    """Coefficients c with sum(c[i] * x**powers[i]) close to `function` on [low, high].

    Minimises max |(function - polynomial) * weight|; returns the coefficients, rounded to
    `formats` (f64 or f32), and log2 of that maximum.
    """
    gmpy2.get_context().precision = PRECISION
    grid = _grid(mpfr(low), mpfr(high), 6 * len(powers) + 30)
    weights = [abs(weight(x)) if weight else mpfr(1) for x in grid]
    rest = [function(x) for x in grid]
    columns = [[x**p for x in grid] for p in powers]
    lawson = [mpfr(1)] * len(grid)
    fixed: list[float] = []
    for i in range(len(powers)):
        coefficients = _fit(columns[i:], rest, weights, lawson, 20 if i == 0 else 3)
        value = _rounded(coefficients[0], formats)
        fixed.append(value)
        rest = [r - mpfr(value) * b for r, b in zip(rest, columns[i], strict=True)]
    worst = max(abs(r * w) for r, w in zip(rest, weights, strict=True))
    return fixed, float(gmpy2.log2(worst)) if worst else float("-inf")


def _grid(low: mpfr, high: mpfr, count: int) -> list[mpfr]:
    """Chebyshev points: dense at the ends, where the extrema are."""
    middle, half = (high + low) / 2, (high - low) / 2
    angles = (gmpy2.const_pi() * (2 * i + 1) / (2 * count) for i in range(count))
    return [middle - half * gmpy2.cos(a) for a in angles]


def _fit(
    columns: list[list[mpfr]],
    values: list[mpfr],
    weights: list[mpfr],
    lawson: list[mpfr],
    rounds: int,
) -> list[mpfr]:
    """Least squares with Lawson's weights, which grow where the error is large (in place)."""
    best, least = [mpfr(0)], mpfr("inf")
    for _ in range(rounds):
        squares = [w * w * u for w, u in zip(weights, lawson, strict=True)]
        coefficients = _least_squares(columns, values, squares)
        fitted = [
            sum(c * b for c, b in zip(coefficients, row, strict=True))
            for row in zip(*columns, strict=True)
        ]
        errors = [abs(v - f) * w for v, f, w in zip(values, fitted, weights, strict=True)]
        worst = max(errors)
        if worst < least:
            best, least = coefficients, worst
        if not worst:
            break
        mean = sum(u * e for u, e in zip(lawson, errors, strict=True)) / sum(lawson)
        for i, e in enumerate(errors):
            lawson[i] *= (e + mean / 64) / mean
    return best


def _least_squares(
    columns: list[list[mpfr]], values: list[mpfr], squares: list[mpfr]
) -> list[mpfr]:
    scaled = [[b * s for b, s in zip(column, squares, strict=True)] for column in columns]
    return _solve(
        [[_dot(row, column) for column in columns] + [_dot(row, values)] for row in scaled]
    )


def _dot(x: Sequence[mpfr], y: Sequence[mpfr]) -> mpfr:
    return gmpy2.fsum([a * b for a, b in zip(x, y, strict=True)])


def _solve(rows: list[list[mpfr]]) -> list[mpfr]:
    """Gauss-Jordan elimination of a positive definite system; the last column is the right side."""
    for i, pivot in enumerate(rows):
        inverse = 1 / pivot[i]
        rows[i] = [v * inverse for v in pivot]
        for r, row in enumerate(rows):
            if r != i:
                rows[r] = [v - row[i] * u for v, u in zip(row, rows[i], strict=True)]
    return [row[-1] for row in rows]


def _rounded(value: mpfr, kind: str) -> float:
    if kind == "f32":
        return float(struct.unpack("<f", struct.pack("<f", float(value)))[0])
    return float(value)


def parts(value: mpfr, kind: str, count: int) -> list[float]:
    """`value` as an unevaluated sum of `count` floats of format `kind`."""
    result = []
    for _ in range(count):
        result.append(_rounded(value, kind))
        value -= mpfr(result[-1])
    return result
