"""Which sizes of a function's arguments vary: axes that differ between signatures that are
otherwise the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...tracer.pytree import Treedef
from ...tracer.run import Aval

Key = tuple[tuple[str, ...], Treedef, tuple[Aval, ...]]  # of a signature


def varying_axes(keys: Iterable[Key], key: Key, names: Sequence[str]) -> list[str]:
    """The axes of the leaves, called `names`, in which some other signature differs from `key`:
    ``axis 0 of x``.
    """
    like = [other for other in keys if _like(other, key)]
    return [
        f"axis {axis} of {name}"
        for place, (aval, name) in enumerate(zip(key[2], names, strict=False))
        for axis, size in enumerate(aval.type.shape)
        if any(other[2][place].type.shape[axis] != size for other in like)
    ]


def _like(x: Key, y: Key) -> bool:
    """Do two signatures differ in sizes alone?"""
    return x[:2] == y[:2] and [_but_size(a) for a in x[2]] == [_but_size(a) for a in y[2]]


def _but_size(aval: Aval) -> tuple[str, int, bool]:
    return aval.type.dtype, aval.type.ndim, aval.weak
