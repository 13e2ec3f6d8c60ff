"""Operators as PyTorch's own samples call them; importing this adds them to the table."""

from __future__ import annotations

from .family_table import Row, rows

X23 = (2, 3)
TEXTS = [[1, 2, 0], [2, 2, 1]]

FACTORS: dict[str, Row] = {
    "linalg.lu": (lambda F, x: F.linalg.lu(x)[1:], (4, 4)),
    "linalg.lu wide": (lambda F, x: F.linalg.lu(x)[1:], (2, 2, 4)),
    "linalg.lu tall": (lambda F, x: F.linalg.lu(x)[1:], (4, 3)),
    "linalg.lu_factor": (lambda F, x: F.linalg.lu_factor(x).LU, (2, 3, 3)),
    "linalg.lu_solve": (
        lambda F, x, y: F.linalg.lu_solve(*F.linalg.lu_factor(x), y),
        (3, 3),
        (3, 2),
    ),
    "linalg.lu_solve adjoint": (
        lambda F, x, y: F.linalg.lu_solve(*F.linalg.lu_factor(x), y, adjoint=True),
        (2, 3, 3),
        (3, 2),
    ),
    "linalg.lu_solve right": (
        lambda F, x, y: F.linalg.lu_solve(*F.linalg.lu_factor(x), y, left=False),
        (3, 3),
        (2, 3),
    ),
    "lu_unpack": (lambda F, x: F.lu_unpack(*F.linalg.lu_factor(x))[1:], (3, 3)),
    "linalg.inv_ex": (lambda F, x: F.linalg.inv_ex(x).inverse, (3, 3)),
    "linalg.solve_ex": (lambda F, x, y: F.linalg.solve_ex(x, y).result, (3, 3), (3,)),
    "linalg.cholesky_ex": (
        lambda F, x: F.linalg.cholesky_ex(x @ x.mT + F.eye3).L,
        (3, 3),
    ),
    "linalg.matrix_power 0": (lambda F, x: F.linalg.matrix_power(x, 0), (3, 3), {"smooth": False}),
}
rows(FACTORS)

LAYERS: dict[str, Row] = {
    "nn.ctc_loss": (
        lambda F, x: F.nn.functional.ctc_loss(
            F.nn.functional.log_softmax(x, 2), F.index(TEXTS), F.index([6, 5]), F.index([2, 3])
        ),
        (6, 2, 3),
    ),
    "nn.ctc_loss none": (
        lambda F, x: F.nn.functional.ctc_loss(
            F.nn.functional.log_softmax(x, 2),
            F.index([1, 2, 2, 2]),
            F.index([6, 2]),
            F.index([1, 3]),
            reduction="none",
            zero_infinity=True,
        ),
        (6, 2, 3),
    ),
    "nn.embedding_bag": (
        lambda F, w: F.nn.functional.embedding_bag(
            F.index([0, 2, 2, 1]), w, F.index([0, 0, 3]), mode="mean"
        ),
        (4, 3),
    ),
    "nn.embedding_bag sum": (
        lambda F, w, p: F.nn.functional.embedding_bag(
            F.index([[0, 2], [3, 0]]), w, mode="sum", per_sample_weights=p, padding_idx=3
        ),
        (4, 3),
        (2, 2),
    ),
    "nn.embedding_bag max": (
        lambda F, w: F.nn.functional.embedding_bag(F.index([[0, 2], [1, 3]]), w, mode="max"),
        (4, 3),
    ),
    "nn.softplus threshold": (
        lambda F, x: F.nn.functional.softplus(x, beta=2, threshold=0.3),
        X23,
    ),
    "nn.gaussian_nll_loss by row": (
        lambda F, x, y, v: F.nn.functional.gaussian_nll_loss(x, y, F.exp(v)),
        X23,
        X23,
        (2,),
    ),
    "nn.pad reflect cut": (
        lambda F, x: F.nn.functional.pad(x, (-1, 2), mode="reflect"),
        (2, 3, 4),
    ),
    "nn.pad replicate cut": (
        lambda F, x: F.nn.functional.pad(x, (3, -2), mode="replicate"),
        (2, 3, 4),
    ),
    "nn.conv_transpose1d far": (
        lambda F, x, w: F.nn.functional.conv_transpose1d(x, w, padding=2, stride=2),
        (1, 2, 4),
        (2, 3, 2),
    ),
}
rows(LAYERS)

OTHERS: dict[str, Row] = {
    "as_strided": (lambda F, x: F.as_strided(x, (2, 2), (1, 2), 1), X23),
    "as_strided twice": (lambda F, x: F.as_strided(x, (3, 3), (2, 1)), (8,)),
    "flip nothing": (lambda F, x: F.flip(x, ()), X23),
    "squeeze nothing": (lambda F, x: F.squeeze(x, ()) * 2, (1, 3)),
    "diff around": (
        lambda F, x, y, z: F.diff(x, 2, 1, y, z),
        X23,
        (2, 1),
        (2, 2),
    ),
    "round decimals": (lambda F, x: F.round(x, decimals=2), X23, {"smooth": False}),
    "sort, 0-d": (lambda F, x: F.sort(x, 0), ()),
    "topk, 0-d": (lambda F, x: F.topk(x, 1), ()),
    "softmax, 0-d": (lambda F, x: F.softmax(x, 0), ()),
    "index_add, 0-d": (lambda F, x, y: F.index_add(x, 0, F.index([0]), y), (), ()),
    "gather, 0-d": (lambda F, x: F.gather(x, 0, F.index(0)), ()),
    "take_along_dim negative": (lambda F, x: F.take_along_dim(x, F.index([[-1, 0]]), 1), X23),
    "norm nuc": (lambda F, x: F.norm(x, "nuc"), X23),
}
rows(OTHERS)

PLACED: dict[str, Row] = {
    "scatter several": (
        lambda F, x, y: F.scatter(x, 1, F.index([[0, 0, 2], [1, 1, 1]]), y),
        X23,
        X23,
    ),
    "index_copy several": (lambda F, x, y: F.index_copy(x, 1, F.index([2, 0, 2]), y), X23, X23),
    "index_copy rows": (lambda F, x, y: F.index_copy(x, 0, F.index([1, 3]), y), (4, 2), (2, 2)),
    "index_copy of a row": (
        lambda F, x, y: F.index_copy(x.reshape(6), 0, F.index([5, 0, 5]), y),
        X23,
        (3,),
    ),
    "lu_solve stacks": (
        lambda F, x, y: F.linalg.lu_solve(*F.linalg.lu_factor(x), y),
        (2, 1, 3, 3),
        (3, 3, 2),
    ),
    "mode keepdim": (lambda F, x: F.mode(x, 0, True), (4, 2)),
    "nn.embedding_bag last offset": (
        lambda F, w: F.nn.functional.embedding_bag(
            F.index([0, 2, 2, 1]), w, F.index([0, 1, 4]), mode="sum", include_last_offset=True
        ),
        (4, 3),
    ),
}
rows(PLACED)
