"""Memory for temporaries: one block that the process keeps between calls.

A large block that is fetched from the system and given back at each call costs a page fault for
every 4 KiB, more than many kernels do with it. So the last block that a call gave back is kept, and
the next call takes it if it is large enough. Whoever finds none (another thread has it) allocates;
a block that is larger than `KEPT_BYTES` goes back to the system at once. Linux is asked for huge
pages, as NumPy does for its arrays: a fault for every 2 MiB.
"""

from __future__ import annotations

import ctypes
import sys

KEPT_BYTES = 1 << 28
HUGE_BYTES = 1 << 22  # a block from which on huge pages are asked for
HUGE_PAGES = 14  # Linux's MADV_HUGEPAGE
HEADER = 128  # room for the size of the block, and for its alignment to a cache line

_slot = ctypes.c_void_p(None)  # the block that is kept; emitted code swaps it atomically

DECLARATIONS = {
    "fg.arena": "@fg.arena = external global ptr",
    "PyMem_RawMalloc": "declare noalias ptr @PyMem_RawMalloc(i64)",
    "PyMem_RawFree": "declare void @PyMem_RawFree(ptr)",
}

ADVICE = ""
if sys.platform == "linux":
    DECLARATIONS["madvise"] = "declare i32 @madvise(ptr, i64, i32)"
    ADVICE = f"""
  %huge = icmp uge i64 %size, {HUGE_BYTES}
  br i1 %huge, label %advise, label %ready
advise:
  %start = ptrtoint ptr %block to i64
  %up = add i64 %start, 4095
  %page = and i64 %up, -4096
  %at = inttoptr i64 %page to ptr
  %length = sub i64 %size, 4096
  %ignored = call i32 @madvise(ptr %at, i64 %length, i32 {HUGE_PAGES})"""

TEXT = f"""
; A block with room for %size bytes, or null. Its first word is how much room it has.
define internal ptr @fg.take(i64 %size) noinline nounwind {{
first:
  %kept = atomicrmw xchg ptr @fg.arena, ptr null acq_rel
  %none = icmp eq ptr %kept, null
  br i1 %none, label %allocate, label %measure
measure:
  %room = load i64, ptr %kept
  %enough = icmp uge i64 %room, %size
  br i1 %enough, label %reuse, label %drop
reuse:
  ret ptr %kept
drop:
  call void @PyMem_RawFree(ptr %kept)
  br label %allocate
allocate:
  %whole = add i64 %size, {HEADER}
  %block = call ptr @PyMem_RawMalloc(i64 %whole)
  %failed = icmp eq ptr %block, null
  br i1 %failed, label %nothing, label %sized
sized:
  store i64 %size, ptr %block{ADVICE}
  br label %ready
ready:
  ret ptr %block
nothing:
  ret ptr null
}}

; Keep %block for the next call, in the place of the one that is kept now.
define internal void @fg.give(ptr %block) noinline nounwind {{
start:
  %room = load i64, ptr %block
  %large = icmp ugt i64 %room, {KEPT_BYTES}
  br i1 %large, label %free, label %keep
keep:
  %old = atomicrmw xchg ptr @fg.arena, ptr %block acq_rel
  %none = icmp eq ptr %old, null
  br i1 %none, label %done, label %replace
replace:
  call void @PyMem_RawFree(ptr %old)
  ret void
free:
  call void @PyMem_RawFree(ptr %block)
  ret void
done:
  ret void
}}
"""


def slot_address() -> int:
    """The address of `fg.arena`, for the linker."""
    return ctypes.addressof(_slot)
