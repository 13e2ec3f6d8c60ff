"""eigh, svd and qr, each packed into one array, which `ir.functions.linalg` takes apart.

(Giles, Collected matrix derivative results, 2008; Townsend, Differentiating the singular value
decomposition, 2016; for qr Walter & Lehmann, arXiv:1009.6112.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..builder import Builder, Handle
from ..errors import ShapeError
from ..matrix import (
    diagonal,
    divide_apart,
    divide_or_zero,
    halved_lower,
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
from ..types import TensorType
from .factorisation import Operands, check_matrix, check_square, of_one, sample
from .late import late

# --- eigh, packed: the eigenvalues as a first row, and below it the vectors as columns ---


def _infer_eigh(x: TensorType) -> tuple[TensorType, ...]:
    check_square("eigh", x)
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


of_one(
    "eigh",
    _infer_eigh,
    _eval_eigh,
    _vjp_eigh,
    _jvp_eigh,
    ("out",),
    (
        sample(TensorType("f64", (3, 3))),
        sample(TensorType("f64", (2, 2, 2))),
        sample(TensorType("f32", (2, 2))),
    ),
)


# --- svd of k singular values, packed: k rows [column of U | singular value | row of Vᵀ] ---


def _infer_svd(x: TensorType) -> tuple[TensorType, ...]:
    check_matrix("svd", x)
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
    turn_u = _turning(b, multiply(b, transposed(b, u), g_u), squares)
    turn_v = _turning(b, multiply(b, transposed(b, v), g_v), squares)
    inner = b.add(scale_columns(b, turn_u, s), scale_rows(b, turn_v, s))
    inner = b.add(inner, on_diagonal(b, g_s))
    result = multiply(b, multiply(b, u, inner), transposed(b, v))
    if m > n:
        rest = _outside(b, _divide_columns(b, g_u, s), u)
        result = b.add(result, multiply(b, rest, transposed(b, v)))
    if n > m:
        rest = _outside(b, _divide_columns(b, g_v, s), v)
        result = b.add(result, multiply(b, u, transposed(b, rest)))
    return result


def _turning(b: Builder, x: Handle, squares: Handle) -> Handle:
    """(x - xᵀ)_ij / (squares_j - squares_i), where the two parts do not cancel for equal squares.

    There the vectors are not determined, and what depends on them has no derivative that could be
    told from theirs.
    """
    part = divide_apart(b, x, squares)
    return b.add(part, transposed(b, part))


def _divide_columns(b: Builder, x: Handle, row: Handle) -> Handle:
    """Columns over the singular values; a column of zeros stays."""
    return divide_or_zero(b, x, b.broadcast(row, b.type_of(x).shape))


def _jvp_svd(b: Builder, g: Handle, operands: Operands, out: Handle) -> Handle:
    m, n = b.type_of(operands[0]).shape[-2:]
    u, s, v = _singular(b, out, m)
    squares = b.mul(s, s)
    change = multiply(b, multiply(b, transposed(b, u), g), v)
    other = transposed(b, change)
    for_u = (scale_columns(b, change, s), scale_rows(b, other, s))
    for_v = (scale_rows(b, change, s), scale_columns(b, other, s))
    d_u = multiply(b, u, b.add(*(divide_apart(b, part, squares) for part in for_u)))
    d_v = multiply(b, v, b.add(*(divide_apart(b, part, squares) for part in for_v)))
    if m > n:
        d_u = b.add(d_u, _divide_columns(b, _outside(b, multiply(b, g, v), u), s))
    if n > m:
        pushed = multiply(b, transposed(b, g), u)
        d_v = b.add(d_v, _divide_columns(b, _outside(b, pushed, v), s))
    d_s = b.reshape(diagonal(b, change), b.type_of(s).shape)
    return transposed(b, b.concatenate([d_u, d_s, d_v], len(b.type_of(out).shape) - 2))


of_one(
    "svd",
    _infer_svd,
    _eval_svd,
    _vjp_svd,
    _jvp_svd,
    ("out",),
    (
        sample(TensorType("f64", (3, 3))),
        sample(TensorType("f64", (2, 3, 2))),
        sample(TensorType("f64", (2, 4))),
        sample(TensorType("f32", (2, 1))),
    ),
)


# --- the values alone: `ir.passes.narrow` makes these, after all derivatives ---


def _infer_eigvalsh(x: TensorType) -> tuple[TensorType, ...]:
    check_square("eigvalsh", x)
    *stack, n, _ = x.shape
    return (x.with_shape((*stack, 1, n)),)


def _eval_eigvalsh(x: Any) -> Any:
    return np.linalg.eigvalsh((x + np.swapaxes(x, -1, -2)) / 2)[..., None, :]


def _infer_svdvals(x: TensorType) -> tuple[TensorType, ...]:
    check_matrix("svdvals", x)
    return (x.with_shape((*x.shape[:-2], min(x.shape[-2:]), 1)),)


def _eval_svdvals(x: Any) -> Any:
    return np.linalg.svd(x, compute_uv=False)[..., None]


late("eigvalsh", 1, ("factorisation",), _infer_eigvalsh, _eval_eigvalsh, "of eigh")
late("svdvals", 1, ("factorisation",), _infer_svdvals, _eval_svdvals, "of svd")


# --- qr of a matrix at least as high as wide, packed: rows [column of Q | row of R] ---


def _infer_qr(x: TensorType) -> tuple[TensorType, ...]:
    check_matrix("qr", x)
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
    return transposed(b, b("solve_triangular", r, transposed(b, total), upper=True))


def _jvp_qr(b: Builder, g: Handle, operands: Operands, out: Handle) -> Handle:
    m = b.type_of(operands[0]).shape[-2]
    q, r = _factors(b, out, m)
    moved = transposed(b, b("solve_triangular", transposed(b, r), transposed(b, g), upper=False))
    inner = multiply(b, transposed(b, q), moved)
    turn = minus_transposed(b, triangle(b, inner, -1))
    d_q = b.add(multiply(b, q, turn), b.sub(moved, multiply(b, q, inner)))
    d_r = multiply(b, b.sub(inner, turn), r)
    return b.concatenate([transposed(b, d_q), d_r], len(b.type_of(out).shape) - 1)


of_one(
    "qr",
    _infer_qr,
    _eval_qr,
    _vjp_qr,
    _jvp_qr,
    ("out",),
    (
        sample(TensorType("f64", (3, 3))),
        sample(TensorType("f64", (2, 3, 2))),
        sample(TensorType("f32", (2, 1))),
    ),
)
