"""gammainc: a loop for each element, within the formulas of `ir.functions.incomplete`."""

from __future__ import annotations

from ..ir.functions import incomplete
from ..ir.ops.composed import ScalarBuilder
from .control import for_loop, integer, unless_rare
from .emitter import Reg
from .kernels import memory
from .routine import Routine

_REAL = "f64"


def gammainc(f: Routine) -> None:
    e, upper = f.e, f.operation.attributes["upper"]
    b = ScalarBuilder(e)
    cell = e.emit("alloca double", "ptr").name

    def element(i: Reg) -> None:
        a, x = (e.convert(f.load(f"%p{k}", f.dtype, i), _REAL) for k in (0, 1))
        p, q = incomplete.usable(b, a, x)
        count = e.convert(incomplete.steps(b, p), "i64")
        _write_loops(f, b, cell, p, q, count)
        looped = memory.load_scalar(e, cell, _REAL)
        found = incomplete.incomplete_gamma(b, a, x, looped, upper=upper)
        f.store(i, e.convert(found, f.dtype))

    f.loop(f.operation.result.type.size, 500, element)


def _write_loops(f: Routine, b: ScalarBuilder, cell: str, a: Reg, x: Reg, count: Reg) -> None:
    """Leave the series, or else the fraction, in `cell`."""
    e, one = f.e, f.e.const(1.0, _REAL)

    def run(step: object, start: Reg) -> None:
        memory.store_scalar(e, cell, start)

        def body(i: Reg) -> None:
            k = e.convert(e.sub(count, i), _REAL)
            before = memory.load_scalar(e, cell, _REAL)
            memory.store_scalar(e, cell, step(b, a, x, before, k))  # type: ignore[operator]

        for_loop(e, integer(0), count, 1, body)

    last = e.convert(count, _REAL)
    first = e.sub(e.add(x, e.add(e.mul(last, e.const(2.0, _REAL)), one)), a)
    unless_rare(
        e,
        e.not_(incomplete.is_low(b, a, x)),
        lambda: run(incomplete.series_step, one),
        lambda: run(incomplete.fraction_step, first),
    )
