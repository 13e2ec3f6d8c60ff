"""numpy.linalg against NumPy itself: traced, compiled, eager; and its gradients."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.ir.errors import LinAlgError
from fusegrad.tracer import UnsupportedError

from .running import check, compare, named

L = np.linalg
RANDOM = np.random.default_rng(0)
A, B, V = RANDOM.normal(size=(4, 4)), RANDOM.normal(size=(4, 3)), RANDOM.normal(size=4)
S = RANDOM.normal(size=(2, 4, 4))  # a stack
T, W = RANDOM.normal(size=(5, 3)), RANDOM.normal(size=(3, 5))  # tall and wide
F = A.astype(np.float32)
I = np.arange(9).reshape(3, 3) + 5 * np.eye(3, dtype=int)  # noqa: E741
P = A @ A.T + np.eye(4)
UPPER = np.triu(np.full((3, 3), 9.0)) - 8 * np.eye(3) + np.tril(np.full((3, 3), 0.1))
EMPTY = np.zeros((0, 0))

Case = tuple[Callable[..., Any], tuple[Any, ...]]

SYSTEMS: list[Case] = [
    (L.solve, (A, B)),
    (L.solve, (A, V)),
    (L.solve, (S, V)),
    (L.solve, (S, B)),
    (L.solve, (A, S)),
    (L.solve, (S, A)),  # no vectors, though the shape would do
    (L.solve, (I, I[0])),
    (L.solve, (F, F[0])),
    (L.solve, (F, V)),
    (L.inv, (S,)),
    (L.inv, (F,)),
    (L.inv, (I,)),
    (L.inv, (EMPTY,)),
    (L.pinv, (T,)),
    (L.pinv, (W,)),
    (lambda x: L.pinv(x, rcond=0.5), (T,)),
    (lambda x: L.pinv(x, rtol=None), (T,)),
    (lambda x: L.pinv(x, hermitian=True), (P,)),
    (L.pinv, (np.zeros((3, 2)),)),
    (L.lstsq, (T, T[:, :2])),
    (L.lstsq, (T, T[:, 0])),
    (L.lstsq, (W, W[:, 0])),
    (lambda a, b: L.lstsq(a, b, rcond=1e-3), (W, W[:, :2])),
    (L.tensorsolve, (A.reshape(2, 2, 4), A[:2, :2])),
    (lambda a, b: L.tensorsolve(a, b, axes=(0, 2)), (RANDOM.normal(size=(2, 6, 3)), np.ones(6))),
    (lambda x: L.tensorinv(x, ind=1), (A.reshape(4, 2, 2),)),
]

DETERMINANTS: list[Case] = [
    (L.det, (A,)),
    (L.det, (S,)),
    (L.det, (A[:2, :2],)),
    (L.det, (np.ones((4, 4)),)),
    (L.det, (I,)),
    (L.det, (F,)),
    (L.slogdet, (S,)),
    (lambda x: L.slogdet(x).logabsdet, (A,)),
    (L.slogdet, (np.zeros((3, 0, 0)),)),
]

FACTORISATIONS: list[Case] = [
    (L.cholesky, (P,)),
    (lambda x: L.cholesky(x, upper=True), (P,)),
    (L.cholesky, (UPPER,)),  # reads the lower triangle
    (lambda x: L.cholesky(x, upper=True), (UPPER.T,)),
    (L.eigh, (A,)),
    (lambda x: L.eigh(x, "U"), (A,)),
    (lambda x: L.eigh(x).eigenvectors, (S,)),
    (L.eigvalsh, (A,)),
    (lambda x: L.eigvalsh(x, UPLO="u"), (F,)),
    (L.svd, (A,)),
    (lambda x: L.svd(x, False), (T,)),
    (lambda x: L.svd(x, compute_uv=False), (W,)),
    (lambda x: L.svd(x, full_matrices=False).Vh, (W,)),
    (L.svdvals, (S,)),
    (L.qr, (A,)),
    (L.qr, (T,)),
    (L.qr, (W,)),
    (lambda x: L.qr(x, mode="r"), (W,)),
    (lambda x: L.qr(x, "complete"), (W,)),
]

PRODUCTS: list[Case] = [
    (lambda *x: L.multi_dot(x), (V, A, B, W)),
    (lambda *x: L.multi_dot(x), (A, B, W, T[:, 0])),
    (lambda *x: L.multi_dot(x), (A, V)),
    (lambda x: L.multi_dot([x, x, x]), (I,)),
    (lambda *x: L.multi_dot(x), (S, A)),
    *((partial(lambda x, n: L.matrix_power(x, n), n=n), (A,)) for n in (0, 1, 2, 5, -1, -3)),
    (lambda x: L.matrix_power(x, 3), (I,)),
    (lambda x: L.matrix_power(x, -2), (I,)),
    (lambda x: L.matrix_power(x, 0), (S,)),
    (L.vecdot, (S, V)),
    (L.matmul, (A, B)),
    (L.outer, (V, V)),
    (lambda x, y: L.tensordot(x, y, axes=1), (A, B)),
    (L.trace, (S,)),
    (lambda x: L.diagonal(x, offset=1), (S,)),
    (L.matrix_transpose, (S,)),
    (L.cross, (A[:, :3], B)),
]


def norm_of(x: Any, order: Any = None, **how: Any) -> Any:
    return L.norm(x, order, **how)


MATRIX_ORDERS = (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)
VECTOR_ORDERS = (None, 0, 1, -1, 2, 3, 0.5, -2, np.inf, -np.inf)
MEASURES: list[Case] = [
    *((partial(norm_of, order=order), (T,)) for order in (*MATRIX_ORDERS, "f")),
    *((partial(norm_of, order=order, axis=(2, 0), keepdims=True), (S,)) for order in MATRIX_ORDERS),
    *((partial(norm_of, order=order, axis=1), (T,)) for order in VECTOR_ORDERS),
    (L.norm, (S,)),
    (L.norm, (I,)),
    (lambda x: L.norm(x, keepdims=True), (S,)),
    (lambda x: L.norm(x, axis=-1, keepdims=True), (F,)),
    (lambda x: L.norm(x, 2), (V,)),
    (lambda x: L.norm(x, np.inf, axis=0), (np.zeros((0, 3)),)),
    (L.vector_norm, (S,)),
    (lambda x: L.vector_norm(x, axis=(0, 2), ord=3, keepdims=True), (S,)),
    (lambda x: L.vector_norm(x, ord=1, keepdims=True), (S,)),
    (lambda x: L.matrix_norm(x, ord=1), (S,)),
    (lambda x: L.matrix_norm(x, keepdims=True), (S,)),
    *((partial(lambda x, p: L.cond(x, p), p=p), (A,)) for p in (None, 2, -2, 1, -1, np.inf, "fro")),
    (L.cond, (S,)),
    (L.cond, (T,)),
    (L.cond, (np.zeros((3, 3)),)),
    (L.matrix_rank, (S,)),
    (L.matrix_rank, (np.ones((3, 4)),)),
    (lambda x: L.matrix_rank(x, tol=1.5), (T,)),
    (lambda x: L.matrix_rank(x, rtol=0.5), (S,)),
    (lambda x: L.matrix_rank(x, hermitian=True), (P,)),
]


@pytest.mark.parametrize(
    ("function", "arguments"),
    [*SYSTEMS, *DETERMINANTS, *FACTORISATIONS, *PRODUCTS, *MEASURES],
    ids=named,
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_as_numpy(function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    def f(*x: Any) -> Any:  # NumPy's own functions have no signature to compile for
        return function(*x)

    check(f, *arguments)
    expected = f(*arguments)
    compare(fg.compile(f)(*arguments), expected)
    compare(fg.compile(f).eager(*arguments), expected)


def test_a_rank_of_a_vector() -> None:
    assert fg.compile(lambda x: L.matrix_rank(x))(V) == 1
    assert fg.compile(lambda x: L.matrix_rank(x))(0 * V) == 0


# --- gradients ---

SMOOTH: dict[str, Callable[[Any], Any]] = {
    "solve": lambda x: L.solve(x, x[:, :2] ** 2),
    "solve of a vector": lambda x: L.solve(x, x[0]),
    "inv": L.inv,
    "pinv": lambda x: L.pinv(x[:, :2]),
    "pinv of a wide one": lambda x: L.pinv(x[:2]),
    "lstsq": lambda x: L.lstsq(x[:, :2], x[:, 2])[0],
    "residuals of lstsq": lambda x: L.lstsq(x[:, :2], x[:, 2])[1],
    "det": L.det,
    "det of 3": lambda x: L.det(x[:3, :3]),
    "slogdet": lambda x: L.slogdet(x)[1],
    "cholesky": lambda x: L.cholesky(x @ x.T + np.eye(4)),
    "cholesky of what is not symmetric": lambda x: L.cholesky(x + 9 * np.eye(4)),
    "eigh": lambda x: L.eigh(x)[1] ** 2,
    "eigvalsh": L.eigvalsh,
    "eigvalsh, upper": lambda x: L.eigvalsh(x, "U"),
    "svd": lambda x: L.svd(x)[0] * L.svd(x)[2].T,
    "svd, tall": lambda x: L.svd(x[:, :2], full_matrices=False)[0] ** 2,
    "svd, wide": lambda x: L.svd(x[:2], full_matrices=False)[2] ** 2,
    "qr": lambda x: L.qr(x)[0] + L.qr(x)[1],
    "qr, wide": lambda x: L.qr(x[:2])[1],
    "multi_dot": lambda x: L.multi_dot([x[0], x, x[:, :2]]),
    "matrix_power": lambda x: L.matrix_power(x, 3),
    "matrix_power of the inverse": lambda x: L.matrix_power(x, -2),
    "cond": L.cond,
    "cond, 1": lambda x: L.cond(x, 1),
    "tensorinv": lambda x: L.tensorinv(x.reshape(2, 2, 4)),
    **{f"norm {order}": partial(norm_of, order=order) for order in MATRIX_ORDERS},
    **{
        f"norms {order}": partial(norm_of, order=order, axis=1)
        for order in VECTOR_ORDERS
        if order != 0
    },
}


def scalar(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A number that weighs each element of the result differently."""

    def f(x: Any) -> Any:
        y = function(x)
        weights = np.cos(np.arange(y.size)).reshape(y.shape)
        return np.sum(weights * y)

    return f


@pytest.mark.parametrize("name", SMOOTH)
def test_gradients(name: str) -> None:
    f = scalar(SMOOTH[name])
    x, step = RANDOM_SQUARE, 1e-6
    expected = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        move = np.zeros_like(x)
        move[place] = step
        expected[place] = (f(x + move) - f(x - move)) / (2 * step)
    gradient = fg.grad(f)
    scale = max(1, np.abs(expected).max())
    np.testing.assert_allclose(gradient(x) / scale, expected / scale, atol=2e-8)
    np.testing.assert_allclose(gradient.eager(x) / scale, gradient(x) / scale, atol=1e-12)


RANDOM_SQUARE = np.random.default_rng(3).normal(size=(4, 4))


# --- where something is degenerate ---

ROTATION = L.qr(RANDOM.normal(size=(3, 3)))[0]


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (lambda x: np.sum(L.eigvalsh(x) ** 2), np.eye(3), 2 * np.eye(3)),
        (lambda x: L.norm(x, "nuc"), ROTATION, ROTATION),
        (lambda x: L.norm(x, "nuc"), np.eye(3)[:, :2], np.eye(3)[:, :2]),
        (lambda x: L.norm(x, "nuc"), np.diag([2.0, 0.0, 0.0])[:, :2], np.eye(3)[:, :2]),
        (lambda x: np.sum(L.svdvals(x)), np.zeros((2, 2)), np.eye(2)),
        (lambda x: np.trace(L.pinv(x)), np.eye(3), -np.eye(3)),
        (lambda x: np.sum(L.pinv(x)), np.eye(2), -np.ones((2, 2))),
        (lambda x: L.norm(x), np.zeros(3), np.zeros(3)),
        (lambda x: L.norm(x, 3), np.zeros(3), np.zeros(3)),
        (lambda x: L.norm(x, 1), np.zeros(3), np.zeros(3)),
        (lambda x: L.norm(x, 2), np.eye(2), np.eye(2) / 2),  # the two share the norm
        (lambda x: L.det(x), np.diag([0.0, 2.0, 3.0]), np.diag([6.0, 0.0, 0.0])),
        (lambda x: L.det(x), np.diag([0.0, 1.0, 2.0, 3.0]), np.diag([6.0, 0.0, 0.0, 0.0])),
    ],
)
def test_gradients_of_what_is_degenerate(function: Any, x: Any, expected: Any) -> None:
    np.testing.assert_allclose(fg.grad(function)(x), expected, atol=1e-12)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: L.eigh(x)[1][0, 1],
        lambda x: L.svd(x)[0][0, 1],
    ],
)
def test_vectors_that_are_not_determined_have_no_derivative(function: Any) -> None:
    """It would be wrong to give a number: as in PyTorch there is none."""
    gradient = fg.grad(function)
    assert not np.isfinite(gradient(np.eye(3))).all()
    assert np.isfinite(gradient(np.diag([1.0, 2.0, 3.0]))).all()


# --- errors ---


@pytest.mark.parametrize(
    ("function", "arguments", "text"),
    [
        (L.inv, (T,), "square"),
        (L.det, (V,), "two-dimensional"),
        (L.solve, (T, V), "square"),
        (L.lstsq, (T, V), "Incompatible"),
        (L.cond, (EMPTY,), "empty"),
        (lambda *x: L.multi_dot(x), (S, A, A), "two-dimensional"),
    ],
)
def test_shapes(function: Any, arguments: tuple[Any, ...], text: str) -> None:
    with pytest.raises(L.LinAlgError):
        function(*arguments)
    with pytest.raises(LinAlgError, match=text):
        fg.compile(lambda *x: function(*x))(*arguments)


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda x: L.norm(x, "fro", axis=0), "Invalid norm order 'fro' for vectors"),
        (lambda x: L.norm(x, 3), "Invalid norm order for matrices"),
        (lambda x: L.norm(x[None], 2), "Improper number of dimensions"),
        (lambda x: L.eigh(x[:3], UPLO="?"), "UPLO"),
        (lambda x: L.pinv(x, 0.1, rtol=0.2), "can't be both set"),
    ],
)
def test_values(function: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        fg.compile(function)(T)


def test_what_is_not_supported_says_what_to_do() -> None:
    for function, hint in (
        (lambda x: L.svd(x), "full_matrices=False"),
        (lambda x: L.qr(x, mode="complete"), "mode='reduced'"),
        (lambda x: L.pinv(x, rcond=np.ones(2)), "one number"),
    ):
        with pytest.raises(UnsupportedError) as caught:
            fg.compile(function)(T)
        assert hint in caught.value.hint
