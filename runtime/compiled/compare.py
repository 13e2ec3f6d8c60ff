"""A compiled call held against the same call in eager mode."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...tracer.pytree import flatten

Arguments = tuple[tuple[Any, ...], dict[str, Any]]

# Roundings of the two modes differ by this many units in the last place of the largest element, at
# most.
TOLERANCE_ULP = {"float32": 4096.0, "float64": 65536.0}


@dataclass(frozen=True, slots=True)
class Row:
    """One output: the largest differences, absolute, relative to the largest element, and in its
    ULPs.
    """

    path: str
    shape: tuple[int, ...]
    dtype: str
    absolute: float
    relative: float
    ulp: float
    ok: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """`rows` for the outputs, seconds of one call in either mode; `ok` when every row is."""

    rows: tuple[Row, ...]
    compiled_seconds: float
    eager_seconds: float

    @property
    def ok(self) -> bool:
        return all(row.ok for row in self.rows)

    def __str__(self) -> str:
        head = f"{'output':<24}{'type':<20}{'max abs':>12}{'max rel':>12}{'ULP':>10}"
        lines = [head]
        for row in self.rows:
            kind = f"{row.dtype}{list(row.shape)}"
            mark = "" if row.ok else "   <-- differs"
            lines.append(
                f"{row.path:<24}{kind:<20}{row.absolute:>12.3g}{row.relative:>12.3g}{row.ulp:>10.3g}{mark}"
            )
        ratio = self.compiled_seconds / self.eager_seconds if self.eager_seconds else 0.0
        lines.append(
            f"compiled {self.compiled_seconds * 1e3:.3f} ms, "
            f"eager {self.eager_seconds * 1e3:.3f} ms, ratio {ratio:.3f}"
        )
        return "\n".join(lines)


def compare(
    compiled: Callable[..., Any], eager: Callable[..., Any], make_call: Callable[[], Arguments]
) -> Comparison:
    """Run a call in both modes, twice each; the second run is timed. Each run has arguments that
    `make_call` makes for it.
    """
    calls = [make_call() for _ in range(4)]
    compiled(*calls[0][0], **calls[0][1])
    eager(*calls[1][0], **calls[1][1])
    start = time.perf_counter()
    result = compiled(*calls[2][0], **calls[2][1])
    middle = time.perf_counter()
    reference = eager(*calls[3][0], **calls[3][1])
    end = time.perf_counter()
    found, tree = flatten(result)
    expected, other = flatten(reference)
    if tree != other:
        raise TypeError(f"compiled returned {tree}, eager {other}")
    rows = tuple(
        _row(path, x, y) for path, x, y in zip(tree.paths("result"), found, expected, strict=True)
    )
    return Comparison(rows, middle - start, end - middle)


def _row(path: str, found: Any, expected: Any) -> Row:
    x, y = (np.asarray(getattr(v, "_data", v)) for v in (found, expected))
    dtype = str(x.dtype)
    if x.shape != y.shape:
        return Row(path, x.shape, dtype, np.inf, np.inf, np.inf, False)
    if x.dtype.kind != "f":
        same = bool(np.array_equal(x, y))
        return Row(path, x.shape, dtype, 0.0 if same else np.inf, 0.0, 0.0, same)
    with np.errstate(invalid="ignore"):
        same = (x == y) | (np.isnan(x) & np.isnan(y))
        difference = np.where(same, 0.0, np.abs(x.astype(np.float64) - y))
    absolute = float(np.max(difference, initial=0.0))
    finite = np.abs(y[np.isfinite(y)])
    largest = float(np.max(finite, initial=0.0))
    ulp = absolute / float(np.spacing(x.dtype.type(largest))) if absolute else 0.0
    relative = absolute / largest if largest else absolute
    ok = bool(np.isfinite(absolute)) and ulp <= TOLERANCE_ULP.get(dtype, 0.0)
    return Row(path, x.shape, dtype, absolute, relative, ulp, ok)
