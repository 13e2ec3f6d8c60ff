"""Operators of `nn.functional` as expressions; importing this adds them to the table."""

from __future__ import annotations

from .operator_table import case


def _activations() -> None:
    plain = "relu sigmoid tanh logsigmoid softplus silu gelu leaky_relu elu celu selu mish relu6"
    plain += " hardtanh hardsigmoid hardswish softsign tanhshrink softshrink hardshrink"
    for name in plain.split():
        case(f"nn.{name}", lambda F, x, n=name: getattr(F.nn.functional, n)(x), low=-4, high=4)
    case("nn.gelu tanh", lambda F, x: F.nn.functional.gelu(x, approximate="tanh"))
    case("nn.threshold", lambda F, x: F.nn.functional.threshold(x, 0.1, 0.5))
    case("nn.glu", lambda F, x: F.nn.functional.glu(x), (2, 4))
    case("nn.prelu", lambda F, x, w: F.nn.functional.prelu(x, w), (2, 3), (3,))
    case("nn.celu alpha", lambda F, x: F.nn.functional.celu(x, 0.7))
    case("nn.softplus beta", lambda F, x: F.nn.functional.softplus(x, beta=2))
    for name in ["softmax", "log_softmax", "softmin"]:
        case(f"nn.{name}", lambda F, x, n=name: getattr(F.nn.functional, n)(x, dim=1))
    case("softmax", lambda F, x: F.softmax(x, 0))


def _losses() -> None:
    pair = ((2, 3), (2, 3))
    for name in ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"]:
        for how in ["mean", "sum", "none"]:
            case(
                f"nn.{name} {how}",
                lambda F, x, y, n=name, h=how: getattr(F.nn.functional, n)(x, y, reduction=h),
                *pair,
            )
    case(
        "nn.margin_ranking_loss",
        lambda F, x, y: F.nn.functional.margin_ranking_loss(x, y, F.index([1, -1, 1]), 0.3),
        (3,),
        (3,),
    )
    case(
        "nn.soft_margin_loss",
        lambda F, x: F.nn.functional.soft_margin_loss(x, F.index([1, -1, 1])),
        (3,),
    )
    case(
        "nn.hinge_embedding_loss",
        lambda F, x: F.nn.functional.hinge_embedding_loss(x, F.index([1, -1, 1])),
        (3,),
    )
    nll = "poisson_nll_loss multilabel_soft_margin_loss"
    for name in nll.split():
        case(f"nn.{name}", lambda F, x, y, n=name: getattr(F.nn.functional, n)(x, y), *pair)
    case(
        "nn.gaussian_nll_loss",
        lambda F, x, y, v: F.nn.functional.gaussian_nll_loss(x, y, v),
        *pair,
        (2, 3),
        low=0.2,
    )
    case(
        "nn.binary_cross_entropy",
        lambda F, x, y: F.nn.functional.binary_cross_entropy(x, y),
        *pair,
        low=0.1,
        high=0.9,
    )
    case(
        "nn.bce_with_logits",
        lambda F, x, y: F.nn.functional.binary_cross_entropy_with_logits(x, y),
        *pair,
    )
    case(
        "nn.kl_div",
        lambda F, x, y: F.nn.functional.kl_div(x, y, reduction="batchmean"),
        *pair,
        low=0.1,
    )
    case(
        "nn.kl_div log",
        lambda F, x, y: F.nn.functional.kl_div(x, y, reduction="sum", log_target=True),
        *pair,
    )
    case("nn.cosine_similarity", lambda F, x, y: F.nn.functional.cosine_similarity(x, y), *pair)
    case("nn.pairwise_distance", lambda F, x, y: F.nn.functional.pairwise_distance(x, y), *pair)
    case(
        "nn.cosine_embedding_loss",
        lambda F, x, y: F.nn.functional.cosine_embedding_loss(x, y, F.index([1, -1])),
        *pair,
    )
    case(
        "nn.triplet_margin_loss",
        lambda F, x, y, z: F.nn.functional.triplet_margin_loss(x, y, z),
        *pair,
        (2, 3),
    )
    x, labels = (4, 3), [0, 2, 1, 1]
    nn = "cross_entropy"
    case(f"nn.{nn}", lambda F, x: F.nn.functional.cross_entropy(x, F.index(labels)), x)
    case(
        f"nn.{nn} sum",
        lambda F, x: F.nn.functional.cross_entropy(x, F.index(labels), reduction="sum"),
        x,
    )
    case(
        f"nn.{nn} smooth",
        lambda F, x: F.nn.functional.cross_entropy(x, F.index(labels), label_smoothing=0.2),
        x,
    )
    case(
        f"nn.{nn} weight",
        lambda F, x: F.nn.functional.cross_entropy(x, F.index(labels), F.vector([0.5, 1, 2])),
        x,
    )
    case(
        f"nn.{nn} weight, smooth, ignore",
        lambda F, x: F.nn.functional.cross_entropy(
            x, F.index([0, -100, 1, 1]), F.vector([0.5, 1, 2]), label_smoothing=0.1
        ),
        x,
    )
    case(
        f"nn.{nn} ignore",
        lambda F, x: F.nn.functional.cross_entropy(x, F.index([0, -100, 1, 1])),
        x,
    )
    case(
        f"nn.{nn} probabilities",
        lambda F, x, y: F.nn.functional.cross_entropy(x, F.softmax(y, 1)),
        x,
        x,
    )
    case(
        f"nn.{nn} probabilities, weight",
        lambda F, x, y: F.nn.functional.cross_entropy(x, F.softmax(y, 1), F.vector([0.5, 1, 2])),
        x,
        x,
    )
    case("nn.nll_loss", lambda F, x: F.nn.functional.nll_loss(x, F.index(labels)), x)


def _layers() -> None:
    attend = "scaled_dot_product_attention"
    qkv = ((2, 3, 4), (2, 5, 4), (2, 5, 2))
    case("nn.attention", lambda F, q, k, v: getattr(F.nn.functional, attend)(q, k, v), *qkv)
    case(
        "nn.attention causal",
        lambda F, q, k, v: getattr(F.nn.functional, attend)(q, k, v, is_causal=True),
        (3, 4),
        (3, 4),
        (3, 2),
    )
    case("nn.avg_pool3d", lambda F, x: F.nn.functional.avg_pool3d(x, 2), (1, 1, 2, 3, 4))
    case("nn.linear", lambda F, x, w, b: F.nn.functional.linear(x, w, b), (2, 3), (4, 3), (4,))
    case(
        "nn.bilinear",
        lambda F, x, y, w, b: F.nn.functional.bilinear(x, y, w, b),
        (2, 3),
        (2, 2),
        (4, 3, 2),
        (4,),
    )
    case(
        "nn.layer_norm",
        lambda F, x, w, b: F.nn.functional.layer_norm(x, (3,), w, b),
        (2, 3),
        (3,),
        (3,),
    )
    case("nn.rms_norm", lambda F, x, w: F.nn.functional.rms_norm(x, (3,), w, 1e-5), (2, 3), (3,))
    case(
        "nn.group_norm",
        lambda F, x, w, b: F.nn.functional.group_norm(x, 2, w, b),
        (2, 4, 3),
        (4,),
        (4,),
    )
    case("nn.instance_norm", lambda F, x: F.nn.functional.instance_norm(x), (2, 2, 4))
    case(
        "nn.batch_norm",
        lambda F, x, w, b: F.nn.functional.batch_norm(x, None, None, w, b, True),
        (4, 3),
        (3,),
        (3,),
    )
    case(
        "nn.batch_norm fixed",
        lambda F, x, w: F.nn.functional.batch_norm(
            x, F.vector([0.1, 0.2, 0.3]), F.vector([1.0, 2, 3]), w
        ),
        (4, 3),
        (3,),
    )
    case("nn.normalize", lambda F, x: F.nn.functional.normalize(x))
    case(
        "nn.conv1d",
        lambda F, x, w, b: F.nn.functional.conv1d(x, w, b, padding=1),
        (2, 2, 5),
        (3, 2, 3),
        (3,),
    )
    case("nn.conv2d", lambda F, x, w: F.nn.functional.conv2d(x, w), (1, 2, 4, 4), (2, 2, 3, 2))
    case(
        "nn.conv2d strided",
        lambda F, x, w: F.nn.functional.conv2d(x, w, stride=2, padding=1, groups=2),
        (1, 2, 5, 4),
        (2, 1, 3, 3),
    )
    case(
        "nn.conv2d dilated",
        lambda F, x, w: F.nn.functional.conv2d(x, w, dilation=(2, 1)),
        (1, 1, 5, 3),
        (1, 1, 2, 2),
    )
    case(
        "nn.conv_transpose2d",
        lambda F, x, w: F.nn.functional.conv_transpose2d(
            x, w, stride=2, padding=1, output_padding=1
        ),
        (1, 2, 3, 2),
        (2, 1, 3, 3),
    )
    case(
        "nn.conv_transpose1d",
        lambda F, x, w: F.nn.functional.conv_transpose1d(x, w, groups=2),
        (1, 2, 3),
        (2, 2, 2),
    )
    case("nn.max_pool1d", lambda F, x: F.nn.functional.max_pool1d(x, 2), (1, 2, 5))
    case(
        "nn.max_pool2d",
        lambda F, x: F.nn.functional.max_pool2d(x, 3, stride=2, padding=1),
        (1, 1, 5, 4),
    )
    case("nn.avg_pool1d", lambda F, x: F.nn.functional.avg_pool1d(x, 2), (1, 2, 5))
    case(
        "nn.avg_pool2d",
        lambda F, x: F.nn.functional.avg_pool2d(x, 2, padding=1, count_include_pad=False),
        (1, 1, 4, 3),
    )
    case(
        "nn.adaptive_avg_pool2d",
        lambda F, x: F.nn.functional.adaptive_avg_pool2d(x, (2, 3)),
        (1, 1, 5, 4),
    )
    case("nn.pad", lambda F, x: F.nn.functional.pad(x, (1, 2, 0, 1), value=0.5))
    case("nn.pad negative", lambda F, x: F.nn.functional.pad(x, (-1, 1)))
    for mode in ["reflect", "replicate", "circular"]:
        case(
            f"nn.pad {mode}", lambda F, x, m=mode: F.nn.functional.pad(x, (1, 2), mode=m), (1, 2, 4)
        )


for fill in (_activations, _losses, _layers):
    fill()
