"""Operators that are less common, as expressions; importing this adds them to the table.

A row is `name: (expression, shapes of the operands)`, perhaps with options of `case` at its end.
"""

from __future__ import annotations

from typing import Any

from .operator_table import case

Row = tuple[Any, ...]

X23 = (2, 3)
AT = [[0, 2, 1], [1, 1, 3]]
TIES = [[0, 0, 1], [2, 2, 2]]


def rows(table: dict[str, Row]) -> None:
    for name, (expression, *rest) in table.items():
        how = rest.pop() if rest and isinstance(rest[-1], dict) else {}
        case(name, expression, *rest, **how)


SPECIAL: dict[str, Row] = {
    "erfinv": (lambda F, x: F.erfinv(x), {"low": -0.95, "high": 0.95}),
    "erfinv far": (lambda F, x: F.erfinv(1 - F.exp(x)), {"low": -8, "high": -3}),
    "special.ndtri": (lambda F, x: F.special.ndtri(x), {"low": 0.01, "high": 0.99}),
    "special.erfcx": (lambda F, x: F.special.erfcx(x), {"low": -3, "high": 20}),
    "i0": (lambda F, x: F.i0(x), {"low": -9, "high": 9}),
    "special.i0e": (lambda F, x: F.special.i0e(x), {"low": 0.2, "high": 12}),
    "special.i1": (lambda F, x: F.special.i1(x), {"low": -3, "high": 9}),
    "special.i1e": (lambda F, x: F.special.i1e(x), {"low": 0.2, "high": 12}),
    "mvlgamma": (lambda F, x: F.mvlgamma(x, 3), {"low": 1.2, "high": 3}),
    "special.multigammaln": (
        lambda F, x: F.special.multigammaln(x, 2),
        {"low": 1.2, "high": 3},
    ),
    "fix": (lambda F, x: F.fix(x),),
    "rsub": (lambda F, x, y: F.rsub(x, y), X23, (3,)),
    "rsub number": (lambda F, x: F.rsub(x, 2, alpha=3),),
    "div floor": (lambda F, x, y: F.div(x, y, rounding_mode="floor"), X23, (3,)),
    "div trunc": (lambda F, x, y: F.div(x, y, rounding_mode="trunc"), X23, (3,)),
}
rows(SPECIAL)

STATISTICS: dict[str, Row] = {
    "quantile": (lambda F, x: F.quantile(x, 0.3),),
    "quantile dim": (lambda F, x: F.quantile(x, 0.7, dim=1, keepdim=True), (2, 5)),
    "quantile several": (lambda F, x: F.quantile(x, F.vector([0.0, 0.4, 1.0]), dim=0), (4, 2)),
    "quantile lower": (lambda F, x: F.quantile(x, 0.3, dim=1, interpolation="lower"), (2, 5)),
    "quantile higher": (lambda F, x: F.quantile(x, 0.3, 1, interpolation="higher"), (2, 5)),
    "quantile nearest": (lambda F, x: F.quantile(x, 0.3, 1, interpolation="nearest"), (2, 5)),
    "quantile midpoint": (lambda F, x: F.quantile(x, 0.3, 1, interpolation="midpoint"), (2, 5)),
    "nanquantile": (lambda F, x: F.nanquantile(F.log(x), 0.6, dim=1), (3, 5), {"low": -0.3}),
    "mode": (lambda F, x: F.mode(F.round(x * 2), 1), (3, 5), {"smooth": False}),
    "cov": (lambda F, x: F.cov(x), (3, 4)),
    "cov weights": (
        lambda F, x: F.cov(
            x, correction=0, fweights=F.index([1, 2, 1, 3]), aweights=F.vector([0.5, 1, 2, 1])
        ),
        (3, 4),
    ),
    "cov vector": (lambda F, x: F.cov(x), (4,)),
    "corrcoef": (lambda F, x: F.corrcoef(x), (3, 4)),
    "trapezoid": (lambda F, x: F.trapezoid(x, dx=0.5), (2, 4)),
    "trapezoid x": (lambda F, y, x: F.trapezoid(y, x), (2, 4), (2, 4)),
    "trapezoid dim": (lambda F, y, x: F.trapezoid(y, x, dim=0), (4, 2), (4,)),
    "cumulative_trapezoid": (lambda F, x: F.cumulative_trapezoid(x), (2, 4)),
    "cumulative_trapezoid x": (lambda F, y, x: F.cumulative_trapezoid(y, x), (2, 4), (2, 4)),
    "gradient": (lambda F, x: F.gradient(x), (3, 4)),
    "gradient edge": (lambda F, x: F.gradient(x, spacing=0.5, dim=1, edge_order=2), (3, 4)),
    "gradient places": (
        lambda F, x: F.gradient(x, spacing=[F.vector([0, 1, 3, 4.5])], dim=1, edge_order=2),
        (3, 4),
    ),
    "vander": (lambda F, x: F.vander(x), (3,)),
    "vander increasing": (lambda F, x: F.vander(x, 2, increasing=True), (3,)),
    "linalg.vander": (lambda F, x: F.linalg.vander(x), X23),
    "renorm": (lambda F, x: F.renorm(x, 2, 0, 0.8), (3, 2)),
}
rows(STATISTICS)

for _how in ["sum", "prod", "mean", "amax", "amin"]:
    for _self in [True, False]:
        rows(
            {
                f"scatter_reduce {_how} {_self}": (
                    lambda F, x, y, h=_how, s=_self: F.scatter_reduce(
                        x, 1, F.index(TIES), y, h, include_self=s
                    ),
                    (2, 4),
                    (2, 3),
                )
            }
        )
for _how in ["prod", "mean", "amax", "amin"]:
    rows(
        {
            f"index_reduce {_how}": (
                lambda F, x, y, h=_how: F.index_reduce(x, 0, F.index([1, 0, 1]), y, h),
                (3, 2),
                (3, 2),
            )
        }
    )

PLACING: dict[str, Row] = {
    "index_put": (
        lambda F, x, y: F.index_put(x, (F.index([0, 1]), F.index([2, 0])), y),
        X23,
        (2,),
    ),
    "index_put accumulate": (
        lambda F, x, y: F.index_put(x, (F.index([1, 1, 0]),), y, True),
        X23,
        (3, 3),
    ),
    "put": (lambda F, x, y: F.put(x, F.index([[0, 4]]), y), X23, (1, 2)),
    "put accumulate": (lambda F, x, y: F.put(x, F.index([1, -2, 1]), y, True), X23, (3,)),
    "select_scatter": (lambda F, x, y: F.select_scatter(x, y, 1, -1), X23, (2,)),
    "slice_scatter": (lambda F, x, y: F.slice_scatter(x, y, 1, 0, 4, 2), (2, 5), (2, 2)),
    "diagonal_scatter": (lambda F, x, y: F.diagonal_scatter(x, y, 1), (2, 4), (2,)),
    "diagonal_scatter below": (
        lambda F, x, y: F.diagonal_scatter(x, y, -1, 2, 0),
        (2, 2, 4),
        (2, 2),
    ),
    "diag_embed dims": (lambda F, x: F.diag_embed(x, 1, 2, 0), X23),
    "atleast_1d": (lambda F, x: F.atleast_1d(x), ()),
    "atleast_2d": (lambda F, x, y: tuple(F.atleast_2d(x, y)), (3,), X23),
    "atleast_3d": (lambda F, x: F.atleast_3d(x), (3,)),
    "cartesian_prod": (lambda F, x, y: F.cartesian_prod(x, y), (2,), (3,)),
    "combinations": (lambda F, x: F.combinations(x), (4,)),
    "combinations 3": (lambda F, x: F.combinations(x, 3, True), (3,)),
}
rows(PLACING)

MATRICES: dict[str, Row] = {
    "linalg.matrix_exp": (lambda F, x: F.linalg.matrix_exp(x), (3, 3)),
    "linalg.matrix_exp stack": (lambda F, x: F.linalg.matrix_exp(x * 6), (2, 3, 3)),
    "linalg.lstsq": (lambda F, x, y: F.linalg.lstsq(x, y)[0], (4, 2), (4, 3)),
    "linalg.lstsq all": (
        lambda F, x, y: tuple(F.linalg.lstsq(x, y, driver="gelsd"))[:2],
        (4, 2),
        (4, 3),
    ),
    "linalg.tensorinv": (lambda F, x: F.linalg.tensorinv(x.reshape(4, 2, 2), 1), (4, 4)),
    "linalg.tensorsolve": (
        lambda F, x, y: F.linalg.tensorsolve(x.reshape(2, 2, 4), y),
        (4, 4),
        (2, 2),
    ),
    "cholesky_inverse": (
        lambda F, x: F.cholesky_inverse(F.tril(x) + 2.0 * F.eye3),
        (3, 3),
    ),
    "chain_matmul": (lambda F, x, y, z: F.chain_matmul(x, y, z), X23, (3, 2), X23),
    "pinverse": (lambda F, x: F.pinverse(x), (3, 2)),
}
rows(MATRICES)
