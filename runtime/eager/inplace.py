"""Changing tensors in place: what may be changed when, and how versions and the graph follow.

A leaf that requires grad can be changed under `no_grad` only. Elsewhere the tensor takes the node
of the computation: what was saved of its old value is noticed by its version.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from . import arithmetic
from .core import shared_counter
from .elementwise import lift
from .errors import EagerError
from .indexing import numpy_index
from .modes import STATE
from .node import LEAF

if TYPE_CHECKING:
    from .tensor import Tensor


def check(x: Tensor) -> None:
    """Raise where x must not be changed in place now."""
    if not STATE.enabled:
        return
    node = x._node
    if node is LEAF:
        raise RuntimeError(
            "a leaf Variable that requires grad is being used in an in-place operation; do that "
            "under no_grad()"
        )
    base = x._base
    if base is not None and base._node is LEAF:
        raise RuntimeError(
            "a view of a leaf Variable that requires grad is being used in an in-place operation; "
            "do that under no_grad()"
        )


def bump(x: Tensor) -> None:
    """Count a change of x, for all that share its memory."""
    shared_counter(x)[0] += 1


def updating(name: str, function: Callable[..., Any]) -> Callable[..., Tensor]:
    """The in-place form `name` of `function`, of which x is the first operand."""

    def call(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        check(x)
        new = function(x, *args, **kwargs)
        if new is NotImplemented:
            raise TypeError(f"{name}() does not take {type(args[0]).__name__}")
        return _assign(x, new, name)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"{name[:-1]}(), in place."
    return call


def _assign(x: Tensor, new: Tensor, name: str) -> Tensor:
    """Give x the elements and the node of `new`."""
    data = new._data
    if data.shape != x._data.shape:
        raise EagerError(
            f"{name}: the result has shape {list(data.shape)}, which does not fit into "
            f"{list(x._data.shape)}"
        )
    if not np.can_cast(data.dtype, x._data.dtype, "same_kind"):
        raise EagerError(
            f"{name}: result type {data.dtype} can't be cast to the desired output type "
            f"{x._data.dtype}"
        )
    if new._node is not None and STATE.enabled:
        _check_linkable(x, name)
        x._data[...] = data
        x._node = new.to(x._data.dtype)._node
    else:
        x._data[...] = data
    bump(x)
    return x


def _check_linkable(x: Tensor, name: str) -> None:
    if x._base is not None or (x._counter is not None and len(x._counter) > 1):
        raise NotImplementedError(
            f"{name}: an in-place change of a view, recorded for the gradient, is not supported "
            "yet; compute a new tensor instead, or clone() the view first"
        )


add_ = updating("add_", arithmetic.add)
sub_ = updating("sub_", arithmetic.sub)
mul_ = updating("mul_", arithmetic.mul)
div_ = updating("div_", arithmetic.div)
pow_ = updating("pow_", arithmetic.pow)
neg_ = updating("neg_", arithmetic.neg)
exp_ = updating("exp_", arithmetic.exp)
sqrt_ = updating("sqrt_", arithmetic.sqrt)
clamp_ = updating("clamp_", arithmetic.clamp)


def _like(x: Tensor, source: Any) -> Any:
    source = lift(np.asarray(source) if isinstance(source, int | float) else source)
    return source.to(x._data.dtype).expand(x._data.shape)


copy_ = updating("copy_", _like)


def fill_(x: Tensor, value: Any) -> Tensor:
    """Every element set to `value`."""
    return copy_(x, value)


def zero_(x: Tensor) -> Tensor:
    """Every element set to 0."""
    check(x)
    if x._node is not None and STATE.enabled:
        return fill_(x, 0)
    x._data[...] = 0
    bump(x)
    return x


def setitem(x: Tensor, key: Any, value: Any) -> None:
    """x[key] = value."""
    check(x)
    recorded = STATE.enabled and (x._node is not None or getattr(value, "_node", None) is not None)
    if recorded:
        raise NotImplementedError(
            "x[...] = value, recorded for the gradient, is not supported yet; use where() or "
            "cat(), or assign under no_grad()"
        )
    x._data[numpy_index(key)] = getattr(value, "_data", value)
    bump(x)
