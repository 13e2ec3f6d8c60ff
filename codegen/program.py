"""A fused graph as machine code; `doors` are how Python calls it.

Object code comes from the cache (`codegen.objects.cache`) where there is some; then neither LLVM
nor the passes before it are loaded, and the graph is made only if somebody asks for it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from ..ir import FusegradError, Graph, Operation
from ..ir.content import NoContentError, content, plain
from ..ir.errors import LinAlgError
from ..ir.location import Location
from ..ir.passes.pipeline import Pass, run_passes
from ..ir.record import record
from ..ir.types import TensorType
from .entry import (
    interpreter_symbols,
    poll_module_text,
)
from .linalg.blas import NativeLibrary, find_blas, find_controls
from .linalg.lapack import find_lapack
from .objects import cache
from .objects.link import link
from .objects.texts import object_of
from .status import CHECK_SHIFT, FAILED, INDEX_ERROR, MOST_CHECKS, NO_MEMORY, STATUS_BITS
from .threads.state import FORKED

if TYPE_CHECKING:
    from .module import ModuleText
    from .sizes.families import Families, Sharing

RELEASE_GIL_BYTES = (
    1 << 16
)  # calls that touch less are over before another thread could use the GIL


SMALL_WORK = 2048  # nanoseconds, about, of a call that some more for calls inside it would show in

_OUT_OF_RANGE = "an index is out of range"


class OutOfRangeError(FusegradError, IndexError):
    """A compiled function met an index outside of its axis."""


@record
class Facts:
    """What a call has to know of a program, beside its code. Plain data, as the cache keeps it."""

    inputs: tuple[TensorType, ...]
    outputs: tuple[TensorType, ...]
    arena: int  # bytes
    imports: tuple[str, ...]  # names of functions outside of the code
    releases_gil: bool
    text: str  # a hash of the LLVM text that the code was made of
    sizes: tuple[int, ...]  # bytes of the objects in the code


class Program:
    """Object code, facts about it, and what it was made of.

    `lower` gives the fused graph of a program whose code was loaded (`loaded`). `seconds` is by
    stage of making it. `donated` says which outputs are computed in the memory of which inputs.
    """

    __slots__ = (
        "_graph",
        "_lower",
        "_module",
        "code",
        "donated",
        "facts",
        "loaded",
        "seconds",
        "sharing",
    )

    def __init__(
        self,
        facts: Facts,
        code: bytes,
        seconds: dict[str, float],
        made_of: tuple[Graph, ModuleText] | Callable[[], Graph],
        donated: Mapping[int, int] | None = None,
    ) -> None:
        self.donated = dict(donated or {})
        self.facts, self.code, self.seconds = facts, code, seconds
        self._graph: Graph | None = None
        self._module: ModuleText | None = None
        self._lower: Callable[[], Graph] | None = None
        self.sharing: Sharing | None = None
        self.loaded = callable(made_of)
        if callable(made_of):
            self._lower = made_of
        else:
            self._graph, self._module = made_of

    def forget(self, lower: Callable[[], Graph]) -> None:
        """Drop the graph and the text, where there are many like them; `lower` makes them anew."""
        self._graph, self._module, self._lower = None, None, lower

    @property
    def graph(self) -> Graph:
        """The fused graph."""
        if self._graph is None:
            assert self._lower is not None
            self._graph, self._lower = self._lower(), None
        return self._graph

    @property
    def module(self) -> ModuleText:
        """The LLVM module."""
        if self._module is None:
            from .module import write_module

            self._module = write_module(self.graph, self.donated)
        return self._module

    @property
    def objects(self) -> list[bytes]:
        """The objects of which the code consists."""
        ends = list(accumulate(self.facts.sizes))
        return [
            self.code[end - size : end] for size, end in zip(self.facts.sizes, ends, strict=True)
        ]

    @property
    def releases_gil(self) -> bool:
        return self.facts.releases_gil

    def on_error(self, status: int) -> None:
        """Raise what a positive status of the compiled code stands for."""
        code, number = status & ((1 << CHECK_SHIFT) - 1), status >> STATUS_BITS
        if code == NO_MEMORY:
            raise MemoryError(f"@{self.graph.name} needs {self.facts.arena} bytes for temporaries")
        if code == FORKED:
            raise FusegradError(
                f"@{self.graph.name} was forked in the midst of a call, its threads stayed behind",
                hint="fork between calls, not in a signal handler; or threads=1",
            )
        if code not in (INDEX_ERROR, FAILED):
            raise FusegradError(f"@{self.graph.name} returned an unknown status {status}")
        if _digest(self.module.llvm) != self.facts.text:  # then its calls have other numbers
            raised = LinAlgError if code == FAILED else OutOfRangeError
            raise raised(
                f"@{self.graph.name}: "
                + ("a matrix that an algorithm fails on" if code == FAILED else _OUT_OF_RANGE),
                hint="FUSEGRAD_CACHE=0 tells the line, which this code from the object cache lacks",
            )
        operation = self.module.calls[number]
        if code == FAILED:
            from .linalg.factorisation import WHY_FAILED

            what, hint = WHY_FAILED[operation.name]
            raise LinAlgError(f"{operation.name}: {what}", at=operation.location, hint=hint)
        size, location = _index_error(operation, status)
        raise OutOfRangeError(
            _OUT_OF_RANGE if size is None else f"{_OUT_OF_RANGE} for an axis of {size}",
            at=location,
            hint="check the index array: valid are -n … n-1 for an axis of n",
        )


def _index_error(operation: Operation, status: int) -> tuple[int | None, Location | None]:
    """The axis that an index is outside of, where the status tells, and the user's line."""
    axis: Any = operation.attributes.get("axis")
    size = operation.attributes.get("size")
    if size or axis is not None:
        return size or operation.operands[0].shape[axis], operation.location
    from .kernels.loops import plan_loops

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


def compile_program(
    graph: Graph, donated: Mapping[int, int] | None = None, families: Families | None = None
) -> Program:
    """Machine code for a fused `graph`; `donated` says which outputs are in the memory of which
    inputs. It is shared with other sizes, where `families` knows such.
    """
    from .module import write_module
    from .objects import jit

    start = time.perf_counter()
    module = write_module(graph, donated, None if families is None else families.written)
    written = time.perf_counter()
    sharing = None if families is None else _shared(graph, module, families)
    texts = module.parts if sharing is None else ()
    objects = [jit.compile_object(text, 0 if i else 2) for i, text in enumerate(texts)]
    done = time.perf_counter()
    values = {*graph.inputs, *(r for op in graph for r in op.results)}
    facts = Facts(
        tuple(value.type for value in graph.inputs),
        tuple(value.type for value in graph.outputs),
        module.arena,
        module.imports,
        "fg.parallel" in module.imports
        or sum(value.type.bytes for value in values) >= RELEASE_GIL_BYTES,
        _digest(module.llvm),
        tuple(map(len, objects)),
    )
    seconds = {"write": written - start, "llvm": done - written}
    program = Program(facts, b"".join(objects), seconds, (graph, module), donated)
    program.sharing = sharing
    return program


def _shared(graph: Graph, module: ModuleText, families: Families) -> Sharing | None:
    """Code that serves other sizes as well, where there is use in that."""
    from .calls import work_of

    def make(text: str, exports: Sequence[str], known: Mapping[str, int]) -> Any:
        symbols = {**interpreter_symbols(), **known}
        parts = [object_of(text, level=2), object_of(poll_module_text(symbols))]
        return link(parts, module.imports, exports, symbols)

    inputs, outputs = ([value.type for value in x] for x in (graph.inputs, graph.outputs))
    small = sum(map(work_of, graph)) < SMALL_WORK
    return families.find(_kind(inputs, outputs), module.llvm, small, make)


def _kind(inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> object:
    """What programs must have in common to share code: dtypes and ranks."""
    return tuple(tuple((x.dtype, x.ndim) for x in types) for types in (inputs, outputs))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# --- programs in the cache ---


def key_of_program(graph: Graph, purpose: object) -> str | None:
    """The key of what is made of `graph` for `purpose`, plain data that says how it is made; None
    where it can't be cached.
    """
    try:
        return cache.key_of("program", f"{plain(purpose)}\n{content(graph)}")
    except NoContentError:
        return None


def load_program(
    key: str | None,
    lower: Callable[[], Graph],
    donated: Mapping[int, int] | None = None,
    families: Families | None = None,
) -> Program | None:
    """The program of `key`, if it is in the cache; `lower` makes its fused graph anew. Its text,
    with which other sizes are compared, is written when there is one.
    """
    start = time.perf_counter()
    entry = None if key is None else cache.load(key)
    if entry is None or key is None:
        return None
    facts = _facts_of(entry.facts)
    if facts is not None and sum(facts.sizes) != len(entry.code):
        facts = None
    if facts is None or entry.facts.get("libraries") != _libraries(facts.imports):
        cache.drop(key)
        return None
    seconds = {"load": time.perf_counter() - start}
    program = Program(facts, entry.code, seconds, lower, donated)
    if families is not None:
        kind = _kind(facts.inputs, facts.outputs)
        families.expect(kind, lambda: program.module.llvm)
    return program


def program_of(graph: Graph, passes: tuple[Pass, ...], families: Families | None = None) -> Program:
    """The program that `passes` make of `graph`: from the cache, or compiled now."""
    key = key_of_program(graph, ("passes", tuple(run.__name__ for run in passes)))

    def lower() -> Graph:
        return run_passes(graph, passes)

    program = load_program(key, lower, families=families)
    if program is None:
        program = compile_program(lower(), families=families)
        store_program(key, program)
        if program.sharing is not None:
            program.forget(lower)
    return program


def store_program(key: str | None, program: Program) -> None:
    """Keep a program that was compiled, if its code is for it alone."""
    if key is None or program.loaded or program.sharing is not None:
        return
    facts = program.facts
    plain_facts = {
        "inputs": [[x.dtype, [*x.shape]] for x in facts.inputs],
        "outputs": [[x.dtype, [*x.shape]] for x in facts.outputs],
        "arena": facts.arena,
        "imports": [*facts.imports],
        "releases_gil": facts.releases_gil,
        "text": facts.text,
        "sizes": [*facts.sizes],
        "libraries": _libraries(facts.imports),
        "made_by": _maker(),
    }
    cache.store(key, cache.Entry(plain_facts, program.code))


def _maker() -> str:
    """For people who look into a file."""
    from .objects import jit

    return ", ".join((jit.version(), *jit.processor()))


def _facts_of(found: dict[str, Any]) -> Facts | None:
    """The facts of a file, or None where they are not of the form that is written here."""
    try:
        facts = Facts(
            tuple(TensorType(dtype, tuple(shape)) for dtype, shape in found["inputs"]),
            tuple(TensorType(dtype, tuple(shape)) for dtype, shape in found["outputs"]),
            int(found["arena"]),
            tuple(str(name) for name in found["imports"]),
            bool(found["releases_gil"]),
            str(found["text"]),
            tuple(int(size) for size in found["sizes"]),
        )
    except (KeyError, TypeError, ValueError):
        return None
    return facts


def _libraries(imports: tuple[str, ...]) -> dict[str, str]:
    """What the code relies on of the libraries that it calls: their kind of integers, and working
    memory as this very file asked for it.
    """
    finders = {"fg.blas.": find_blas, "fg.lapack.": find_lapack, "fg.alone.": find_controls}
    needed = {p: find() for p, find in finders.items() if any(n.startswith(p) for n in imports)}
    return {prefix: _identity(library) for prefix, library in needed.items()}


def _identity(library: NativeLibrary | None) -> str:
    return "none" if library is None else f"{library.integer} {library.library} {library.version}"
