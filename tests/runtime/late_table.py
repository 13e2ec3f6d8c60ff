"""Operators that few programs need; importing this adds them to the table."""

from __future__ import annotations

from .family_table import Row, rows

X23 = (2, 3)

LATE: dict[str, Row] = {
    "angle": (lambda F, x: F.angle(x), X23),
    "frexp": (lambda F, x: F.frexp(x).mantissa, X23, {"smooth": False}),
    "polygamma 2": (lambda F, x: F.polygamma(2, x), X23, {"low": 0.6, "high": 2.5}),
    "polygamma 4": (lambda F, x: F.polygamma(4, x), X23, {"low": 0.6, "high": 2.5}),
    "frobenius_norm": (lambda F, x: F.frobenius_norm(x, (0, 1)), X23),
    "frobenius_norm dim": (lambda F, x: F.frobenius_norm(x, 1, True), X23),
    "nuclear_norm": (lambda F, x: F.nuclear_norm(x), X23),
    "norm_except_dim": (lambda F, x: F.norm_except_dim(x, 2, 1), (2, 3, 2)),
    "linalg.householder_product": (
        lambda F, x, t: F.linalg.householder_product(x, t),
        (2, 4, 3),
        (2, 3),
    ),
    "linalg.householder_product short": (
        lambda F, x, t: F.linalg.householder_product(x, t),
        (4, 3),
        (2,),
    ),
    "split_with_sizes": (lambda F, x: F.split_with_sizes(x, [1, 2], 1), X23),
    "unsafe_chunk": (lambda F, x: F.unsafe_chunk(x, 2, 1), X23),
    "nn.lp_pool3d": (
        lambda F, x: F.nn.functional.lp_pool3d(F.exp(x), 2, 2, 1),
        (1, 2, 3, 3, 2),
    ),
    "nn.upsample_nearest": (
        lambda F, x: F.nn.functional.upsample_nearest(x, scale_factor=2),
        (1, 2, 2, 3),
    ),
    "nn.upsample_bilinear": (
        lambda F, x: F.nn.functional.upsample_bilinear(x, size=(3, 4)),
        (1, 2, 2, 3),
    ),
    "nn.max_pool2d_with_indices": (
        lambda F, x: F.nn.functional.max_pool2d_with_indices(x, 2)[0],
        (1, 2, 4, 4),
    ),
    "nn.adaptive_max_pool1d_with_indices": (
        lambda F, x: F.nn.functional.adaptive_max_pool1d_with_indices(x, 2)[0],
        (1, 2, 5),
    ),
    "rnn_tanh_cell": (
        lambda F, x, h, w, u: F.rnn_tanh_cell(x, h, w, u),
        X23,
        (2, 4),
        (4, 3),
        (4, 4),
    ),
    "rnn_relu_cell": (
        lambda F, x, h, w, u, b, c: F.rnn_relu_cell(x, h, w, u, b, c),
        X23,
        (2, 4),
        (4, 3),
        (4, 4),
        (4,),
        (4,),
    ),
    "lstm_cell": (
        lambda F, x, h, m, w, u, b, c: F.lstm_cell(x, (h, m), w, u, b, c),
        X23,
        (2, 2),
        (2, 2),
        (8, 3),
        (8, 2),
        (8,),
        (8,),
    ),
    "gru_cell": (
        lambda F, x, h, w, u, b, c: F.gru_cell(x, h, w, u, b, c),
        X23,
        (2, 2),
        (6, 3),
        (6, 2),
        (6,),
        (6,),
    ),
    "igamma": (
        lambda F, x: F.igamma(F.vector([0.7, 2.0, 5.5]), F.exp(x)),
        X23,
        {"low": -1.0, "high": 2.0},
    ),
    "special.gammaincc": (
        lambda F, x: F.special.gammaincc(F.vector([0.1, 12.0, 40.0]), x),
        X23,
        {"low": 0.5, "high": 50.0},
    ),
    "special.spherical_bessel_j0": (lambda F, x: F.special.spherical_bessel_j0(x), X23),
    "special.zeta": (
        lambda F, s, q: F.special.zeta(s, q),
        X23,
        (3,),
        {"low": 1.3, "high": 4.0},
    ),
}
LATE |= {
    f"special.{name} {n}": (
        lambda F, x, name=name, n=n: getattr(F.special, name)(x, n),
        X23,
        {"low": 0.1, "high": 0.9},
    )
    for name in (
        *("chebyshev_polynomial_t", "chebyshev_polynomial_u", "chebyshev_polynomial_v"),
        *("chebyshev_polynomial_w", "hermite_polynomial_h", "hermite_polynomial_he"),
        *("laguerre_polynomial_l", "legendre_polynomial_p", "shifted_chebyshev_polynomial_t"),
    )
    for n in (0, 1, 4)
}
rows(LATE)
