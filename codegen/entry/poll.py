"""Interrupts: the poll that compiled loops call, and the call of the core with or without the GIL.

A loop polls far too often to look for signals each time, so a poll has three steps, each rarer than
the one before: read the cycle counter; after some milliseconds' worth of cycles read the clock;
after `CHECK_MILLISECONDS` by the clock take the GIL and let CPython run its signal handlers. The
clock makes calibrating the counter needless.

The context is 48 bytes, zero at the start of a call: the counter at the last look, the clock in
milliseconds at the last check, the thread's state while the GIL is released (else null), on a
thread of the pool the address of its job's status (else null), how many threads the call may use
(0: as many as is usual), and the program's table of numbers, where it has one
(`codegen.sizes.families`). A thread of the pool looks at no signals: it ends when its job was
interrupted.
"""

from __future__ import annotations

import platform
import sys

from .symbols import References

CONTEXT_SIZE = 48
CONTEXT_JOB = 24  # where the address of the job's status stands
CONTEXT_THREADS = 32
CONTEXT_TABLE = 40
CHECK_MILLISECONDS = 50

_MONOTONIC = 6 if sys.platform == "darwin" else 1  # CLOCK_MONOTONIC
_CYCLE_COUNTER = ("llvm.readcyclecounter", 4_000_000)  # 1 to 4 ms on x86
_STEADY_COUNTER = (
    "llvm.readsteadycounter",
    100_000,
)  # 0.1 to 4 ms on ARM, whose cycle counter traps

_COUNTERS = {
    "x86_64": _CYCLE_COUNTER,
    "amd64": _CYCLE_COUNTER,
    "aarch64": _STEADY_COUNTER,
    "arm64": _STEADY_COUNTER,
}


def poll_text() -> str:
    """``i32 @fg.poll(ptr context)`` for the core's module: 0, or -1, which the core must return.

    Goes with `poll_declarations`; the rarer steps are in the entry's module.
    """
    counter = _counter()
    if counter is None:
        return """
define internal i32 @fg.poll(ptr %context) noinline nounwind {
  %status = call i32 @fg.poll.due(ptr %context)
  ret i32 %status
}
"""
    intrinsic, interval = counter
    return f"""
define internal i32 @fg.poll(ptr %context) noinline nounwind {{
start:
  %now = call i64 @{intrinsic}()
  %last = load i64, ptr %context
  %elapsed = sub i64 %now, %last
  %due = icmp ugt i64 %elapsed, {interval}
  br i1 %due, label %look, label %done
look:
  store i64 %now, ptr %context
  %status = call i32 @fg.poll.due(ptr %context)
  ret i32 %status
done:
  ret i32 0
}}
"""


def poll_declarations() -> dict[str, str]:
    """What `poll_text` refers to, by name: a module declares each only once."""
    table = {"fg.poll.due": "declare i32 @fg.poll.due(ptr)"}
    counter = _counter()
    if counter is not None:
        table[counter[0]] = f"declare i64 @{counter[0]}()"
    return table


def _counter() -> tuple[str, int] | None:
    """This machine's counter, and how many ticks to let pass between two looks at the clock."""
    return _COUNTERS.get(platform.machine().lower())


def check_text(symbols: References) -> str:
    """``i32 @fg.poll.due(ptr context)``: look at the clock, and at the signals if it is time."""
    if "PyErr_CheckSignals" not in symbols:
        return "\ndefine i32 @fg.poll.due(ptr %context) {\n  ret i32 0\n}"
    return _clock(symbols) + _due() + _check(symbols)


def _clock(symbols: References) -> str:
    head = "\ndefine internal i64 @fg.poll.clock() noinline nounwind cold {"
    if sys.platform == "win32":
        return f"{head}\n  %now = call i64 {symbols['clock']}()\n  ret i64 %now\n}}"
    return f"""{head}
  %time = alloca [2 x i64]
  %status = call i32 {symbols["clock"]}(i32 {_MONOTONIC}, ptr %time)
  %seconds = load i64, ptr %time
  %rest.at = getelementptr i8, ptr %time, i64 8
  %nanoseconds = load i64, ptr %rest.at
  %whole = mul i64 %seconds, 1000
  %rest = udiv i64 %nanoseconds, 1000000
  %now = add i64 %whole, %rest
  ret i64 %now
}}"""


def _due() -> str:
    return f"""
define i32 @fg.poll.due(ptr %context) noinline nounwind cold {{
start:
  %job.at = getelementptr i8, ptr %context, i64 {CONTEXT_JOB}
  %job = load ptr, ptr %job.at
  %alone = icmp eq ptr %job, null
  br i1 %alone, label %look, label %follow
follow:
  %told = load atomic i32, ptr %job acquire, align 4
  %interrupted = icmp slt i32 %told, 0
  %answer = select i1 %interrupted, i32 %told, i32 0
  ret i32 %answer
look:
  %now = call i64 @fg.poll.clock()
  %checked.at = getelementptr i8, ptr %context, i64 8
  %checked = load i64, ptr %checked.at
  %first = icmp eq i64 %checked, 0
  br i1 %first, label %begin, label %measure
begin:
  store i64 %now, ptr %checked.at
  ret i32 0
measure:
  %elapsed = sub i64 %now, %checked
  %due = icmp uge i64 %elapsed, {CHECK_MILLISECONDS}
  br i1 %due, label %check, label %done
check:
  store i64 %now, ptr %checked.at
  %status = call i32 @fg.poll.check(ptr %context)
  ret i32 %status
done:
  ret i32 0
}}"""


def _check(symbols: References) -> str:
    return f"""
define internal i32 @fg.poll.check(ptr %context) noinline nounwind cold {{
start:
  %thread.at = getelementptr i8, ptr %context, i64 16
  %thread = load ptr, ptr %thread.at
  %released = icmp ne ptr %thread, null
  br i1 %released, label %acquire, label %check
acquire:
  call void {symbols["PyEval_RestoreThread"]}(ptr %thread)
  br label %check
check:
  %status = call i32 {symbols["PyErr_CheckSignals"]}()
  br i1 %released, label %release, label %done
release:
  %again = call ptr {symbols["PyEval_SaveThread"]}()
  br label %done
done:
  ret i32 %status
}}"""


def invoke_text(
    prefix: str,
    run: str,
    release_gil: bool,
    symbols: References,
    threads: int = 0,
    shared: bool = False,
) -> str:
    """``i32 @"<prefix>.invoke"(inputs, outputs, context)``: the core, with or without the GIL.

    It may use `threads` threads; 0: as many as is usual. A core that is `shared` finds the
    program's numbers in its table.
    """
    head = f"""

declare i32 @"{run}"(ptr, ptr, ptr)

define i32 @"{prefix}.invoke"(ptr %inputs, ptr %outputs, ptr %context) nounwind {{"""
    call = f'%status = call i32 @"{run}"(ptr %inputs, ptr %outputs, ptr %context)'
    if threads:
        place = f"getelementptr i8, ptr %context, i64 {CONTEXT_THREADS}"
        head += f"\n  %threads.at = {place}\n  store i64 {threads}, ptr %threads.at"
    if shared:
        place = f"getelementptr i8, ptr %context, i64 {CONTEXT_TABLE}"
        head += f"\n  %table.at = {place}\n  store ptr {symbols['table']}, ptr %table.at"
    if not release_gil:
        return f"{head}\n  {call}\n  ret i32 %status\n}}"
    return f"""{head}
  %thread.at = getelementptr i8, ptr %context, i64 16
  %thread = call ptr {symbols["PyEval_SaveThread"]}()
  store ptr %thread, ptr %thread.at
  {call}
  call void {symbols["PyEval_RestoreThread"]}(ptr %thread)
  store ptr null, ptr %thread.at
  ret i32 %status
}}"""
