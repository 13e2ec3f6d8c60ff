"""Structured control flow over an `Emitter`: counted loops and early exits, as LLVM blocks."""

from __future__ import annotations

from collections.abc import Callable

from .emitter import Emitter, Reg


def integer(value: int) -> Reg:
    """A scalar i64 constant."""
    return Reg(str(value), "i64")


def for_loop(
    e: Emitter, low: Reg, high: Reg, step: int, body: Callable[[Reg], None], *, once: bool = False
) -> None:
    """Run `body(i)` for i = low, low + step, … below `high`. Requires low < high (the test is at
    the end).

    `e` is scalar. With `once` the caller knows that one pass is enough: no loop is written.
    """
    if once:
        body(low)
        return
    before, head, after = e.block, e.new_label("loop"), e.new_label("after")
    e.write(f"br label %{head}")
    e.start_block(head)
    i, position = e.fresh(), len(e.lines)
    e.write("")  # the phi: the label that it comes back from is known only below
    body(Reg(i, "i64"))
    following = e.add(Reg(i, "i64"), integer(step))
    again = e.compare("lt", following, high)
    e.lines[position] = (
        f"  {i} = phi i64 [ {low.name}, %{before} ], [ {following.name}, %{e.block} ]"
    )
    e.write(f"br i1 {again.name}, label %{head}, label %{after}")
    e.start_block(after)


def unless_rare(
    e: Emitter, condition: Reg, usual: Callable[[], None], rare: Callable[[], None]
) -> None:
    """Run `rare` where `condition`, a scalar truth value, holds, which is seldom; else `usual`."""
    labels = [e.new_label(hint) for hint in ("rare", "usual", "after")]
    e.write(f"br i1 {condition.name}, label %{labels[0]}, label %{labels[1]}, !prof !0")
    for label, body in zip(labels, (rare, usual), strict=False):
        e.start_block(label)
        body()
        e.write(f"br label %{labels[2]}")
    e.start_block(labels[2])


def minimum(e: Emitter, x: Reg, y: Reg) -> Reg:
    """The smaller of two scalar integers."""
    return e.select(e.compare("lt", x, y), x, y)


def return_if_nonzero(e: Emitter, status: Reg) -> None:
    """Leave the function with an i32 `status` that is not 0."""
    stop, go = e.new_label("stop"), e.new_label("go")
    failed = e.compare("ne", status, Reg("0", "i32"))
    e.write(f"br i1 {failed.name}, label %{stop}, label %{go}, !prof !0")
    e.start_block(stop)
    e.write(f"ret i32 {status.name}")
    e.start_block(go)


def polled_loop(
    e: Emitter, low: int, high: int, step: int, every: int, body: Callable[[Reg], None]
) -> bool:
    """A loop that polls the cancel flag before each `every` steps' worth of indices (0: never).

    Returns whether it polls. `every` is a multiple of `step`. The function must have a `%context`.
    """
    return polled_range(e, integer(low), integer(high), high - low, step, every, body)


def polled_range(
    e: Emitter,
    low: Reg,
    high: Reg,
    longest: int,
    step: int,
    every: int,
    body: Callable[[Reg], None],
) -> bool:
    """`polled_loop` from a register to another, which is at most `longest` further on."""
    if not every or every >= longest:
        for_loop(e, low, high, step, body, once=longest <= step)
        return False

    def tile(start: Reg) -> None:
        status = e.emit("call i32 @fg.poll(ptr %context)", "i32")
        return_if_nonzero(e, status)
        end = minimum(e, e.add(start, integer(every)), high)
        for_loop(e, start, end, step, body)

    for_loop(e, low, high, every, tile)
    return True


def only_if(e: Emitter, condition: Reg, body: Callable[[], None]) -> None:
    """Run `body` where `condition`, a scalar truth value, holds."""
    then, after = e.new_label("then"), e.new_label("after")
    e.write(f"br i1 {condition.name}, label %{then}, label %{after}")
    e.start_block(then)
    body()
    e.write(f"br label %{after}")
    e.start_block(after)
