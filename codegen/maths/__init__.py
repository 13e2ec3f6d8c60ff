"""The elementary functions, as Python code that writes LLVM IR over vectors of any width.

A kernel calls ``emitter.call("exp", x)``; the module writer then asks :func:`definitions` for the
text of what was called. Every function is one formula for all widths, made of lane-wise operations
only, so that a vector body and its scalar tail give the same bits.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from . import (
    bessel,
    error,
    exponential,
    factorial,
    fast,
    gamma,
    huge,
    hyperbolic,
    inverse,
    inverse_hyperbolic,
    logarithm,
    power,
    quantile,
    reflected,
    root,
    trigonometric,
    wave,
)
from .registry import (
    BRANCH_WEIGHTS,
    TARGET_ATTRIBUTES,
    Definition,
    MathsFunction,
    define,
)

__all__ = [
    "BRANCH_WEIGHTS",
    "FAST",
    "FUNCTIONS",
    "TARGET_ATTRIBUTES",
    "MathsFunction",
    "definitions",
]

FUNCTIONS: dict[str, MathsFunction] = {
    function.name: function
    for module in (
        exponential,
        logarithm,
        trigonometric,
        inverse,
        hyperbolic,
        inverse_hyperbolic,
        power,
        root,
        error,
        quantile,
        gamma,
        factorial,
        bessel,
        wave,
        huge,
        reflected,
    )
    for function in module.FUNCTIONS
}
FAST = {function.name: function for function in fast.FUNCTIONS}


def definitions(
    needed: Iterable[tuple[str, str, int]], *, inline: bool, fast: bool = False
) -> tuple[str, dict[str, str]]:
    """LLVM text of the functions (name, dtype, lanes) and of all that these call.

    With it come the declarations that the text needs, by name. `inline` chooses between functions
    that are always inlined and functions that never are; cold ones never are. `fast` chooses the
    formulas of `fastmath`, where there are some, under the same names: a module has one or the
    other. The order depends on `needed` as a set only.
    """
    pending = sorted(set(needed), reverse=True)
    texts: dict[tuple[str, str, int], str] = {}
    declarations: dict[str, str] = {}
    while pending:
        key = pending.pop()
        if key not in texts:
            definition = _definition(*key, inline, fast)
            texts[key] = definition.text
            declarations.update(definition.declarations)
            pending.extend(definition.calls)
    return "\n".join(texts[key] for key in sorted(texts)), dict(sorted(declarations.items()))


@cache
def _definition(name: str, dtype: str, lanes: int, inline: bool, fast: bool) -> Definition:
    function = FAST.get(name, FUNCTIONS[name]) if fast else FUNCTIONS[name]
    return define(function, dtype, lanes, inline)
