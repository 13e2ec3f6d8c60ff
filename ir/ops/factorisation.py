"""Linear systems, determinants and Cholesky factors of matrices, in the last two axes.

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
            batch=_batch(name),
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
        batch=_batch("solve"),
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
    left = b("solve", upper, inner)
    return symmetric(b, b("solve", upper, transposed(b, left)))


def _jvp_cholesky(b: Builder, g: Handle, operands: Operands, out: Handle) -> Handle:
    left = b("solve", out, symmetric(b, g))
    both = b("solve", out, transposed(b, left))
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
