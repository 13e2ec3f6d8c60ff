"""The pool's native half, as LLVM IR: how a call hands blocks to threads, and waits for them.

    i32 @fg.parallel(ptr task, ptr frame, i64 blocks, ptr scratch, i64 bytes, ptr poll, ptr context)

runs ``i32 task(ptr frame, i64 block, ptr scratch, ptr context)`` for all blocks, each once, in any
order, on the caller's thread and on as many others as it may use. Each thread has `bytes` of
scratch memory of its own (the caller's is `scratch`), and a context of its own. The result is 0 or
what some block returned; no block is begun after that. The caller polls while it waits for others.
A caller that finds the pool busy runs its blocks alone.

All this is in one module, the team's. As long as every call is to use one thread there is only a
small one, whose `fg.parallel` runs the blocks in order, or jumps to the team's once there is one.
"""

from __future__ import annotations

from functools import cache

from ..entry.poll import CONTEXT_TABLE, CONTEXT_THREADS
from .state import (
    HEAD,
    JOBS,
    NUMBER,
    OPEN,
    SEAT,
    can_start_threads,
    machine,
    parts,
)
from .workers import SPINS, workers_text

_WAIT_NANOSECONDS = 5_000_000  # how long a caller waits before it polls
_REALTIME = 0


@cache
def pool_text() -> str:
    """The team's module."""
    pause, read_mode, write_mode, declarations = machine()
    return "\n".join(
        (
            HEAD,
            _DECLARATIONS,
            *declarations,
            _WORK,
            _publish(read_mode),
            _parallel(),
            _wait(pause),
            workers_text(pause, write_mode),
        )
    )


@cache
def serial_text() -> str:
    """The module of those who have one thread; where there are no others, that is all."""
    if not can_start_threads():
        return _SERIAL
    jump = f"""
start:
  %pool = load ptr, ptr @fg.pool
{parts("team")}
  %other = load atomic ptr, ptr %team acquire, align 8
  %none = icmp eq ptr %other, null
  br i1 %none, label %loop, label %jump
jump:
  %answer = call i32 %other(ptr %task, ptr %frame, i64 %blocks, ptr %scratch, i64 %bytes,
                            ptr %poll, ptr %context)
  ret i32 %answer
loop:"""
    return HEAD + _SERIAL.replace("\nstart:\n  br label %loop\nloop:", jump)


_SERIAL = """
define i32 @fg.parallel(ptr %task, ptr %frame, i64 %blocks, ptr %scratch, i64 %bytes, ptr %poll,
                        ptr %context) nounwind {
start:
  br label %loop
loop:
  %block = phi i64 [ 0, %start ], [ %following, %loop ]
  %status = call i32 %task(ptr %frame, i64 %block, ptr %scratch, ptr %context)
  %following = add i64 %block, 1
  %failed = icmp ne i32 %status, 0
  %last = icmp uge i64 %following, %blocks
  %stop = or i1 %failed, %last
  br i1 %stop, label %end, label %loop
end:
  ret i32 %status
}
"""

_DECLARATIONS = """
declare i32 @pthread_mutex_lock(ptr)
declare i32 @pthread_mutex_unlock(ptr)
declare i32 @pthread_cond_wait(ptr, ptr)
declare i32 @pthread_cond_timedwait(ptr, ptr, ptr)
declare i32 @pthread_cond_signal(ptr)
declare i32 @pthread_cond_broadcast(ptr)
declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_join(i64, ptr)
declare i32 @pthread_sigmask(i32, ptr, ptr)
declare i32 @sigfillset(ptr)
declare i32 @sigdelset(ptr, i32)
declare i32 @clock_gettime(i32, ptr)
declare noalias ptr @malloc(i64)
declare void @free(ptr)
"""

# Take blocks until there are no more, or one has failed. An interrupt overrides an error, and of
# errors that of the first block counts, which one thread would have met: as blocks are taken in
# order, those before it have been taken, and are run to their end.
_WORK = f"""
define internal void @work(ptr %pool, ptr %task, ptr %frame, i64 %blocks, ptr %scratch,
                           ptr %context) nounwind {{
start:
{parts("next", "status")}
  br label %look
look:
  %before = load atomic i32, ptr %status acquire, align 4
  %fine = icmp eq i32 %before, 0
  br i1 %fine, label %take, label %end
take:
  %block = atomicrmw add ptr %next, i64 1 monotonic
  %more = icmp ult i64 %block, %blocks
  br i1 %more, label %run, label %end
run:
  %result = call i32 %task(ptr %frame, i64 %block, ptr %scratch, ptr %context)
  %good = icmp eq i32 %result, 0
  br i1 %good, label %look, label %report
report:
  call void @report(ptr %pool, i64 %block, i32 %result)
  br label %end
end:
  ret void
}}

define internal void @report(ptr %pool, i64 %block, i32 %result) nounwind {{
start:
{parts("status", "error")}
  %interrupt = icmp slt i32 %result, 0
  br i1 %interrupt, label %override, label %failed
override:
  store atomic i32 %result, ptr %status release, align 4
  ret void
failed:
  %high = shl i64 %block, 32
  %low = zext i32 %result to i64
  %both = or i64 %high, %low
  %old = atomicrmw umin ptr %error, i64 %both acq_rel
  %pair = cmpxchg ptr %status, i32 0, i32 %result acq_rel acquire
  ret void
}}

define internal i32 @answer(ptr %pool) nounwind {{
start:
{parts("status", "error")}
  %told = load atomic i32, ptr %status acquire, align 4
  %first = load atomic i64, ptr %error acquire, align 8
  %none = icmp eq i64 %first, -1
  %interrupt = icmp slt i32 %told, 0
  %plain = or i1 %none, %interrupt
  %short = trunc i64 %first to i32
  %answer = select i1 %plain, i32 %told, i32 %short
  ret i32 %answer
}}
"""


def _publish(read_mode: str) -> str:
    """``void @publish(…)``: open the gate for `helpers` threads, and wake as many that sleep."""
    return f"""
define internal void @publish(ptr %pool, ptr %task.here, ptr %frame.here, i64 %blocks.here,
                              i64 %bytes.here, i64 %helpers) nounwind {{
start:
{parts("task", "frame", "blocks", "bytes", "mode", "next", "status", "error", "gate")}
{parts("sleepers", "mutex", "wake")}
  store ptr %task.here, ptr %task
  store ptr %frame.here, ptr %frame
  store i64 %blocks.here, ptr %blocks
  store i64 %bytes.here, ptr %bytes
  {read_mode}
  store atomic i64 0, ptr %next monotonic, align 8
  store atomic i32 0, ptr %status monotonic, align 4
  store atomic i64 -1, ptr %error monotonic, align 8
  %old = load atomic i64, ptr %gate monotonic, align 8
  %last = lshr i64 %old, {NUMBER}
  %following = add i64 %last, 1
  %number = and i64 %following, {JOBS}
  %numbered = shl i64 %number, {NUMBER}
  %open = or i64 %numbered, {1 << OPEN}
  %seats = shl i64 %helpers, {SEAT}
  %new = or i64 %open, %seats
  store atomic i64 %new, ptr %gate seq_cst, align 8
  %asleep = load atomic i32, ptr %sleepers seq_cst, align 4
  %asleep64 = zext i32 %asleep to i64
  %all = icmp ult i64 %asleep64, %helpers
  %count = select i1 %all, i64 %asleep64, i64 %helpers
  %none = icmp eq i64 %count, 0
  br i1 %none, label %end, label %lock
lock:
  %locked = call i32 @pthread_mutex_lock(ptr %mutex)
  br label %signal
signal:
  %i = phi i64 [ 0, %lock ], [ %next.i, %signal ]
  %signalled = call i32 @pthread_cond_signal(ptr %wake)
  %next.i = add i64 %i, 1
  %more = icmp ult i64 %next.i, %count
  br i1 %more, label %signal, label %unlock
unlock:
  %unlocked = call i32 @pthread_mutex_unlock(ptr %mutex)
  br label %end
end:
  ret void
}}
"""


def _parallel() -> str:
    """``@fg.parallel``, and the same without other threads. A busy pool is not waited for."""
    serial = _SERIAL.replace("define i32 @fg.parallel", "define internal i32 @serial")
    return f"""{serial}
define i32 @fg.parallel(ptr %task, ptr %frame, i64 %blocks, ptr %scratch, i64 %bytes, ptr %poll,
                        ptr %context) nounwind {{
start:
  %pool = load ptr, ptr @fg.pool
{parts("limit", "busy", "gate", "table")}
  %wanted.at = getelementptr i8, ptr %context, i64 {CONTEXT_THREADS}
  %own = load i64, ptr %wanted.at
  %usual32 = load atomic i32, ptr %limit monotonic, align 4
  %usual = zext i32 %usual32 to i64
  %default = icmp eq i64 %own, 0
  %wanted = select i1 %default, i64 %usual, i64 %own
  %some = icmp ult i64 %wanted, %blocks
  %threads = select i1 %some, i64 %wanted, i64 %blocks
  %several = icmp ugt i64 %threads, 1
  br i1 %several, label %try, label %alone
try:
  %pair = cmpxchg ptr %busy, i32 0, i32 1 acq_rel monotonic
  %mine = extractvalue {{ i32, i1 }} %pair, 1
  br i1 %mine, label %team, label %alone
team:
  %helpers = sub i64 %threads, 1
  %running = call i64 @grow(ptr %pool, i64 %helpers)
  %none = icmp eq i64 %running, 0
  br i1 %none, label %give.up, label %go
give.up:
  store atomic i32 0, ptr %busy release, align 4
  br label %alone
go:
  %numbers.at = getelementptr i8, ptr %context, i64 {CONTEXT_TABLE}
  %numbers = load ptr, ptr %numbers.at
  store ptr %numbers, ptr %table
  call void @publish(ptr %pool, ptr %task, ptr %frame, i64 %blocks, i64 %bytes, i64 %running)
  call void @work(ptr %pool, ptr %task, ptr %frame, i64 %blocks, ptr %scratch, ptr %context)
  %inside = atomicrmw and ptr %gate, i64 {~(((1 << 17) - 1) << SEAT)} seq_cst
  call void @wait(ptr %pool, ptr %poll, ptr %context)
  %result = call i32 @answer(ptr %pool)
  store atomic i32 0, ptr %busy release, align 4
  ret i32 %result
alone:
  %serially = call i32 @serial(ptr %task, ptr %frame, i64 %blocks, ptr %scratch, i64 %bytes,
                               ptr %poll, ptr %context)
  ret i32 %serially
}}
"""


def _wait(pause: str) -> str:
    """``void @wait(pool, poll, context)``: until no thread is inside; polls now and then."""
    return f"""
define internal void @wait(ptr %pool, ptr %poll, ptr %context) nounwind {{
start:
{parts("gate", "mutex", "done")}
  %time = alloca [2 x i64], align 8
  %rest.at = getelementptr i64, ptr %time, i64 1
  br label %spin
spin:
  %left = phi i64 [ {SPINS}, %start ], [ %fewer, %again ]
  %now = load atomic i64, ptr %gate acquire, align 8
  %inside = and i64 %now, 65535
  %empty = icmp eq i64 %inside, 0
  br i1 %empty, label %end, label %again
again:
  {pause}
  %fewer = sub i64 %left, 1
  %tired = icmp eq i64 %fewer, 0
  br i1 %tired, label %sleep, label %spin
sleep:
  %asked = phi i1 [ true, %again ], [ true, %poll.now ], [ false, %interrupted ]
  %got = call i32 @clock_gettime(i32 {_REALTIME}, ptr %time)
  %seconds = load i64, ptr %time
  %rest = load i64, ptr %rest.at
  %later = add i64 %rest, {_WAIT_NANOSECONDS}
  %carry = udiv i64 %later, 1000000000
  %new.rest = urem i64 %later, 1000000000
  %new.seconds = add i64 %seconds, %carry
  store i64 %new.seconds, ptr %time
  store i64 %new.rest, ptr %rest.at
  %locked = call i32 @pthread_mutex_lock(ptr %mutex)
  %then = load atomic i64, ptr %gate seq_cst, align 8
  %still = and i64 %then, 65535
  %gone = icmp eq i64 %still, 0
  br i1 %gone, label %unlock, label %doze
doze:
  %waited = call i32 @pthread_cond_timedwait(ptr %done, ptr %mutex, ptr %time)
  br label %unlock
unlock:
  %unlocked = call i32 @pthread_mutex_unlock(ptr %mutex)
  %at.last = load atomic i64, ptr %gate acquire, align 8
  %some = and i64 %at.last, 65535
  %over = icmp eq i64 %some, 0
  br i1 %over, label %end, label %maybe
maybe:
  br i1 %asked, label %poll.now, label %interrupted
poll.now:
  %answer = call i32 %poll(ptr %context)
  %calm = icmp eq i32 %answer, 0
  br i1 %calm, label %sleep, label %tell
tell:
  call void @report(ptr %pool, i64 0, i32 %answer)
  br label %interrupted
interrupted:
  br label %sleep
end:
  ret void
}}
"""
