"""Errors in ULP, and the worst of many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from fusegrad.ir.record import record

from .functions import Measured
from .loops import DTYPES, WIDE, Function, Sweep
from .points import points
from .reference import FLOORS, REFERENCES, exactly

BLOCK = 2**19  # points at a time
SWEEP = 2**26  # float32 at a time
CANDIDATES = 150  # of each block: its worst, which MPFR judges
SAMPLE = 150  # of each block: any, which MPFR judges


@record
class Worst:
    """The largest error found, in ULP, and where."""

    error: float
    operands: tuple[float, ...]
    points: int
    exhaustive: bool = False


def errors(found: np.ndarray, exact: np.ndarray, floor: np.ndarray | float = 0.0) -> np.ndarray:
    """The distance of floats from long doubles, in ULP of the floats' format.

    What is smaller than `floor` is measured by the ULP of that.
    """
    info = np.finfo(found.dtype)
    with np.errstate(all="ignore"):
        size = np.maximum(np.abs(exact), floor)
        usual = np.isfinite(size) & (size != 0)
        _, exponent = np.frexp(np.where(usual, size, np.ldexp(WIDE(1), -16000)))
        unit = np.ldexp(WIDE(1), np.maximum(exponent, info.minexp + 1) - info.nmant - 1)
        size = np.where(np.isinf(found), np.ldexp(WIDE(1), info.maxexp), np.abs(found))
        error = np.abs(np.copysign(size, found) - exact) / unit
        rounded = exact.astype(found.dtype)
    error = np.where(np.isnan(error), np.inf, error)
    same = (np.isnan(found) & np.isnan(exact)) | (np.isinf(found) & (found == rounded))
    wrong = (found == 0) & ~np.isnan(exact) & (np.signbit(found) != np.signbit(exact))
    return np.where(same, 0.0, np.where(wrong, np.inf, error)).astype(np.float64)


def measure(function: Measured, dtype: str, count: int, *, fast: bool = False) -> Worst:
    """The worst of about `count` points; of the function under `fastmath`, if `fast`."""
    compiled = Function(function.formula, function.arity, dtype, fast=fast)
    worst, total = Worst(-1.0, (), 0), 0
    for operands in _blocks(function, dtype, count):
        total += operands[0].size
        chosen = _candidates(function, compiled, operands)
        error, where = _worst_of(function, compiled, chosen)
        if error > worst.error:
            worst = Worst(error, where, 0)
    return Worst(worst.error, worst.operands, total)


def _blocks(function: Measured, dtype: str, count: int) -> Iterator[tuple[np.ndarray, ...]]:
    for seed in range(-(-count // BLOCK)):
        yield points(function, DTYPES[dtype], min(BLOCK, count - seed * BLOCK), seed)


def _candidates(
    function: Measured, compiled: Function, operands: tuple[np.ndarray, ...]
) -> tuple[np.ndarray, ...]:
    """The operands that MPFR has to judge."""
    sieve = REFERENCES[function.name].sieve
    size = operands[0].size
    if sieve is None:
        return operands
    with np.errstate(all="ignore"):
        floor = _floor(function, operands)
        rough = errors(compiled(*operands), sieve(*operands), floor)
    worst = np.argpartition(rough, max(size - CANDIDATES, 0))[-CANDIDATES:]
    sample = np.random.default_rng(size).integers(0, size, SAMPLE)
    chosen = np.unique(np.concatenate([worst, sample]))
    return tuple(x[chosen] for x in operands)


def _worst_of(
    function: Measured, compiled: Function, operands: tuple[np.ndarray, ...]
) -> tuple[float, tuple[float, ...]]:
    exact = exactly(function.name, *operands)
    found = errors(compiled(*operands), exact, _floor(function, operands))
    worst = int(np.argmax(found))
    return float(found[worst]), tuple(float(x[worst]) for x in operands)


def _floor(function: Measured, operands: tuple[np.ndarray, ...]) -> np.ndarray | float:
    """The size that errors are measured by near roots: of float64, not of float32."""
    if function.name not in FLOORS or operands[0].dtype != np.float64:
        return 0.0
    return FLOORS[function.name](*operands)


def sweep(function: Measured, first: int = 0, count: int = 2**32, *, fast: bool = False) -> Worst:
    """The worst of all float32 whose bits are in a range."""
    loop = Sweep(function.formula, fast=fast)
    compiled = Function(function.formula, 1, "f32", fast=fast)
    places: list[Any] = []
    for start in range(first, first + count, SWEEP):
        found, where = loop(start, min(SWEEP, first + count - start))
        places.append(where[np.argsort(found)[-2:]])
    x = np.concatenate(places).view(np.float32)
    error, operands = _worst_of(function, compiled, (x,))
    return Worst(error, operands, count, exhaustive=True)
