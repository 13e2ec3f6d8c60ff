"""The table of errors."""

from __future__ import annotations

import math
from typing import Any

from ..report import table as markdown
from .functions import FUNCTIONS
from .measure import Worst
from .reference import REFERENCES

BARS = {"f64": 2.0, "f32": 1.0}  # ULP, of ops
FAST_BAR = 4.0  # of what has another formula under `fastmath`
Known = dict[str, dict[str, Any]]  # by "name dtype"


def as_record(worst: Worst) -> dict[str, Any]:
    """A result as JSON has it."""
    return {
        "error": worst.error,
        "operands": [x.hex() for x in worst.operands],
        "points": worst.points,
        "exhaustive": worst.exhaustive,
    }


def misses(known: Known, fast: bool = False) -> list[str]:
    """The ops that are further off than their bar."""
    return [key for key, record in known.items() if _misses(key, record, fast)]


def _misses(key: str, record: dict[str, Any], fast: bool) -> bool:
    name, dtype = key.split()
    return FUNCTIONS[name].op and record["error"] > (FAST_BAR if fast else BARS[dtype])


def table(known: Known, fast: bool = False) -> str:
    """Markdown: a row for each function and dtype, in the order of the functions."""
    head = ["function", "dtype", "worst error, ULP", "worst argument", "points", "reference"]
    rows = [
        _row(name, dtype, known[key], fast)
        for name in FUNCTIONS
        for dtype in ("f64", "f32")
        if (key := f"{name} {dtype}") in known
    ]
    return markdown(head, rows)


def _row(name: str, dtype: str, record: dict[str, Any], fast: bool) -> list[str]:
    error = record["error"]
    found = "∞" if math.isinf(error) else f"{error:.4f}" if error < 1000 else f"{error:.1e}"
    mark = " (!)" if _misses(f"{name} {dtype}", record, fast) else ""
    operands = [float.fromhex(x) for x in record["operands"]]
    where = ", ".join(f"`{_hex(x)}` ({x:.6g})" for x in operands)
    count = "all 2³²" if record["exhaustive"] else f"{record['points']:,}"
    known = "its float64, " if record["exhaustive"] else ""
    title = name if FUNCTIONS[name].op else f"{name}*"
    return [title, dtype, found + mark, where, count, known + REFERENCES[name].about]


def _hex(x: float) -> str:
    """Hexadecimal, without zeros at the end."""
    mantissa, _, exponent = x.hex().partition("p")
    digits = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{digits}p{exponent}" if exponent else mantissa
