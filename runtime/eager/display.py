"""How tensors print: as PyTorch's do."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .promotion import default_dtype

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = ["represent"]

_PRECISION = 4
_THRESHOLD = 1000  # more elements than this are summarised
_EDGE = 3  # … to so many at each end
_LINE = 80


def represent(tensor: Tensor) -> str:
    """`tensor([1., 2.], requires_grad=True)` and the like."""
    prefix = "tensor("
    text = _elements(tensor._data, len(prefix))
    return _with_suffixes(prefix + text, _suffixes(tensor), len(prefix))


def _suffixes(tensor: Tensor) -> list[str]:
    data = tensor._data
    usual = data.dtype in (default_dtype(), np.dtype(np.int64), np.dtype(np.bool_))
    suffixes = []
    if not data.size:
        if data.ndim != 1:
            suffixes.append(f"size=({', '.join(map(str, data.shape))})")
        if data.dtype != default_dtype():
            suffixes.append(f"dtype={data.dtype}")
    elif not usual:
        suffixes.append(f"dtype={data.dtype}")
    if tensor.grad_fn is not None:
        suffixes.append(f"grad_fn=<{tensor.grad_fn.name()}>")
    elif tensor.requires_grad:
        suffixes.append("requires_grad=True")
    return suffixes


def _with_suffixes(text: str, suffixes: list[str], indent: int) -> str:
    last = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if last + len(suffix) + 2 > _LINE:
            text += ",\n" + " " * indent + suffix
            last = indent + len(suffix)
        else:
            text += ", " + suffix
            last += len(suffix) + 2
    return text + ")"


def _elements(data: np.ndarray, indent: int) -> str:
    if not data.size:
        return "[]"
    summarise = data.size > _THRESHOLD
    formatter = _Formatter(_shown(data) if summarise else data)
    return _nested(data, indent, summarise, formatter)


class _Formatter:
    """One format for all elements: plain, with four decimals, or scientific; all of one width."""

    def __init__(self, data: np.ndarray) -> None:
        self.floats = data.dtype.kind == "f"
        self.whole, self.scientific, self.width = True, False, 1
        if not self.floats:
            self.width = max(len(str(value)) for value in data.ravel().tolist())
            return
        values = data[np.isfinite(data) & (data != 0)].astype(np.float64)
        if values.size:
            self._choose(values)

    def _choose(self, values: np.ndarray) -> None:
        size = np.abs(values)
        low, high = float(size.min()), float(size.max())
        self.whole = bool((values == np.ceil(values)).all())
        self.scientific = high / low > 1000.0 or high > 1.0e8 or low < 1.0e-4
        self.width = max(len(self._plain(value)) for value in values.tolist())

    def _plain(self, value: float) -> str:
        if self.scientific:
            return f"{value:.{_PRECISION}e}"
        if self.whole:
            return f"{value:.0f}" + ("." if math.isfinite(value) else "")
        return f"{value:.{_PRECISION}f}"

    def __call__(self, value: Any) -> str:
        text = self._plain(value) if self.floats else str(value)
        return text.rjust(self.width)


def _shown(data: np.ndarray) -> np.ndarray:
    """The elements at the edges, which alone are printed."""
    for axis, extent in enumerate(data.shape):
        if extent > 2 * _EDGE:
            ends = [*range(_EDGE), *range(extent - _EDGE, extent)]
            data = np.take(data, ends, axis)
    return data


def _nested(data: np.ndarray, indent: int, summarise: bool, formatter: _Formatter) -> str:
    if data.ndim == 0:
        return formatter(data.item())
    cut = summarise and len(data) > 2 * _EDGE
    if data.ndim == 1:
        return _row(data, indent, cut, formatter)
    ends = [*range(_EDGE), *range(len(data) - _EDGE, len(data))] if cut else range(len(data))
    parts = [_nested(data[i], indent + 1, summarise, formatter) for i in ends]
    if cut:
        parts.insert(_EDGE, "...")
    return "[" + ("," + "\n" * (data.ndim - 1) + " " * (indent + 1)).join(parts) + "]"


def _row(data: np.ndarray, indent: int, cut: bool, formatter: _Formatter) -> str:
    if cut:
        texts = [formatter(value) for value in data[:_EDGE].tolist()]
        texts += [" ...", *(formatter(value) for value in data[-_EDGE:].tolist())]
    else:
        texts = [formatter(value) for value in data.tolist()]
    per_line = max(1, (_LINE - indent) // (formatter.width + 2))
    lines = [", ".join(texts[i : i + per_line]) for i in range(0, len(texts), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
