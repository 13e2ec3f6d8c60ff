"""A program in memory, and the doors through which Python calls it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from types import BuiltinFunctionType
from typing import Any

from ..ir.record import identity_record
from .entry import (
    ArrayType,
    EntrySpec,
    NoneNode,
    Owner,
    SlowDoor,
    bound_objects,
    door_text,
    entry_text,
    external_name,
    interpreter_symbols,
    make_function,
    object_symbols,
    self_test,
)
from .objects.link import link
from .objects.texts import object_of
from .program import Program


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


def flat_door(program: Program, threads: int = 0) -> SlowDoor:
    """A door for a list of arrays alone, without a native entry; see `EntrySpec.threads`."""
    released = program.releases_gil
    _prepare_threads(program, threads)
    spec = EntrySpec("fg", (), (), NoneNode(), release_gil=released, threads=threads)
    return _slow_door(program, _linked(program, spec, door_text, ("fg.invoke",), {}))


def open_doors(
    program: Program, spec: EntrySpec, fallback: Callable[..., Any], name: str, doc: str | None
) -> Doors:
    """Load `program` and make its doors. Calls that do not fit `spec` go to `fallback`."""
    reason = self_test()
    objects = bound_objects(spec, fallback, program.on_error)
    start = time.perf_counter()
    write = entry_text if reason is None else door_text
    exports = (f"{spec.prefix}.invoke", f"{spec.prefix}.entry")
    _prepare_threads(program, spec.threads)
    library = _linked(program, spec, write, exports if reason is None else exports[:1], objects)
    program.seconds["entry"] = time.perf_counter() - start
    flat = _slow_door(program, library)
    native = None
    if reason is None:
        owner = Owner([library, program, *objects.values()])
        native = make_function(library[exports[1]], name, doc, owner)
    return Doors(native, flat, reason, library)


def _linked(
    program: Program,
    spec: EntrySpec,
    write: Callable[[EntrySpec, Mapping[str, int]], str],
    exports: Sequence[str],
    objects: dict[str, object],
) -> Any:
    """The program in memory, together with the doors that `write` writes; `objects` are what these
    refer to, beside the interpreter.
    """
    sharing = program.sharing
    if sharing is None:
        symbols = {**interpreter_symbols(), **object_symbols(objects)}
        parts = [*program.objects, object_of(write(spec, symbols))]
        return link(parts, program.facts.imports, exports, symbols)
    objects["table"] = sharing.table
    symbols = {**interpreter_symbols(), **object_symbols(objects), "core": sharing.core}
    text = write(spec.of_shared(external_name("core")), symbols)
    return link([object_of(text)], (), exports, symbols)


def _prepare_threads(program: Program, threads: int) -> None:
    """Have what `threads` are started with, where the code hands blocks to them."""
    if "fg.parallel" in program.facts.imports:
        from .threads.pool import prepare

        prepare(threads)


def _slow_door(program: Program, library: Any) -> SlowDoor:
    return SlowDoor(
        library["fg.invoke"],
        [ArrayType(type.dtype, type.shape) for type in program.facts.inputs],
        [ArrayType(type.dtype, type.shape) for type in program.facts.outputs],
        program.on_error,
        (library, program.sharing),
    )
