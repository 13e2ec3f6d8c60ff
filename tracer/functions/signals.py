"""Convolutions and correlations of two rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ir.errors import ShapeError
from ...ir.functions import window
from ..errors import CastError
from ..indexing import counting
from ..operands import builder, lift, same_dtype, wrap
from ..registry import implements

_SLICED = 32  # up to this length of the shorter row its windows are slices of the longer one
_MODES = {0: "valid", 1: "same", 2: "full", "v": "valid", "s": "same", "f": "full"}


@implements(np.convolve)
def _convolve(a: Any, v: Any, mode: Any = "full") -> Any:
    x, y = _rows(a, v, "convolve")
    if x.shape[0] < y.shape[0]:
        x, y = y, x
    return _correlated(x, y[::-1], _mode(mode))


@implements(np.correlate)
def _correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    x, y = _rows(a, v, "correlate")
    if x.shape[0] < y.shape[0]:
        return _correlated(y, x, _mode(mode))[::-1]
    return _correlated(x, y, _mode(mode))


def _rows(a: Any, v: Any, who: str) -> tuple[Any, Any]:
    rows: list[Any] = [lift(each, f"np.{who}") for each in (a, v)]
    rows = [row.reshape(1) if row.ndim == 0 else row for row in rows]
    if any(row.ndim != 1 for row in rows):
        raise ShapeError(f"np.{who}: object too deep for desired array: 1-d arrays are wanted")
    if any(row.shape[0] == 0 for row in rows):
        raise ShapeError(f"np.{who}: an array cannot be empty")
    left, right = (wrap(value) for value in same_dtype(rows, f"np.{who}"))
    return left, right


def _mode(mode: Any) -> str:
    found = _MODES.get(mode if isinstance(mode, int) else str(mode)[:1].lower())
    if found is None:
        raise CastError(f"mode must be one of 'valid', 'same', or 'full' (got {mode!r})")
    return found


def _correlated(x: Any, y: Any, mode: str) -> Any:
    """The sums over k of x[n + k] y[k], of the longer row x with the shorter one."""
    more = y.shape[0] - 1
    around = {
        "full": (more, more),
        "same": (y.shape[0] // 2, more - y.shape[0] // 2),
        "valid": (0, 0),
    }
    low, high = around[mode]
    b = builder()
    wide = b("pad", x.value, low=(low,), high=(high,), interior=(0,))
    count = wide.type.shape[0] - more
    if y.shape[0] <= _SLICED:
        windows = window.windows(b, wide, 0, y.shape[0], 1, 1, count)
    else:
        starts, offsets = (counting((count, y.shape[0]), axis) for axis in (0, 1))
        windows = b("gather", wide, b.add(starts, offsets), axis=0)
    return wrap(windows) @ y
