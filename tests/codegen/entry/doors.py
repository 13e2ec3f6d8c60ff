"""Small cores written by hand, and the doors around them that the tests call."""

from __future__ import annotations

import functools
from collections.abc import Callable
from itertools import count
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from fusegrad.codegen.entry import (
    DictNode,
    EntrySpec,
    Leaf,
    ListNode,
    NoneNode,
    OutputLeaf,
    Owner,
    SlowDoor,
    Tree,
    TupleNode,
    bound_objects,
    entry_text,
    interpreter_symbols,
    make_function,
    object_symbols,
    poll_declarations,
    poll_text,
)
from fusegrad.codegen.entry.symbols import external_name

SIZES = {"f32": 4, "f64": 8, "i32": 4, "i64": 8, "bool": 1}
NAMES = {"f32": "float32", "f64": "float64", "i32": "int32", "i64": "int64", "bool": "bool"}

_serial = count()


@functools.cache
def compiler() -> Any:
    """The one LLVM session of these tests."""
    machine(2)
    return llvm.create_lljit_compiler()


@functools.cache
def machine(level: int) -> Any:
    """This machine as a target, at an optimisation level of the code generator."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(opt=level, jit=True, reloc="pic")


class Door:
    """A core linked with its entry; `native` and `slow` call it."""

    def __init__(
        self,
        spec: EntrySpec,
        core: str,
        fallback: Callable[..., object] | None = None,
        on_error: Callable[[int], object] | None = None,
        level: int = 0,
    ) -> None:
        self.missed: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        self.spec = spec
        objects = bound_objects(spec, fallback or self._record, on_error or raise_code)
        symbols = {**interpreter_symbols(), **object_symbols(objects)}
        core_text = "\n".join((*poll_declarations().values(), poll_text(), core))
        builder = llvm.JITLibraryBuilder()
        builder.add_object_img(machine(2).emit_object(llvm.parse_assembly(core_text)))
        text = entry_text(spec, symbols)
        builder.add_object_img(machine(level).emit_object(llvm.parse_assembly(text)))
        for name in ("entry", "invoke"):
            builder.export_symbol(f"{spec.prefix}.{name}")
        for name, address in symbols.items():
            builder.import_symbol(external_name(name), address)
        self.library = builder.link(compiler(), f"test_entry_{next(_serial)}")
        owner = Owner([self.library, *objects.values()])
        address = self.library[f"{spec.prefix}.entry"]
        self.native = make_function(address, "f", "f(x)\n--\n\nA test.", owner, "tests")
        self.slow = SlowDoor(
            self.library[f"{spec.prefix}.invoke"],
            spec.input_types(),
            spec.output_types(),
            on_error or raise_code,
            self.library,
        )

    def _record(self, *arguments: Any, **named: Any) -> str:
        self.missed.append((arguments, named))
        return "fallback"


def raise_code(code: int) -> None:
    raise ArithmeticError(f"code {code}")


def copy_core(*moves: tuple[int, int, int]) -> str:
    """A core that copies `size` bytes from input `i` to output `o`, for each (i, o, size)."""
    calls = "".join(
        f"  call void @move(ptr %inputs, i64 {i}, ptr %outputs, i64 {o}, i64 {size})\n"
        for i, o, size in moves
    )
    return f"""
define internal void @move(ptr %inputs, i64 %i, ptr %outputs, i64 %o, i64 %size) noinline {{
start:
  %from.at = getelementptr ptr, ptr %inputs, i64 %i
  %from = load ptr, ptr %from.at
  %to.at = getelementptr ptr, ptr %outputs, i64 %o
  %to = load ptr, ptr %to.at
  br label %next
next:
  %k = phi i64 [ 0, %start ], [ %k.next, %one ]
  %all = icmp eq i64 %k, %size
  br i1 %all, label %done, label %one
one:
  %source = getelementptr i8, ptr %from, i64 %k
  %target = getelementptr i8, ptr %to, i64 %k
  %byte = load volatile i8, ptr %source
  store volatile i8 %byte, ptr %target
  %k.next = add i64 %k, 1
  br label %next
done:
  ret void
}}
define i32 @run(ptr %inputs, ptr %outputs, ptr %context) {{
{calls}  ret i32 0
}}"""


CODE_CORE = """
define i32 @run(ptr %inputs, ptr %outputs, ptr %context) {
  %at = load ptr, ptr %inputs
  %code = load i32, ptr %at
  ret i32 %code
}"""

# Runs until the i64 at inputs[0] is nonzero or the poll says stop; counts its rounds in outputs[0].
WAITING_CORE = """
define i32 @run(ptr %inputs, ptr %outputs, ptr %context) {
start:
  %flag = load ptr, ptr %inputs
  %rounds = load ptr, ptr %outputs
  store i64 0, ptr %rounds
  br label %loop
loop:
  %i = phi i64 [ 0, %start ], [ %i.next, %on ]
  %i.next = add i64 %i, 1
  %value = load volatile i64, ptr %flag
  %stop = icmp ne i64 %value, 0
  br i1 %stop, label %done, label %test
test:
  %low = and i64 %i, 65535
  %due = icmp eq i64 %low, 0
  br i1 %due, label %poll, label %on
poll:
  %status = call i32 @fg.poll(ptr %context)
  %bad = icmp ne i32 %status, 0
  br i1 %bad, label %interrupted, label %on
on:
  br label %loop
interrupted:
  ret i32 %status
done:
  store i64 %i, ptr %rounds
  ret i32 0
}"""


def array(index: int, dtype: str = "f64", *shape: int) -> Leaf:
    return Leaf(index, "array", dtype, shape)


def one_array(*shape: int, dtype: str = "f64") -> tuple[EntrySpec, str]:
    """f(x) returns a copy of x."""
    size = SIZES[dtype] * int(np.prod(shape))
    spec = EntrySpec("one", ("x",), (array(0, dtype, *shape),), OutputLeaf(0, dtype, shape))
    return spec, copy_core((0, 0, size))


def copies(inputs: tuple[Tree, ...], output: Tree, **options: Any) -> tuple[EntrySpec, str]:
    """A function whose results are copies of its inputs of the same index."""
    names = tuple("xyzuvw"[: len(inputs)])
    spec = EntrySpec("copies", names, inputs, output, **options)
    types = spec.output_types()
    moves = [(i, i, SIZES[t.dtype] * int(np.prod(t.shape))) for i, t in enumerate(types)]
    return spec, copy_core(*moves)


def deep() -> tuple[EntrySpec, str]:
    """Nested containers in and out, two leaves used twice, one scalar of each sort."""
    tree = DictNode(("a", "b"), (array(0, "f64", 2), ListNode((Leaf(1, "numpy_scalar", "bool"),))))
    a, b = OutputLeaf(0, "f64", (2,)), OutputLeaf(1, "bool", (), True)
    s = OutputLeaf(2, "f64", (), True)
    output = TupleNode((a, DictNode(("a", "b"), (a, TupleNode((b, s)))), ListNode((s, NoneNode()))))
    spec, _ = copies((tree, Leaf(2, "python_int", "f64")), output)
    return spec, copy_core((0, 0, 16), (1, 1, 1), (2, 2, 8))
