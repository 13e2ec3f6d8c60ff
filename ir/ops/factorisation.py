"""Linear systems, inverses, determinants and Cholesky factors of matrices, in the last two axes.

Each has one result: what belongs together is packed side by side into one array, and
`ir.functions.linalg` takes it apart. Where NumPy would read one triangle of a symmetric matrix,
the mean of both is read: then the rules are derivatives of what `eval` computes.

(Giles, Collected matrix derivative results, 2008; Murray, arXiv:1602.07527.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..builder import Builder, Handle
from ..errors import ShapeError
from ..matrix import (
    diagonal,
    halved_lower,
    identity,
    multiply,
    symmetric,
    transposed,
    triangle,
    upper_triangle,
)
from ..op import Op, Rule, Sample, register
from ..types import FLOATS, TensorType
from .elementwise import batch_same, check_dtype

Operands = tuple[Handle, ...]
_TRAITS = frozenset({"factorisation"})


def check_matrix(name: str, x: TensorType) -> None:
    check_dtype(name, x, FLOATS, hint="cast it first")
    if x.ndim < 2:
        raise ShapeError(f"{name}: {x} is no matrix or stack of matrices")


def check_square(name: str, x: TensorType) -> None:
    check_matrix(name, x)
    if x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"{name}: {x} must be batches of square matrices")


def sample(*types: TensorType, domain: tuple[float, float] = (-2.0, 2.0)) -> Sample:
    return Sample(types, domain=domain)


def of_one(
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
            batch=batch_same(name),
            saves=saves,
            emit=None,
            samples=samples,
        )
    )


# --- solve: the x with a x = c ---


def _infer_solve(a: TensorType, c: TensorType) -> tuple[TensorType, ...]:
    check_square("solve", a)
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
        batch=batch_same("solve"),
        saves=("0", "out"),
        emit=None,
        samples=tuple(
            Sample(
                (TensorType(d, (*s, n, n)), TensorType(d, (*s, n, k))), domain=((-3, 1), (-1, 1))
            )
            for d, s, n, k in (("f64", (), 2, 3), ("f64", (2,), 1, 2), ("f32", (), 1, 1))
        ),
    )
)


# --- solve_triangular: the same, for the upper or lower triangle of a ---


def _infer_triangular(a: TensorType, c: TensorType, *, upper: bool) -> tuple[TensorType, ...]:
    return _infer_solve(a, c)


def _eval_triangular(a: Any, c: Any, *, upper: bool) -> Any:
    return _eval_solve(np.triu(a) if upper else np.tril(a), c)


def _back(b: Builder, g: Handle, operands: Operands, upper: bool) -> Handle:
    return b("solve_triangular", transposed(b, operands[0]), g, upper=not upper)


def _read(b: Builder, x: Handle, upper: bool) -> Handle:
    """The triangle that counts."""
    return upper_triangle(b, x, 0) if upper else triangle(b, x, 0)


def _vjp_triangular_matrix(
    b: Builder, g: Handle, operands: Operands, out: Handle, *, upper: bool
) -> Handle:
    pulled = multiply(b, _back(b, g, operands, upper), transposed(b, out))
    return b.neg(_read(b, pulled, upper))


def _vjp_triangular_right(
    b: Builder, g: Handle, operands: Operands, out: Handle, *, upper: bool
) -> Handle:
    return _back(b, g, operands, upper)


def _jvp_triangular_matrix(
    b: Builder, g: Handle, operands: Operands, out: Handle, *, upper: bool
) -> Handle:
    pushed = multiply(b, _read(b, g, upper), out)
    return b.neg(b("solve_triangular", operands[0], pushed, upper=upper))


def _jvp_triangular_right(
    b: Builder, g: Handle, operands: Operands, out: Handle, *, upper: bool
) -> Handle:
    return b("solve_triangular", operands[0], g, upper=upper)


register(
    Op(
        name="solve_triangular",
        arity=2,
        traits=_TRAITS,
        infer=_infer_triangular,
        eval=_eval_triangular,
        vjp=(_vjp_triangular_matrix, _vjp_triangular_right),
        jvp=(_jvp_triangular_matrix, _jvp_triangular_right),
        batch=batch_same("solve_triangular"),
        saves=("0", "out"),
        emit=None,
        samples=tuple(
            Sample(
                (TensorType(d, (*s, n, n)), TensorType(d, (*s, n, k))),
                {"upper": upper},
                domain=((0.5, 2), (-1, 1)),
            )
            for d, s, n, k, upper in (
                ("f64", (), 3, 2, True),
                ("f64", (2,), 3, 1, False),
                ("f32", (), 2, 2, False),
                ("f32", (2,), 2, 1, True),
            )
        ),
    )
)


# --- slogdet, packed as [sign, log |det|] ---


def _infer_slogdet(x: TensorType) -> tuple[TensorType, ...]:
    check_square("slogdet", x)
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


of_one(
    "slogdet",
    _infer_slogdet,
    _eval_slogdet,
    _vjp_slogdet,
    _jvp_slogdet,
    ("0",),
    (
        sample(TensorType("f64", (3, 3))),
        sample(TensorType("f64", (2, 2, 2))),
        sample(TensorType("f32", (1, 1)), domain=(0.5, 2.0)),
    ),
)


# --- cholesky: the lower triangular L with L Lᵀ = x ---


def _infer_cholesky(x: TensorType) -> tuple[TensorType, ...]:
    check_square("cholesky", x)
    return (x,)


def _eval_cholesky(x: Any) -> Any:
    return np.linalg.cholesky((x + np.swapaxes(x, -1, -2)) / 2)


def _vjp_cholesky(b: Builder, g: Handle, operands: Operands, out: Handle) -> Handle:
    upper = transposed(b, out)
    inner = halved_lower(b, multiply(b, upper, triangle(b, g, 0)))
    left = b("solve_triangular", upper, inner, upper=True)
    return symmetric(b, b("solve_triangular", upper, transposed(b, left), upper=True))


def _jvp_cholesky(b: Builder, g: Handle, operands: Operands, out: Handle) -> Handle:
    left = b("solve_triangular", out, symmetric(b, g), upper=False)
    both = b("solve_triangular", out, transposed(b, left), upper=False)
    return multiply(b, out, halved_lower(b, both))


of_one(
    "cholesky",
    _infer_cholesky,
    _eval_cholesky,
    _vjp_cholesky,
    _jvp_cholesky,
    ("out",),
    (
        sample(TensorType("f64", (1, 1)), domain=(0.5, 2.0)),
        sample(TensorType("f32", (2, 1, 1)), domain=(0.5, 2.0)),
    ),
)


# --- pinv: the Moore-Penrose inverse; singular values up to tolerance · the largest count as 0 ---


def _infer_pinv(x: TensorType, *, tolerance: float) -> tuple[TensorType, ...]:
    check_matrix("pinv", x)
    *stack, m, n = x.shape
    return (x.with_shape((*stack, n, m)),)


def _eval_pinv(x: Any, *, tolerance: float) -> Any:
    return np.linalg.pinv(x, rcond=tolerance)


def _terms(b: Builder, x: Handle, inverse: Handle) -> tuple[Handle, Handle, Handle, Handle]:
    """P Pᵀ and Pᵀ P for the inverse P; and what of each side P does not see: I - x P and I - P x.

    The rank is taken to stay as it is: what counts as 0 is 0.
    """
    other = transposed(b, inverse)
    seen = multiply(b, x, inverse), multiply(b, inverse, x)
    left, right = (b.sub(identity(b, b.type_of(part)), part) for part in seen)
    return multiply(b, inverse, other), multiply(b, other, inverse), left, right


def _vjp_pinv(
    b: Builder, g: Handle, operands: Operands, out: Handle, *, tolerance: float
) -> Handle:
    outer, inner, left, right = _terms(b, operands[0], out)
    other, turned = transposed(b, out), transposed(b, g)
    pulled = b.neg(multiply(b, multiply(b, other, g), other))
    pulled = b.add(pulled, multiply(b, multiply(b, left, turned), outer))
    return b.add(pulled, multiply(b, multiply(b, inner, turned), right))


def _jvp_pinv(
    b: Builder, g: Handle, operands: Operands, out: Handle, *, tolerance: float
) -> Handle:
    outer, inner, left, right = _terms(b, operands[0], out)
    turned = transposed(b, g)
    pushed = b.neg(multiply(b, multiply(b, out, g), out))
    pushed = b.add(pushed, multiply(b, multiply(b, outer, turned), left))
    return b.add(pushed, multiply(b, multiply(b, right, turned), inner))


register(
    Op(
        name="pinv",
        arity=1,
        traits=_TRAITS,
        infer=_infer_pinv,
        eval=_eval_pinv,
        vjp=(_vjp_pinv,),
        jvp=(_jvp_pinv,),
        batch=batch_same("pinv"),
        saves=("0", "out"),
        emit=None,
        samples=tuple(
            Sample((TensorType(dtype, shape),), {"tolerance": 1e-6})
            for dtype, shape in (
                ("f64", (3, 3)),
                ("f64", (2, 3, 2)),
                ("f64", (2, 4)),
                ("f32", (2, 1)),
            )
        ),
    )
)
