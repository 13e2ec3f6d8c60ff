"""A fused graph as one LLVM module: a function for each distinct operation, and `run`, which calls
them in order.

    define i32 @run(ptr %inputs, ptr %outputs, ptr %context)

`inputs` and `outputs` are arrays of data pointers. Temporaries live in one arena: on the stack
where it is small, from the allocator for the length of the call where it is not. `run` returns 0,
what a poll said, or an error code.
"""

from __future__ import annotations

from ..ir import Graph, Operation, Value
from ..ir.passes.plan import Place, Plan, plan_buffers
from ..ir.record import record
from .emitter import Emitter, Reg
from .entry import poll_declarations, poll_text
from .function import FunctionText
from .loops import plan_loops, print_nest
from .maths import BRANCH_WEIGHTS, definitions
from .opaque import NO_MEMORY, lower

STATUS_BITS = 4  # of an error code; the number of the call stands above them
STACK_ARENA = 1 << 14  # bytes of temporaries up to which they live on the stack
INLINE_OPERATIONS = 1024  # body operations up to which maths functions are inlined into kernels


@record
class ModuleText:
    """The LLVM text of `run`, and what a reader wants to know about it."""

    llvm: str
    kernels: int
    functions: int  # distinct functions: equal kernels share one
    arena: int  # bytes
    imports: tuple[str, ...]  # names of functions outside of the module
    calls: tuple[Operation, ...]  # the operations that `run` calls, as error codes count them


def write_module(graph: Graph) -> ModuleText:
    """The module of a fused `graph`."""
    plan = plan_buffers(graph)
    texts: dict[tuple[str, tuple[str, ...]], tuple[str, FunctionText]] = {}
    calls: list[tuple[Operation, str, FunctionText]] = []
    for operation in graph:
        if operation.name == "reshape":
            continue
        text = lower(operation)
        symbol, text = texts.setdefault(text.key, (f"@{operation.name}{len(texts)}", text))
        calls.append((operation, symbol, text))
    run = _Run(graph, plan)
    run.write(calls)
    operations = tuple(operation for operation, _, _ in calls)
    return _assemble(graph, plan, [*texts.values()], run.e, operations)


def print_loops(graph: Graph) -> str:
    """The stage `.loops`: kernels as pseudo-code, other operations by their types.

    They are numbered by their first result, as the stage before numbers it.
    """
    parts, number = [], 0
    for operation in graph:
        if operation.name == "kernel":
            parts.append(print_nest(f"%{number}", plan_loops(operation)))
        elif operation.name != "reshape":
            types = ", ".join(str(x.type) for x in operation.operands)
            parts.append(f"{operation.name} %{number}: ({types}) -> {operation.result.type}")
        number += _values_in(operation)
    return "\n\n".join(parts)


def _values_in(operation: Operation) -> int:
    """How many values an operation defines, those of its regions included."""
    return len(operation.results) + sum(len(op.results) for r in operation.regions for op in r)


class _Run:
    """Writes `run`."""

    def __init__(self, graph: Graph, plan: Plan) -> None:
        self.graph, self.plan = graph, plan
        self.e = Emitter(1)
        self.pointers: dict[Place, str] = {}

    def write(self, calls: list[tuple[Operation, str, FunctionText]]) -> None:
        e = self.e
        e.lines.append("entry:")
        status = e.emit("alloca i32", "ptr").name
        e.write(f"store i32 0, ptr {status}")
        self._reserve()
        for number, (operation, symbol, text) in enumerate(calls):
            arguments = [
                f"ptr {self._pointer(v)}" for v in (*operation.operands, *operation.results)
            ]
            code = e.emit(f"call i32 {symbol}({', '.join([*arguments, 'ptr %context'])})", "i32")
            if text.can_fail:
                self._leave_on_error(code, status, number)
        e.write("br label %cleanup")
        e.start_block("cleanup")
        if self.plan.arena > STACK_ARENA:
            e.write("call void @PyMem_RawFree(ptr %arena)")
        result = e.emit(f"load i32, ptr {status}", "i32")
        e.write(f"ret i32 {result.name}")

    def _leave_on_error(self, code: Reg, status: str, number: int) -> None:
        """Hand on what a poll said as it is; an error with the number of the call it came from."""
        e, go, failed = self.e, self.e.new_label("go"), self.e.new_label("failed")
        bad = e.compare("ne", code, Reg("0", "i32"))
        e.write(f"br i1 {bad.name}, label %{failed}, label %{go}, !prof !0")
        e.start_block(failed)
        where = e.or_(code, Reg(str(number << STATUS_BITS), "i32"))
        told = e.select(e.compare("lt", code, Reg("0", "i32")), code, where)
        e.write(f"store i32 {told.name}, ptr {status}")
        e.write("br label %cleanup")
        e.start_block(go)

    def _reserve(self) -> None:
        """`%arena`: room for the temporaries."""
        e, size = self.e, self.plan.arena
        if 0 < size <= STACK_ARENA:
            e.write(f"%arena = alloca [{size} x i8], align 64")
        elif size:
            e.declarations["PyMem_RawMalloc"] = "declare noalias ptr @PyMem_RawMalloc(i64)"
            e.declarations["PyMem_RawFree"] = "declare void @PyMem_RawFree(ptr)"
            e.write(f"%arena = call ptr @PyMem_RawMalloc(i64 {size})")
            none = e.emit("icmp eq ptr %arena, null", "bool")
            e.write(f"br i1 {none.name}, label %nothing, label %start, !prof !0")
            e.start_block("nothing")
            e.write(f"ret i32 {NO_MEMORY}")
            e.start_block("start")

    def _pointer(self, value: Value) -> str:
        place = self.plan.places[value]
        if place.kind == "arena":  # cheap to make anew, and then no register is held for it
            return self.e.emit(f"getelementptr i8, ptr %arena, i64 {place.index}", "ptr").name
        array = f"%{place.kind}s"
        at = self.e.emit(f"getelementptr ptr, ptr {array}, i64 {place.index}", "ptr")
        return self.e.emit(f"load ptr, ptr {at.name}", "ptr").name


def _assemble(
    graph: Graph,
    plan: Plan,
    functions: list[tuple[str, FunctionText]],
    run: Emitter,
    calls: tuple[Operation, ...],
) -> ModuleText:
    size = sum(len(op.regions[0]) for op in graph if op.name == "kernel")
    needed = [key for _, text in functions for key in text.functions]
    maths, declarations = definitions(needed, inline=size <= INLINE_OPERATIONS)
    for _, text in functions:
        declarations |= text.declarations
    declarations |= run.declarations
    polls = any(text.polls for _, text in functions)
    if polls:
        declarations |= poll_declarations()
    parts = [
        "; one function a kernel; p: read, q: written",
        *dict(sorted(declarations.items())).values(),
        poll_text() if polls else "",
        maths,
        *(text.define(symbol) for symbol, text in functions),
        "define i32 @run(ptr %inputs, ptr %outputs, ptr %context) nounwind {",
        *run.lines,
        "}",
        BRANCH_WEIGHTS,
    ]
    imports = tuple(n for n in sorted(declarations) if n.startswith(("fg.blas.", "PyMem_")))
    kernels = sum(operation.name == "kernel" for operation in graph)
    llvm = "\n".join(parts) + "\n"
    return ModuleText(llvm, kernels, len(functions), plan.arena, imports, calls)
