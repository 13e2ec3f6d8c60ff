"""NumPy's functions against NumPy itself, through the trace of each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from fusegrad.ir import FusegradError
from fusegrad.tracer import UnsupportedError

from .running import array, check, check_derivatives, run

A = array("float64", 3, 4)
B = array("float64", 4, 5, seed=1)
C = array("float64", 2, 3, 4, seed=2)
S = array("float64", 4, 4, seed=3)
V = array("float64", 4, seed=4)
F = array("float32", 3, 4)
I = array("int64", 3, 4)  # noqa: E741
J = array("int32", 3, 4)
M = array("bool", 3, 4)
EMPTY = np.zeros((0, 3))
SCALAR = np.array(1.5)
ODD = np.array([1.0, np.nan, np.inf, -np.inf])
NANS = np.array([[1.0, np.nan, -3.0], [np.nan, 2.0, 0.5]])
ONE = array("float64", 1, 3, 1)

Case = tuple[Callable[..., Any], tuple[Any, ...]]

REDUCTIONS: list[Case] = [
    (lambda x: np.sum(x), (C,)),
    (lambda x: np.sum(x, axis=(0, -1)), (C,)),
    (lambda x: x.sum(1, keepdims=True), (C,)),
    (lambda x: np.sum(x, initial=2.0), (A,)),
    (lambda x: np.sum(x, axis=0, where=x > 0), (A,)),
    (lambda x: np.sum(x, dtype=np.float32), (A,)),
    (lambda x: np.sum(x, axis=()), (A,)),
    (lambda x: np.sum(x), (EMPTY,)),
    (lambda x: np.sum(x, axis=0), (EMPTY,)),
    (lambda x: (x.sum(), x.prod(), x.mean(), x.max(), x.min(), x.std(), x.var()), (SCALAR,)),
    (lambda x: np.prod(x, axis=1), (A,)),
    (lambda x: np.prod(x, initial=2), (A,)),
    (lambda x: np.mean(x, axis=(1, 2), keepdims=True), (C,)),
    (lambda x: np.mean(x, where=x > 0), (A,)),
    (lambda x: np.var(x, axis=0, ddof=1), (A,)),
    (lambda x: np.std(x, correction=1), (A,)),
    (lambda x: x.std(axis=-1), (C,)),
    (lambda x: np.max(x, axis=1), (A,)),
    (lambda x: np.amin(x, axis=(0, 1)), (A,)),
    (lambda x: np.max(x, initial=10.0), (A,)),
    (lambda x: np.max(x, axis=0, initial=1.0), (EMPTY,)),
    (lambda x: np.ptp(x, axis=0), (A,)),
    (lambda x: (np.argmax(x), x.argmin(axis=1), np.argmax(x, axis=0, keepdims=True)), (A,)),
    (lambda x: np.argmax(x, keepdims=True), (A,)),
    (lambda x: (np.all(x > 0, axis=0), np.any(x > 0), (x > 5).any(1, keepdims=True)), (A,)),
    (lambda x: np.all(x, axis=0, where=x > 1), (A,)),
    (lambda x: np.count_nonzero(x > 0, axis=1), (A,)),
    (lambda x: np.count_nonzero(x), (A,)),
    (lambda x: (np.cumsum(x), np.cumsum(x, axis=1), x.cumsum(0)), (A,)),
    (lambda x: np.average(x), (A,)),
    (lambda x, w: np.average(x, axis=1, weights=w), (A, np.abs(V))),
    (lambda x: np.average(x, weights=np.abs(x) + 1), (A,)),
    (lambda x: np.linalg.norm(x), (A,)),
    (lambda x: np.linalg.norm(x, axis=1), (A,)),
    (lambda x: np.linalg.norm(x, axis=(0, 2), keepdims=True), (C,)),
    (lambda x: np.linalg.norm(x, "fro"), (A,)),
    (lambda x: [np.linalg.norm(x, o) for o in (0, 1, 2, 3, np.inf, -np.inf)], (V,)),
]

SHAPES: list[Case] = [
    (lambda x: (np.reshape(x, (2, 6)), x.reshape(-1), x.reshape(4, -1), x.reshape((12, 1))), (A,)),
    (lambda x: np.reshape(x, (4, 6), order="F"), (C,)),
    (lambda x: (np.ravel(x), x.flatten(), x.ravel("F")), (A,)),
    (lambda x: (x.T, np.transpose(x), x.transpose(2, 0, 1), x.transpose((1, 0, 2)), x.mT), (C,)),
    (lambda x: (np.swapaxes(x, 0, -1), np.moveaxis(x, 0, 2), np.rollaxis(x, 2)), (C,)),
    (lambda x: np.moveaxis(x, (0, 1), (-1, 0)), (C,)),
    (lambda x: (np.squeeze(x), x.squeeze(0), np.squeeze(x, (0, 2))), (ONE,)),
    (lambda x: (np.expand_dims(x, 1), np.expand_dims(x, (0, -1))), (A,)),
    (lambda x: (np.atleast_1d(x), np.atleast_2d(x), np.atleast_3d(x)), (SCALAR,)),
    (lambda x: (np.atleast_2d(x), np.atleast_3d(x)), (V,)),
    (lambda x: np.broadcast_to(x, (3, 4)), (V,)),
    (lambda x, y: np.broadcast_arrays(x, y), (A, V)),
    (lambda x: (np.flip(x), np.flip(x, 0), np.fliplr(x), np.flipud(x)), (A,)),
    (lambda x: [np.rot90(x, k) for k in range(-1, 4)], (A,)),
    (lambda x: np.concatenate([x, x * 2]), (A,)),
    (lambda x: np.concatenate((x, np.ones((3, 2)), x), axis=-1), (A,)),
    (lambda x, y: np.concatenate([x, y], axis=None), (A, I)),
    (lambda x, y: np.concatenate([x, y], dtype=np.float32), (A, I)),
    (lambda x: (np.stack([x, x]), np.stack([x, x + 1], axis=-1), np.stack(list(x), 1)), (A,)),
    (lambda x: (np.vstack([x, x]), np.hstack([x, x]), np.dstack([x, x])), (A,)),
    (lambda x: (np.vstack([x, x]), np.hstack([x, 1.0]), np.column_stack([x, x])), (V,)),
    (lambda x: np.append(x, 1.0), (A,)),
    (lambda x: (np.split(x, 2), np.split(x, [1, 3], axis=1), np.hsplit(x, 2)), (S,)),
    (lambda x: (np.array_split(x, 3), np.vsplit(x, [2])), (S,)),
    (lambda x: (np.tile(x, 2), np.tile(x, (2, 1)), np.tile(x, (2, 1, 3))), (A,)),
    (lambda x: (np.repeat(x, 2), np.repeat(x, 3, axis=0), x.repeat(2, 1)), (A,)),
    (lambda x: np.repeat(x, [1, 0, 2], axis=0), (A,)),
    (lambda x: (np.roll(x, 1), np.roll(x, -2, axis=1), np.roll(x, (1, 2), axis=(0, 1))), (A,)),
    (lambda x: (np.roll(x, 0, 1), np.roll(x, 9, axis=0)), (A,)),
    (lambda x: (np.copy(x), x.copy(), x.astype(np.float32), x.astype("int64")), (A,)),
    (lambda x: x.reshape(0, 2), (EMPTY,)),
]

CHOICES: list[Case] = [
    (lambda x: np.where(x > 0, x, 0), (A,)),
    (lambda x, y: np.where(M, x, y[:1]), (A, F)),
    (lambda x: np.where([True, False, True, False], 1, x), (J,)),
    (lambda x: (np.clip(x, -1, 1), x.clip(0), np.clip(x, None, 0.5), x.clip(max=1)), (A,)),
    (lambda x, y: np.clip(x, y, y + 1), (A, V)),
    (lambda x: np.clip(x, 0.5, 1), (I,)),
    (lambda x: np.nan_to_num(x, nan=3.0, posinf=1, neginf=2), (ODD,)),
    (lambda x: (np.round(x), np.round(x, 2), x.round(1), np.around(x * 100, -1)), (A,)),
    (lambda x: np.sinc(x), (A,)),
    (
        lambda x: (np.zeros_like(x), np.ones_like(x), np.full_like(x, 3), np.empty_like(x).shape),
        (F,),
    ),
    (lambda x: np.ones_like(x, dtype=int, shape=(2, 2)), (F,)),
    (lambda x: np.full_like(x, x[0, 0]), (F,)),
    (lambda x: (np.tril(x), np.triu(x, 1), np.tril(x, -1), np.tril(x[0])), (A,)),
    (lambda x: [np.diagonal(x, k) for k in range(-3, 5)], (A,)),
    (lambda x: (np.diagonal(x, 1, 2, 0), x.diagonal(axis1=1, axis2=2), np.trace(x)), (C,)),
    (lambda x: [np.diag(x, k) for k in (-2, -1, 0, 1, 3)], (V,)),
    (lambda x: (np.diag(x), np.diagflat(x, 1), x.trace(offset=1)), (A,)),
    (lambda x: (np.take(x, 2), np.take(x, [0, -1]), np.take(x, [[0, 1], [2, 0]], axis=0)), (A,)),
    (lambda x: (x.take([9, -8], axis=1, mode="wrap"), np.take(x, [99, -5], mode="clip")), (A,)),
    (lambda x: np.take_along_axis(x, np.argmax(x, axis=1, keepdims=True), axis=1), (A,)),
    (lambda x, i: np.take_along_axis(x, i, axis=0), (A, np.array([[0, -1, 2, 1]]))),
    (lambda x: np.take_along_axis(x, np.array([3, 1]), axis=None), (A,)),
    (lambda x: (np.pad(x, 1), np.pad(x, ((1, 0), (0, 2))), np.pad(x, 2, constant_values=1)), (A,)),
    (lambda x: [np.pad(x, (1, 2), m) for m in ("edge", "reflect", "symmetric", "wrap")], (A,)),
    (lambda x: (np.diff(x), np.diff(x, 2, axis=0), np.diff(x, prepend=0, append=x)), (A,)),
    (lambda x: np.diff(x > 0), (A,)),
    (lambda y: (np.trapezoid(y), np.trapezoid(y, dx=0.1, axis=0), np.trapezoid(y, V**2)), (A,)),
    (lambda x: (np.real(x), x.real, x.imag, x.conj()), (A,)),
    (lambda x: (np.shape(x), np.ndim(x), np.size(x), np.size(x, 1), len(x), x.nbytes), (A,)),
    (lambda x: np.ones(3, np.result_type(x, 1.0)), (F,)),
]

if np.lib.NumpyVersion(np.__version__) >= "2.1.0":
    CHOICES += [(lambda x: np.clip(x, min=-1, max=1), (A,)), (lambda x: np.clip(x), (A,))]

PRODUCTS: list[Case] = [
    (lambda x, y: (x @ y, np.matmul(x, y), np.dot(x, y), x.dot(y)), (A, B)),
    (lambda x, y: (x @ y, y @ x[0].T, y @ x.mT, np.dot(x, y)), (C, V)),
    (lambda x, y: x @ y, (C, array("float64", 2, 4, 2))),
    (lambda x, y: x @ y, (A, array("float64", 5, 1, 4, 2))),
    (lambda x, y: x @ y, (array("float64", 5, 1, 3, 4), C.mT)),
    (lambda x, y: np.dot(x, y), (C, array("float64", 5, 4, 2))),
    (lambda x: (np.dot(x, 2.0), np.dot(3, x), np.inner(x, 2)), (A,)),
    (lambda x, y: (np.inner(x, y), np.inner(x, x), np.vdot(x, x)), (A, V)),
    (lambda x, y: (np.outer(x, y), np.outer(y, y)), (A, V)),
    (lambda x, y: np.tensordot(x, y, 1), (A, B)),
    (lambda x, y: np.tensordot(x, y, axes=([1, 2], [0, 1])), (C, A)),
    (lambda x, y: np.tensordot(x, y, axes=(-1, 1)), (C, A)),
    (lambda x, y: np.tensordot(x, y, 0), (A, V)),
    (lambda x, y: np.cross(x, y), (array("float64", 5, 3), array("float64", 3))),
    (lambda x: np.cross(x, x[::-1], axis=0), (array("float64", 3, 2),)),
    (lambda x, y: x @ y, (I, I.T)),
    (lambda x, y: (x @ y, x.dot(y)), (M, M.T)),
    (lambda x, y: x @ y, (np.zeros((2, 0)), np.zeros((0, 3)))),
]

DERIVED: list[Case] = [
    (lambda x: (np.linspace(x[0], x[1], 5), np.linspace(0, x, 3, endpoint=False)), (V,)),
    (lambda x: (np.linspace(x, 2.0, 4), np.linspace(x[0], 1.0, 1)), (V,)),
    (lambda x: (np.block([[x, x], [2 * x, x]]), np.block([x[0], 1.0]), np.block(x)), (A,)),
    (lambda x: np.block([[x, np.ones((4, 1))], [x[0], 1.0]]), (S,)),
    (lambda x: np.select([x > 1, x > 0], [x, -x], 7.0), (A,)),
    (lambda x: (np.delete(x, 1, 0), np.delete(x, [0, -1]), np.delete(x, slice(1, 3), 1)), (A,)),
    (lambda x: (np.isclose(x, x + 1e-9), np.isclose(x, np.inf), np.allclose(x, x)), (A,)),
    (lambda x: (np.array_equal(x, x), np.array_equal(x, x[0]), np.array_equal(x, -x)), (A,)),
    (lambda x: np.isclose(x, x, equal_nan=True), (np.array([1.0, np.nan, np.inf]),)),
    (lambda x: (np.nansum(x), np.nanmean(x, 0), np.nanmax(x, 1), np.nanmin(x)), (NANS,)),
    (lambda x: (np.nanmax(x, axis=0, keepdims=True), np.nansum(x, keepdims=True)), (NANS,)),
    (lambda x: (np.nansum(x), np.nanmax(x)), (I,)),
    (lambda x: np.meshgrid(x, x[:2], x[:3]), (V,)),
    (lambda x: np.meshgrid(x, x[:2], indexing="ij"), (V,)),
    (lambda x: np.polyval([1.0, 2.0, 3.0], x), (A,)),
    (lambda p: np.polyval(p, 0.5), (V,)),
    (lambda x: (np.kron(x, x[:2]), np.kron(x[0], x)), (A,)),
    (lambda x: np.fix(x), (A,)),
    (lambda x, y: np.linalg.multi_dot([x, y, y.T]), (A, B)),
    (lambda x: [np.linalg.matrix_power(x, n) for n in (1, 2, 5)], (S,)),
    (lambda x: (np.linalg.vector_norm(x), np.linalg.vector_norm(x, axis=1, ord=1)), (A,)),
    (lambda x: (np.linalg.matmul(x, x), np.linalg.tensordot(x, x, axes=1)), (S,)),
    (lambda x: (np.linalg.outer(x, x), np.linalg.trace(np.outer(x, x))), (V,)),
]

EINSUM = [
    ("ij,jk->ik", A, B),
    ("ij,jk", A, B),
    ("ij->ji", A),
    ("ij->", A),
    ("ij->j", A),
    ("ii", S),
    ("ii->i", S),
    ("iij->ij", array("float64", 3, 3, 2)),
    ("iii->i", array("float64", 3, 3, 3)),
    ("i,i->i", V, V),
    ("i,j->ij", V, V),
    ("i,j->", V, V),
    ("ij,ij->", A, A),
    ("ij,j->i", A, V),
    ("bij,bjk->bik", C, C.mT),
    ("...ij,...jk->...ik", C, C.mT),
    ("...ij,jk", C, B),
    ("...,...->...", A, C),
    ("i...->...", C),
    ("ij,jk,kl->il", A, B, B.T),
    ("ij,jk,kl,l->i", A, B, B.T, V),
    ("bi,ij,bj->b", A, S, A),
    ("ij,ij->ij", A, array("float64", 1, 4)),
    ("ij,jk->ik", A, array("float64", 1, 5)),
    ("ij, kj -> ik", A, A),
    ("abc,cd,def->abef", C, B, array("float64", 5, 2, 2)),
    ("ij,ij->i", I, I),
    ("ij,kj->ik", M, M),
    ("z", V),
    (",i->i", SCALAR, V),
]


@pytest.mark.parametrize(("function", "args"), REDUCTIONS)
def test_reductions(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    check(function, *args)


@pytest.mark.parametrize(("function", "args"), SHAPES)
def test_shapes(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    check(function, *args)


@pytest.mark.parametrize(("function", "args"), CHOICES)
def test_choices(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    check(function, *args)


@pytest.mark.parametrize(("function", "args"), PRODUCTS)
def test_products(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    check(function, *args)


@pytest.mark.parametrize(("function", "args"), DERIVED)
def test_derived(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    check(function, *args)


@pytest.mark.parametrize("case", EINSUM, ids=lambda case: case[0])
def test_einsum(case: tuple[Any, ...]) -> None:
    subscripts, *arrays = case
    check(lambda *xs: np.einsum(subscripts, *xs), *arrays)


def test_einsum_of_numbered_axes() -> None:
    check(lambda x, y: np.einsum(x, [0, 1], y, [1, 2], [0, 2]), A, B)
    check(lambda x, y: np.einsum(x, [Ellipsis, 1], y, [1], [Ellipsis]), C, V)


@pytest.mark.parametrize("subscripts", ["ij,jk->iz", "ij", "i1,jk", "ij,jk->ii", "ij,ik->i"])
def test_einsum_refuses_what_does_not_fit(subscripts: str) -> None:
    with pytest.raises(ValueError, match="einsum"):
        run(lambda x, y: np.einsum(subscripts, x, y), A, B)


REDUCED = (np.sum, np.prod, np.mean, np.max, np.min, np.argmax, np.any, np.all, np.cumsum, np.std)


@pytest.mark.parametrize("function", REDUCED, ids=lambda f: f.__name__)
@pytest.mark.parametrize("x", [F, A, I, J, M], ids=lambda x: x.dtype.name)
def test_dtypes_of_reductions(function: Callable[..., Any], x: Any) -> None:
    check(lambda x: function(x, axis=0), x)
    check(lambda x: function(x), x)


MOVED = (np.ravel, np.transpose, np.flip, np.tril, np.diag, np.zeros_like, np.copy, np.squeeze)


@pytest.mark.parametrize("function", MOVED, ids=lambda f: f.__name__)
@pytest.mark.parametrize("x", [F, A, I, J, M], ids=lambda x: x.dtype.name)
def test_dtypes_of_moves(function: Callable[..., Any], x: Any) -> None:
    check(lambda x: function(x), x)
    check(lambda x: np.pad(x, 1), x)


def test_nan_to_num() -> None:
    check(np.nan_to_num, ODD)
    check(np.nan_to_num, ODD.astype(np.float32))
    check(np.nan_to_num, I)


def test_a_list_of_traced_arrays_is_stacked() -> None:
    check(lambda x: np.stack([x[0], [1.0, 2.0, 3.0, 4.0]]), A)
    check(lambda x: np.add(x, [x[0, 0], 1.0, x[0, 1], 2]), A)
    check(lambda x: np.dot(x[:, :2], [2.0, x[1, 1]]), A)


BAD: list[Callable[[Any], Any]] = [
    lambda x: np.sum(x, axis=2),
    lambda x: np.sum(x, axis=(0, 0)),
    lambda x: x.reshape(5, -1),
    lambda x: x.reshape(-1, -1),
    lambda x: np.transpose(x, (0, 0)),
    lambda x: np.squeeze(x, 0),
    lambda x: np.concatenate([x, x.T]),
    lambda x: np.concatenate([x, x[0]]),
    lambda x: np.stack([x, x[0]]),
    lambda x: np.broadcast_to(x, (3,)),
    lambda x: x + np.ones(3),
    lambda x: x @ x,
    lambda x: np.dot(x, x),
    lambda x: np.tensordot(x, x, 1),
    lambda x: x @ 2.0,
    lambda x: np.split(x, 2),
    lambda x: np.max(x[:0]),
    lambda x: np.argmax(x[:0]),
    lambda x: np.max(x[:0], axis=0),
    lambda x: np.pad(x, -1),
    lambda x: np.diagonal(x[0]),
    lambda x: np.expand_dims(x, 5),
    lambda x: np.moveaxis(x, 0, 3),
    lambda x: np.repeat(x, [1, 2], axis=0),
    lambda x: np.take(x, 7, axis=0),
    lambda x: np.average(x, weights=np.ones(3)),
]


@pytest.mark.parametrize("function", BAD)
def test_what_numpy_refuses_is_refused(function: Callable[[Any], Any]) -> None:
    with pytest.raises((ValueError, IndexError, TypeError)) as theirs:
        function(A)
    with pytest.raises(FusegradError) as ours:
        run(function, A)
    builtin = next(c for c in (IndexError, ValueError, TypeError) if isinstance(theirs.value, c))
    assert isinstance(ours.value, builtin)
    assert ours.value.at is not None
    assert ours.value.at.file == __file__


UNSUPPORTED: list[tuple[Callable[[Any], Any], str]] = [
    (lambda x: np.linalg.eigvals(x), r"np\.linalg\.eigvals"),
    (lambda x: np.linalg.svd(x), r"np\.linalg\.svd"),
    (lambda x: np.pad(x, 1, lambda row, *rest: None), "mode="),
    (lambda x: np.linalg.eig(x), r"np\.linalg\.eig"),
    (lambda x: x.byteswap(), r"ndarray\.byteswap"),
]


@pytest.mark.parametrize(("function", "text"), UNSUPPORTED)
def test_unsupported_functions_are_named(function: Callable[[Any], Any], text: str) -> None:
    with pytest.raises(UnsupportedError, match=text) as caught:
        run(function, A)
    assert caught.value.at is not None
    assert caught.value.at.file == __file__
    assert caught.value.hint


# --- derivatives: what is composed here of ops has the derivative that differences show ---

DIFFERENTIABLE = [*REDUCTIONS, *SHAPES, *CHOICES, *PRODUCTS, *DERIVED]
DIFFERENTIABLE += [(partial(np.einsum, text), tuple(arrays)) for text, *arrays in EINSUM]


@pytest.mark.parametrize(("function", "args"), DIFFERENTIABLE)
def test_derivatives(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    check_derivatives(function, *args)
