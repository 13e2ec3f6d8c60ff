"""Operators as expressions that fusegrad and PyTorch both understand, with operands to try them on.

An expression is `f(F, *operands)`, where F is fusegrad or torch: its functions, `nn.functional`,
`linalg`, `special`, and `F.index(…)`, a tensor of integers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Shapes = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Case:
    """An expression, and operands for it: of `shapes`, uniform in [low, high]."""

    expression: Callable[..., Any]
    shapes: Shapes = ((2, 3),)
    low: float = -1.3
    high: float = 1.4
    smooth: bool = True  # whether differences tell the derivative
    order: int = 2  # how often it is differentiated in the tests

    def operands(self, seed: int = 0) -> list[np.ndarray]:
        rng = np.random.default_rng([seed, *map(len, self.shapes)])
        return [np.asarray(rng.uniform(self.low, self.high, shape)) for shape in self.shapes]


CASES: dict[str, Case] = {}
# What PyTorch's outputs of each case sum up to, for runs without it; written by
# `pytest tests/runtime/test_operators_against_pytorch.py -k written_down --update-golden`.
SUMS = Path(__file__).with_name("operator_sums.json")


def sum_of(outputs: list[np.ndarray]) -> float:
    """A number that tells whether the outputs of a case are right: a sum with different weights."""
    total = 0.0
    for number, x in enumerate(outputs):
        weights = 1.0 + np.sin(1.0 + number + np.arange(x.size)).reshape(x.shape)
        total += float(np.sum(np.where(np.isfinite(x), x, 7.0) * weights))
    return total


# PyTorch itself is exact to single precision only: by a series, by constants that are floats.
ROUGH = {"polygamma 1", "nn.hardsigmoid", "nn.celu alpha", "digamma"}


def case(name: str, expression: Callable[..., Any], *shapes: tuple[int, ...], **how: Any) -> None:
    assert name not in CASES, name
    CASES[name] = Case(expression, shapes or ((2, 3),), **how)


def _unary() -> None:
    anywhere = "neg abs sign floor ceil round trunc square exp expm1 exp2 sin cos sinh cosh tanh"
    anywhere += (
        " atan asinh erf erfc sigmoid relu sinc frac deg2rad rad2deg nan_to_num sgn positive"
    )
    for name in anywhere.split():
        case(name, lambda F, x, n=name: getattr(F, n)(x))
        case(f"{name}, 0-d", lambda F, x, n=name: getattr(F, n)(x), ())
    for name in [
        "sqrt",
        "rsqrt",
        "log",
        "log1p",
        "log2",
        "log10",
        "reciprocal",
        "lgamma",
        "digamma",
        "acosh",
    ]:
        low = 1.2 if name == "acosh" else 0.4
        case(name, lambda F, x, n=name: getattr(F, n)(x), low=low, high=2.5)
    for name in ["tan", "asin", "acos", "atanh"]:
        case(name, lambda F, x, n=name: getattr(F, n)(x), low=-0.8, high=0.8)
    case("logit", lambda F, x: F.logit(x), low=0.1, high=0.9)
    case("logit eps", lambda F, x: F.logit(x, 1e-6), low=0.1, high=0.9)
    case("polygamma 1", lambda F, x: F.polygamma(1, x), low=0.6, high=2.5)
    case("clamp", lambda F, x: F.clamp(x, -0.5, 0.6))
    case("clamp min", lambda F, x: F.clamp(x, min=-0.5))
    case("clamp tensors", lambda F, x, y, z: F.clamp(x, y, z), (2, 3), (3,), (2, 1))
    case("special.entr", lambda F, x: F.special.entr(x), low=0.2, high=2)
    case("special.ndtr", lambda F, x: F.special.ndtr(x))
    case("special.log_ndtr", lambda F, x: F.special.log_ndtr(x), low=-3)
    case("special.log_ndtr, far", lambda F, x: F.special.log_ndtr(x), low=-40, high=-13)
    case("special.xlog1py", lambda F, x, y: F.special.xlog1py(x, y), (2, 3), (3,), low=0.2)


def _binary() -> None:
    for name in [
        "add",
        "sub",
        "mul",
        "maximum",
        "minimum",
        "atan2",
        "hypot",
        "logaddexp",
        "logaddexp2",
        "fmax",
        "fmin",
    ]:
        case(name, lambda F, x, y, n=name: getattr(F, n)(x, y), (2, 3), (2, 3))
        case(f"{name}, broadcast", lambda F, x, y, n=name: getattr(F, n)(x, y), (2, 1), (3,))
    for name in ["div", "pow", "xlogy", "remainder", "fmod", "float_power"]:
        case(name, lambda F, x, y, n=name: getattr(F, n)(x, y), (2, 3), (2, 3), low=0.3)
        case(
            f"{name}, broadcast", lambda F, x, y, n=name: getattr(F, n)(x, y), (3,), (2, 1), low=0.3
        )
    case("copysign", lambda F, x, y: F.copysign(x, y), (2, 3), (3,))
    case("lerp", lambda F, x, y: F.lerp(x, y, 0.3), (2, 3), (3,))
    case("lerp tensor", lambda F, x, y, w: F.lerp(x, y, w), (2, 3), (3,), (2, 1))
    case("addcmul", lambda F, x, y, z: F.addcmul(x, y, z, value=0.5), (2, 3), (3,), (2, 1))
    case("addcdiv", lambda F, x, y, z: F.addcdiv(x, y, z, value=2), (2, 3), (3,), (2, 1), low=0.4)
    case("where", lambda F, x, y: F.where(x > 0, x, y), (2, 3), (3,))
    case("ldexp", lambda F, x, y: F.ldexp(x, y), (2, 3), (3,))
    case("logical_and", lambda F, x, y: F.logical_and(x > 0, y > 0), (2, 3), (3,))
    case("operators", lambda F, x, y: (2 - x) * y / (x * x + 3) - 1.5**x, (2, 3), (3,))


def _reductions() -> None:
    for name in [
        "sum",
        "mean",
        "var",
        "std",
        "amax",
        "amin",
        "prod",
        "logsumexp",
        "nansum",
        "nanmean",
    ]:
        if name != "logsumexp":
            case(name, lambda F, x, n=name: getattr(F, n)(x))
            case(f"{name}, 0-d", lambda F, x, n=name: getattr(F, n)(x), ()) if name not in (
                "var",
                "std",
            ) else None
        case(f"{name} dim", lambda F, x, n=name: getattr(F, n)(x, dim=1), (2, 3, 2))
        case(f"{name} keepdim", lambda F, x, n=name: getattr(F, n)(x, dim=0, keepdim=True), (3, 2))
    for name in ["max", "min"]:
        case(name, lambda F, x, n=name: getattr(F, n)(x))
        case(f"{name} dim", lambda F, x, n=name: getattr(F, n)(x, 1), (2, 3, 2))
        case(f"{name} keepdim", lambda F, x, n=name: getattr(F, n)(x, dim=-1, keepdim=True))
        case(f"{name} of two", lambda F, x, y, n=name: getattr(F, n)(x, y), (2, 3), (3,))
    case("sum dims", lambda F, x: F.sum(x, (0, 2)), (2, 3, 2))
    case("var correction", lambda F, x: F.var(x, dim=1, correction=0))
    case("std_mean", lambda F, x: F.std_mean(x, dim=1))
    case("var_mean", lambda F, x: F.var_mean(x, dim=1, keepdim=True))
    case("aminmax", lambda F, x: tuple(F.aminmax(x, dim=1)))
    case("norm", lambda F, x: F.norm(x))
    case("norm 1", lambda F, x: F.norm(x, 1, dim=1))
    case("norm 3", lambda F, x: F.norm(x, 3, dim=1, keepdim=True))
    case("norm inf", lambda F, x: F.norm(x, float("inf"), dim=1))
    case("dist", lambda F, x, y: F.dist(x, y, 2), (2, 3), (3,))
    case("median", lambda F, x: F.median(x), (5,))
    case("median dim", lambda F, x: F.median(x, 1), (3, 4))
    case("kthvalue", lambda F, x: F.kthvalue(x, 2, dim=1), (3, 4))
    case("sort", lambda F, x: F.sort(x, dim=0), (4, 2))
    case("sort descending", lambda F, x: F.sort(x, descending=True), (2, 5))
    case("msort", lambda F, x: F.msort(x), (4, 2))
    case("argsort", lambda F, x: F.argsort(x, dim=0), (4, 2))
    case("topk", lambda F, x: F.topk(x, 2), (2, 5))
    case("topk smallest", lambda F, x: F.topk(x, 2, dim=0, largest=False), (4, 2))
    for name in ["cumsum", "cumprod", "logcumsumexp"]:
        case(name, lambda F, x, n=name: getattr(F, n)(x, 1), (2, 5))
        case(f"{name}, 0-d", lambda F, x, n=name: getattr(F, n)(x, 0), ())
    for name in ["any", "all", "count_nonzero"]:
        case(name, lambda F, x, n=name: getattr(F, n)(x > 0))
        case(f"{name} dim", lambda F, x, n=name: getattr(F, n)(x > 0, 1))
    case("argmax", lambda F, x: F.argmax(x))
    case("argmin dim", lambda F, x: F.argmin(x, 1, keepdim=True))
    case("diff", lambda F, x: F.diff(x), (2, 4))


def _shapes() -> None:
    x34 = (3, 4)
    case("reshape", lambda F, x: F.reshape(x, (2, -1)), x34)
    case("permute", lambda F, x: F.permute(x, (2, 0, 1)), (2, 3, 2))
    case("t", lambda F, x: F.t(x))
    case("transpose", lambda F, x: F.transpose(x, 0, -1), (2, 3, 2))
    case("squeeze", lambda F, x: F.squeeze(x), (1, 3, 1))
    case("squeeze dim", lambda F, x: F.squeeze(x, 0), (1, 3, 1))
    case("unsqueeze", lambda F, x: F.unsqueeze(x, -1))
    case("flatten", lambda F, x: F.flatten(x, 1), (2, 3, 2))
    case("unflatten", lambda F, x: F.unflatten(x, 1, (2, -1)), x34)
    case("broadcast_to", lambda F, x: F.broadcast_to(x, (2, 3, 4)), (3, 1))
    case("repeat", lambda F, x: F.tile(x, (2, 1, 3)))
    case("repeat_interleave", lambda F, x: F.repeat_interleave(x, 2, dim=1))
    case("flip", lambda F, x: F.flip(x, (0, 1)))
    case("fliplr", lambda F, x: F.fliplr(x))
    case("rot90", lambda F, x: F.rot90(x))
    case("roll", lambda F, x: F.roll(x, 1))
    case("roll dims", lambda F, x: F.roll(x, (1, -1), (0, 1)))
    case("movedim", lambda F, x: F.movedim(x, (0, 1), (2, 0)), (2, 3, 2))
    case("swapaxes", lambda F, x: F.swapaxes(x, 0, 1))
    case("cat", lambda F, x, y: F.cat((x, y), 1), (2, 3), (2, 1))
    case("stack", lambda F, x, y: F.stack([x, y], dim=1), (2, 3), (2, 3))
    case("hstack", lambda F, x, y: F.hstack((x, y)), (2, 3), (2, 1))
    case("vstack", lambda F, x, y: F.vstack((x, y)), (3,), (2, 3))
    case("dstack", lambda F, x, y: F.dstack((x, y)), (2, 3), (2, 3))
    case("split", lambda F, x: F.split(x, 2, dim=1), x34)
    case("split uneven", lambda F, x: F.split(x, 2), (3, 2))
    case("split sizes", lambda F, x: F.split(x, [1, 3], dim=1), x34)
    case("chunk", lambda F, x: F.chunk(x, 2, dim=1), x34)
    case("tensor_split", lambda F, x: F.tensor_split(x, 2), (3, 2))
    case("unbind", lambda F, x: F.unbind(x))
    case("narrow", lambda F, x: F.narrow(x, 1, 1, 2), x34)
    case("select", lambda F, x: F.select(x, 1, -1), x34)
    case("tril", lambda F, x: F.tril(x, 1), x34)
    case("triu", lambda F, x: F.triu(x, -1), (2, 3, 3))
    case("diagonal", lambda F, x: F.diagonal(x, 1), x34)
    case("diag", lambda F, x: F.diag(x, 1), (3,))
    case("diag of matrix", lambda F, x: F.diag(x), x34)
    case("diag_embed", lambda F, x: F.diag_embed(x, -1))
    case("trace", lambda F, x: F.trace(x), x34)
    case("block_diag", lambda F, x, y: F.block_diag(x, y), (2, 3), (2, 1))
    case("hsplit", lambda F, x: F.hsplit(x, 2), x34)
    case("meshgrid", lambda F, x, y: tuple(F.meshgrid(x, y, indexing="ij")), (2,), (3,))
    case("broadcast_tensors", lambda F, x, y: tuple(F.broadcast_tensors(x, y)), (2, 1), (3,))


def _indices() -> None:
    at = [[0, 2, 1], [1, 1, 3]]
    case("gather", lambda F, x: F.gather(x, 1, F.index(at)), (2, 4))
    case("take", lambda F, x: F.take(x, F.index([[1, 5], [0, 0]])))
    case("take_along_dim", lambda F, x: F.take_along_dim(x, F.index([[1], [0]]), 1), (2, 4))
    case(
        "scatter",
        lambda F, x, y: F.scatter(x, 1, F.index([[0, 2, 1], [1, 0, 3]]), y),
        (2, 4),
        (2, 3),
    )
    case("scatter value", lambda F, x: F.scatter(x, 1, F.index(at), 2.0), (2, 4))
    case("scatter_add", lambda F, x, y: F.scatter_add(x, 1, F.index(at), y), (2, 4), (2, 3))
    case("index_select", lambda F, x: F.index_select(x, 1, F.index([2, 0, 2])))
    case(
        "index_add", lambda F, x, y: F.index_add(x, 0, F.index([1, 1]), y, alpha=2), (3, 2), (2, 2)
    )
    case("index_copy", lambda F, x, y: F.index_copy(x, 0, F.index([2, 0]), y), (3, 2), (2, 2))
    case("index_fill", lambda F, x: F.index_fill(x, 1, F.index([1]), 0.5))
    case("masked_fill", lambda F, x: F.masked_fill(x, x > 0, 0.5))
    case("masked_select", lambda F, x: F.masked_select(x, F.index([[1, 0, 1], [0, 1, 1]]) > 0))
    case("embedding", lambda F, w: F.nn.functional.embedding(F.index(at), w), (4, 2))


def _products() -> None:
    case("matmul", lambda F, x, y: F.matmul(x, y), (2, 3), (3, 2))
    case("matmul stack", lambda F, x, y: F.matmul(x, y), (2, 2, 3), (3, 2))
    case("mm", lambda F, x, y: F.mm(x, y), (2, 3), (3, 2))
    case("mv", lambda F, x, y: F.mv(x, y), (2, 3), (3,))
    case("dot", lambda F, x, y: F.dot(x, y), (3,), (3,))
    case("outer", lambda F, x, y: F.outer(x, y), (3,), (2,))
    case("bmm", lambda F, x, y: F.bmm(x, y), (2, 2, 3), (2, 3, 2))
    add = {"beta": 0.5, "alpha": 2}
    case("addmm", lambda F, x, y, z: F.addmm(x, y, z, **add), (2,), (3, 2), (2, 2))
    case("addmv", lambda F, x, y, z: F.addmv(x, y, z, **add), (3,), (3, 2), (2,))
    case("baddbmm", lambda F, x, y, z: F.baddbmm(x, y, z, **add), (2, 3, 2), (2, 3, 2), (2, 2, 2))
    case("addbmm", lambda F, x, y, z: F.addbmm(x, y, z, **add), (3, 2), (2, 3, 2), (2, 2, 2))
    case("addr", lambda F, x, y, z: F.addr(x, y, z, **add), (3, 2), (3,), (2,))
    case("einsum", lambda F, x, y: F.einsum("bij,bjk->ik", x, y), (2, 2, 3), (2, 3, 2))
    case("einsum diagonal", lambda F, x: F.einsum("ii->i", x), (3, 3))
    case("tensordot", lambda F, x, y: F.tensordot(x, y, 2), (2, 3, 2), (3, 2, 2))
    case("tensordot axes", lambda F, x, y: F.tensordot(x, y, ([0], [1])), (2, 3), (3, 2))
    case("inner", lambda F, x, y: F.inner(x, y), (2, 3), (2, 3))
    case("kron", lambda F, x, y: F.kron(x, y), (2, 2), (2, 3))
    case("cross", lambda F, x, y: F.cross(x, y, dim=1), (2, 3), (2, 3))
    case("cdist", lambda F, x, y: F.cdist(x, y), (2, 3), (4, 3))


def _spd(F: Any, x: Any) -> Any:
    return x @ F.transpose(x, -1, -2) + 2.0 * F.eye3


def _matrices() -> None:
    n = (3, 3)
    case("linalg.inv", lambda F, x: F.linalg.inv(_spd(F, x) + x), n)
    case("linalg.solve", lambda F, x, y: F.linalg.solve(_spd(F, x) + x, y), n, (3, 2))
    case("linalg.solve vector", lambda F, x, y: F.linalg.solve(_spd(F, x) + x, y), n, (3,))
    case("linalg.solve stack", lambda F, x, y: F.linalg.solve(_spd(F, x) + x, y), (2, 3, 3), (3, 2))
    case(
        "linalg.solve_triangular",
        lambda F, x, y: F.linalg.solve_triangular(F.tril(_spd(F, x)), y, upper=False),
        n,
        (3, 2),
    )
    case("linalg.cholesky", lambda F, x: F.linalg.cholesky(_spd(F, x)), n)
    case("linalg.cholesky stack", lambda F, x: F.linalg.cholesky(_spd(F, x)), (2, 3, 3))
    case(
        "cholesky_solve",
        lambda F, x, y: F.cholesky_solve(y, F.linalg.cholesky(_spd(F, x))),
        n,
        (3, 2),
    )
    case("linalg.qr", lambda F, x: tuple(F.linalg.qr(x)), (4, 3))
    case("linalg.qr wide", lambda F, x: tuple(F.linalg.qr(x))[1], (2, 3))
    case("linalg.eigh", lambda F, x: F.linalg.eigh(_spd(F, x))[0], n)
    case("linalg.eigh vectors", lambda F, x: F.linalg.eigh(_spd(F, x))[1] ** 2, n)
    case("linalg.eigvalsh", lambda F, x: F.linalg.eigvalsh(_spd(F, x)), n)
    case("linalg.svdvals", lambda F, x: F.linalg.svdvals(x), (3, 2))
    case("linalg.svd", lambda F, x: _squares(F.linalg.svd(x, full_matrices=False)), (2, 4))
    case("linalg.det", lambda F, x: F.linalg.det(x), n)
    case("linalg.det of 4", lambda F, x: F.linalg.det(x), (4, 4))
    case("linalg.slogdet", lambda F, x: tuple(F.linalg.slogdet(x)), (2, 3, 3))
    case("logdet", lambda F, x: F.logdet(_spd(F, x)), n)
    case("linalg.matrix_power", lambda F, x: F.linalg.matrix_power(x, 3), n)
    case("linalg.pinv", lambda F, x: F.linalg.pinv(x), (3, 2))
    case("linalg.norm", lambda F, x: F.linalg.norm(x))
    case("linalg.norm nuc", lambda F, x: F.linalg.norm(x, "nuc"), (3, 2))
    case("linalg.norm 2", lambda F, x: F.linalg.norm(x, 2), (3, 2))
    case("linalg.matrix_norm 1", lambda F, x: F.linalg.matrix_norm(x, 1), (2, 3, 2))
    case("linalg.vector_norm", lambda F, x: F.linalg.vector_norm(x, 3, dim=1))
    case(
        "linalg.multi_dot", lambda F, x, y, z: F.linalg.multi_dot((x, y, z)), (2, 3), (3, 2), (2, 3)
    )


def _squares(parts: Any) -> tuple[Any, ...]:
    """Factors up to sign."""
    u, s, vh = parts
    return u * u, s, vh * vh


for fill in (_unary, _binary, _reductions, _shapes, _indices, _products, _matrices):
    fill()


def compiled_names() -> list[str]:
    """The cases that can be compiled."""
    return sorted(CASES)


def outputs_of(result: Any) -> list[Any]:
    return list(result) if isinstance(result, tuple | list) else [result]
