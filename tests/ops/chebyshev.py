"""Chebyshev series by interpolation in multiple precision.

This made the coefficients in `fusegrad.ir.functions.bessel`, `gamma` and `special`; it is kept so
that they can be made again: ``python -m tests.ops.chebyshev``. It needs mpmath.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from mpmath import mp, mpf

Function = Callable[[Any], Any]
NODES = 64


def series(function: Function, error: float = 2e-17) -> list[float]:
    """The c with c₀/2 + Σ c_k T_k(t) close to `function` on [-1, 1], cut off below `error`."""
    mp.dps = 50
    angles = [mp.pi * (2 * i + 1) / (2 * NODES) for i in range(NODES)]
    values = [function(mp.cos(a)) for a in angles]
    found = [
        2 * mp.fsum(v * mp.cos(k * a) for v, a in zip(values, angles, strict=True)) / NODES
        for k in range(NODES)
    ]
    size = max(abs(c) for c in found)
    while abs(found[-1]) < error * size:
        found.pop()
    return [float(c) for c in found]


def _phases(order: int) -> tuple[Function, Function]:
    """P and Q of Hankel's expansion (DLMF 10.17.3), for x = 8/√s, 0 < s <= 1."""

    def both(s: Any) -> tuple[Any, Any]:
        x = 8 / mp.sqrt(s) if s > mpf("1e-9") else mpf(8) * 31623
        angle = x - (2 * order + 1) * mp.pi / 4
        scale = mp.sqrt(mp.pi * x / 2)
        j, y = scale * mp.besselj(order, x), scale * mp.bessely(order, x)
        p = j * mp.cos(angle) + y * mp.sin(angle)
        q = y * mp.cos(angle) - j * mp.sin(angle)
        return p, q * x / 8

    return (lambda t: both((t + 1) / 2)[0]), (lambda t: both((t + 1) / 2)[1])


def tables() -> dict[str, list[float]]:
    """All series, by the names that they have in the code."""
    found: dict[str, Function] = {}
    for n in (0, 1):
        found[f"_I{n}_NEAR"] = lambda t, n=n: _over(
            4 * (t + 1), n, lambda x: mp.exp(-x) * mp.besseli(n, x)
        )
        found[f"_I{n}_FAR"] = lambda t, n=n: _scaled(16 / (t + 1), mp.besseli, n, -1)
        found[f"_K{n}_FAR"] = lambda t, n=n: _scaled(4 / (t + 1), mp.besselk, n, 1)
        found[f"_J{n}_NEAR"] = lambda t, n=n: _over(
            mp.sqrt(32 * (t + 1)), n, lambda x: mp.besselj(n, x)
        )
        found[f"_P{n}"], found[f"_Q{n}"] = _phases(n)
    found["_K0_NEAR"] = lambda t: (lambda x: mp.besselk(0, x) + mp.log(x / 2) * mp.besseli(0, x))(
        mp.sqrt(2 * (t + 1))
    )
    found["_K1_NEAR"] = lambda t: (
        lambda x: x * (mp.besselk(1, x) - mp.log(x / 2) * mp.besseli(1, x))
    )(mp.sqrt(2 * (t + 1)))
    found["_Y0_NEAR"] = lambda t: (
        lambda x: mp.bessely(0, x) - 2 / mp.pi * mp.log(x) * mp.besselj(0, x)
    )(mp.sqrt(32 * (t + 1)))
    found["_Y1_NEAR"] = lambda t: (
        lambda x: (mp.bessely(1, x) - 2 / mp.pi * (mp.log(x) * mp.besselj(1, x) - 1 / x)) / x
    )(mp.sqrt(32 * (t + 1)))
    found["_ERFCX"] = lambda t: _level_erfcx(mpf("3.5") * (1 + t) / (1 - t))
    found["_GAMMA"] = lambda t: mp.gamma((t + 5) / 2)
    return {name: series(function) for name, function in found.items()}


def _level_erfcx(x: Any) -> Any:
    """(1 + 2x/√π) e^(x²) erfc x."""
    mp.dps = 50 + int(x * x / 2) if x < 40 else 50
    scaled = mp.exp(x * x) * mp.erfc(x) if x < 40 else _far_erfcx(x)
    mp.dps = 50
    return (1 + 2 * x / mp.sqrt(mp.pi)) * scaled


def _far_erfcx(x: Any) -> Any:
    """The asymptotic series DLMF 7.12.1."""
    term = total = mpf(1)
    for k in range(1, 40):
        term = -term * (2 * k - 1) / (2 * x * x)
        total += term
    return total / (x * mp.sqrt(mp.pi))


def _over(x: Any, order: int, function: Function) -> Any:
    """function(x) / x^order."""
    return function(x) / x**order


def _scaled(x: Any, bessel: Callable[[int, Any], Any], order: int, sign: int) -> Any:
    """√x e^(±x) times a modified Bessel function."""
    return mp.sqrt(x) * mp.exp(sign * x) * bessel(order, x)


def _printed(name: str, values: list[float]) -> str:
    lines, line = [], "   "
    for value in values:
        if len(line) + len(f" {value!r},") > 98:
            lines.append(line)
            line = "   "
        line += f" {value!r},"
    return "\n".join([f"{name} = (", *lines, line, ")"])


if __name__ == "__main__":
    for name, values in tables().items():
        sys.stdout.write(_printed(name, values) + "\n")
