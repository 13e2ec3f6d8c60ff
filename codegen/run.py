"""`run`: the function of a module that calls those of the operations in order, in parts."""

from __future__ import annotations

from collections.abc import Iterator

from ..ir import Graph, Operation, Value
from ..ir.passes.plan import ALIGNMENT, Place, Plan
from ..ir.passes.sharing import Sharing
from . import arena
from .calls import CallSite, work_of, write_call
from .control import return_if_nonzero
from .emitter import Emitter, Reg
from .kernels import memory
from .status import NO_MEMORY

STACK_ARENA = 1 << 14  # bytes of temporaries up to which they live on the stack
PART = 256  # calls in one function: LLVM's passes take longer than linear in its size
PART_POINTERS = 1024  # that these calls are given, and make their blocks large
PART_ARGUMENTS = "ptr %inputs, ptr %outputs, ptr %arena, ptr %context"
POLL_WORK = 1 << 20  # scalar operations after which `run` polls


class Run:
    """Writes `run`, and the parts that it consists of."""

    def __init__(self, graph: Graph, plan: Plan, sharing: Sharing) -> None:
        self.graph, self.plan, self.sharing = graph, plan, sharing
        self.e = Emitter(1)
        self.parts: list[str] = []
        self.calls = 0  # in all parts
        self.work = 0  # since the last poll
        self.polls = False

    def write(self, calls: list[CallSite]) -> None:
        """`run` calls its parts in order; each calls some operations, and returns as `run` does."""
        e = self.e
        self.calls = len(calls)
        e.lines.append("entry:")
        self._reserve()
        failed = ["0", e.block]
        for group in _groups(calls):
            symbol = f"@part{len(self.parts)}"
            self.parts.append(self._part(symbol, group))
            code = e.emit(f"call i32 {symbol}({PART_ARGUMENTS})", "i32")
            failed += [code.name, e.block]
            go = e.new_label("go")
            bad = e.compare("ne", code, Reg("0", "i32"))
            e.write(f"br i1 {bad.name}, label %cleanup, label %{go}, !prof !0")
            e.start_block(go)
        self._hand_over()
        e.write("br label %cleanup")
        failed[1] = e.block
        e.start_block("cleanup")
        pairs = zip(failed[::2], failed[1::2], strict=True)
        codes = ", ".join(f"[ {code}, %{block} ]" for code, block in pairs)
        result = e.emit(f"phi i32 {codes}", "i32")
        if self.plan.arena > STACK_ARENA:
            e.write("call void @fg.give(ptr %block)")
        e.write(f"ret i32 {result.name}")

    def text(self) -> str:
        """All that was written."""
        head = "define i32 @run(ptr %inputs, ptr %outputs, ptr %context) nounwind {"
        return "\n".join([*self.parts, head, *self.e.lines, "}"])

    def _hand_over(self) -> None:
        """Copy the outputs that could not be computed where they are to be."""
        for value, output in self.plan.copies:
            target = self._pointer_to(self.e, Place("output", output))
            memory.copy(self.e, target, self._pointer(self.e, value), value.type.bytes)

    def _part(self, symbol: str, calls: list[CallSite]) -> str:
        e = Emitter(1)
        e.lines.append("entry:")
        for site in calls:
            operation = site.operation
            values = (*operation.operands, *operation.results)
            pointers = [self._pointer(e, v) for v in values]
            scratch = _in_arena(e, self.plan.scratch[operation]) if site.text.scratch else None
            in_place = self.plan.places[values[0]] == self.plan.places[values[-1]]
            if operation.name == "update" and in_place:
                pointers[-1] = pointers[0]
            if self._holds_parts(operation):
                self._add_parts(e, operation, pointers)
            else:
                write_call(e, site, pointers, scratch)
            self._poll_after(e, operation)
        e.write("ret i32 0")
        self.e.declarations |= e.declarations
        whole = len(calls) < PART and len(calls) == self.calls
        inline = "alwaysinline" if whole else "noinline optnone"  # calls: nothing to optimise
        head = f"define internal i32 {symbol}({PART_ARGUMENTS}) {inline} nounwind {{"
        return "\n".join([head, *e.lines, "}", ""])

    def _holds_parts(self, operation: Operation) -> bool:
        """Are operands where they are to be concatenated?"""
        owner = self.sharing.owner
        return operation.name == "concatenate" and any(
            self.sharing.parts.get(owner[x], (None,))[0] is operation.result
            for x in operation.operands
        )

    def _add_parts(self, e: Emitter, operation: Operation, pointers: list[str]) -> None:
        """The other operands, copied to their places beside them."""
        offset = 0
        for operand, pointer in zip(operation.operands, pointers, strict=False):
            part = self.sharing.parts.get(self.sharing.owner[operand])
            if part is None or part[0] is not operation.result:
                to = e.emit(f"getelementptr i8, ptr {pointers[-1]}, i64 {offset}", "ptr").name
                memory.copy(e, to, pointer, operand.type.bytes)
            offset += operand.type.bytes

    def _poll_after(self, e: Emitter, operation: Operation) -> None:
        """Poll where operations that do not poll themselves add up to some milliseconds."""
        self.work += work_of(operation)
        if self.work >= POLL_WORK:
            self.work, self.polls = 0, True
            code = e.emit("call i32 @fg.poll(ptr %context)", "i32")
            return_if_nonzero(e, code)

    def _reserve(self) -> None:
        """`%arena`: room for the temporaries."""
        e, size = self.e, self.plan.arena
        if size <= STACK_ARENA:
            e.write(f"%arena = alloca i8, i64 {size}, align 64")
        else:
            e.declarations |= arena.DECLARATIONS
            e.write(f"%block = call ptr @fg.take(i64 {size})")
            none = e.emit("icmp eq ptr %block, null", "bool")
            e.write(f"br i1 {none.name}, label %nothing, label %start, !prof !0")
            e.start_block("nothing")
            e.write(f"ret i32 {NO_MEMORY}")
            e.start_block("start")
            start = e.emit("ptrtoint ptr %block to i64", "i64")
            behind = e.add(start, Reg(str(8 + ALIGNMENT - 1), "i64"))
            aligned = e.and_(behind, Reg(str(-ALIGNMENT), "i64"))
            e.write(f"%arena = inttoptr i64 {aligned.name} to ptr")

    def _pointer(self, e: Emitter, value: Value) -> str:
        return self._pointer_to(e, self.plan.places[value])

    def _pointer_to(self, e: Emitter, place: Place) -> str:
        if place.kind == "arena":  # cheap to make anew, and then no register is held for it
            return _in_arena(e, place.index + place.offset)
        array = f"%{place.kind}s"
        at = e.emit(f"getelementptr ptr, ptr {array}, i64 {place.index}", "ptr")
        start = e.emit(f"load ptr, ptr {at.name}", "ptr").name
        if not place.offset:
            return start
        return e.emit(f"getelementptr i8, ptr {start}, i64 {place.offset}", "ptr").name


def _groups(calls: list[CallSite]) -> Iterator[list[CallSite]]:
    """The calls of each part."""
    group: list[CallSite] = []
    pointers = 0
    for site in calls:
        more = len(site.operation.operands) + len(site.operation.results)
        if group and (len(group) == PART or pointers + more > PART_POINTERS):
            yield group
            group, pointers = [], 0
        group.append(site)
        pointers += more
    if group:
        yield group


def _in_arena(e: Emitter, offset: int) -> str:
    return e.emit(f"getelementptr i8, ptr %arena, i64 {offset}", "ptr").name
