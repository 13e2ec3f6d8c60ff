"""Universal functions and operators against NumPy's own, at every dtype."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special

from fusegrad.ir import DTypeError, FusegradError
from fusegrad.tracer import TracedArray, TraceError, UnsupportedError, trace
from fusegrad.tracer.functions import elementwise
from fusegrad.tracer.functions import special as traced_special

from .running import array, check, run

DTYPES = ("float32", "float64", "int32", "int64", "bool")

# What a ufunc is tried on where [-2, 2) is not its domain.
DOMAINS: dict[str, tuple[float, float]] = {
    "arccosh": (1.0, 5.0),
    "log": (0.1, 5.0),
    "log2": (0.1, 5.0),
    "log10": (0.1, 5.0),
    "log1p": (-0.9, 5.0),
    "sqrt": (0.0, 5.0),
    "arcsin": (-1.0, 1.0),
    "arccos": (-1.0, 1.0),
    "arctanh": (-0.9, 0.9),
    "power": (0.1, 2.0),
    "float_power": (0.1, 2.0),
    "logit": (0.1, 0.9),
    "gammaln": (0.1, 5.0),
    "psi": (0.1, 5.0),
    "xlogy": (0.1, 5.0),
    "xlog1py": (0.1, 5.0),
    "entr": (0.1, 5.0),
    "rel_entr": (0.1, 5.0),
    "huber": (0.1, 3.0),
    "beta": (0.1, 5.0),
    "betaln": (0.1, 5.0),
    "boxcox": (0.1, 5.0),
    "powm1": (0.1, 3.0),
    "loggamma": (0.1, 5.0),
    "boxcox1p": (-0.5, 5.0),
    "erfinv": (-0.9, 0.9),
    "erfcinv": (0.1, 1.9),
    "ndtri": (0.1, 0.9),
    "k0": (0.1, 5.0),
    "k1": (0.1, 5.0),
    "k0e": (0.1, 5.0),
    "k1e": (0.1, 5.0),
    "y0": (0.1, 5.0),
    "y1": (0.1, 5.0),
    "kl_div": (0.1, 5.0),
    "pseudo_huber": (0.1, 3.0),
    "inv_boxcox": (0.1, 2.0),
    "inv_boxcox1p": (0.1, 2.0),
    "ellipk": (-2.0, 0.9),
    "ellipe": (-2.0, 0.9),
    "ellipkm1": (0.1, 2.0),
}
# Traced arrays refuse these: NumPy's answer for integers is of no use, or not known statically.
REFUSED = {("reciprocal", "int"), ("power", "int")}


def expected_dtype(ufunc: np.ufunc, dtype: str) -> bool:
    """Whether NumPy computes this ufunc in a dtype that there is."""
    given = (np.dtype(dtype),) * ufunc.nin + (None,) * ufunc.nout
    try:
        found = ufunc.resolve_dtypes(given)
    except TypeError:
        return False
    return all(each.name in DTYPES for each in found)


def operands(ufunc: np.ufunc, dtype: str) -> list[Any]:
    low, high = DOMAINS.get(ufunc.__name__, (-2.0, 2.0))
    return [array(dtype, 2, 5, seed=i, low=low, high=high) for i in range(ufunc.nin)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ufunc", elementwise.RULES, ids=lambda u: u.__name__)
def test_numpy_ufunc(ufunc: np.ufunc, dtype: str) -> None:
    args = operands(ufunc, dtype)
    refused = any(ufunc.__name__ == name and dtype.startswith(kind) for name, kind in REFUSED)
    if refused or not expected_dtype(ufunc, dtype):
        with pytest.raises(FusegradError):
            run(ufunc, *args)
    else:
        check(ufunc, *args)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", traced_special.RULES)
def test_scipy_ufunc(name: str, dtype: str) -> None:
    ufunc = getattr(special, name)
    if expected_dtype(ufunc, dtype):
        check(ufunc, *operands(ufunc, dtype))


@pytest.mark.parametrize("name", ["isnan", "isinf", "isfinite", "signbit", "abs", "floor", "trunc"])
def test_special_values(name: str) -> None:
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.5, -1.5])
    check(getattr(np, name), x)


@pytest.mark.parametrize(
    "ufunc", [np.fmax, np.fmin, np.maximum, np.minimum, np.copysign, np.heaviside]
)
def test_pairs_of_special_values(ufunc: np.ufunc) -> None:
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.5, -1.5])
    check(lambda x: ufunc(x[:, None], x), x)
    check(lambda x: np.signbit(ufunc(x[:, None], x)) * 1.0, np.array([0.0, 1.5, -1.5]))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("number", [2, 0.5, True, np.float32(0.5), np.int32(3), np.float64(2), -1])
@pytest.mark.parametrize("function", [operator.add, operator.mul, operator.truediv, operator.lt])
def test_numbers_are_promoted_as_numpy_does(
    function: Callable[..., Any], number: Any, dtype: str
) -> None:
    x = array(dtype, 3)
    for call in (lambda x: function(x, number), lambda x: function(number, x)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check(call, x)


@pytest.mark.parametrize("first", DTYPES)
@pytest.mark.parametrize("second", DTYPES)
def test_arrays_are_promoted_as_numpy_does(first: str, second: str) -> None:
    check(lambda x, y: x + y, array(first, 4), array(second, 3, 1))
    check(lambda x, y: np.where(x > 0, x, y), array(first, 4), array(second, 3, 1))


BINARY = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.floordiv,
    operator.mod,
    operator.pow,
    divmod,
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
    operator.eq,
    operator.ne,
]


@pytest.mark.parametrize("function", BINARY)
def test_operators(function: Callable[..., Any]) -> None:
    x, y = array("float64", 2, 3, low=0.5), array("float64", 3, seed=1, low=0.5)
    check(function, x, y)
    check(lambda x: function(x, 2), x)
    check(lambda x: function(2.5, x), x)
    check(lambda x: function(y, x), x)
    check(lambda x: function(x, [1.0, 2.0, 3.0]), x)
    check(lambda x: function(np.float64(1.5), x), x)


@pytest.mark.parametrize("function", [operator.and_, operator.or_, operator.xor])
@pytest.mark.parametrize("dtype", ["bool", "int32", "int64"])
def test_bits(function: Callable[..., Any], dtype: str) -> None:
    x, y = array(dtype, 5), array(dtype, 5, seed=1)
    check(function, x, y)
    check(lambda x: function(y, x), x)
    check(lambda x: function(True, x), x)
    check(operator.invert, x)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64"])
@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 5, 0.5, 2.0, -1.0, 1.5])
def test_known_powers(dtype: str, exponent: float) -> None:
    x = np.abs(array(dtype, 5)) + 1
    check(lambda x: x**exponent, x)
    check(lambda x: np.power(x, exponent), x)


def test_integers_wrap_around_and_refuse_negative_powers() -> None:
    check(lambda x: x**40, np.array([3, -7, 2**33]))
    with pytest.raises(ValueError, match="negative integer powers"):
        run(lambda x: x**-1, np.array([2]))


def test_a_square_is_a_product() -> None:
    graph = trace(lambda x: x**2, (np.ones(3),), {}).graph
    assert [operation.name for operation in graph] == ["mul"]


def test_python_numbers_stay_weak() -> None:
    def f(x: Any, t: float) -> Any:
        if isinstance(x, TracedArray):
            assert (t * 2 + 1).weak
            assert not np.sin(t).weak
        return x * (t * 2 + 1), t * 2, np.sin(t)

    x = np.ones(3, np.float32)
    check(f, x, 0.5)
    traced = trace(f, (x, 0.5), {})
    assert traced.output_weak == (False, True, False)


def test_python_truth_values_count() -> None:
    check(lambda t, x: (t + t, t * 3, -t, x * t, t - True, (t > 0) + 1), True, np.ones(2))


def test_unary_operators() -> None:
    x = array("float64", 4)
    check(lambda x: (-x, +x, abs(x), round(x[0], 1)), x)


def test_ufunc_methods() -> None:
    x = array("float64", 3, 4)
    check(np.add.reduce, x)
    check(lambda x: np.add.reduce(x, axis=1, keepdims=True), x)
    check(lambda x: np.multiply.reduce(x, axis=None), x)
    check(lambda x: (np.maximum.reduce(x), np.minimum.reduce(x, 1)), x)
    check(lambda x: np.logical_or.reduce(x > 0), x)
    check(lambda x: np.add.accumulate(x, axis=1), x)
    check(lambda x: np.multiply.outer(x[0], x[:, 0]), x)
    check(lambda x: np.subtract.outer(x, 2.0), x)


def test_ufunc_keywords() -> None:
    x = array("float64", 3)
    check(lambda x: np.add(x, 1, dtype=np.float32, casting="same_kind"), x)
    check(lambda x: np.exp(x, where=True), x)
    outside = np.zeros(3)
    with pytest.raises(TraceError, match="from outside"):
        run(lambda x: np.exp(x, out=outside), x)


def test_a_foreign_array_does_not_take_traced_values() -> None:
    total = np.zeros(3)

    def f(x: Any) -> Any:
        nonlocal total
        total += x
        return total

    with pytest.raises(TraceError, match="from outside"):
        run(f, np.ones(3))


def test_truth_values_have_no_float_of_16_bits() -> None:
    with pytest.raises(DTypeError, match="float16"):
        run(np.exp, np.array([True]))


def test_other_ufuncs_are_unsupported() -> None:
    with pytest.raises(UnsupportedError, match="gcd"):
        run(np.gcd, np.array([2]), np.array([4]))
    with pytest.raises(UnsupportedError, match="erf"):
        run(special.erfi, np.ones(2))


def test_a_ufunc_of_the_same_name_is_not_scipy_s() -> None:
    def erf(x: float) -> float:
        return 0.0

    fake = np.frompyfunc(erf, 1, 1)
    with pytest.raises(UnsupportedError):
        run(fake, np.ones(2))


# --- in place ---


def test_a_number_is_rebound() -> None:
    def f(x: Any) -> Any:
        s = x.sum()
        before = s
        s += 1
        s *= 2
        return s, before

    check(f, np.arange(3.0))


def test_an_array_of_ours_is_changed_under_all_its_names() -> None:
    def f(x: Any) -> Any:
        y = x * 2
        same = y
        y += 1
        y -= x
        y **= 2
        y //= 0.3
        return y, same

    check(f, np.arange(3.0))


def test_an_in_place_result_must_fit() -> None:
    def wider(x: Any) -> Any:
        y = x.copy()
        y += np.ones((2, 3))
        return y

    def float_into_integers(x: Any) -> Any:
        y = x.astype(int)
        y += 0.5
        return y

    with pytest.raises(ValueError, match="does not fit"):
        run(wider, np.arange(3.0))
    with pytest.raises(DTypeError, match="does not go into"):
        run(float_into_integers, np.arange(3.0))


def test_equality_with_what_is_no_array() -> None:
    def f(x: TracedArray) -> Any:
        return x == None, x != "sum"  # noqa: E711

    check(f, np.arange(3.0))
