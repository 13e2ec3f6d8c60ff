"""The ctypes door, and what a spec refuses."""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
import numpy as np
import pytest

from fusegrad.codegen.entry import (
    ArrayType,
    EntrySpec,
    Leaf,
    NoneNode,
    SlowDoor,
    ctypes_call,
    door_text,
    interpreter_symbols,
    self_test,
)
from fusegrad.codegen.entry.symbols import external_name

from .doors import (
    Door,
    array,
    compiler,
    deep,
    one_array,
    raise_code,
)

pytestmark = pytest.mark.skipif(self_test() is not None, reason=str(self_test()))


def test_slow_door_refuses_what_the_core_can_not_read() -> None:
    door = Door(*one_array(2, 3))
    with pytest.raises(TypeError, match="expected 1 arrays, got 0"):
        door.slow([])
    for bad in (np.zeros((3, 2)), np.zeros((2, 3), np.float32)):
        with pytest.raises(TypeError, match="array 0 is"):
            door.slow([bad])
    with pytest.raises(ValueError, match="not C-contiguous"):
        door.slow([np.zeros((2, 3), order="F")])


def test_both_doors_give_the_same() -> None:
    spec, core = deep()
    door = Door(spec, core)
    inputs = [np.array([1.5, -2.0]), np.array(True), np.array(3.0)]
    native: Any = door.native({"a": inputs[0], "b": [np.True_]}, 3)
    address = door.library["copies.invoke"]
    for results in (door.slow(inputs), ctypes_call(address, spec, inputs, raise_code)):
        assert np.array_equal(results[0], native[0])
        assert results[1] == native[1]["b"][0]
        assert results[2] == native[2][0]


def test_door_text_alone_serves_the_slow_door() -> None:
    spec, core = one_array(2)
    builder = llvm.JITLibraryBuilder()
    builder.add_ir(core).add_ir(door_text(spec, interpreter_symbols()))
    for name, address in interpreter_symbols().items():
        builder.import_symbol(external_name(name), address)
    library = builder.export_symbol("one.invoke").link(compiler(), "test_door_alone")
    door = SlowDoor(
        library["one.invoke"], [ArrayType("f64", (2,))], [ArrayType("f64", (2,))], print
    )
    assert np.array_equal(door([np.ones(2)])[0], np.ones(2))


def test_spec_is_checked() -> None:
    with pytest.raises(ValueError, match="can't be read as"):
        Leaf(0, "python_float", "i64")
    with pytest.raises(ValueError, match="same index"):
        EntrySpec("a", ("x", "y"), (array(0), array(0)), NoneNode())
    with pytest.raises(ValueError, match="leaf indices"):
        EntrySpec("a", ("x",), (array(1),), NoneNode())
    with pytest.raises(ValueError, match="input trees"):
        EntrySpec("a", ("x", "y"), (array(0),), NoneNode())
    with pytest.raises(ValueError, match="holds a Leaf"):
        EntrySpec("a", (), (), array(0))
    with pytest.raises(ValueError, match="keyword-only"):
        EntrySpec("a", ("x",), (array(0),), NoneNode(), positional_only=1, keyword_only=1)
