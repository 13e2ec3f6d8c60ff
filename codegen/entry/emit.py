"""The text of an entry: one CPython fast-call function for one signature.

Its shape::

    bind the arguments ─▶ guards ─▶ argument trees ─▶ allocate ─▶ invoke ─▶ build ─▶ return
          │                 │             │               │          │         │
          └──────── miss ───┴─────────────┘               └── fail ──┴─────────┘

``miss`` hands the call on to the fallback, ``fail`` returns null with the exception set.
"""

from __future__ import annotations

from collections.abc import Mapping

from .arguments import MISS, ArgumentChecks
from .library import apart_text, library_text
from .poll import CONTEXT_SIZE, check_text, invoke_text
from .results import FAIL, ResultObjects
from .spec import EntrySpec
from .symbols import References
from .writer import POINTER, Writer


def entry_text(spec: EntrySpec, symbols: Mapping[str, int]) -> str:
    """A module of its own: `door_text`, and ``@"<prefix>.entry"`` which calls it.

    `symbols` is `interpreter_symbols` merged with `object_symbols`; the code refers to them by
    external names (see `symbols.external_name`), so that equal entries are equal texts.

    The text is written so that the fastest code generator (level 0, no passes) serves: full
    optimisation gains a few nanoseconds a call and takes several times as long. Link it beside the
    core's object, both as position-independent code.
    """
    references = References(symbols)
    parts = (
        _door(spec, references),
        library_text(spec.prefix, references),
        apart_text(spec.prefix) if spec.donated else "",
        "",
        _Entry(spec, references).text(),
    )
    return "\n".join((*references.declarations(), *parts)) + "\n"


def door_text(spec: EntrySpec, symbols: Mapping[str, int]) -> str:
    """A module of its own for `SlowDoor` alone: ``@"<prefix>.invoke"``, which calls the core."""
    references = References(symbols)
    door = _door(spec, references)
    return "\n".join((*references.declarations(), door)) + "\n"


def poll_module_text(symbols: Mapping[str, int]) -> str:
    """A module of its own for code that has no door beside it: how it looks at signals."""
    references = References(symbols)
    check = check_text(references)
    return "\n".join((*references.declarations(), check)) + "\n"


def _door(spec: EntrySpec, references: References) -> str:
    how = (spec.release_gil, references, spec.threads, spec.shared)
    return check_text(references) + invoke_text(spec.prefix, spec.run, *how)


class _Entry:
    """Writes one entry function: the body first, then the head, which needs the body's counts."""

    def __init__(self, spec: EntrySpec, references: References) -> None:
        self.spec = spec
        self.references = references
        self.writer = Writer(references, spec.shapes()[0])
        self.leaves = spec.output_leaves()
        self.donated = dict(spec.donated)
        self.checks = ArgumentChecks(self.writer, spec.prefix, frozenset(self.donated.values()))
        self.results = ResultObjects(self.writer, spec.prefix, spec.output, len(self.leaves))

    def text(self) -> str:
        self._bind()
        self._check()
        self._run()
        self._finish()
        self._fail()
        self._miss()
        globals_ = [self._names(), *self.checks.shapes]
        return "\n".join((*globals_, *self._head(), *self.writer.lines, "}"))

    def _names(self) -> str:
        count = len(self.spec.parameters)
        names = (f"ptr {self.references[f'parameter.{place}']}" for place in range(count))
        value = "[" + ", ".join(names) + "]"
        return f'@"{self.spec.prefix}.names" = private constant [{count} x ptr] {value}'

    def _head(self) -> list[str]:
        """The signature, and the stack: one `alloca` for each array that the body uses."""
        spec, held = self.spec, self.checks.held
        inputs, results = len(spec.input_types()), len(self.leaves)
        outputs = results if spec.verdict is None else results + 2
        stack = {
            "%slots": f"[{len(spec.parameters)} x ptr]",
            "%inputs": f"[{inputs} x ptr]",
            "%values": f"[{inputs} x i64]",
            "%overflow": "i32",
            "%held": f"[{held} x ptr]",
            "%outputs": f"[{outputs} x ptr]",
            "%results": f"[{results + 1} x ptr]",
            "%bools": f"[{results} x i8]",
            "%context": f"[{CONTEXT_SIZE // POINTER} x i64]",
        }
        if spec.verdict is not None:
            stack["%verdict"] = "[2 x i64]"
        head = Writer(self.references)
        for name, kind in stack.items():
            head.write(f"{name} = alloca {kind}, align 8")
        if held:
            head.run(f'@"{spec.prefix}.clear"', "ptr %held", f"i64 {held}")
        parameters = "ptr %self, ptr %args, i64 %nargs, ptr %kwnames"
        return [
            f'define ptr @"{spec.prefix}.entry"({parameters}) nounwind {{',
            "start:",
            *head.lines,
            "  br label %bind",
        ]

    def _bind(self) -> None:
        """``%arguments``: the arguments in the order of the parameters."""
        spec, write = self.spec, self.writer
        count = len(spec.parameters)
        write.start("bind")
        write.branch(write.value("icmp eq ptr %kwnames, null"), "positional", "named")
        write.start("positional")
        exact = "false" if spec.keyword_only else write.value(f"icmp eq i64 %nargs, {count}")
        write.branch(exact, "bound", MISS)
        write.start("named")
        limits = f"i64 {count}, i64 {spec.positional_only}, i64 {count - spec.keyword_only}"
        operands = (
            f'ptr %args, i64 %nargs, ptr %kwnames, ptr %slots, ptr @"{spec.prefix}.names", {limits}'
        )
        fits = write.call("i1", f'@"{spec.prefix}.bind"', operands)
        write.branch(fits, "bound", MISS)
        write.start("bound")
        write.write("%arguments = phi ptr [ %args, %positional ], [ %slots, %named ]")

    def _check(self) -> None:
        for place, guard in enumerate(self.spec.guards):
            self.checks.guard(guard, place)
        for place, hidden in enumerate(self.spec.hidden):
            self.checks.hidden(hidden, place)
        for place, tree in enumerate(self.spec.inputs):
            item = self.writer.load_item("%arguments", place)
            self.checks.tree(tree, item, f"input.{place}")
        if self.donated:
            self.checks.apart([input.bytes for input in self.spec.input_types()])

    def _run(self) -> None:
        write = self.writer
        clear = f'@"{self.spec.prefix}.clear"'
        write.clear_items("%results", len(self.leaves) + 1, clear)
        for leaf in self.leaves:
            number = self.donated.get(leaf.index)
            if number is None:
                self.results.allocate(leaf)
            else:
                self.results.take_argument(leaf, self.checks.items[number], number)
        if self.spec.verdict is not None:
            self._place_verdict(self.spec.verdict)
        write.clear_items("%context", CONTEXT_SIZE // POINTER, clear)
        operands = "ptr %inputs, ptr %outputs, ptr %context"
        status = write.call("i32", f'@"{self.spec.prefix}.invoke"', operands)
        if self.spec.verdict is not None:
            self._judge(status)
        write.branch(write.value(f"icmp eq i32 {status}, 0"), "done", "failed")
        write.start("failed")
        write.run(f'@"{self.spec.prefix}.report"', f"i32 {status}")
        write.go(FAIL)

    def _place_verdict(self, place: int) -> None:
        for number in range(2):
            address = self.writer.address("%verdict", 8 * number)
            self.writer.store_item(address, "%outputs", place + number)

    def _judge(self, status: str) -> None:
        """Give back what was made for the call, and hand it on, if it takes another path.

        A failure may be due to the wrong path as well; Python finds out.
        """
        write = self.writer
        worked = write.value(f"icmp eq i32 {status}, 0")
        write.branch(worked, "judge", "doubt")
        write.start("doubt")
        write.branch(write.value(f"icmp slt i32 {status}, 0"), "failed", "refused")
        write.start("judge")
        holds = write.value(f"icmp eq i64 {write.load('i64', '%verdict')}, 0")
        write.branch(holds, "accepted", "refused")
        write.start("refused")
        self._release("%results", len(self.leaves) + 1)
        write.go(MISS)
        write.start("accepted")

    def _finish(self) -> None:
        write = self.writer
        write.start("done")
        for leaf in self.leaves:
            if leaf.as_scalar and leaf.dtype == "bool":
                self.results.choose_bool(leaf)
        result = self.results.build()
        if self.results.leftovers:
            self._release("%results", len(self.leaves))
        self._release("%held", self.checks.held)
        write.write(f"ret ptr {result}")

    def _fail(self) -> None:
        self.writer.start(FAIL)
        self._release("%results", len(self.leaves) + 1)
        self._release("%held", self.checks.held)
        self.writer.write("ret ptr null")

    def _miss(self) -> None:
        write = self.writer
        write.start(MISS)
        self._release("%held", self.checks.held)
        operands = "ptr %args, i64 %nargs, ptr %kwnames"
        write.write(f'%answer = tail call ptr @"{self.spec.prefix}.miss"({operands})')
        write.write("ret ptr %answer")

    def _release(self, array: str, count: int) -> None:
        if count:
            self.writer.run(f'@"{self.spec.prefix}.release"', f"ptr {array}", f"i64 {count}")
