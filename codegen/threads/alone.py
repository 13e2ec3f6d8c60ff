"""A BLAS that uses one thread while compiled code calls it, as LLVM IR."""

from __future__ import annotations

from .state import HEAD, machine, parts


def alone_text() -> str:
    """``void @fg.alone.begin()`` and ``void @fg.alone.end()``: between them the BLAS uses one
    thread, whatever it used before and will use again when the last such call is over.
    """
    pause, _, _, declarations = machine()
    return "\n".join((HEAD, *declarations, _functions(pause)))


def _functions(pause: str) -> str:
    return f"""
declare i32 @fg.control.get_num_threads()
declare void @fg.control.set_num_threads(i32)

define internal void @acquire(ptr %lock) nounwind {{
start:
  br label %try
try:
  %pair = cmpxchg ptr %lock, i32 0, i32 1 acquire monotonic
  %mine = extractvalue {{ i32, i1 }} %pair, 1
  br i1 %mine, label %end, label %again
again:
  {pause}
  br label %try
end:
  ret void
}}

define void @fg.alone.begin() nounwind {{
start:
  %pool = load ptr, ptr @fg.pool
{parts("lock", "alone", "saved")}
  call void @acquire(ptr %lock)
  %count = load i32, ptr %alone
  %first = icmp eq i32 %count, 0
  br i1 %first, label %ask, label %count.it
ask:
  %usual = call i32 @fg.control.get_num_threads()
  store i32 %usual, ptr %saved
  %several = icmp ne i32 %usual, 1
  br i1 %several, label %set, label %count.it
set:
  call void @fg.control.set_num_threads(i32 1)
  br label %count.it
count.it:
  %more = add i32 %count, 1
  store i32 %more, ptr %alone
  store atomic i32 0, ptr %lock release, align 4
  ret void
}}

define void @fg.alone.end() nounwind {{
start:
  %pool = load ptr, ptr @fg.pool
{parts("lock", "alone", "saved")}
  call void @acquire(ptr %lock)
  %count = load i32, ptr %alone
  switch i32 %count, label %fewer [ i32 0, label %done
                                    i32 1, label %last ]
last:
  %usual = load i32, ptr %saved
  %several = icmp ne i32 %usual, 1
  br i1 %several, label %set, label %fewer
set:
  call void @fg.control.set_num_threads(i32 %usual)
  br label %fewer
fewer:
  %less = sub i32 %count, 1
  store i32 %less, ptr %alone
  br label %done
done:
  store atomic i32 0, ptr %lock release, align 4
  ret void
}}
"""
