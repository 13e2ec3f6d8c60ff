"""The functions that an entry calls again and again: out of line, so that they compile once."""

from __future__ import annotations

from . import layout
from .symbols import References

ATTRIBUTES = "noinline nounwind optsize"  # optsize: nothing here is worth unrolling


def library_text(prefix: str, references: References) -> str:
    """All helper functions of one entry, named ``@"<prefix>.<helper>"``."""
    parts = (_clear, _array, _new_array, _bind, _release, _report, _miss)
    return "\n".join(part(prefix, references) for part in parts)


def _clear(prefix: str, _symbols: References) -> str:
    # Not llvm.memset: that becomes a call of libc's, a symbol for the linker to find.
    return f"""
; Fill an array of pointers with null.
define internal void @"{prefix}.clear"(ptr %items, i64 %count) {ATTRIBUTES} {{
start:
  br label %next
next:
  %i = phi i64 [ 0, %start ], [ %i.next, %one ]
  %all = icmp eq i64 %i, %count
  br i1 %all, label %done, label %one
one:
  %at = getelementptr ptr, ptr %items, i64 %i
  store volatile ptr null, ptr %at  ; volatile: stays a loop under every optimiser
  %i.next = add i64 %i, 1
  br label %next
done:
  ret void
}}"""


def _array(prefix: str, symbols: References) -> str:
    # An unpickled array has a dtype object of its own: the same DType class and byte order will do.
    return f"""
; The data pointer of an ndarray of exactly this dtype and shape with these flags, else null.
define internal ptr @"{prefix}.array"(ptr %object, ptr %descr, i32 %ndim, ptr %shape, i32 %wanted)
    {ATTRIBUTES} {{
start:
  %type.at = getelementptr i8, ptr %object, i64 {layout.TYPE}
  %type = load ptr, ptr %type.at
  %is.array = icmp eq ptr %type, {symbols["ndarray"]}
  br i1 %is.array, label %flags, label %miss
flags:
  %flags.at = getelementptr i8, ptr %object, i64 {layout.ARRAY_FLAGS}
  %all.flags = load i32, ptr %flags.at
  %some.flags = and i32 %all.flags, %wanted
  %flags.hold = icmp eq i32 %some.flags, %wanted
  %ndim.at = getelementptr i8, ptr %object, i64 {layout.ARRAY_NDIM}
  %its.ndim = load i32, ptr %ndim.at
  %same.ndim = icmp eq i32 %its.ndim, %ndim
  %plain = and i1 %flags.hold, %same.ndim
  br i1 %plain, label %dtype, label %miss
dtype:
  %descr.at = getelementptr i8, ptr %object, i64 {layout.ARRAY_DESCR}
  %its.descr = load ptr, ptr %descr.at
  %same.descr = icmp eq ptr %its.descr, %descr
  br i1 %same.descr, label %dimensions, label %alike
alike:
  %class.at = getelementptr i8, ptr %descr, i64 {layout.TYPE}
  %class = load ptr, ptr %class.at
  %its.class.at = getelementptr i8, ptr %its.descr, i64 {layout.TYPE}
  %its.class = load ptr, ptr %its.class.at
  %same.class = icmp eq ptr %its.class, %class
  br i1 %same.class, label %order, label %miss
order:
  %order.at = getelementptr i8, ptr %descr, i64 {layout.DESCR_BYTEORDER}
  %order.is = load i8, ptr %order.at
  %its.order.at = getelementptr i8, ptr %its.descr, i64 {layout.DESCR_BYTEORDER}
  %its.order = load i8, ptr %its.order.at
  %same.order = icmp eq i8 %its.order, %order.is
  br i1 %same.order, label %dimensions, label %miss
dimensions:
  %shape.at = getelementptr i8, ptr %object, i64 {layout.ARRAY_SHAPE}
  %its.shape = load ptr, ptr %shape.at
  br label %next
next:
  %axis = phi i32 [ 0, %dimensions ], [ %axis.next, %compare ]
  %all = icmp eq i32 %axis, %ndim
  br i1 %all, label %match, label %compare
compare:
  %size.at = getelementptr i64, ptr %shape, i32 %axis
  %size = load i64, ptr %size.at
  %its.size.at = getelementptr i64, ptr %its.shape, i32 %axis
  %its.size = load i64, ptr %its.size.at
  %same.size = icmp eq i64 %size, %its.size
  %axis.next = add i32 %axis, 1
  br i1 %same.size, label %next, label %miss
match:
  %data.at = getelementptr i8, ptr %object, i64 {layout.ARRAY_DATA}
  %data = load ptr, ptr %data.at
  ret ptr %data
miss:
  ret ptr null
}}"""


def apart_text(prefix: str) -> str:
    """A helper of entries with donated arguments."""
    return f"""
; Do the inputs of these numbers (`many` ones) share no memory with any other of the `count` inputs?
define internal i1 @"{prefix}.apart"(ptr %inputs, ptr %sizes, i64 %count, ptr %numbers, i64 %many)
    {ATTRIBUTES} {{
start:
  br label %outer
outer:
  %k = phi i64 [ 0, %start ], [ %k.next, %inner ]
  %all = icmp eq i64 %k, %many
  br i1 %all, label %good, label %one
one:
  %number.at = getelementptr i64, ptr %numbers, i64 %k
  %number = load i64, ptr %number.at
  %first.at = getelementptr i64, ptr %inputs, i64 %number
  %first = load i64, ptr %first.at
  %size.at = getelementptr i64, ptr %sizes, i64 %number
  %size = load i64, ptr %size.at
  %end = add i64 %first, %size
  %k.next = add i64 %k, 1
  br label %inner
inner:
  %j = phi i64 [ 0, %one ], [ %j.next, %next ]
  %done = icmp eq i64 %j, %count
  br i1 %done, label %outer, label %other
other:
  %start.at = getelementptr i64, ptr %inputs, i64 %j
  %its.first = load i64, ptr %start.at
  %its.size.at = getelementptr i64, ptr %sizes, i64 %j
  %its.size = load i64, ptr %its.size.at
  %its.end = add i64 %its.first, %its.size
  %before = icmp ult i64 %its.first, %end
  %behind = icmp ult i64 %first, %its.end
  %meet = and i1 %before, %behind
  %different = icmp ne i64 %j, %number
  %bad = and i1 %meet, %different
  br i1 %bad, label %shared, label %next
next:
  %j.next = add i64 %j, 1
  br label %inner
good:
  ret i1 true
shared:
  ret i1 false
}}"""


def _new_array(prefix: str, symbols: References) -> str:
    return f"""
; A new uninitialised C-contiguous ndarray, or null with the exception set.
define internal ptr @"{prefix}.new_array"(ptr %descr, i32 %ndim, ptr %shape) {ATTRIBUTES} {{
  call void {symbols["Py_IncRef"]}(ptr %descr)  ; the next call takes it over
  %array = call ptr {symbols["PyArray_NewFromDescr"]}(ptr {symbols["ndarray"]}, ptr %descr,
    i32 %ndim, ptr %shape, ptr null, ptr null, i32 0, ptr null)
  ret ptr %array
}}"""


def _bind(prefix: str, symbols: References) -> str:
    # `total` values in as many different slots fill every slot: none need be checked at the end.
    return f"""
; Put positional and named arguments in the order of the parameters; false if they don't fit.
define internal i1 @"{prefix}.bind"(ptr %args, i64 %nargs, ptr %kwnames, ptr %slots, ptr %names,
    i64 %total, i64 %least, i64 %most) {ATTRIBUTES} {{
start:
  %count.at = getelementptr i8, ptr %kwnames, i64 {layout.SIZE}
  %count = load i64, ptr %count.at
  %given = add i64 %nargs, %count
  %complete = icmp eq i64 %given, %total
  %enough = icmp sge i64 %nargs, %least
  %allowed = icmp sle i64 %nargs, %most
  %fits = and i1 %enough, %allowed
  %plausible = and i1 %complete, %fits
  br i1 %plausible, label %positional, label %misfit
positional:
  call void @"{prefix}.clear"(ptr %slots, i64 %total)
  br label %copy
copy:
  %k = phi i64 [ 0, %positional ], [ %k.next, %move ]
  %copied = icmp eq i64 %k, %nargs
  br i1 %copied, label %keywords, label %move
move:
  %from = getelementptr ptr, ptr %args, i64 %k
  %to = getelementptr ptr, ptr %slots, i64 %k
  %moved = load ptr, ptr %from
  store ptr %moved, ptr %to
  %k.next = add i64 %k, 1
  br label %copy
keywords:
  %named = getelementptr ptr, ptr %args, i64 %nargs
  %labels = getelementptr i8, ptr %kwnames, i64 {layout.TUPLE_ITEMS}
  br label %next
next:
  %i = phi i64 [ 0, %keywords ], [ %i.next, %place ]
  %all = icmp eq i64 %i, %count
  br i1 %all, label %done, label %look
look:
  %label.at = getelementptr ptr, ptr %labels, i64 %i
  %label = load ptr, ptr %label.at
  br label %search
search:
  %j = phi i64 [ %nargs, %look ], [ %j.next, %other ]
  %unknown = icmp eq i64 %j, %total
  br i1 %unknown, label %misfit, label %try
try:
  %name.at = getelementptr ptr, ptr %names, i64 %j
  %name = load ptr, ptr %name.at
  %found = icmp eq ptr %name, %label
  br i1 %found, label %free, label %other
other:
  %j.next = add i64 %j, 1
  br label %search
free:
  %slot = getelementptr ptr, ptr %slots, i64 %j
  %before = load ptr, ptr %slot
  %empty = icmp eq ptr %before, null
  br i1 %empty, label %place, label %misfit
place:
  %value.at = getelementptr ptr, ptr %named, i64 %i
  %value = load ptr, ptr %value.at
  store ptr %value, ptr %slot
  %i.next = add i64 %i, 1
  br label %next
done:
  ret i1 true
misfit:
  ret i1 false
}}"""


def _release(prefix: str, symbols: References) -> str:
    return f"""
; Give back the references in an array of pointers, some of which may be null.
define internal void @"{prefix}.release"(ptr %objects, i64 %count) {ATTRIBUTES} {{
start:
  br label %next
next:
  %i = phi i64 [ 0, %start ], [ %i.next, %one ]
  %all = icmp eq i64 %i, %count
  br i1 %all, label %done, label %one
one:
  %at = getelementptr ptr, ptr %objects, i64 %i
  %object = load ptr, ptr %at
  call void {symbols["Py_DecRef"]}(ptr %object)  ; null is fine
  %i.next = add i64 %i, 1
  br label %next
done:
  ret void
}}"""


def _report(prefix: str, symbols: References) -> str:
    return f"""
; Make an exception of the core's status. A negative one says that the exception is set already.
define internal void @"{prefix}.report"(i32 %status) {ATTRIBUTES} cold {{
start:
  %argument = alloca ptr
  %is.code = icmp sgt i32 %status, 0
  br i1 %is.code, label %box, label %done
box:
  %code = sext i32 %status to i64
  %number = call ptr {symbols["PyLong_FromLong"]}(i64 %code)
  %boxed = icmp ne ptr %number, null
  br i1 %boxed, label %tell, label %done
tell:
  store ptr %number, ptr %argument
  %answer = call ptr {symbols["PyObject_Vectorcall"]}(ptr {symbols["on_error"]}, ptr %argument,
    i64 1, ptr null)
  call void {symbols["Py_DecRef"]}(ptr %number)
  %raised = icmp eq ptr %answer, null
  br i1 %raised, label %done, label %silent
silent:
  call void {symbols["Py_DecRef"]}(ptr %answer)
  call void {symbols["PyErr_BadInternalCall"]}()
  br label %done
done:
  ret void
}}"""


def _miss(prefix: str, symbols: References) -> str:
    return f"""
; The call does not fit: hand it on as it came, unless a comparison of dict keys has raised.
define internal ptr @"{prefix}.miss"(ptr %args, i64 %nargs, ptr %kwnames) {ATTRIBUTES} {{
start:
  %error = call ptr {symbols["PyErr_Occurred"]}()
  %clean = icmp eq ptr %error, null
  br i1 %clean, label %pass, label %raise
pass:
  %result = tail call ptr {symbols["PyObject_Vectorcall"]}(ptr {symbols["fallback"]}, ptr %args,
    i64 %nargs, ptr %kwnames)
  ret ptr %result
raise:
  ret ptr null
}}"""
