"""Where functions are measured."""

from __future__ import annotations

import numpy as np

from .functions import Measured, Region

SPECIAL = np.array(
    [0.0, 1.0, 2.0, 0.5, 3.0, 10.0, np.inf, np.nan, 5e-324, 1e-310, 2.0**-1022, 1e-300, 1e-160,
     1e-45, 2.0**-126, 1e-38, 1e-20, 1e-8, 1e8, 1e22, 2.0**52, 2.0**53, 1e38, 3e38, 1e150, 1e300,
     1.7976931348623157e308, 88.72283935546875, 709.782712893384, 745.1332191019411]
)  # fmt: skip


def points(function: Measured, dtype: np.dtype, count: int, seed: int) -> tuple[np.ndarray, ...]:
    """About `count` operands of a function."""
    random = np.random.default_rng([seed, *function.name.encode()])
    if function.arity == 2:
        return tuple(x.astype(dtype) for x in _pairs(function.name, dtype, count, random))
    special = np.concatenate([SPECIAL, -SPECIAL, _turning_points(function.name)])
    parts = [special if seed == 0 else special[:0], _bit_patterns(dtype, count // 8, random)]
    each = (count - count // 8) // len(function.regions)
    parts += [_drawn(region, each, random) for region in function.regions]
    with np.errstate(over="ignore", invalid="ignore"):
        return (np.concatenate(parts).astype(dtype),)


def _bit_patterns(dtype: np.dtype, count: int, random: np.random.Generator) -> np.ndarray:
    """Of all exponents and both signs; a few nans among them."""
    unsigned = np.dtype(f"u{dtype.itemsize}")
    bits = random.integers(0, np.iinfo(unsigned).max, count, unsigned, endpoint=True)
    with np.errstate(invalid="ignore"):
        return bits.view(dtype).astype(np.float64)


def _drawn(region: Region, count: int, random: np.random.Generator) -> np.ndarray:
    kind, low, high = region
    if kind == "uniform":
        return random.uniform(low, high, count)
    size = np.exp2(random.uniform(np.log2(low), np.log2(high), count))
    return size * random.choice([-1.0, 1.0], count)


def _neighbours(x: np.ndarray, reach: int = 3) -> np.ndarray:
    """Each number with the next ones on both sides."""
    bits = np.asarray(x, np.float64).view(np.int64)
    return np.add.outer(np.arange(-reach, reach + 1), bits).ravel().view(np.float64)


def _turning_points(name: str) -> np.ndarray:
    """Roots, poles and the edges of formulas, and what lies beside them."""
    if name in ("sin", "cos", "tan"):
        hardest = [6381956970095103.0 * 2.0**797, 1e22, 2.0**28, 2.0**15, 2.0**1000]
        return _neighbours(np.concatenate([np.arange(1, 3000) * (np.pi / 2), hardest]))
    if name in ("lgamma", "digamma", "gamma"):
        near = np.concatenate([np.arange(-40, 41) / 2, [1.4616321449683622, -170.5, 171.624]])
        return _neighbours(near[near != 0])
    return _neighbours(np.arange(1, 65) / 8)


def _pairs(
    name: str, dtype: np.dtype, count: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    third = count // 3
    first = np.concatenate([_bit_patterns(dtype, third, random), random.uniform(0, 10, third)])
    second = np.concatenate([_bit_patterns(dtype, third, random), random.uniform(-10, 10, third)])
    if name != "pow":
        size = _drawn(("log", 1e-30, 1e30), third, random)
        other = size * _drawn(("log", 1e-5, 1e5), third, random)
        return np.concatenate([first, size]), np.concatenate([second, other])
    base = np.concatenate(
        [random.uniform(0, 10, third // 2), 1 + random.uniform(-0.3, 0.3, third - third // 2)]
    ).astype(dtype)
    base[base == 1] = 2
    limit = 745 if dtype.itemsize == 8 else 103
    logarithm = random.uniform(-limit, limit, third)
    return np.concatenate([first, base]), np.concatenate([second, logarithm / np.log(base)])
