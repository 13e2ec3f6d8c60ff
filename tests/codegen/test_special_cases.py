"""Compiled functions where results are zeros, infinities or nans: NumPy's, with their signs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fusegrad as fg

inf = np.inf
VALUES = [0.0, 5e-324, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 1e30, 1e300, inf]
VALUES = [*VALUES, *(-x for x in VALUES), np.nan]
# fmt: off
EXACT_PAIRS = [
    "remainder", "fmod", "floor_divide", "maximum", "minimum", "fmax", "fmin", "copysign",
    "heaviside",
]
PAIRS = ["hypot", "power", "arctan2", "logaddexp", "logaddexp2"]
EXACT = [
    "sqrt", "floor", "ceil", "trunc", "rint", "sign", "absolute", "negative", "reciprocal",
    "square",
]
ROUNDED = [
    "arcsinh", "arccosh", "arctanh", "sinh", "tanh", "cosh", "expm1", "log1p", "exp", "exp2",
    "log", "log2", "log10", "cbrt", "sin", "cos", "tan", "arcsin", "arccos", "arctan",
]
# fmt: on


def all_of(names: list[str], *operands: Any) -> list[Any]:
    return [getattr(np, name)(*operands) for name in names]


def assert_same(name: str, found: np.ndarray, expected: np.ndarray, exact: bool) -> None:
    """Bit for bit where `exact`, or where either is special; a nan is a nan of any bits."""
    assert found.dtype == expected.dtype
    number = ~np.isnan(expected)
    special = exact | (expected == 0) | (found == 0) | ~np.isfinite(expected) | ~np.isfinite(found)
    np.testing.assert_array_equal(found[special], expected[special], name)
    signs = np.signbit(found[number]) == np.signbit(expected[number])
    assert signs.all(), (name, found[number][~signs])
    eps = np.finfo(found.dtype).eps
    np.testing.assert_allclose(found, expected, rtol=4 * eps, atol=eps, err_msg=name)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("names", "count", "exact"),
    [(EXACT_PAIRS, 2, True), (PAIRS, 2, False), (EXACT, 1, True), (ROUNDED, 1, False)],
)
def test_special_cases_are_those_of_numpy(
    names: list[str], count: int, exact: bool, dtype: Any
) -> None:
    with np.errstate(all="ignore"):
        values = np.array(VALUES).astype(dtype)
        operands = [a.ravel() for a in np.meshgrid(*[values] * count)]
        expected = all_of(names, *operands)
    found = fg.compile(lambda *xs: all_of(names, *xs))(*operands)
    for name, one, other in zip(names, found, expected, strict=True):
        assert_same(name, one, other, exact)
