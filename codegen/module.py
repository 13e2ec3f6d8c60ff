"""A fused graph as one LLVM module: a function for each distinct operation, and `run`, which calls
them in order.

    define i32 @run(ptr %inputs, ptr %outputs, ptr %context)

`inputs` and `outputs` are arrays of data pointers. Temporaries live in one arena: on the stack
where it is small, else in a block that is kept between calls (see `codegen.arena`). `run` returns
0, what a poll said, or an error code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ..ir import Graph, Operation, Value
from ..ir.content import content_of
from ..ir.passes.levels import GENERATORS
from ..ir.passes.plan import ALIGNMENT, Place, Plan, plan_buffers
from ..ir.passes.sharing import Sharing, share_buffers, shared_parameters
from ..ir.record import record
from . import arena
from .calls import CallSite, work_of, write_call
from .control import return_if_nonzero
from .emitter import Emitter, Reg
from .entry import poll_declarations, poll_text
from .function import FunctionText
from .glue import WORK_OF_LINE, declared, is_glue
from .kernels import memory
from .kernels.loops import plan_loops, print_nest
from .kernels.rows import lower_rows
from .linalg.ahead import NONE, Fetches
from .maths import BRANCH_WEIGHTS, definitions
from .opaque import lower
from .scan import is_short, lower_scan
from .status import NO_MEMORY
from .threads.lower import lower_for_threads
from .threads.split import print_blocks, split_kernel

STACK_ARENA = 1 << 14  # bytes of temporaries up to which they live on the stack
PART = 256  # calls in one function: LLVM's passes take longer than linear in its size
PART_POINTERS = 1024  # that these calls are given, and make their blocks large
PART_ARGUMENTS = "ptr %inputs, ptr %outputs, ptr %arena, ptr %context"
_IMPORTED = ("fg.blas.", "fg.lapack.", "fg.arena", "fg.parallel", "fg.alone.", "PyMem_", "madvise")
POLL_WORK = 1 << 20  # scalar operations after which `run` polls
_PARTS_OF_KERNELS = frozenset({"reshape", "lookup", *GENERATORS})  # no calls of their own
MOST_WRITTEN = 128  # functions whose text is kept for modules of other sizes
_REPEATED = {"kernel", "dot"}  # long to write, and often the same for many sizes
INLINE_OPERATIONS = 1024  # body operations up to which maths functions are inlined into kernels


@record
class ModuleText:
    """The LLVM text of `run`, and what a reader wants to know about it."""

    llvm: str
    parts: tuple[str, ...]  # the same as modules of their own: what is optimised, and what is not
    kernels: int
    functions: int  # distinct functions: equal kernels share one
    arena: int  # bytes
    imports: tuple[str, ...]  # names of functions outside of the module
    calls: tuple[Operation, ...]  # the operations that `run` calls, as error codes count them


Written = dict[tuple[str, bool, str], FunctionText]  # functions of operations, by their content


def write_module(
    graph: Graph, donated: Mapping[int, int] | None = None, written: Written | None = None
) -> ModuleText:
    """The module of a fused `graph`. For outputs that are `donated` the memory of an input, by its
    number, `run` is given the same pointer twice. What is `written` already, as other modules had
    it too, is not written again.
    """
    numbered: list[Operation] = []

    def number(operation: Operation) -> int:
        numbered.append(operation)
        return len(numbered) - 1

    sharing = share_buffers(graph, donated, spare=True)
    known = {} if written is None else written
    functions = _Functions(graph, number, shared_parameters(graph, sharing), known)
    calls = [op for op in graph if op.name != "reshape"]
    sites = [CallSite(op, *functions.define(op), number(op)) for op in calls]
    scratch = {site.operation: site.text.scratch for site in sites}
    plan = plan_buffers(graph, scratch, sharing)
    run = _Run(graph, plan, sharing)
    run.write(sites)
    return _assemble(graph, plan, functions.all(), run, tuple(numbered))


@record
class Function:
    """A function of the module: whether it is inlined, whether it is glue (see `glue`), and whether
    one of the other part may call it.
    """

    symbol: str
    text: FunctionText
    inline: bool
    glue: bool
    shared: bool


class _Functions:
    """The functions of a module. Equal ones are there once. Those that `shared` names may be called
    with one memory for these parameters.
    """

    def __init__(
        self,
        graph: Graph,
        number: Callable[[Operation], int],
        shared: Mapping[Operation, frozenset[str]],
        written: Written,
    ) -> None:
        self._number, self._shared, self._written = number, shared, written
        self._texts: dict[tuple[str, tuple[str, ...]], tuple[str, FunctionText]] = {}
        scans = [op for op in graph.walk() if op.name == "scan"]
        self._inlined = {op for scan in scans for op in scan.regions[0] if is_short(op)}
        self._short: set[str] = set()  # symbols
        self._alone: set[str] = set()  # those of functions that are called outside of loops
        self._repeated: set[str] = set()  # and inside of some
        self._loops = 0  # around what is being defined

    def all(self) -> list[Function]:
        found = self._texts.values()
        return [self._function(symbol, text) for symbol, text in found]

    def _function(self, symbol: str, text: FunctionText) -> Function:
        inline = symbol in self._short
        glue = not inline and is_glue(text, symbol not in self._repeated)
        return Function(symbol, text, inline, glue, symbol in self._alone or not inline)

    def define(self, operation: Operation) -> tuple[str, FunctionText]:
        """The function of an operation, for threads where that is worth while."""
        shared = self._shared.get(operation, frozenset())
        loop = operation.name in ("rows", "scan")
        self._loops += loop
        text = lower_for_threads(operation, self._add, self._define_whole, shared)
        text = text or self._lower(operation)
        self._loops -= loop
        found = self._enter(operation.name, text)
        if operation in self._inlined:
            self._short.add(found[0])
        return found

    def _define_whole(
        self, operation: Operation, adds: bool = False, fetches: Fetches = NONE
    ) -> tuple[str, FunctionText]:
        return self._enter(operation.name, self._lower(operation, adds, fetches))

    def _lower(
        self, operation: Operation, adds: bool = False, fetches: Fetches = NONE
    ) -> FunctionText:
        if operation.name == "rows":
            text = lower_rows(operation, self._define_whole)
        elif operation.name == "scan":
            text = lower_scan(operation, self.define, self._number)
        elif operation.name in _REPEATED:
            text = self._known(operation, adds, fetches)
        else:
            text = lower(operation, adds, fetches)
        return text.sharing(self._shared.get(operation, frozenset()))

    def _known(self, operation: Operation, adds: bool, fetches: Fetches) -> FunctionText:
        key = (content_of(operation), adds, repr(fetches))
        text = self._written.pop(key, None) or lower(operation, adds, fetches)
        while len(self._written) >= MOST_WRITTEN:  # what was of no use for longest goes
            del self._written[next(iter(self._written))]
        self._written[key] = text
        return text

    def _add(self, name: str, text: FunctionText) -> str:
        return self._enter(name, text)[0]

    def _enter(self, name: str, text: FunctionText) -> tuple[str, FunctionText]:
        found = self._texts.setdefault(text.key, (f"@{name}{len(self._texts)}", text))
        (self._repeated if self._loops else self._alone).add(found[0])
        return found


def print_loops(graph: Graph) -> str:
    """The stage `.loops`: kernels as pseudo-code, other operations by their types.

    They are numbered by their first result, as the stage before numbers it.
    """
    blocks = [region for op in graph.walk() if op.name == "rows" for region in op.regions]
    whole = {operation for region in blocks for operation in region}
    parts, number = [], 0
    for operation in graph.walk():
        if operation.name == "kernel":
            nest = plan_loops(operation)
            split = None if operation in whole else split_kernel(nest)
            parts.append(print_blocks(split) + print_nest(f"%{number}", nest))
        elif operation.name == "rows":
            rows, block = operation.attributes["rows"]
            parts.append(f"rows %{number}: for i in 0 .. {rows} step {block}, in each block:")
        elif operation.name == "scan":
            parts.append(f"scan %{number}: {_steps(operation)}, in each step:")
        elif not operation.op.elementwise and operation.name not in _PARTS_OF_KERNELS:
            types = ", ".join(str(x.type) for x in operation.operands)
            parts.append(f"{operation.name} %{number}: ({types}) -> {operation.result.type}")
        number += len(operation.results)
    return "\n\n".join(parts)


def _steps(operation: Operation) -> str:
    length = operation.attributes["length"]
    backwards = f"for i in {length - 1} .. -1 step -1"
    return backwards if operation.attributes["reverse"] else f"for i in 0 .. {length}"


class _Run:
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


def _assemble(
    graph: Graph,
    plan: Plan,
    functions: list[Function],
    run: _Run,
    calls: tuple[Operation, ...],
) -> ModuleText:
    size = sum(len(op.regions[0]) for op in graph.walk() if op.name == "kernel")
    needed = [key for function in functions for key in function.text.functions]
    maths, declarations = definitions(needed, inline=size <= INLINE_OPERATIONS)
    for function in functions:
        declarations |= function.text.declarations
    declarations |= run.e.declarations
    polls = run.polls or any(function.text.polls for function in functions)
    if polls:
        declarations |= poll_declarations()
    around = _Around(declarations, poll_text() if polls else "", maths, _text_of_run(run))
    llvm = around.module(functions)
    imports = tuple(n for n in sorted(declarations) if n.startswith(_IMPORTED))
    kernels = sum(operation.name == "kernel" for operation in graph.walk())
    parts = around.parts(functions) if _is_long(graph, functions, run) else (llvm,)
    return ModuleText(llvm, parts, kernels, len(functions), plan.arena, imports, calls)


def _text_of_run(run: _Run) -> str:
    head = "define i32 @run(ptr %inputs, ptr %outputs, ptr %context) nounwind {"
    return "\n".join([*run.parts, head, *run.e.lines, "}"])


def _is_long(graph: Graph, functions: list[Function], run: _Run) -> bool:
    """Does a call take so long that its glue need not be fast?"""
    lines = _text_of_run(run).count("\n") + sum(len(f.text.lines) for f in functions if f.glue)
    work = sum(work_of(operation) for operation in graph if operation.name != "reshape")
    return lines * WORK_OF_LINE <= work


@record
class _Around:
    """What a module has beside the functions of operations."""

    declarations: dict[str, str]
    poll: str
    maths: str
    run: str

    def module(self, functions: list[Function]) -> str:
        """All in one module."""
        texts = [f.text.define(f.symbol, f.inline) for f in functions]
        memory = arena.TEXT if "fg.arena" in self.declarations else ""
        return _joined(self.declarations, self.poll, memory, self.maths, *texts, self.run)

    def parts(self, functions: list[Function]) -> tuple[str, str]:
        """What is optimised, and the glue: each declares the functions of the other."""
        declarations = dict(self.declarations)
        body = [
            declared(f.symbol, f.text)
            if f.glue
            else f.text.define(f.symbol, f.inline, "" if f.shared else "internal ")
            for f in functions
        ]
        poll = "declare i32 @fg.poll(ptr)" if self.poll else ""
        first = _joined(declarations, poll, self.maths, *body)
        memory = arena.TEXT if "fg.arena" in declarations else ""
        glue = [
            f.text.define(f.symbol, linkage="") if f.glue else declared(f.symbol, f.text)
            for f in functions
            if f.shared
        ]
        plain = {n: d for n, d in declarations.items() if not d.startswith("define")}
        run = self.run.replace(" alwaysinline ", " ")
        return first, _joined(plain, self.poll.replace("internal ", ""), memory, *glue, run)


def _joined(declarations: dict[str, str], *texts: str) -> str:
    head = "; one function a kernel; p: read, q: written"
    return "\n".join(
        [head, *dict(sorted(declarations.items())).values(), *texts, BRANCH_WEIGHTS, ""]
    )
