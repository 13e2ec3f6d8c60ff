"""Eager mode: tensors that compute at once in NumPy, and a backward engine. Needs no compiler."""

from ...ir import ops as _ops  # noqa: F401  (fills the op table, before anything asks it)
from .graph.inference import inference_mode, is_inference_mode_enabled
from .graph.modes import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from .operators.creation import (
    arange,
    as_tensor,
    asarray,
    empty,
    empty_like,
    eye,
    from_dlpack,
    from_numpy,
    full,
    full_like,
    is_tensor,
    linspace,
    logspace,
    ones,
    ones_like,
    scalar_tensor,
    tensor,
    zeros,
    zeros_like,
)
from .operators.random import manual_seed, rand, rand_like, randint, randn, randn_like, randperm
from .promotion import default_dtype as get_default_dtype
from .promotion import set_default_dtype
from .tensor import Tensor

__all__ = [
    "Tensor",
    "arange",
    "as_tensor",
    "asarray",
    "empty",
    "empty_like",
    "enable_grad",
    "eye",
    "from_dlpack",
    "from_numpy",
    "full",
    "full_like",
    "get_default_dtype",
    "inference_mode",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "is_tensor",
    "linspace",
    "logspace",
    "manual_seed",
    "no_grad",
    "ones",
    "ones_like",
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "randperm",
    "scalar_tensor",
    "set_default_dtype",
    "set_grad_enabled",
    "tensor",
    "zeros",
    "zeros_like",
]
