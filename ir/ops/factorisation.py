"""Linear systems and factorisations of matrices, which stand in the last two axes.

Each has one result: factors that belong together are packed side by side into one array, and
`ir.functions.linalg` takes them apart. Where NumPy would read one triangle of a symmetric matrix,
the mean of both is read: then the rules are derivatives of what `eval` computes.

(Giles, Collected matrix derivative results, 2008; for qr Walter & Lehmann 2010; Murray 2016.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..builder import Builder, Handle
from ..errors import ShapeError
from ..matrix import (
    diagonal,
    divide_apart,
    halved_lower,
    identity,
    minus_transposed,
    multiply,
    on_diagonal,
    rows,
    scale_columns,
    scale_rows,
    symmetric,
    transposed,
    triangle,
)
from ..op import Op, Rule, Sample, register
from ..types import FLOATS, TensorType
from .elementwise import batch_all, check_dtype

Operands = tuple[Handle, ...]
_TRAITS = frozenset({"factorisation", "eager only"})


def _batch(name: str) -> Callable[..., Handle]:
    def batch(b: Builder, operands: Operands, batched: tuple[bool, ...]) -> Handle:
        return b(name, *batch_all(b, operands, batched))

    return batch


def _check_matrix(name: str, x: TensorType) -> None:
    check_dtype(name, x, FLOATS, hint="cast it first")
    if x.ndim < 2:
        raise ShapeError(f"{name}: {x} is no matrix or stack of matrices")


def _check_square(name: str, x: TensorType) -> None:
    _check_matrix(name, x)
    if x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"{name}: {x} must be batches of square matrices")


def _sample(*types: TensorType, domain: tuple[float, float] = (-2.0, 2.0)) -> Sample:
    return Sample(types, domain=domain)


def _of_one(
    name: str,
    infer: Callable[[TensorType], tuple[TensorType, ...]],
    eval: Callable[[Any], Any],
    vjp: Rule,
    jvp: Rule,
    saves: tuple[str, ...],
    samples: tuple[Sample, ...],
) -> None:
    register(
        Op(
            name=name,
            arity=1,
            traits=_TRAITS,
            infer=infer,
            eval=eval,
            vjp=(vjp,),
            jvp=(jvp,),
            batch=_batch(name),
            saves=saves,
            emit=None,
            samples=samples,
        )
    )


# --- solve: the x with a x = c ---


def _infer_solve(a: TensorType, c: TensorType) -> tuple[TensorType, ...]:
    _check_square("solve", a)
    if a.dtype != c.dtype or a.shape[:-1] != c.shape[:-1]:
        raise ShapeError(f"solve: incompatible shapes, {a} and right-hand sides {c}")
    return (c,)


def _eval_solve(a: Any, c: Any) -> Any:
    return np.linalg.solve(a, c) if c.size else np.zeros_like(c)


def _vjp_solve_matrix(b: Builder, g: Handle, operands: Operands, out: Handle) -> Handle:
    pulled = b("solve", transposed(b, operands[0]), g)
    return b.neg(multiply(b, pulled, transposed(b, out)))


def _vjp_solve_right(b: Builder, g: Handle, operands: Operands, out: Handle) -> Handle:
    return b("solve", transposed(b, operands[0]), g)


def _jvp_solve_matrix(b: Builder, g: Handle, operands: Operands, out: Handle) -> Handle:
    return b.neg(b("solve", operands[0], multiply(b, g, out)))


def _jvp_solve_right(b: Builder, g: Handle, operands: Operands, out: Handle) -> Handle:
    return b("solve", operands[0], g)


register(
    Op(
        name="solve",
        arity=2,
        traits=_TRAITS,
        infer=_infer_solve,
        eval=_eval_solve,
        vjp=(_vjp_solve_matrix, _vjp_solve_right),
        jvp=(_jvp_solve_matrix, _jvp_solve_right),
        batch=_batch("solve"),
        saves=("0", "out"),
        emit=None,
        samples=tuple(
            Sample((TensorType(d, (*s, n, n)), TensorType(d, (*s, n, k))), domain=((-3, 1), (-1, 1)))
            for d, s, n, k in (("f64", (), 2, 3), ("f64", (2,), 1, 2), ("f32", (), 1, 1))
        ),
    )
)


# --- slogdet, packed as [sign, log |det|] ---


def _infer_slogdet(x: TensorType) -> tuple[TensorType, ...]:
    _check_square("slogdet", x)
    return (x.with_shape((*x.shape[:-2], 2)),)


def _eval_slogdet(x: Any) -> Any:
    sign, size = np.linalg.slogdet(x)
    return np.stack([sign, size], -1).astype(x.dtype)


def _vjp_slogdet(b: Builder, g: Handle, operands: Operands, out: Handle) -> Handle:
    x = operands[0]
    inverse = b("solve", transposed(b, x), identity(b, b.type_of(x)))
    shape = b.type_of(g).shape
    last = b.slice(g, (*[0] * (len(shape) - 1), 1), shape)
    return b.mul(inverse, b.broadcast(b.reshape(last, (*shape[:-1], 1, 1)), b.type_of(x).shape))


def _jvp_slogdet(b: Builder, g: Handle, operands: Operands, out: Handle) -> Handle:
    change = b("solve", operands[0], g)
    ndim = len(b.type_of(change).shape)
    trace = b.sum(diagonal(b, change), (ndim - 2,))
    trace = b.reshape(trace, (*b.type_of(change).shape[:-2], 1))
    no_sign = b.constant(0, b.type_of(trace))
    return b.concatenate([b.broadcast(no_sign, b.type_of(trace).shape), trace], ndim - 2)


_of_one(
    "slogdet",
    _infer_slogdet,
    _eval_slogdet,
    _vjp_slogdet,
    _jvp_slogdet,
    ("0",),
    (
        _sample(TensorType("f64", (3, 3))),
        _sample(TensorType("f64", (2, 2, 2))),
        _sample(TensorType("f32", (1, 1)), domain=(0.5, 2.0)),
    ),
)


# --- cholesky: the lower triangular L with L Lᵀ = x ---


def _infer_cholesky(x: TensorType) -> tuple[TensorType, ...]:
    _check_square("cholesky", x)
    return (x,)


def _eval_cholesky(x: Any) -> Any:
    return np.linalg.cholesky((x + np.swapaxes(x, -1, -2)) / 2)


def _vjp_cholesky(b: Builder, g: Handle, operands: Operands, out: Handle) -> Handle:
    upper = transposed(b, out)
    inner = halved_lower(b, multiply(b, upper, triangle(b, g, 0)))
    left = b("solve", upper, inner)
    return symmetric(b, b("solve", upper, transposed(b, left)))


def _jvp_cholesky(b: Builder, g: Handle, operands: Operands, out: Handle) -> Handle:
    left = b("solve", out, symmetric(b, g))
    both = b("solve", out, transposed(b, left))
    return multiply(b, out, halved_lower(b, both))


_of_one(
    "cholesky",
    _infer_cholesky,
    _eval_cholesky,
    _vjp_cholesky,
    _jvp_cholesky,
    ("out",),
    (
        _sample(TensorType("f64", (1, 1)), domain=(0.5, 2.0)),
        _sample(TensorType("f32", (2, 1, 1)), domain=(0.5, 2.0)),
    ),
)


# --- eigh, packed: the eigenvalues as a first row, and below it the vectors as columns ---


def _infer_eigh(x: TensorType) -> tuple[TensorType, ...]:
    _check_square("eigh", x)
    *stack, n, _ = x.shape
    return (x.with_shape((*stack, n + 1, n)),)


def _eval_eigh(x: Any) -> Any:
    values, vectors = np.linalg.eigh((x + np.swapaxes(x, -1, -2)) / 2)
    return np.concatenate([values[..., None, :], vectors], -2)


def _eigen(b: Builder, packed: Handle) -> tuple[Handle, Handle]:
    """Eigenvalues as a row, and the vectors."""
    n = b.type_of(packed).shape[-1]
    return rows(b, packed, 0, 1), rows(b, packed, 1, n + 1)


def _vjp_eigh(b: Builder, g: Handle, operands: Operands, out: Handle) -> Handle:
    values, vectors = _eigen(b, out)
    g_values, g_vectors = _eigen(b, g)
    turned = divide_apart(b, multiply(b, transposed(b, vectors), g_vectors), values)
    inner = b.add(turned, on_diagonal(b, g_values))
    return symmetric(b, multiply(b, multiply(b, vectors, inner), transposed(b, vectors)))


def _jvp_eigh(b: Builder, g: Handle, operands: Operands, out: Handle) -> Handle:
    values, vectors = _eigen(b, out)
    change = multiply(b, multiply(b, transposed(b, vectors), symmetric(b, g)), vectors)
    along = b.reshape(diagonal(b, change), b.type_of(values).shape)
    turned = multiply(b, vectors, divide_apart(b, change, values))
    return b.concatenate([along, turned], len(b.type_of(out).shape) - 2)


_of_one(
    "eigh",
    _infer_eigh,
    _eval_eigh,
    _vjp_eigh,
    _jvp_eigh,
    ("out",),
    (
        _sample(TensorType("f64", (3, 3))),
        _sample(TensorType("f64", (2, 2, 2))),
        _sample(TensorType("f32", (2, 2))),
    ),
)


# --- svd of k singular values, packed: k rows [column of U | singular value | row of Vᵀ] ---


def _infer_svd(x: TensorType) -> tuple[TensorType, ...]:
    _check_matrix("svd", x)
    *stack, m, n = x.shape
    return (x.with_shape((*stack, min(m, n), m + 1 + n)),)


def _eval_svd(x: Any) -> Any:
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    return np.concatenate([np.swapaxes(u, -1, -2), s[..., None], vh], -1)


def _singular(b: Builder, packed: Handle, m: int) -> tuple[Handle, Handle, Handle]:
    """U, the singular values as a row, V."""
    columns = transposed(b, packed)
    n = b.type_of(columns).shape[-2] - m - 1
    u, s, v = (rows(b, columns, *at) for at in ((0, m), (m, m + 1), (m + 1, m + 1 + n)))
    return u, s, v


def _outside(b: Builder, x: Handle, basis: Handle) -> Handle:
    """What of the columns of x is orthogonal to `basis`."""
    inside = multiply(b, basis, multiply(b, transposed(b, basis), x))
    return b.sub(x, inside)


def _vjp_svd(b: Builder, g: Handle, operands: Operands, out: Handle) -> Handle:
    m, n = b.type_of(operands[0]).shape[-2:]
    u, s, v = _singular(b, out, m)
    g_u, g_s, g_v = _singular(b, g, m)
    squares = b.mul(s, s)
    turn_u = divide_apart(b, minus_transposed(b, multiply(b, transposed(b, u), g_u)), squares)
    turn_v = divide_apart(b, minus_transposed(b, multiply(b, transposed(b, v), g_v)), squares)
    inner = b.add(scale_columns(b, turn_u, s), scale_rows(b, turn_v, s))
    inner = b.add(inner, on_diagonal(b, g_s))
    result = multiply(b, multiply(b, u, inner), transposed(b, v))
    inverse = b.div(b.full_like(s, 1), s)
    if m > n:
        rest = _outside(b, scale_columns(b, g_u, inverse), u)
        result = b.add(result, multiply(b, rest, transposed(b, v)))
    if n > m:
        rest = _outside(b, scale_columns(b, g_v, inverse), v)
        result = b.add(result, multiply(b, u, transposed(b, rest)))
    return result


def _jvp_svd(b: Builder, g: Handle, operands: Operands, out: Handle) -> Handle:
    m, n = b.type_of(operands[0]).shape[-2:]
    u, s, v = _singular(b, out, m)
    squares, inverse = b.mul(s, s), b.div(b.full_like(s, 1), s)
    change = multiply(b, multiply(b, transposed(b, u), g), v)
    other = transposed(b, change)
    for_u = b.add(scale_columns(b, change, s), scale_rows(b, other, s))
    for_v = b.add(scale_rows(b, change, s), scale_columns(b, other, s))
    d_u = multiply(b, u, divide_apart(b, for_u, squares))
    d_v = multiply(b, v, divide_apart(b, for_v, squares))
    if m > n:
        d_u = b.add(d_u, scale_columns(b, _outside(b, multiply(b, g, v), u), inverse))
    if n > m:
        pushed = multiply(b, transposed(b, g), u)
        d_v = b.add(d_v, scale_columns(b, _outside(b, pushed, v), inverse))
    d_s = b.reshape(diagonal(b, change), b.type_of(s).shape)
    return transposed(b, b.concatenate([d_u, d_s, d_v], len(b.type_of(out).shape) - 2))


_of_one(
    "svd",
    _infer_svd,
    _eval_svd,
    _vjp_svd,
    _jvp_svd,
    ("out",),
    (
        _sample(TensorType("f64", (3, 3))),
        _sample(TensorType("f64", (2, 3, 2))),
        _sample(TensorType("f64", (2, 4))),
        _sample(TensorType("f32", (2, 1))),
    ),
)


# --- qr of a matrix at least as high as wide, packed: rows [column of Q | row of R] ---


def _infer_qr(x: TensorType) -> tuple[TensorType, ...]:
    _check_matrix("qr", x)
    *stack, m, n = x.shape
    if m < n:
        raise ShapeError(f"qr: {x} is wider than high")
    return (x.with_shape((*stack, n, m + n)),)


def _eval_qr(x: Any) -> Any:
    q, r = np.linalg.qr(x)
    return np.concatenate([np.swapaxes(q, -1, -2), r], -1)


def _factors(b: Builder, packed: Handle, m: int) -> tuple[Handle, Handle]:
    columns = transposed(b, packed)
    n = b.type_of(columns).shape[-1]
    return rows(b, columns, 0, m), transposed(b, rows(b, columns, m, m + n))


def _vjp_qr(b: Builder, g: Handle, operands: Operands, out: Handle) -> Handle:
    m = b.type_of(operands[0]).shape[-2]
    q, r = _factors(b, out, m)
    g_q, g_r = _factors(b, g, m)
    g_r_lower = triangle(b, transposed(b, g_r), 0)
    inner = b.sub(multiply(b, r, g_r_lower), multiply(b, transposed(b, g_q), q))
    doubled = halved_lower(b, inner)
    mirrored = b.add(doubled, transposed(b, doubled))
    total = b.add(g_q, multiply(b, q, mirrored))
    return transposed(b, b("solve", r, transposed(b, total)))


def _jvp_qr(b: Builder, g: Handle, operands: Operands, out: Handle) -> Handle:
    m = b.type_of(operands[0]).shape[-2]
    q, r = _factors(b, out, m)
    moved = transposed(b, b("solve", transposed(b, r), transposed(b, g)))
    inner = multiply(b, transposed(b, q), moved)
    turn = minus_transposed(b, triangle(b, inner, -1))
    d_q = b.add(multiply(b, q, turn), b.sub(moved, multiply(b, q, inner)))
    d_r = multiply(b, b.sub(inner, turn), r)
    return b.concatenate([transposed(b, d_q), d_r], len(b.type_of(out).shape) - 1)


_of_one(
    "qr",
    _infer_qr,
    _eval_qr,
    _vjp_qr,
    _jvp_qr,
    ("out",),
    (
        _sample(TensorType("f64", (3, 3))),
        _sample(TensorType("f64", (2, 3, 2))),
        _sample(TensorType("f32", (2, 1))),
    ),
)
