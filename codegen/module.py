"""A fused graph as one LLVM module: a function for each distinct operation, and `run`, which calls
them in order.

    define i32 @run(ptr %inputs, ptr %outputs, ptr %context)

`inputs` and `outputs` are arrays of data pointers. Temporaries live in one arena: on the stack
where it is small, else in a block that is kept between calls (see `codegen.arena`). `run` returns
0, what a poll said, or an error code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..ir import Graph, Operation
from ..ir.content import content_of
from ..ir.passes.levels import GENERATORS
from ..ir.passes.plan import Plan, plan_buffers
from ..ir.passes.sharing import share_buffers, shared_parameters
from ..ir.record import record
from . import arena
from .calls import CallSite, work_of
from .entry import poll_declarations, poll_text
from .function import FunctionText
from .glue import WORK_OF_LINE, declared, is_glue
from .kernels.loops import plan_loops, print_nest
from .kernels.rows import lower_rows
from .linalg.ahead import NONE, Fetches
from .maths import BRANCH_WEIGHTS, definitions
from .opaque import lower
from .run import Run
from .scan import is_short, lower_scan
from .threads.lower import lower_for_threads
from .threads.split import print_blocks, split_kernel

_IMPORTED = ("fg.blas.", "fg.lapack.", "fg.arena", "fg.parallel", "fg.alone.", "PyMem_", "madvise")
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
    run = Run(graph, plan, sharing)
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


def _assemble(
    graph: Graph,
    plan: Plan,
    functions: list[Function],
    run: Run,
    calls: tuple[Operation, ...],
) -> ModuleText:
    size = sum(len(op.regions[0]) for op in graph.walk() if op.name == "kernel")
    needed = [key for function in functions for key in function.text.functions]
    maths, declarations = definitions(needed, inline=size <= INLINE_OPERATIONS, fast=graph.fastmath)
    for function in functions:
        declarations |= function.text.declarations
    declarations |= run.e.declarations
    polls = run.polls or any(function.text.polls for function in functions)
    if polls:
        declarations |= poll_declarations()
    around = _Around(declarations, poll_text() if polls else "", maths, run.text())
    llvm = around.module(functions)
    imports = tuple(n for n in sorted(declarations) if n.startswith(_IMPORTED))
    kernels = sum(operation.name == "kernel" for operation in graph.walk())
    parts = around.parts(functions) if _is_long(graph, functions, run) else (llvm,)
    return ModuleText(llvm, parts, kernels, len(functions), plan.arena, imports, calls)


def _is_long(graph: Graph, functions: list[Function], run: Run) -> bool:
    """Does a call take so long that its glue need not be fast?"""
    lines = run.text().count("\n") + sum(len(f.text.lines) for f in functions if f.glue)
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
