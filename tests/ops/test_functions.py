"""Compositions, against SciPy and NumPy, and their derivatives at kinks and far out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special as sp

from fusegrad.ir import DTypeError, FusegradError, NumpyBuilder, ShapeError
from fusegrad.ir.functions import elementwise, linear, loss, reduction, special

from .derivatives import gradients, second, value

inf, nan = np.inf, np.nan
EPSILON = {np.float32: 2.0**-23, np.float64: 2.0**-52}

WIDE = np.concatenate([np.linspace(-30, 30, 241), [-1000, -745, -89, 89, 709, 1000]])
TINY = np.concatenate([np.linspace(-1e-6, 1e-6, 21), np.linspace(-2, 2, 81)])
POSITIVE = np.linspace(0.01, 30, 201)


def unary(name: str) -> Callable[..., Any]:
    for module in (elementwise, special):
        if hasattr(module, name):
            return getattr(module, name)  # type: ignore[no-any-return]
    return lambda b, x: b(name, x)


REFERENCES: list[tuple[str, Callable[..., Any], np.ndarray]] = [
    ("sigmoid", sp.expit, WIDE),
    ("softplus", lambda x: np.logaddexp(0, x), WIDE),
    ("log_sigmoid", sp.log_expit, WIDE),
    ("relu", lambda x: np.maximum(x, 0), WIDE),
    ("square", np.square, TINY),
    ("reciprocal", np.reciprocal, POSITIVE),
    ("silu", lambda x: x * sp.expit(x), WIDE),
    ("gelu", lambda x: x * sp.ndtr(x), TINY),
    ("elu", lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), WIDE),
    ("leaky_relu", lambda x: np.where(x > 0, x, 0.01 * x), TINY),
    ("asinh", np.arcsinh, np.concatenate([TINY, WIDE])),
    ("acosh", np.arccosh, 1 + np.concatenate([POSITIVE, [0, 1e-3, 1e8, 1e12]])),
    ("atanh", np.arctanh, np.concatenate([np.linspace(-0.999, 0.999, 101), TINY[:21]])),
    ("sinc", np.sinc, np.concatenate([TINY, WIDE])),
    ("trunc", np.trunc, TINY),
    ("ndtr", sp.ndtr, TINY),
    ("logit", sp.logit, np.linspace(0.01, 0.4, 50)),
    ("trigamma", lambda x: sp.polygamma(1, x), POSITIVE),
]


@pytest.mark.parametrize(("name", "reference", "grid"), REFERENCES, ids=lambda x: str(x)[:12])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_values(name: str, reference: Any, grid: np.ndarray, dtype: Any) -> None:
    x = grid.astype(dtype)
    got = value(unary(name), x)
    expected = reference(x.astype(np.float64))
    assert got.dtype == dtype
    # near its zeros sinc is as good as the rounded product πx
    small = EPSILON[dtype] if name == "sinc" else 4 * np.finfo(dtype).tiny
    np.testing.assert_allclose(got, expected, rtol=8 * EPSILON[dtype], atol=small)


@pytest.mark.parametrize("name", [name for name, _, _ in REFERENCES])
def test_at_once_as_by_graph(name: str) -> None:
    x = np.linspace(-3, 3, 7)
    with np.errstate(all="ignore"):
        at_once = unary(name)(NumpyBuilder(), x)
    np.testing.assert_array_equal(at_once, value(unary(name), x))


@pytest.mark.parametrize("name", ["asinh", "acosh"])
def test_inverse_hyperbolics_do_not_overflow(name: str) -> None:
    x = np.array([1e150, 1e200, 1e308, inf])
    np.testing.assert_allclose(value(unary(name), x), getattr(np, "arc" + name[1:])(x), rtol=1e-15)
    np.testing.assert_allclose(gradients(unary(name), x)[0], [1e-150, 1e-200, 1e-308, 0])


@pytest.mark.parametrize("x", [0.5, -0.5, -5.0, -inf])
def test_acosh_below_1_is_nan(x: float) -> None:
    assert np.isnan(value(unary("acosh"), np.float64(x)))


# --- derivatives at kinks, to second order ---

AT_0: list[tuple[str, float, float, float]] = [
    ("sigmoid", 0.5, 0.25, 0.0),
    ("softplus", np.log(2), 0.5, 0.25),
    ("log_sigmoid", -np.log(2), 0.5, -0.25),
    ("relu", 0.0, 0.0, 0.0),
    ("silu", 0.0, 0.5, 0.5),
    ("gelu", 0.0, 0.5, np.sqrt(2 / np.pi)),
    ("asinh", 0.0, 1.0, 0.0),
    ("atanh", 0.0, 1.0, 0.0),
    ("sinc", 1.0, 0.0, -(np.pi**2) / 3),
    ("elu", 0.0, 1.0, 1.0),
    ("ndtr", 0.5, 1 / np.sqrt(2 * np.pi), 0.0),
]


@pytest.mark.parametrize(("name", "y", "dy", "ddy"), AT_0)
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_at_0(name: str, y: float, dy: float, ddy: float, zero: float) -> None:
    x = np.float64(zero)
    f = unary(name)
    got = [value(f, x), gradients(f, x)[0], second(f, x)]
    np.testing.assert_allclose(got, [y, dy, ddy], rtol=1e-15, atol=1e-16)


FAR: list[tuple[str, tuple[float, float], tuple[float, float]]] = [
    # name, values at -1000 and 1000, slopes there
    ("sigmoid", (0, 1), (0, 0)),
    ("softplus", (0, 1000), (0, 1)),
    ("log_sigmoid", (-1000, 0), (1, 0)),
    ("relu", (0, 1000), (0, 1)),
    ("silu", (0, 1000), (0, 1)),
    ("gelu", (0, 1000), (0, 1)),
    ("elu", (-1, 1000), (0, 1)),
]


@pytest.mark.parametrize(("name", "values", "slopes"), FAR)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_far_out(name: str, values: Any, slopes: Any, dtype: Any) -> None:
    x = np.array([-1000, 1000], dtype)
    f = unary(name)
    np.testing.assert_array_equal(value(f, x), values)
    np.testing.assert_array_equal(gradients(f, x)[0], slopes)
    np.testing.assert_array_equal(second(f, x), 0)


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "log_sigmoid", "relu", "elu"])
def test_at_infinity(name: str) -> None:
    f, x = unary(name), np.array([-inf, inf])
    assert not np.isnan(value(f, x)).any()
    assert np.isfinite(gradients(f, x)[0]).all()


@pytest.mark.parametrize("name", [name for name, _, _ in REFERENCES])
def test_a_nan_stays(name: str) -> None:
    assert np.isnan(value(unary(name), np.float64(nan)))


@pytest.mark.parametrize("sign", [-1, 1])
def test_slopes_are_continuous_at_branches(sign: int) -> None:
    for name, points in {"sinc": [1 / np.pi], "asinh": [2.0**28], "acosh": [2.0**28]}.items():
        for point in points:
            if name == "acosh" and sign < 0:
                continue
            x = sign * np.array([point * (1 - 1e-12), point * (1 + 1e-12)])
            low, high = gradients(unary(name), x)[0]
            np.testing.assert_allclose(low, high, rtol=1e-10)


# --- two operands ---

PAIRS = np.array(
    [(a, c) for a in (-1000.0, -2.0, 0.0, 0.5, 1000.0) for c in (-1.0, 0.0, 0.5, 999.0)]
)


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("logaddexp", np.logaddexp),
        ("logaddexp2", np.logaddexp2),
        ("hypot", np.hypot),
        ("fmax", np.fmax),
        ("fmin", np.fmin),
        ("fmod", np.fmod),
    ],
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_values_of_two(name: str, reference: Any, dtype: Any) -> None:
    x, y = PAIRS.T.astype(dtype)
    with np.errstate(invalid="ignore"):
        expected = reference(x, y)
    np.testing.assert_allclose(value(unary(name), x, y), expected, rtol=4 * EPSILON[dtype])


@pytest.mark.parametrize("f", [elementwise.logaddexp, elementwise.logaddexp2])
def test_logaddexp_at_a_tie(f: Any) -> None:
    x = np.float64(3.0)
    np.testing.assert_array_equal(gradients(f, x, x), [0.5, 0.5])
    factor = np.log(2) if f is elementwise.logaddexp2 else 1.0
    for by, then, sign in ((0, 0, 1), (0, 1, -1), (1, 0, -1), (1, 1, 1)):
        np.testing.assert_allclose(
            second(f, x, x, by=by, then=then), sign * 0.25 * factor, rtol=1e-15
        )


@pytest.mark.parametrize("f", [elementwise.logaddexp, elementwise.logaddexp2])
def test_logaddexp_at_infinity_and_nan(f: Any) -> None:
    x, y = np.array([(inf, inf), (-inf, -inf), (inf, -inf), (-inf, 1), (nan, 1), (1, nan)]).T
    np.testing.assert_array_equal(value(f, x, y), [inf, -inf, inf, 1, nan, nan])
    dx, dy = gradients(f, x[:4], y[:4])
    assert np.isfinite(dx).all()
    np.testing.assert_array_equal(dx + dy, 1)


def test_hypot_scales_and_is_flat_at_0() -> None:
    x, y = np.array([3e200, 3e-200, 0.0, inf]), np.array([4e200, 4e-200, 0.0, 1.0])
    np.testing.assert_allclose(value(elementwise.hypot, x, y), [5e200, 5e-200, 0, inf], rtol=1e-15)
    dx, dy = gradients(elementwise.hypot, x[:3], y[:3])
    np.testing.assert_allclose(dx, [0.6, 0.6, 0], rtol=1e-15)
    np.testing.assert_allclose(dy, [0.8, 0.8, 0], rtol=1e-15)
    np.testing.assert_allclose(
        second(elementwise.hypot, np.float64(3), np.float64(4)), 16 / 125, rtol=1e-14
    )


@pytest.mark.parametrize(
    ("f", "reference", "edge"), [(special.xlogy, sp.xlogy, 0), (special.xlog1py, sp.xlog1py, -1)]
)
def test_xlogy(f: Any, reference: Any, edge: float) -> None:
    x = np.array([0.0, 0.0, 0.0, 0.0, 2.0, 0.0])
    y = np.array([edge, -2.0, inf, nan, 3.0, 5.0])
    np.testing.assert_allclose(value(f, x, y), reference(x, y), rtol=1e-15)
    dx, dy = gradients(f, np.float64(0), np.float64(5))
    np.testing.assert_allclose([dx, dy], [reference(1, 5), 0], rtol=1e-15)


def test_clip_passes_1_at_its_bounds() -> None:
    def f(b: Any, x: Any) -> Any:
        return elementwise.clip(b, x, b.full_like(x, -1), b.full_like(x, 2))

    x = np.array([-2.0, -1.0, 0.0, 2.0, 3.0, nan])
    np.testing.assert_array_equal(value(f, x), np.clip(x, -1, 2))
    np.testing.assert_array_equal(gradients(f, x)[0], [0, 1, 1, 1, 0, 1])


def test_clip_with_one_bound_and_with_crossed_bounds() -> None:
    x = np.array([-2.0, 0.0, 3.0])
    low, high = np.full(3, 1.0), np.full(3, -1.0)
    np.testing.assert_array_equal(value(elementwise.clip, x, low, high), np.clip(x, 1, -1))
    lower = value(lambda b, x, low: elementwise.clip(b, x, low, None), x, low)
    np.testing.assert_array_equal(lower, np.clip(x, 1, None))


@pytest.mark.parametrize("name", ["isnan", "isinf", "isfinite"])
def test_truth_about_floats(name: str) -> None:
    x = np.array([0.0, -1e308, inf, -inf, nan])
    np.testing.assert_array_equal(value(unary(name), x), getattr(np, name)(x))


def test_gelu_by_tanh() -> None:
    def f(b: Any, x: Any) -> Any:
        return elementwise.gelu(b, x, approximate="tanh")

    x = np.linspace(-5, 5, 41)
    expected = 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    np.testing.assert_allclose(value(f, x), expected, rtol=1e-14, atol=1e-16)


# --- reductions ---

TABLE = np.random.default_rng(1).normal(size=(2, 3, 4))


def over(f: Callable[..., Any], axes: tuple[int, ...], **static: Any) -> Callable[..., Any]:
    return lambda b, x: f(b, x, axes, **static)


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 2), (0, 1, 2)])
def test_reductions(axes: tuple[int, ...]) -> None:
    x = TABLE
    close = np.testing.assert_allclose
    close(value(over(reduction.mean, axes), x), x.mean(axes), rtol=1e-14)
    close(value(over(reduction.var, axes, ddof=1), x), x.var(axes, ddof=1), rtol=1e-14)
    close(value(over(reduction.std, axes), x), x.std(axes), rtol=1e-14)
    close(value(over(reduction.logsumexp, axes), x), sp.logsumexp(x, axes), rtol=1e-14)
    close(value(over(reduction.softmax, axes), x), sp.softmax(x, axes), rtol=1e-14)
    close(value(over(reduction.log_softmax, axes), x), sp.log_softmax(x, axes), rtol=1e-14)
    truth = x > 0.5
    np.testing.assert_array_equal(value(over(reduction.any_, axes), truth), truth.any(axes))
    np.testing.assert_array_equal(value(over(reduction.all_, axes), truth), truth.all(axes))
    counted = value(over(reduction.count_nonzero, axes), truth.astype(np.float32))
    np.testing.assert_array_equal(counted, truth.sum(axes))


@pytest.mark.parametrize("order", [1, 2, 3, 0.5, inf, -inf])
def test_norm(order: float) -> None:
    got = value(over(reduction.norm, (1,), order=order), TABLE)
    np.testing.assert_allclose(got, np.linalg.norm(TABLE, order, axis=1), rtol=1e-14)


def test_norm_and_std_are_flat_where_they_are_0() -> None:
    x = np.zeros((2, 3))
    np.testing.assert_array_equal(gradients(over(reduction.norm, (1,)), x)[0], 0)
    np.testing.assert_array_equal(gradients(over(reduction.std, (1,)), x + 1)[0], 0)


def test_empty_reductions() -> None:
    x = np.zeros((0, 3))
    assert np.isnan(value(over(reduction.mean, (0,)), x)).all()
    assert not value(over(reduction.any_, (0,)), x > 0).any()
    assert value(over(reduction.all_, (0,)), x > 0).all()


@pytest.mark.parametrize("shift", [0.0, 1000.0, -1000.0])
def test_logsumexp_far_out(shift: float) -> None:
    x = TABLE[0] + shift
    f = over(reduction.logsumexp, (1,))
    np.testing.assert_allclose(value(f, x), sp.logsumexp(x, 1), rtol=1e-14)
    np.testing.assert_allclose(gradients(f, x)[0], sp.softmax(x, 1), rtol=1e-12)


def test_logsumexp_of_infinities() -> None:
    x = np.array([[-inf, -inf], [inf, 1.0], [-inf, 2.0]])
    np.testing.assert_array_equal(value(over(reduction.logsumexp, (1,)), x), [-inf, inf, 2])


def test_softmax_at_equal_entries() -> None:
    """The maximum has a tie there, which the derivative must not see."""
    x = np.zeros(3)

    def first(b: Any, x: Any) -> Any:
        return b.slice(reduction.softmax(b, x, (0,)), (0,), (1,))

    np.testing.assert_allclose(gradients(first, x)[0], [2 / 9, -1 / 9, -1 / 9], rtol=1e-15)


# --- losses ---


def test_binary_cross_entropy_with_logits() -> None:
    z = np.array([-1000.0, -30.0, -1.0, 0.0, 0.0, 2.0, 30.0, 1000.0])
    y = np.array([0.0, 0.0, 0.25, 0.0, 1.0, 0.5, 1.0, 1.0])
    f = loss.binary_cross_entropy_with_logits
    none = value(lambda b, z, y: f(b, z, y, reduction="none"), z, y)
    exact = -(y * sp.log_expit(z) + (1 - y) * sp.log_expit(-z))
    np.testing.assert_allclose(none, exact, rtol=1e-15)
    np.testing.assert_allclose(value(f, z, y), exact.mean(), rtol=1e-15)
    slope = (1 - y) * sp.expit(z) - y * sp.expit(-z)
    np.testing.assert_allclose(gradients(f, z, y)[0], slope / 8, rtol=1e-14)
    np.testing.assert_allclose(gradients(f, z, y)[1], -z / 8, rtol=1e-15)
    curvature = second(lambda b, z, y: f(b, z, y, reduction="none"), z, y)
    np.testing.assert_allclose(curvature, sp.expit(z) * sp.expit(-z), rtol=1e-14)


def test_binary_cross_entropy_weights() -> None:
    z, y = np.array([-1.0, 0.5, 3.0]), np.array([0.0, 1.0, 0.25])
    w, p = np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 0.5])
    got = value(
        lambda b, z, y, w, p: loss.binary_cross_entropy_with_logits(b, z, y, w, p, reduction="sum"),
        *(z, y, w, p),
    )
    exact = -w * (p * y * sp.log_expit(z) + (1 - y) * sp.log_expit(-z))
    np.testing.assert_allclose(got, exact.sum(), rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.int64, np.int32])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("how", ["mean", "sum", "none"])
def test_cross_entropy_by_class(dtype: Any, smoothing: float, how: str) -> None:
    x, target = TABLE[0] * 10, np.array([0, 3, 1], dtype)

    def f(b: Any, x: Any, t: Any) -> Any:
        return loss.cross_entropy(b, x, t, reduction=how, label_smoothing=smoothing)

    p = np.eye(4)[target] * (1 - smoothing) + smoothing / 4
    losses = -(p * sp.log_softmax(x, 1)).sum(1)
    expected = {"mean": losses.mean(), "sum": losses.sum(), "none": losses}[how]
    np.testing.assert_allclose(value(f, x, target), expected, rtol=1e-14)
    scale = 3 if how == "mean" else 1
    slope = (sp.softmax(x, 1) - p) / scale
    np.testing.assert_allclose(gradients(f, x, target)[0], slope, rtol=1e-12, atol=1e-15)

    def by_probabilities(b: Any, x: Any, p: Any) -> Any:
        return loss.cross_entropy(b, x, p, reduction=how)

    np.testing.assert_allclose(value(by_probabilities, x, p), expected, rtol=1e-14)


def test_cross_entropy_with_more_axes_and_ignored_rows() -> None:
    target = np.array([[0, 2, 1, -100], [1, -100, 0, 2]])

    def f(b: Any, x: Any, t: Any) -> Any:
        return loss.cross_entropy(b, x, t, ignore_index=-100)

    log_p = sp.log_softmax(TABLE, 1)
    picked = [-log_p[i, target[i, j], j] for i in range(2) for j in range(4) if target[i, j] >= 0]
    np.testing.assert_allclose(value(f, TABLE, target), np.mean(picked), rtol=1e-14)
    gradient = gradients(f, TABLE, target)[0]
    np.testing.assert_array_equal(gradient[0, :, 3], 0)


@pytest.mark.parametrize("bad", [4, -1])
def test_cross_entropy_of_a_class_out_of_range(bad: int) -> None:
    with pytest.raises(IndexError, match=f"index {bad} is out of range for an axis of 4"):
        value(loss.cross_entropy, TABLE[0], np.array([0, bad, 1]))


def test_mse_loss() -> None:
    x, y = TABLE[0], TABLE[1]
    np.testing.assert_allclose(value(loss.mse_loss, x, y), np.mean((x - y) ** 2), rtol=1e-15)


def test_losses_refuse_what_they_can_t_take() -> None:
    with pytest.raises(FusegradError, match="reduction='median'"):
        value(lambda b, x: loss.reduce(b, x, "median"), TABLE)
    with pytest.raises(ShapeError, match="classes along axis 1"):
        value(loss.cross_entropy, TABLE[0], np.array([0, 1]))
    with pytest.raises(ShapeError, match="probabilities have the shape"):
        value(loss.cross_entropy, TABLE[0], TABLE[0][:2])
    with pytest.raises(DTypeError, match="dtypes differ"):
        value(loss.cross_entropy, TABLE[0], TABLE[0].astype(np.float32))


# --- products of matrices ---

SHAPES = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 4)),
    ((2, 3), (3, 4)),
    ((5, 2, 3), (3, 4)),
    ((5, 2, 3), (3,)),
    ((3,), (5, 3, 4)),
    ((2, 3), (5, 3, 4)),
    ((2, 3), (6, 5, 3, 4)),
    ((5, 2, 3), (5, 3, 4)),
    ((6, 1, 2, 3), (5, 3, 4)),
    ((1, 2, 3), (6, 5, 3, 4)),
    ((0, 3), (3, 2)),
    ((2, 0), (0, 3)),
    ((0, 2, 3), (1, 3, 4)),
]


@pytest.mark.parametrize(("left", "right"), SHAPES)
def test_matmul(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=left), rng.normal(size=right)
    got = value(linear.matmul, x, y)
    expected = x @ y
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-14)
    dx, dy = gradients(linear.matmul, x, y)
    t = rng.normal(size=left)
    np.testing.assert_allclose(np.sum(dx * t), np.sum(t @ y), rtol=1e-11, atol=1e-12)
    t = rng.normal(size=right)
    np.testing.assert_allclose(np.sum(dy * t), np.sum(x @ t), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(
    ("left", "right", "message"),
    [
        ((32, 64), (32, 10), r"matmul: inner sizes differ, f64\[32, 64\] @ f64\[32, 10\]"),
        ((3,), (4,), "inner sizes differ"),
        ((), (4,), "a scalar is no matrix"),
        ((2, 2, 3), (3, 3, 4), "stacks do not broadcast"),
    ],
)
def test_matmul_refuses(left: tuple[int, ...], right: tuple[int, ...], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        value(linear.matmul, np.ones(left), np.ones(right))


def test_linear() -> None:
    rng = np.random.default_rng(0)
    x, w, c = rng.normal(size=(5, 2, 3)), rng.normal(size=(4, 3)), rng.normal(size=4)
    np.testing.assert_allclose(value(linear.linear, x, w, c), x @ w.T + c, rtol=1e-14)
    np.testing.assert_allclose(value(linear.linear, x, w[0]), x @ w[0], rtol=1e-13)
    np.testing.assert_allclose(gradients(linear.linear, x, w, c)[2], 10, rtol=1e-14)
    with pytest.raises(ShapeError, match="linear: inner sizes differ"):
        value(linear.linear, x, w.T)
