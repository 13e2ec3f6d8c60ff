"""Methods that make a tensor another view of its own elements: `unsqueeze_` and the like."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..core import make
from ..graph.changes import bump, check
from ..graph.views import set_node, source_of
from . import shaping, striding

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["as_strided_", "squeeze_", "swapaxes_", "swapdims_", "t_", "transpose_", "unsqueeze_"]


def _becoming(name: str, function: Callable[..., Any]) -> Callable[..., Tensor]:
    """The method that makes x what `function`, which gives a view, gives."""

    def call(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        recorded = check(x)
        new = function(make(x._data, source_of(x) if recorded else None), *args, **kwargs)
        x._data = new._data
        bump(x)
        if recorded:
            set_node(x, new._node)
        return x

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"{name[:-1]}(), of the tensor itself."
    return call


unsqueeze_ = _becoming("unsqueeze_", shaping.unsqueeze)
squeeze_ = _becoming("squeeze_", shaping.squeeze)
t_ = _becoming("t_", shaping.t)
transpose_ = _becoming("transpose_", shaping.transpose)
swapaxes_ = _becoming("swapaxes_", shaping.transpose)
swapdims_ = _becoming("swapdims_", shaping.transpose)
as_strided_ = _becoming("as_strided_", striding.as_strided)
