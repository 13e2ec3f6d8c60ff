"""Errors as records: what happened, at which line of the user's, since when, and what to try.

ShapeError: matmul: inner sizes differ, f32[32, 64] @ f32[32, 10]
  at    model.py:14   h = x @ w
  since model.py:9    w = fg.tensor(...)
  try   x @ w.T, or check the layer sizes
"""

from __future__ import annotations

import linecache

import numpy as np

from .location import Location


class FusegradError(Exception):
    """The base of every error that fusegrad raises itself; the facts are its fields.

    `what` is one line; `at` and `since` are lines of the user's; `hint` says what to do.
    """

    def __init__(
        self,
        what: str,
        *,
        at: Location | None = None,
        since: Location | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(what)
        self.what = what
        self.at = at
        self.since = since
        self.hint = hint

    def __str__(self) -> str:
        lines = [self.what]
        lines += [f"  at    {_source_line(self.at)}"] if self.at else []
        lines += [f"  since {_source_line(self.since)}"] if self.since else []
        lines += [f"  try   {self.hint}"] if self.hint else []
        return "\n".join(lines)


class ShapeError(FusegradError, ValueError):
    """Shapes that do not go together."""


class DTypeError(FusegradError, TypeError):
    """An element type that an operation does not take."""


class BoundsError(FusegradError, IndexError):
    """An index that is out of bounds, or of a kind that does not index."""


class LinAlgError(FusegradError, RuntimeError, np.linalg.LinAlgError):
    """A matrix that an algorithm fails on; NumPy's error, and a RuntimeError as in PyTorch."""


class IRError(FusegradError):
    """A graph that breaks the rules of the IR: a fault of the compiler, never of the user."""


class NotCompiledError(FusegradError, NotImplementedError):
    """An op for which native code can't be made here, as what it calls isn't there."""


class DerivativeError(FusegradError, NotImplementedError):
    """A derivative that is asked for, exists, and is not implemented."""


def _source_line(location: Location) -> str:
    text = linecache.getline(location.file, location.line).strip()
    return f"{location}   {text}".rstrip()
