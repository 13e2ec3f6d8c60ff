"""What was compiled, in words: kernels, what goes through memory, the door that calls take, where
time went.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...codegen.threads import pool
from ...ir import Graph, Operation
from ...ir.passes.sharing import share_buffers
from .call import Call
from .donation import donated_leaves
from .on_tensors.saved import saved_lines
from .sizes import Key, varying_axes
from .stores import why_eager
from .variant import Variant

if TYPE_CHECKING:
    from ...codegen.program import Program
    from .function import CompiledFunction


_SHOWN = 8  # conditions of a path
_NO_RESULT = "no result of its shape and dtype is left"


@dataclass(frozen=True, slots=True)
class Explanation:
    """`str()` is for people; the fields are for programs. Bytes are of one call."""

    name: str
    kernels: int
    calls: tuple[str, ...]  # operations that are no kernels
    operations: int
    temporaries: int  # bytes of the arena
    bytes_read: int
    bytes_written: int
    native: bool
    reason: str | None  # why calls do not go through the native entry
    in_eager_mode: bool  # whether this call runs there
    blas: str | None
    fastmath: bool  # whether maths functions may be off by 4 ULP
    donated: tuple[str, ...]  # what becomes of each donated array
    threads: int  # that a call may use
    blocks: tuple[int, ...]  # of each operation that is cut into blocks, which threads share
    alone: str | None  # why threads are never started here
    guards: int
    captured: int
    paths: int  # compiled for arguments of these types, where control flow depends on values
    conditions: tuple[str, ...]  # what the values have to be on this path
    eager: str | None  # why what takes another path runs eagerly
    seconds: dict[str, float]
    code: str  # where the machine code came from
    saved: tuple[str, ...]  # what is kept for the backward pass, and what is computed again
    sizes: str | None  # that the code finds in tables, so that it serves others as well
    lines: tuple[str, ...]

    def __str__(self) -> str:
        where = "eager mode" if self.in_eager_mode else "Python and ctypes"
        door = "native entry" if self.native else f"{where}, because {self.reason}"
        head = [
            (
                f"@{self.name}: {self.kernels} kernels, {len(self.calls)} other calls, "
                f"{self.operations} scalar operations"
            ),
            f"  calls go through  {door}",
            (
                f"  memory            reads {self.bytes_read} B, writes {self.bytes_written} B, "
                f"temporaries {self.temporaries} B"
            ),
            *self.saved,
            *(f"  donated           {line}" for line in self.donated),
            *(["  maths             up to 4 ULP (fastmath)"] if self.fastmath else []),
            f"  products          {self.blas or 'none'}",
            f"  threads           {self._threads()}",
            (
                f"  watches           {self.guards} names, "
                f"reads {self.captured} captured arrays at each call"
            ),
            "  compile time      "
            + ", ".join(f"{name} {s * 1e3:.1f} ms" for name, s in self.seconds.items()),
            f"  code              {self.code}",
            *([] if self.sizes is None else [f"  sizes             {self.sizes}"]),
            *self._path_lines(),
        ]
        return "\n".join([*head, *(f"  {line}" for line in self.lines)])

    def _threads(self) -> str:
        if not self.blocks:
            return "one: no operation takes long enough for more"
        operations = "operation" if len(self.blocks) == 1 else "operations"
        cut = f"{len(self.blocks)} {operations} in blocks"
        if self.alone:
            return f"one, for {cut}, because {self.alone}"
        return f"up to {self.threads}, for {cut}; the bits do not depend on the number"

    def _path_lines(self) -> list[str]:
        if not self.conditions:
            return []
        shown = [*self.conditions[:_SHOWN]]
        if len(self.conditions) > _SHOWN:
            shown.append(f"and {len(self.conditions) - _SHOWN} more")
        lines = [f"  path              one of {self.paths}, valid where: {'; '.join(shown)}"]
        if self.eager:
            lines.append(f"  other paths       run eagerly: {self.eager}")
        return lines


def explain(
    function: CompiledFunction, variant: Variant, call: Call, given: Sequence[object]
) -> Explanation:
    """The explanation of the variant that serves `call`, whose leaves were `given` (or Tensors)."""
    program = variant.program
    seconds = dict(variant.timings.seconds)
    graph: Graph = program.graph
    others = tuple(op.name for op in graph if op.name not in ("kernel", "rows", "scan", "reshape"))
    key = (call.names, call.tree, call.avals())
    eager = _why_eager(variant, given)
    native = variant.entries.get(call.kinds()) is not None and not eager
    blocks = tuple(n for op in _called(graph) if (n := _blocks(op)))
    reason = variant.native_misses or "an argument is no plain contiguous array"
    return Explanation(
        name=graph.name,
        kernels=program.module.kernels,
        calls=others,
        operations=sum(len(op.regions[0]) for op in graph.walk() if op.name == "kernel"),
        temporaries=program.facts.arena,
        bytes_read=sum(_read(op) for op in graph),
        bytes_written=sum(_written(op) for op in graph),
        native=native,
        reason=None if native else eager or reason,
        in_eager_mode=eager is not None,
        blas=_products(graph),
        fastmath=variant.transform.fastmath,
        donated=tuple(_donations(variant, call)),
        threads=variant.transform.threads or pool.threads(),
        blocks=blocks,
        alone=pool.why_alone(),
        guards=len(variant.guards),
        captured=len(variant.traced.captured),
        paths=sum(bool(v.conditions) for v in function.variants_of(key)),
        conditions=tuple(str(condition) for condition in variant.conditions),
        eager=function.eager_reasons.get(key),
        seconds=seconds,
        code=_origin(program, variant.stages.key),
        saved=tuple(saved_lines(variant, given)),
        sizes=_sizes(function, variant, key),
        lines=tuple(line for op in graph for line in _lines(op)),
    )


def _donations(variant: Variant, call: Call) -> Iterator[str]:
    """What becomes of each donated array."""
    if not variant.transform.donate:
        return
    paths, results = call.paths, variant.out_tree.paths("result")
    taken = {leaf: output for output, leaf in variant.donated.items()}
    copies = share_buffers(variant.program.graph, variant.stages.in_place).copies
    for leaf in donated_leaves(variant.transform, call):
        output = taken.get(leaf)
        if output is None:
            why = "the function stores into it" if leaf in variant.traced.written else _NO_RESULT
            yield f"{paths[leaf]} is not used: {why}"
        elif variant.conditions:
            yield f"{results[output]} is copied to {paths[leaf]}, once the path is known"
        elif output in copies:
            reader = copies[output]
            where = f"  // {reader.location}" if reader.location else ""
            late = f"a {reader.name} still reads that when the result is written"
            yield f"{results[output]} is copied to {paths[leaf]}: {late}{where}"
        else:
            yield f"{results[output]} is computed in {paths[leaf]}"


def _sizes(function: CompiledFunction, variant: Variant, key: Key) -> str | None:
    shared = variant.shared
    if shared is None:
        return None
    axes = ", ".join(varying_axes(function._variants, key, variant.names)) or "numbers alone"
    return f"{axes}: at run time, as {shared.numbers} numbers in tables; other sizes share the code"


def _origin(program: Program, key: str | None) -> str:
    """Where code came from, and where it was kept."""
    from ...codegen.objects import cache

    place = f"the object cache in {_from_home(str(cache.directory()))}"
    if program.loaded:
        return f"from {place}"
    off = cache.why_off()
    if off is not None:
        return f"compiled; not cached: {off}"
    if program.sharing is not None:
        return f"by functions: compiled, shared with other sizes, or from {place}"
    if key is None:
        return "compiled; not cached: it holds something that has no content of its own"
    if not cache.holds(key):
        return f"compiled; {place} could not be written, or was cleared"
    return f"compiled, and kept in {place}"


def _from_home(path: str) -> str:
    home = os.path.expanduser("~") + os.sep
    return f"~{os.sep}{path.removeprefix(home)}" if path.startswith(home) else path


def _why_eager(variant: Variant, leaves: Sequence[object]) -> str | None:
    """Why such a call runs eagerly: on Tensors, or where it asks for a gradient."""
    if any(hasattr(leaf, "_data") for leaf in leaves):
        return why_eager(variant.traced, leaves)
    return variant.differs_eagerly


def _read(operation: Operation) -> int:
    """Bytes that an operation reads; of a loop what all of its steps do."""
    if operation.name == "reshape":
        return 0
    if operation.name == "scan":
        return int(operation.attributes["length"]) * sum(map(_read, operation.regions[0]))
    return sum(value.type.bytes for value in dict.fromkeys(operation.operands))


def _written(operation: Operation) -> int:
    if operation.name == "reshape":
        return 0
    if operation.name == "scan":
        return int(operation.attributes["length"]) * sum(map(_written, operation.regions[0]))
    return sum(result.type.bytes for result in operation.results)


def _products(graph: Graph) -> str | None:
    if not any(operation.name == "dot" for operation in graph.walk()):
        return None
    from ...codegen.linalg.blas import find_blas, find_controls

    blas = find_blas()
    if blas is None:
        return "in loops: NumPy's BLAS was not found"
    threads = "on one thread a panel" if find_controls() else "on threads of its own choice"
    name = blas.library.rsplit("/", 1)[-1]
    return f"small ones in loops, others by BLAS in {name}, {threads}"


def _called(graph: Graph) -> Iterator[Operation]:
    """The operations that are called one by one, also those in the steps of loops."""
    for operation in graph:
        yield operation
        if operation.name == "scan":
            yield from _called(operation.regions[0])


def _blocks(operation: Operation) -> int:
    """The number of blocks that threads share; 0 where an operation is done by one."""
    from ...codegen.threads.lower import plan_blocks

    split = plan_blocks(operation)
    return split.blocks if split else 0


def _lines(operation: Operation) -> list[str]:
    if operation.name == "scan":
        steps = operation.attributes["length"]
        inside = ["  " + line for inner in operation.regions[0] for line in _lines(inner)]
        return [f"scan       {steps} steps, in each:", *inside]
    if operation.name == "reshape":
        return []
    blocks = _blocks(operation)
    shared = f"  [{blocks} blocks for threads]" if blocks else ""
    if operation.name != "rows":
        return [_line(operation) + shared]
    rows, block = operation.attributes["rows"]
    inside = ["  " + _line(kernel) for kernel in operation.regions[0]]
    return [f"rows       0 .. {rows} step {block}, for each block:{shared}", *inside]


def _line(operation: Operation) -> str:
    where = f"  // {operation.location}" if operation.location else ""
    types = ", ".join(str(r.type) for r in operation.results)
    if operation.name != "kernel":
        return f"{operation.name:<10} -> {types}{where}"
    ops: dict[str, int] = {}
    for inner in operation.regions[0]:
        if inner.name != "constant":
            ops[inner.name] = ops.get(inner.name, 0) + 1
    for kind, _, _ in operation.attributes["yields"]:
        if kind != "store":
            ops[kind] = ops.get(kind, 0) + 1
    body = ", ".join(f"{n}x {name}" if n > 1 else name for name, n in ops.items()) or "copy"
    return f"kernel {list(operation.attributes['domain'])!s:<12} {body} -> {types}{where}"
