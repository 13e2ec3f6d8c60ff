"""The state of the pool: where its parts are, and what emitted code needs to reach them.

The gate lets threads into a job. It is one word: the job's number, whether it is open, how many
seats are free and how many threads are inside; so to enter is one compare-and-swap.
"""

from __future__ import annotations

import platform
import sys

HEAD = "@fg.pool = external global ptr\n"  # in it the address of the state
MOST_THREADS = 256
FORKED = 4  # the status of a job whose threads a fork has left behind

# Where things are in the pool's state. What different threads write is on different cache lines.
MUTEX, WAKE, DONE, ATTRIBUTES = 0, 128, 256, 384
GATE, NEXT, STATUS, ERROR = 512, 576, 640, 648
BUSY, SLEEPERS, WORKERS, LIMIT = 704, 768, 772, 776
TASK, FRAME, BLOCKS, BYTES, MODE, TABLE = 832, 840, 848, 856, 864, 872
LOCK, ALONE, SAVED, TEAM = 896, 900, 904, 912
THREADS = 960
STATE_SIZE = THREADS + 8 * MOST_THREADS

# The gate's bits: job number | open | seats | inside; the topmost tells threads to end.
OPEN, SEAT, NUMBER = 32, 16, 33
STOP = 1 << 63
JOBS = (1 << 30) - 1


def can_start_threads() -> bool:
    """Has this platform what the pool is written for: POSIX threads, and pointers of 64 bits?"""
    return sys.platform in ("linux", "darwin") and sys.maxsize > 2**32


PLACES = {
    "mutex": MUTEX,
    "wake": WAKE,
    "done": DONE,
    "attributes": ATTRIBUTES,
    "gate": GATE,
    "next": NEXT,
    "status": STATUS,
    "error": ERROR,
    "busy": BUSY,
    "sleepers": SLEEPERS,
    "workers": WORKERS,
    "limit": LIMIT,
    "task": TASK,
    "frame": FRAME,
    "blocks": BLOCKS,
    "bytes": BYTES,
    "mode": MODE,
    "table": TABLE,
    "threads": THREADS,
    "lock": LOCK,
    "alone": ALONE,
    "saved": SAVED,
    "team": TEAM,
}


def parts(*names: str) -> str:
    """Registers with the addresses of parts of the state, of the same names."""
    return "\n".join(
        f"  %{name} = getelementptr i8, ptr %pool, i64 {PLACES[name]}" for name in names
    )


def machine() -> tuple[str, str, str, list[str]]:
    """How this CPU pauses, and how its floating-point mode is read and set.

    A caller's mode (are subnormal numbers flushed to zero?) is its threads' too: the bits must not
    depend on who computes them.
    """
    name = platform.machine().lower()
    if name in ("x86_64", "amd64"):
        return (
            "call void @llvm.x86.sse2.pause()",
            "call void @llvm.x86.sse.stmxcsr(ptr %mode)",
            "call void @llvm.x86.sse.ldmxcsr(ptr %mode)",
            [
                "declare void @llvm.x86.sse2.pause()",
                "declare void @llvm.x86.sse.stmxcsr(ptr)",
                "declare void @llvm.x86.sse.ldmxcsr(ptr)",
            ],
        )
    if name in ("aarch64", "arm64"):
        return (
            "call void @llvm.aarch64.hint(i32 1)",
            "%fpcr = call i64 @llvm.aarch64.get.fpcr()\n  store i64 %fpcr, ptr %mode",
            "%fpcr = load i64, ptr %mode\n  call void @llvm.aarch64.set.fpcr(i64 %fpcr)",
            [
                "declare void @llvm.aarch64.hint(i32)",
                "declare i64 @llvm.aarch64.get.fpcr()",
                "declare void @llvm.aarch64.set.fpcr(i64)",
            ],
        )
    return "", "", "", []
