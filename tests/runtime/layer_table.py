"""Operators of `nn.functional` as expressions; importing this adds them to the table.

A row is `name: (expression, shapes of the operands)`, perhaps with options of `case` at its end. An
expression is `f(nn, F, *operands)`, where nn is F.nn.functional.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .operator_table import case

Row = tuple[Any, ...]

PAIR = ((2, 3), (2, 3))
LABELS = [0, 2, 1, 1]
SIGNS = [1, -1, 1]
IMAGE = (1, 2, 4, 5)


def _with(expression: Callable[..., Any]) -> Callable[..., Any]:
    return lambda F, *operands: expression(F.nn.functional, F, *operands)


def rows(table: dict[str, Row]) -> None:
    for name, (expression, *rest) in table.items():
        how = rest.pop() if rest and isinstance(rest[-1], dict) else {}
        case(f"nn.{name}", _with(expression), *rest, **how)


# --- activations ---

PLAIN = "relu sigmoid tanh logsigmoid softplus silu gelu leaky_relu elu celu selu mish relu6"
PLAIN += " hardtanh hardsigmoid hardswish softsign tanhshrink softshrink hardshrink rrelu"

for _name in PLAIN.split():
    rows({_name: (lambda nn, F, x, n=_name: getattr(nn, n)(x), {"low": -4, "high": 4})})
for _name in ["softmax", "log_softmax", "softmin"]:
    rows({_name: (lambda nn, F, x, n=_name: getattr(nn, n)(x, dim=1),)})
case("softmax", lambda F, x: F.softmax(x, 0))

ACTIVATIONS: dict[str, Row] = {
    "gelu tanh": (lambda nn, F, x: nn.gelu(x, approximate="tanh"),),
    "threshold": (lambda nn, F, x: nn.threshold(x, 0.1, 0.5),),
    "glu": (lambda nn, F, x: nn.glu(x), (2, 4)),
    "prelu": (lambda nn, F, x, w: nn.prelu(x, w), (2, 3), (3,)),
    "celu alpha": (lambda nn, F, x: nn.celu(x, 0.7),),
    "softplus beta": (lambda nn, F, x: nn.softplus(x, beta=2),),
    "relu inplace": (lambda nn, F, x: nn.relu(x * 2, inplace=True),),
    "elu inplace": (lambda nn, F, x: nn.elu(x * 2, 0.5, True),),
}
rows(ACTIVATIONS)

# --- losses ---

for _name in ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"]:
    for _how in ["mean", "sum", "none"]:
        rows(
            {
                f"{_name} {_how}": (
                    lambda nn, F, x, y, n=_name, h=_how: getattr(nn, n)(x, y, reduction=h),
                    *PAIR,
                )
            }
        )

LOSSES: dict[str, Row] = {
    "margin_ranking_loss": (
        lambda nn, F, x, y: nn.margin_ranking_loss(x, y, F.index(SIGNS), 0.3),
        (3,),
        (3,),
    ),
    "soft_margin_loss": (lambda nn, F, x: nn.soft_margin_loss(x, F.index(SIGNS)), (3,)),
    "hinge_embedding_loss": (lambda nn, F, x: nn.hinge_embedding_loss(x, F.index(SIGNS)), (3,)),
    "poisson_nll_loss": (lambda nn, F, x, y: nn.poisson_nll_loss(x, y), *PAIR),
    "multilabel_soft_margin_loss": (
        lambda nn, F, x, y: nn.multilabel_soft_margin_loss(x, y),
        *PAIR,
    ),
    "gaussian_nll_loss": (
        lambda nn, F, x, y, v: nn.gaussian_nll_loss(x, y, v),
        *PAIR,
        (2, 3),
        {"low": 0.2},
    ),
    "binary_cross_entropy": (
        lambda nn, F, x, y: nn.binary_cross_entropy(x, y),
        *PAIR,
        {"low": 0.1, "high": 0.9},
    ),
    "bce_with_logits": (lambda nn, F, x, y: nn.binary_cross_entropy_with_logits(x, y), *PAIR),
    "kl_div": (lambda nn, F, x, y: nn.kl_div(x, y, reduction="batchmean"), *PAIR, {"low": 0.1}),
    "kl_div log": (lambda nn, F, x, y: nn.kl_div(x, y, reduction="sum", log_target=True), *PAIR),
    "cosine_similarity": (lambda nn, F, x, y: nn.cosine_similarity(x, y), *PAIR),
    "pairwise_distance": (lambda nn, F, x, y: nn.pairwise_distance(x, y), *PAIR),
    "cosine_embedding_loss": (
        lambda nn, F, x, y: nn.cosine_embedding_loss(x, y, F.index([1, -1])),
        *PAIR,
    ),
    "triplet_margin_loss": (
        lambda nn, F, x, y, z: nn.triplet_margin_loss(x, y, z),
        *PAIR,
        (2, 3),
    ),
    "triplet_margin_with_distance_loss": (
        lambda nn, F, x, y, z: nn.triplet_margin_with_distance_loss(x, y, z, swap=True),
        *PAIR,
        (2, 3),
    ),
    "multi_margin_loss": (lambda nn, F, x: nn.multi_margin_loss(x, F.index(LABELS)), (4, 3)),
    "multi_margin_loss weight": (
        lambda nn, F, x: nn.multi_margin_loss(
            x, F.index(LABELS), p=2, weight=F.vector([0.5, 1, 2]), reduction="none"
        ),
        (4, 3),
    ),
    "multi_margin_loss unbatched": (
        lambda nn, F, x: nn.multi_margin_loss(x, F.index(1), reduction="none"),
        (3,),
    ),
    "multilabel_margin_loss": (
        lambda nn, F, x: nn.multilabel_margin_loss(x, F.index([[0, 2, -1, 1], [3, -1, 2, 2]])),
        (2, 4),
    ),
    "cross_entropy": (lambda nn, F, x: nn.cross_entropy(x, F.index(LABELS)), (4, 3)),
    "cross_entropy sum": (
        lambda nn, F, x: nn.cross_entropy(x, F.index(LABELS), reduction="sum"),
        (4, 3),
    ),
    "cross_entropy smooth": (
        lambda nn, F, x: nn.cross_entropy(x, F.index(LABELS), label_smoothing=0.2),
        (4, 3),
    ),
    "cross_entropy weight": (
        lambda nn, F, x: nn.cross_entropy(x, F.index(LABELS), F.vector([0.5, 1, 2])),
        (4, 3),
    ),
    "cross_entropy weight, smooth, ignore": (
        lambda nn, F, x: nn.cross_entropy(
            x, F.index([0, -100, 1, 1]), F.vector([0.5, 1, 2]), label_smoothing=0.1
        ),
        (4, 3),
    ),
    "cross_entropy ignore": (
        lambda nn, F, x: nn.cross_entropy(x, F.index([0, -100, 1, 1])),
        (4, 3),
    ),
    "cross_entropy image": (
        lambda nn, F, x: nn.cross_entropy(x, F.index([[0, 2], [1, 1]])),
        (2, 3, 2),
    ),
    "cross_entropy probabilities": (
        lambda nn, F, x, y: nn.cross_entropy(x, F.softmax(y, 1)),
        (4, 3),
        (4, 3),
    ),
    "cross_entropy probabilities, weight": (
        lambda nn, F, x, y: nn.cross_entropy(x, F.softmax(y, 1), F.vector([0.5, 1, 2])),
        (4, 3),
        (4, 3),
    ),
    "nll_loss": (lambda nn, F, x: nn.nll_loss(x, F.index(LABELS)), (4, 3)),
}
rows(LOSSES)

# --- layers ---

LAYERS: dict[str, Row] = {
    "attention": (
        lambda nn, F, q, k, v: nn.scaled_dot_product_attention(q, k, v),
        (2, 3, 4),
        (2, 5, 4),
        (2, 5, 2),
    ),
    "attention causal": (
        lambda nn, F, q, k, v: nn.scaled_dot_product_attention(q, k, v, is_causal=True),
        (3, 4),
        (3, 4),
        (3, 2),
    ),
    "linear": (lambda nn, F, x, w, b: nn.linear(x, w, b), (2, 3), (4, 3), (4,)),
    "bilinear": (
        lambda nn, F, x, y, w, b: nn.bilinear(x, y, w, b),
        (2, 3),
        (2, 2),
        (4, 3, 2),
        (4,),
    ),
    "layer_norm": (lambda nn, F, x, w, b: nn.layer_norm(x, (3,), w, b), (2, 3), (3,), (3,)),
    "rms_norm": (lambda nn, F, x, w: nn.rms_norm(x, (3,), w, 1e-5), (2, 3), (3,)),
    "group_norm": (lambda nn, F, x, w, b: nn.group_norm(x, 2, w, b), (2, 4, 3), (4,), (4,)),
    "instance_norm": (lambda nn, F, x: nn.instance_norm(x), (2, 2, 4)),
    "batch_norm": (
        lambda nn, F, x, w, b: nn.batch_norm(x, None, None, w, b, True),
        (4, 3),
        (3,),
        (3,),
    ),
    "batch_norm fixed": (
        lambda nn, F, x, w: nn.batch_norm(x, F.vector([0.1, 0.2, 0.3]), F.vector([1.0, 2, 3]), w),
        (4, 3),
        (3,),
    ),
    "normalize": (lambda nn, F, x: nn.normalize(x),),
    "local_response_norm": (lambda nn, F, x: nn.local_response_norm(x, 3, 0.1), (2, 4, 3)),
}
rows(LAYERS)

WINDOWS: dict[str, Row] = {
    "conv1d": (
        lambda nn, F, x, w, b: nn.conv1d(x, w, b, padding=1),
        (2, 2, 5),
        (3, 2, 3),
        (3,),
    ),
    "conv2d": (lambda nn, F, x, w: nn.conv2d(x, w), (1, 2, 4, 4), (2, 2, 3, 2)),
    "conv2d strided": (
        lambda nn, F, x, w: nn.conv2d(x, w, stride=2, padding=1, groups=2),
        (1, 2, 5, 4),
        (2, 1, 3, 3),
    ),
    "conv2d dilated": (
        lambda nn, F, x, w: nn.conv2d(x, w, dilation=(2, 1)),
        (1, 1, 5, 3),
        (1, 1, 2, 2),
    ),
    "conv_transpose1d": (
        lambda nn, F, x, w: nn.conv_transpose1d(x, w, groups=2),
        (1, 2, 3),
        (2, 2, 2),
    ),
    "conv_transpose2d": (
        lambda nn, F, x, w: nn.conv_transpose2d(x, w, stride=2, padding=1, output_padding=1),
        (1, 2, 3, 2),
        (2, 1, 3, 3),
    ),
    "conv_transpose3d": (
        lambda nn, F, x, w: nn.conv_transpose3d(x, w),
        (1, 1, 2, 1, 2),
        (1, 2, 1, 2, 2),
    ),
    "pad": (lambda nn, F, x: nn.pad(x, (1, 2, 0, 1), value=0.5),),
    "pad negative": (lambda nn, F, x: nn.pad(x, (-1, 1)),),
    "pad reflect": (lambda nn, F, x: nn.pad(x, (1, 2), mode="reflect"), (1, 2, 4)),
    "pad replicate": (lambda nn, F, x: nn.pad(x, (1, 2), mode="replicate"), (1, 2, 4)),
    "pad circular": (lambda nn, F, x: nn.pad(x, (1, 2), mode="circular"), (1, 2, 4)),
    "unfold": (lambda nn, F, x: nn.unfold(x, 2, padding=1, stride=2), IMAGE),
    "unfold dilated": (lambda nn, F, x: nn.unfold(x, (2, 3), dilation=(2, 1)), IMAGE),
    "fold": (
        lambda nn, F, x: nn.fold(x, (4, 5), (2, 3), padding=1, stride=(2, 1), dilation=(1, 2)),
        (1, 12, 9),
    ),
}
rows(WINDOWS)

# --- pooling ---

POOLS: dict[str, Row] = {
    "max_pool1d": (lambda nn, F, x: nn.max_pool1d(x, 2), (1, 2, 5)),
    "max_pool2d": (
        lambda nn, F, x: nn.max_pool2d(x, 3, stride=2, padding=1),
        (1, 1, 5, 4),
    ),
    "max_pool2d ceil": (lambda nn, F, x: nn.max_pool2d(x, 2, ceil_mode=True), IMAGE),
    "max_pool2d indices": (
        lambda nn, F, x: nn.max_pool2d(x, 2, 1, padding=1, dilation=2, return_indices=True),
        IMAGE,
    ),
    "max_pool1d indices": (lambda nn, F, x: nn.max_pool1d(x, 2, return_indices=True), (1, 2, 5)),
    "max_unpool2d": (
        lambda nn, F, x: nn.max_unpool2d(
            *nn.max_pool2d(x, 2, return_indices=True), 2, output_size=(4, 5)
        ),
        IMAGE,
    ),
    "avg_pool1d": (lambda nn, F, x: nn.avg_pool1d(x, 2), (1, 2, 5)),
    "avg_pool2d": (
        lambda nn, F, x: nn.avg_pool2d(x, 2, padding=1, count_include_pad=False),
        (1, 1, 4, 3),
    ),
    "avg_pool2d ceil": (
        lambda nn, F, x: nn.avg_pool2d(x, 3, stride=2, padding=1, ceil_mode=True),
        IMAGE,
    ),
    "avg_pool2d ceil, inside": (
        lambda nn, F, x: nn.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False),
        IMAGE,
    ),
    "avg_pool3d": (lambda nn, F, x: nn.avg_pool3d(x, 2), (1, 1, 2, 3, 4)),
    "lp_pool1d": (lambda nn, F, x: nn.lp_pool1d(x, 2, 2), (1, 2, 5), {"low": 0.2}),
    "lp_pool2d": (lambda nn, F, x: nn.lp_pool2d(x, 3, 2), IMAGE, {"low": 0.2}),
    "adaptive_avg_pool1d": (lambda nn, F, x: nn.adaptive_avg_pool1d(x, 3), (1, 2, 5)),
    "adaptive_avg_pool2d": (
        lambda nn, F, x: nn.adaptive_avg_pool2d(x, (2, 3)),
        (1, 1, 5, 4),
    ),
    "adaptive_avg_pool3d": (
        lambda nn, F, x: nn.adaptive_avg_pool3d(x, (1, 2, None)),
        (1, 1, 2, 3, 2),
    ),
    "adaptive_max_pool1d": (lambda nn, F, x: nn.adaptive_max_pool1d(x, 3), (1, 2, 5)),
    "adaptive_max_pool2d": (
        lambda nn, F, x: nn.adaptive_max_pool2d(x, (2, 3), return_indices=True),
        IMAGE,
    ),
}
rows(POOLS)

# --- images at other sizes and places ---

IMAGES: dict[str, Row] = {
    "interpolate nearest": (lambda nn, F, x: nn.interpolate(x, scale_factor=1.7), IMAGE),
    "interpolate nearest size": (lambda nn, F, x: nn.interpolate(x, size=(3, 7)), IMAGE),
    "interpolate nearest-exact": (
        lambda nn, F, x: nn.interpolate(x, size=(3, 7), mode="nearest-exact"),
        IMAGE,
    ),
    "interpolate linear": (
        lambda nn, F, x: nn.interpolate(x, size=7, mode="linear"),
        (1, 2, 4),
    ),
    "interpolate bilinear": (
        lambda nn, F, x: nn.interpolate(x, scale_factor=(1.5, 0.7), mode="bilinear"),
        IMAGE,
    ),
    "interpolate bilinear corners": (
        lambda nn, F, x: nn.interpolate(x, size=(7, 1), mode="bilinear", align_corners=True),
        IMAGE,
    ),
    "interpolate bicubic": (
        lambda nn, F, x: nn.interpolate(x, size=(6, 3), mode="bicubic"),
        IMAGE,
    ),
    "interpolate trilinear": (
        lambda nn, F, x: nn.interpolate(x, scale_factor=2, mode="trilinear"),
        (1, 1, 2, 1, 3),
    ),
    "interpolate area": (lambda nn, F, x: nn.interpolate(x, size=(3, 2), mode="area"), IMAGE),
    "grid_sample": (
        lambda nn, F, x, g: nn.grid_sample(x, g, align_corners=False),
        IMAGE,
        (1, 3, 2, 2),
    ),
    "grid_sample corners": (
        lambda nn, F, x, g: nn.grid_sample(x, g, padding_mode="border", align_corners=True),
        IMAGE,
        (1, 3, 2, 2),
    ),
    "grid_sample reflection": (
        lambda nn, F, x, g: nn.grid_sample(x, g, padding_mode="reflection", align_corners=False),
        IMAGE,
        (1, 3, 2, 2),
    ),
    "grid_sample nearest": (
        lambda nn, F, x, g: nn.grid_sample(x, g, mode="nearest", align_corners=False),
        IMAGE,
        (1, 3, 2, 2),
    ),
    "affine_grid": (
        lambda nn, F, x: nn.affine_grid(x, (2, 1, 3, 4), align_corners=False),
        (2, 2, 3),
    ),
    "affine_grid corners": (
        lambda nn, F, x: nn.affine_grid(x, (2, 1, 3, 4), align_corners=True),
        (2, 2, 3),
    ),
    "pixel_shuffle": (lambda nn, F, x: nn.pixel_shuffle(x, 2), (1, 8, 2, 3)),
    "pixel_unshuffle": (lambda nn, F, x: nn.pixel_unshuffle(x, 2), (1, 2, 4, 6)),
    "channel_shuffle": (lambda nn, F, x: nn.channel_shuffle(x, 2), (1, 4, 2, 3)),
    "pdist": (lambda nn, F, x: nn.pdist(x), (4, 3)),
}
rows(IMAGES)
