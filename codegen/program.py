"""A fused graph as machine code, and the doors through which Python calls it."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import BuiltinFunctionType
from typing import Any

from ..ir import FusegradError, Graph, Operation
from ..ir.errors import LinAlgError
from ..ir.location import Location
from ..ir.record import identity_record
from .calls import STATUS_BITS
from .entry import (
    ArrayType,
    EntrySpec,
    NoneNode,
    Owner,
    SlowDoor,
    bound_objects,
    door_text,
    entry_text,
    interpreter_symbols,
    make_function,
    object_symbols,
    self_test,
)
from .factorisation import WHY_FAILED
from .loops import plan_loops
from .module import ModuleText, write_module
from .routine import CHECK_SHIFT, FAILED, INDEX_ERROR, MOST_CHECKS, NO_MEMORY
from .threads.state import FORKED

RELEASE_GIL_BYTES = (
    1 << 16
)  # calls that touch less are over before another thread could use the GIL


class OutOfRangeError(FusegradError, IndexError):
    """A compiled function met an index outside of its axis."""


@identity_record
class Program:
    """A fused graph, its LLVM module and its object code; `seconds` by stage of making them."""

    graph: Graph
    module: ModuleText
    code: bytes
    seconds: dict[str, float]

    @property
    def releases_gil(self) -> bool:
        if "fg.parallel" in self.module.imports:
            return True
        values = {*self.graph.inputs, *(r for op in self.graph for r in op.results)}
        return sum(value.type.bytes for value in values) >= RELEASE_GIL_BYTES

    def on_error(self, status: int) -> None:
        """Raise what a positive status of the compiled code stands for."""
        code, number = status & ((1 << CHECK_SHIFT) - 1), status >> STATUS_BITS
        if code == NO_MEMORY:
            raise MemoryError(f"@{self.graph.name} needs {self.module.arena} bytes for temporaries")
        if code == FORKED:
            raise FusegradError(
                f"@{self.graph.name} was forked in the midst of a call, its threads stayed behind",
                hint="fork between calls, not in a signal handler; or threads=1",
            )
        if code not in (INDEX_ERROR, FAILED):
            raise FusegradError(f"@{self.graph.name} returned an unknown status {status}")
        operation = self.module.calls[number]
        if code == FAILED:
            what, hint = WHY_FAILED[operation.name]
            raise LinAlgError(f"{operation.name}: {what}", at=operation.location, hint=hint)
        size, location = _index_error(operation, status)
        what = "an index is out of range"
        raise OutOfRangeError(
            what if size is None else f"{what} for an axis of {size}",
            at=location,
            hint="check the index array: valid are -n … n-1 for an axis of n",
        )


def _index_error(operation: Operation, status: int) -> tuple[int | None, Location | None]:
    """The axis that an index is outside of, where the status tells, and the user's line."""
    axis = operation.attributes.get("axis")
    if axis is not None:
        size = operation.attributes.get("size") or operation.operands[0].shape[axis]
        return size, operation.location
    kernels = [op for op in operation.regions[0] if op.name == "kernel"]
    number = (status >> CHECK_SHIFT) % (MOST_CHECKS + 1)
    found = [
        check
        for kernel in kernels or [operation]
        for i, check in enumerate(plan_loops(kernel).checks)
        if min(i, MOST_CHECKS) == number
    ]
    sizes, locations = ({getattr(c, name) for c in found} for name in ("size", "location"))
    return (
        sizes.pop() if len(sizes) == 1 else None,
        locations.pop() if len(locations) == 1 else None,
    )


def compile_program(graph: Graph) -> Program:
    """Machine code for a fused `graph`."""
    from . import jit

    start = time.perf_counter()
    module = write_module(graph)
    written = time.perf_counter()
    code = jit.compile_object(module.llvm)
    done = time.perf_counter()
    return Program(graph, module, code, {"write": written - start, "llvm": done - written})


def flat_door(program: Program, threads: int = 0) -> SlowDoor:
    """A door for a list of arrays alone, without a native entry; see `EntrySpec.threads`."""
    from . import jit

    symbols = interpreter_symbols()
    released = program.releases_gil
    empty = EntrySpec("fg", (), (), NoneNode(), release_gil=released, threads=threads)
    text = jit.compile_object(door_text(empty, symbols), level=0)
    library = jit.link([program.code, text], program.module.imports, ("fg.invoke",))
    return _slow_door(program, library)


def _slow_door(program: Program, library: Any) -> SlowDoor:
    return SlowDoor(
        library["fg.invoke"],
        [ArrayType(v.dtype, v.shape) for v in program.graph.inputs],
        [ArrayType(v.dtype, v.shape) for v in program.graph.outputs],
        program.on_error,
        library,
    )


@identity_record
class Doors:
    """A loaded program: `native` takes the user's arguments, `flat` a list of arrays.

    `native` is None where the layout of this interpreter's objects is not what the entry expects;
    then `reason` says why.
    """

    native: BuiltinFunctionType | None
    flat: SlowDoor
    reason: str | None
    library: Any


def open_doors(
    program: Program, spec: EntrySpec, fallback: Callable[..., Any], name: str, doc: str | None
) -> Doors:
    """Load `program` and make its doors. Calls that do not fit `spec` go to `fallback`."""
    from . import jit

    reason = self_test()
    objects = bound_objects(spec, fallback, program.on_error)
    symbols = {**interpreter_symbols(), **object_symbols(objects)}
    start = time.perf_counter()
    text = entry_text(spec, symbols) if reason is None else door_text(spec, symbols)
    exports = (f"{spec.prefix}.invoke", f"{spec.prefix}.entry")
    library = jit.link(
        [program.code, jit.compile_object(text, level=0)],
        program.module.imports,
        exports if reason is None else exports[:1],
    )
    program.seconds["entry"] = time.perf_counter() - start
    flat = _slow_door(program, library)
    native = None
    if reason is None:
        owner = Owner([library, program, *objects.values()])
        native = make_function(library[exports[1]], name, doc, owner)
    return Doors(native, flat, reason, library)
