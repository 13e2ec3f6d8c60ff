"""fusegrad: NumPy functions compiled to native code, together with their gradients.

    @fusegrad.value_and_grad
    def loss(w, x, y): ...          # plain NumPy

    value, gradient = loss(w, x, y)

Beside it an eager mode with PyTorch's semantics: `fusegrad.tensor`, `.backward()`, `fusegrad.nn`,
`fusegrad.optim`.
"""

from __future__ import annotations

import importlib as _importlib
import typing as _typing

__version__ = "0.1.0"

# What is public stands in the rooms below, and is imported when it is first asked for: eager mode
# needs no compiler, compiled functions no eager tensors, and importing the package next to nothing.
_HOME_OF = {
    "CompiledFunction": ".runtime.compiled.api",
    "checkpoint": ".runtime.compiled.checkpoint",
    "compile": ".runtime.compiled.api",
    "eager": ".runtime.compiled.api",
    "get_num_threads": ".runtime.compiled.api",
    "grad": ".runtime.compiled.api",
    "set_num_threads": ".runtime.compiled.api",
    "value_and_grad": ".runtime.compiled.api",
    "DTypeError": ".ir.errors",
    "NotCompiledError": ".ir.errors",
    "FusegradError": ".ir.errors",
    "ShapeError": ".ir.errors",
    "TraceError": ".tracer.errors",
    "UnsupportedError": ".tracer.errors",
    "register_pytree_node": ".tracer.pytree",
}
_MODULES = ("autograd", "ir", "linalg", "nn", "optim", "special")
# Of nn.functional, what PyTorch has at its top level too.
_LAYERS = (
    *("adaptive_avg_pool1d", "adaptive_max_pool1d", "alpha_dropout", "avg_pool1d", "batch_norm"),
    *("bilinear", "binary_cross_entropy_with_logits", "celu", "channel_shuffle", "conv1d"),
    *("conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
    *("cosine_embedding_loss", "cosine_similarity", "dropout", "embedding", "group_norm"),
    *("hardshrink", "hinge_embedding_loss", "instance_norm", "kl_div", "layer_norm"),
    *("margin_ranking_loss", "max_pool1d", "max_pool2d", "max_pool3d", "pairwise_distance"),
    *("pixel_shuffle", "pixel_unshuffle", "poisson_nll_loss", "prelu", "rms_norm"),
    *("rrelu", "selu", "threshold", "triplet_margin_loss", "alpha_dropout_", "celu_"),
    *("constant_pad_nd", "dropout_", "feature_alpha_dropout", "max_pool1d_with_indices"),
    *("rrelu_", "selu_", "threshold_"),
)
_EAGER_HOMES = (
    *(".runtime.eager", ".runtime.eager.functions", ".runtime.eager.dtypes"),
    *(".runtime.eager.operators.overwriting", ".runtime.eager.settings"),
    ".runtime.eager.operators.windows",
)

if _typing.TYPE_CHECKING:
    from . import autograd as autograd
    from . import ir as ir
    from . import linalg as linalg
    from . import nn as nn
    from . import optim as optim
    from . import special as special
    from .ir.errors import DTypeError as DTypeError
    from .ir.errors import FusegradError as FusegradError
    from .ir.errors import NotCompiledError as NotCompiledError
    from .ir.errors import ShapeError as ShapeError
    from .runtime.compiled.api import *  # noqa: F403
    from .runtime.compiled.checkpoint import checkpoint as checkpoint
    from .runtime.eager import *  # noqa: F403
    from .runtime.eager.dtypes import *  # noqa: F403
    from .runtime.eager.functions import *  # noqa: F403
    from .runtime.eager.operators.overwriting import *  # noqa: F403
    from .runtime.eager.operators.windows import *  # noqa: F403
    from .runtime.eager.settings import *  # noqa: F403
    from .tracer.errors import TraceError as TraceError
    from .tracer.errors import UnsupportedError as UnsupportedError
    from .tracer.pytree import register_pytree_node as register_pytree_node


def __getattr__(name: str) -> _typing.Any:
    if name in _MODULES:
        return _importlib.import_module(f".{name}", __name__)
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _HOME_OF:
        return _remember(name, _importlib.import_module(_HOME_OF[name], __name__))
    if name in _LAYERS:
        return _remember(name, _importlib.import_module(".nn.functional", __name__))
    for home in _EAGER_HOMES:
        module = _importlib.import_module(home, __name__)
        if name in module.__all__:
            return _remember(name, module)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _remember(name: str, module: _typing.Any) -> _typing.Any:
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    eager_names = [
        name for home in _EAGER_HOMES for name in _importlib.import_module(home, __name__).__all__
    ]
    return sorted({*_HOME_OF, *_MODULES, *_LAYERS, *eager_names, "__doc__", "__version__"})
