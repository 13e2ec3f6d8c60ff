"""What PyTorch calls the derivative of each op: the names that `grad_fn` shows."""

from __future__ import annotations

from functools import cache

__all__ = ["of_function", "of_op"]

# Ops of the IR whose name differs from PyTorch's, or whose node counts differently.
_OPS = {
    "broadcast": "ExpandBackward0",
    "cast": "ToCopyBackward0",
    "concatenate": "CatBackward0",
    "dot": "MmBackward0",
    "log1p": "Log1PBackward0",
    "gather": "IndexSelectBackward0",
    "pad": "ConstantPadNdBackward0",
    "pow": "PowBackward1",
    "reduce_max": "AmaxBackward0",
    "reduce_min": "AminBackward0",
    "reshape": "ViewBackward0",
    "reverse": "FlipBackward0",
    "rint": "RoundBackward0",
    "scatter_add": "IndexAddBackward0",
    "select": "WhereBackward0",
    "stop_gradient": "DetachBackward0",
    "sum": "SumBackward1",
    "transpose": "PermuteBackward0",
}


@cache
def of_op(name: str) -> str:
    """The name of an op's node, where the function that was called has no other.

    >>> of_op("mul"), of_op("transpose")
    ('MulBackward0', 'PermuteBackward0')
    """
    return _OPS.get(name) or of_function(name)


@cache
def of_function(name: str) -> str:
    """
    >>> of_function("binary_cross_entropy_with_logits")
    'BinaryCrossEntropyWithLogitsBackward0'
    """
    words = name.split("_")
    return "".join(word[:1].upper() + word[1:] for word in words) + "Backward0"
