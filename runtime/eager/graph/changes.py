"""Changes in place: which may be made when, and how versions and the graph follow.

A leaf that requires grad can be changed under `no_grad` only. Elsewhere the tensor takes the node
of the computation: what was saved of its old value is noticed by its version.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import InferenceCounter, make, shared_counter
from ..errors import EagerError
from ..operators.elementwise import lift
from .modes import STATE
from .node import LEAF, edge_of
from .opnode import seen
from .views import OverwriteNode, check_origin, rebase, start

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["alias_of", "bump", "check", "check_fit", "overwrite", "overwritten", "write"]


def check(x: Tensor, others: Iterable[Any] = ()) -> bool:
    """Raise where x must not be changed in place now. True where the change is to be recorded.

    `others` are what the new elements are computed from.
    """
    if x._counter.__class__ is InferenceCounter and not STATE.inference:
        raise RuntimeError(
            "an inplace update to an inference tensor outside InferenceMode is not allowed; "
            "clone() gives a normal tensor"
        )
    if not STATE.enabled:
        return False
    base = x._base
    linked = x._node is not None or any(getattr(y, "_node", None) is not None for y in others)
    if base is not None and (linked or base._node is not None):
        check_origin(x)
        if base._node is LEAF:
            raise RuntimeError(
                "a view of a leaf Variable that requires grad is being used in an in-place "
                "operation; do that under no_grad()"
            )
    if x._node is LEAF:
        raise RuntimeError(
            "a leaf Variable that requires grad is being used in an in-place operation; do that "
            "under no_grad()"
        )
    return linked


def bump(x: Tensor) -> None:
    """Count a change of x, for all that share its memory."""
    shared_counter(x)[0] += 1


def alias_of(x: Tensor) -> Tensor:
    """Another tensor with the elements, the version and the place in the graph of x."""
    alias = make(x._data, edge_of(x))
    alias._counter = shared_counter(x)
    return alias


def check_fit(x: Tensor, new: Tensor, name: str) -> None:
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


def write(x: Tensor, new: Tensor, name: str) -> None:
    """Give x the elements of `new`."""
    check_fit(x, new, name)
    if not x._data.flags.writeable:
        raise read_only(name)
    x._data[...] = new._data


def read_only(name: str) -> RuntimeError:
    return RuntimeError(
        f"{name}: unsupported operation: more than one element of the written-to tensor refers to "
        "a single memory location (it was expanded), or its array is read-only; clone() it first"
    )


def overwritten(title: str, old: Any, new: Any) -> Any:
    cls = type(title, (OverwriteNode,), {"__slots__": (), "__module__": __name__, "title": title})
    node = start(object.__new__(cls), (old, new))
    seen(node)
    return node


def overwrite(x: Tensor, source: Any, title: str) -> Tensor:
    """Every element of x replaced by those of `source`, which broadcasts; the node is `title`."""
    source = lift(np.asarray(source) if isinstance(source, int | float) else source)
    recorded = check(x, (source,))
    new = alias_of(source) if hasattr(source, "_data") else make(np.asarray(source))
    new = new.to(x._data.dtype)
    if new._data.shape != x._data.shape:
        new = new.expand(x._data.shape)
    write(x, new, title)
    bump(x)
    if recorded and x._base is not None:
        rebase(x, new._node)
    elif recorded:
        rebase(x, overwritten(title, edge_of(x), new._node))
    return x
