"""Errors in ULP of every function of the op table, at some points: the bars of ACCURACY.md."""

from __future__ import annotations

import numpy as np
import pytest

from fusegrad.codegen import maths
from fusegrad.ir import TABLE

pytest.importorskip("gmpy2")
functions = pytest.importorskip("benchmarks.accuracy.functions")
accuracy = pytest.importorskip("benchmarks.accuracy.measure")
loops = pytest.importorskip("benchmarks.accuracy.loops")
references = pytest.importorskip("benchmarks.accuracy.reference")

BARS = {"f64": 2.0, "f32": 1.0}
FUNCTIONS = functions.FUNCTIONS
HELD = [name for name, function in FUNCTIONS.items() if function.op]


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@pytest.mark.parametrize("name", HELD)
def test_errors_are_within_the_bars(name: str) -> None:
    count = 20_000 if references.REFERENCES[name].sieve else 100
    for dtype, bar in BARS.items():
        worst = accuracy.measure(FUNCTIONS[name], dtype, count)
        assert worst.error <= bar, (dtype, worst.error, [x.hex() for x in worst.operands])


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@pytest.mark.parametrize("name", maths.FAST)
def test_fast_functions_are_within_four_units(name: str) -> None:
    for dtype in BARS:
        worst = accuracy.measure(FUNCTIONS[name], dtype, 20_000, fast=True)
        assert worst.error <= 4.0, (dtype, worst.error, [x.hex() for x in worst.operands])


def test_nothing_is_left_out() -> None:
    """Every op that is computed by a formula of its own is measured."""
    exact = {"relu"}
    measured = {name for name, op in TABLE.items() if "transcendental" in op.traits} | {"rsqrt"}
    measured |= {name for name, function in maths.FUNCTIONS.items() if not function.cold}
    assert measured - exact <= set(FUNCTIONS)


@pytest.mark.parametrize("name", ["exp", "log1p", "rsqrt"])
def test_the_sweep_finds_what_the_points_find(name: str) -> None:
    """The compiled comparison with float64 against the comparison with MPFR, at the same points."""
    first, count = 0x3F000000, 2**12
    found = accuracy.sweep(FUNCTIONS[name], first, count)
    x = np.arange(first, first + count, dtype=np.uint32).view(np.float32)
    compiled = loops.Function(FUNCTIONS[name].formula, 1, "f32")
    exact = references.exactly(name, x)
    assert found.error == accuracy.errors(compiled(x), exact).max()
    assert not np.any(np.isnan(exact))


def test_errors_are_in_units_of_the_last_place() -> None:
    wide = np.longdouble
    one = np.array([1.0, 1.0, np.inf, np.nan, -0.0, 5e-324, np.nan])
    exact = np.array([1 + wide(2) ** -53, 1 - wide(2) ** -54, wide(2) ** 1024, np.nan, 0, 0, 1])
    expected = [0.5, 0.5, 0.0, 0.0, np.inf, 1.0, np.inf]
    np.testing.assert_array_equal(accuracy.errors(one, exact), expected)
