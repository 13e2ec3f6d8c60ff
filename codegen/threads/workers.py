"""What the threads of the pool do, as LLVM IR: they start, wait for jobs, work and end.

A thread that finds nothing to do spins for some microseconds, then sleeps.
"""

from __future__ import annotations

import signal

from ..entry.poll import CONTEXT_JOB, CONTEXT_SIZE, CONTEXT_TABLE
from .state import JOBS, NUMBER, OPEN, SEAT, STOP, parts

SPINS = 1000  # looks before a thread sleeps: some 40 us
_HARD_SIGNALS = ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL")  # of a thread's own doing
_SET_MASK = getattr(signal, "SIG_SETMASK", 2)


def workers_text(pause: str, write_mode: str) -> str:
    """`pause` is this CPU's instruction for loops that wait, `write_mode` sets the mode of its
    floating-point unit.
    """
    return "\n".join((_grow(), _enter(pause), _worker(write_mode), _stop()))


def _grow() -> str:
    """``i64 @grow(pool, helpers)``: start the threads that are missing; how many can help."""
    kept = [int(getattr(signal, name)) for name in _HARD_SIGNALS if hasattr(signal, name)]
    unblock = "\n".join(
        f"  %kept{i} = call i32 @sigdelset(ptr %all, i32 {number})" for i, number in enumerate(kept)
    )
    return f"""
define internal i64 @grow(ptr %pool, i64 %helpers) nounwind {{
start:
{parts("workers", "threads", "attributes")}
  %all = alloca [128 x i8], align 16
  %old = alloca [128 x i8], align 16
  %running = load i32, ptr %workers
  %running64 = zext i32 %running to i64
  %enough = icmp uge i64 %running64, %helpers
  br i1 %enough, label %ready, label %mask
mask:
  %filled = call i32 @sigfillset(ptr %all)
{unblock}
  %masked = call i32 @pthread_sigmask(i32 {_SET_MASK}, ptr %all, ptr %old)
  br label %create
create:
  %n = phi i64 [ %running64, %mask ], [ %one.more, %created ]
  %place = getelementptr i64, ptr %threads, i64 %n
  %result = call i32 @pthread_create(ptr %place, ptr %attributes, ptr @worker, ptr %pool)
  %failed = icmp ne i32 %result, 0
  br i1 %failed, label %unmask, label %created
created:
  %one.more = add i64 %n, 1
  %short = icmp ult i64 %one.more, %helpers
  br i1 %short, label %create, label %unmask
unmask:
  %there = phi i64 [ %n, %create ], [ %one.more, %created ]
  %there32 = trunc i64 %there to i32
  store i32 %there32, ptr %workers
  %unmasked = call i32 @pthread_sigmask(i32 {_SET_MASK}, ptr %old, ptr null)
  ret i64 %there
ready:
  ret i64 %helpers
}}
"""


def _enter(pause: str) -> str:
    """``i64 @enter(pool, last)``: wait for a job beside the `last` one and take a seat in it.

    The result is the job's number, or -1 where the thread must end.
    """
    return f"""
define internal i32 @may.enter(i64 %gate, i64 %last) alwaysinline nounwind {{
  %stopped = icmp slt i64 %gate, 0
  %number.high = lshr i64 %gate, {NUMBER}
  %number = and i64 %number.high, {JOBS}
  %other = icmp ne i64 %number, %last
  %open.bit = and i64 %gate, {1 << OPEN}
  %open = icmp ne i64 %open.bit, 0
  %seat.bits = and i64 %gate, {0xFFFF << SEAT}
  %seat = icmp ne i64 %seat.bits, 0
  %new = and i1 %other, %open
  %free = and i1 %new, %seat
  %enter = zext i1 %free to i32
  %answer = select i1 %stopped, i32 -1, i32 %enter
  ret i32 %answer
}}

define internal i64 @enter(ptr %pool, i64 %last) nounwind {{
start:
{parts("gate", "mutex", "wake", "sleepers")}
  br label %spin
spin:
  %left = phi i64 [ {SPINS}, %start ], [ %fewer, %pause ], [ {SPINS}, %woken ]
  %old = load atomic i64, ptr %gate acquire, align 8
  %may = call i32 @may.enter(i64 %old, i64 %last)
  switch i32 %may, label %swap [ i32 0, label %pause
                                 i32 -1, label %stop ]
swap:
  %taken = add i64 %old, {1 - (1 << SEAT)}
  %pair = cmpxchg ptr %gate, i64 %old, i64 %taken acq_rel monotonic
  %inside = extractvalue {{ i64, i1 }} %pair, 1
  br i1 %inside, label %end, label %pause
pause:
  {pause}
  %fewer = sub i64 %left, 1
  %tired = icmp eq i64 %fewer, 0
  br i1 %tired, label %sleep, label %spin
sleep:
  %locked = call i32 @pthread_mutex_lock(ptr %mutex)
  %more.asleep = atomicrmw add ptr %sleepers, i32 1 seq_cst
  br label %check
check:
  %now = load atomic i64, ptr %gate seq_cst, align 8
  %can = call i32 @may.enter(i64 %now, i64 %last)
  %nothing = icmp eq i32 %can, 0
  br i1 %nothing, label %doze, label %woken
doze:
  %waited = call i32 @pthread_cond_wait(ptr %wake, ptr %mutex)
  br label %check
woken:
  %fewer.asleep = atomicrmw sub ptr %sleepers, i32 1 seq_cst
  %unlocked = call i32 @pthread_mutex_unlock(ptr %mutex)
  br label %spin
stop:
  ret i64 -1
end:
  %high = lshr i64 %old, {NUMBER}
  %number = and i64 %high, {JOBS}
  ret i64 %number
}}
"""


def _worker(write_mode: str) -> str:
    """``ptr @worker(pool)``: what each thread of the pool runs, from job to job."""
    words = CONTEXT_SIZE // 8
    return f"""
define internal ptr @worker(ptr %pool) nounwind {{
start:
{parts("gate", "mutex", "done", "status", "task", "frame", "blocks", "bytes", "mode", "table")}
  %context = alloca [{words} x i64], align 8
  store [{words} x i64] zeroinitializer, ptr %context
  %job.at = getelementptr i8, ptr %context, i64 {CONTEXT_JOB}
  store ptr %status, ptr %job.at
  %numbers.at = getelementptr i8, ptr %context, i64 {CONTEXT_TABLE}
  br label %loop
loop:
  %last = phi i64 [ 0, %start ], [ %number, %leave ], [ %number, %wake ]
  %buffer = phi ptr [ null, %start ], [ %block, %leave ], [ %block, %wake ]
  %room = phi i64 [ 0, %start ], [ %size, %leave ], [ %size, %wake ]
  %number = call i64 @enter(ptr %pool, i64 %last)
  %ended = icmp slt i64 %number, 0
  br i1 %ended, label %end, label %begin
begin:
  {write_mode}
  %needed = load i64, ptr %bytes
  %enough = icmp uge i64 %room, %needed
  br i1 %enough, label %ready, label %allocate
allocate:
  call void @free(ptr %buffer)
  %whole = add i64 %needed, 64
  %fetched = call ptr @malloc(i64 %whole)
  %failed = icmp eq ptr %fetched, null
  br i1 %failed, label %out, label %ready
ready:
  %kept = phi ptr [ %buffer, %begin ], [ %fetched, %allocate ]
  %kept.size = phi i64 [ %room, %begin ], [ %needed, %allocate ]
  %address = ptrtoint ptr %kept to i64
  %above = add i64 %address, 63
  %even = and i64 %above, -64
  %scratch = inttoptr i64 %even to ptr
  %task.here = load ptr, ptr %task
  %frame.here = load ptr, ptr %frame
  %blocks.here = load i64, ptr %blocks
  %numbers = load ptr, ptr %table
  store ptr %numbers, ptr %numbers.at
  call void @work(ptr %pool, ptr %task.here, ptr %frame.here, i64 %blocks.here, ptr %scratch,
                  ptr %context)
  br label %out
out:
  %block = phi ptr [ %kept, %ready ], [ null, %allocate ]
  %size = phi i64 [ %kept.size, %ready ], [ 0, %allocate ]
  %before = atomicrmw sub ptr %gate, i64 1 seq_cst
  %after = sub i64 %before, 1
  %rest = and i64 %after, {(1 << OPEN) | 0xFFFF}
  %last.one = icmp eq i64 %rest, 0
  br i1 %last.one, label %wake, label %leave
leave:
  br label %loop
wake:
  %locked = call i32 @pthread_mutex_lock(ptr %mutex)
  %signalled = call i32 @pthread_cond_signal(ptr %done)
  %unlocked = call i32 @pthread_mutex_unlock(ptr %mutex)
  br label %loop
end:
  call void @free(ptr %buffer)
  ret ptr null
}}
"""


def _stop() -> str:
    """``i32 @fg.pool.stop(i32 then)``: end all threads; 0 if the pool is busy, and they stay.

    `then` is whether new ones may start later (0), or never (1).
    """
    return f"""
define i32 @fg.pool.stop(i32 %then) nounwind {{
start:
  %pool = load ptr, ptr @fg.pool
{parts("busy", "gate", "mutex", "wake", "workers", "threads")}
  %pair = cmpxchg ptr %busy, i32 0, i32 1 acq_rel monotonic
  %mine = extractvalue {{ i32, i1 }} %pair, 1
  br i1 %mine, label %tell, label %busy.now
tell:
  %open = atomicrmw or ptr %gate, i64 {STOP - (1 << 64)} seq_cst
  %locked = call i32 @pthread_mutex_lock(ptr %mutex)
  %woken = call i32 @pthread_cond_broadcast(ptr %wake)
  %unlocked = call i32 @pthread_mutex_unlock(ptr %mutex)
  %count = load i32, ptr %workers
  %count64 = zext i32 %count to i64
  br label %look
look:
  %i = phi i64 [ 0, %tell ], [ %following, %join ]
  %more = icmp ult i64 %i, %count64
  br i1 %more, label %join, label %ended
join:
  %place = getelementptr i64, ptr %threads, i64 %i
  %thread = load i64, ptr %place
  %joined = call i32 @pthread_join(i64 %thread, ptr null)
  %following = add i64 %i, 1
  br label %look
ended:
  store i32 0, ptr %workers
  %closed = atomicrmw and ptr %gate, i64 {STOP - 1} seq_cst
  store atomic i32 %then, ptr %busy release, align 4
  ret i32 1
busy.now:
  ret i32 0
}}
"""
