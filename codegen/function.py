"""The text of one emitted function, and what it needs from elsewhere in its module."""

from __future__ import annotations

from collections.abc import Set

from ..ir.record import record
from .maths import TARGET_ATTRIBUTES


@record
class FunctionText:
    """``i32 (ptr p0, …, ptr q0, …, [ptr scratch,] ptr context)`` without its name, so that equal
    ones can be found.

    `parameters` and `lines` are LLVM text; `functions` are the maths functions that it calls. One
    that `directs` does little itself, but calls others that take much longer.
    """

    parameters: str
    lines: tuple[str, ...]
    declarations: dict[str, str]
    functions: tuple[tuple[str, str, int], ...]
    polls: bool
    scratch: int = 0  # bytes of memory that it needs while it runs: the parameter `%scratch`
    directs: bool = False

    @property
    def key(self) -> tuple[str, tuple[str, ...]]:
        return (self.parameters, self.lines)

    @property
    def can_fail(self) -> bool:
        """Does it ever return anything but 0?"""
        return any("ret i32" in line and line.strip() != "ret i32 0" for line in self.lines)

    def sharing(self, names: Set[str]) -> FunctionText:
        """The same function for calls that pass one memory for several of these parameters."""
        if not names:
            return self
        parameters = [
            p.replace("noalias ", "") if p.split()[-1] in names else p
            for p in self.parameters.split(", ")
        ]
        return FunctionText(
            ", ".join(parameters),
            self.lines,
            self.declarations,
            self.functions,
            self.polls,
            self.scratch,
            self.directs,
        )

    def define(self, symbol: str, inline: bool = False, linkage: str = "internal ") -> str:
        how = "alwaysinline" if inline else "noinline"
        attributes = " ".join([how, "nounwind", *TARGET_ATTRIBUTES])
        head = f"define {linkage}i32 {symbol}({self.parameters}) {attributes} {{"
        return "\n".join([head, *self.lines, "}", ""])
