"""Functions that are run once in a call, or only call others: code that is not worth optimising.

LLVM's passes take about a millisecond for a function of ten lines, if it is optimised, and a tenth
of that if not. Of many programs half the functions call BLAS, hand blocks to threads, or pass
pointers on; and `run` does nothing else. So a module is compiled in two parts: what computes, and
the rest, where that takes no noticeable part of a call's time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .function import FunctionText

SHORT = 64  # lines up to which straight code is worth no optimising, if it is run once
WORK_OF_LINE = 500  # scalar operations in a call, for each line that is not optimised
_FLOAT_FUNCTION = re.compile(r"(float|double) @llvm\.")


def is_glue(text: FunctionText, once: bool) -> bool:
    """Does a function that is run `once` in a call, or now and then, do little itself?"""
    if text.functions or any(d.startswith("define") for d in text.declarations.values()):
        return False  # what it calls would be compiled twice, or not be inlined
    if not (once or text.directs or "fg.parallel" in text.declarations):
        return False
    return text.directs or (len(text.lines) <= SHORT and is_straight(text.lines))


def is_straight(lines: Iterable[str]) -> bool:
    """Has the code no loops, no vectors, and no functions of floats, as not every CPU has them?"""
    labels: set[str] = set()
    for line in lines:
        if not line.startswith(" "):
            labels.add(line.partition(":")[0])
        elif line.startswith("  br "):
            if any(part.split(",")[0] in labels for part in line.split("label %")[1:]):
                return False
        elif (" x " in line and "alloca" not in line) or _FLOAT_FUNCTION.search(line):
            return False
    return True


def declared(symbol: str, text: FunctionText) -> str:
    """The declaration of a function of the other part."""
    return f"declare i32 {symbol}({text.parameters})"
