"""Calls that fit the signature: every kind of leaf, tree and binding."""

from __future__ import annotations

import ctypes
import pickle
import sys
from typing import Any

import numpy as np
import pytest

from fusegrad.codegen.entry import (
    DictNode,
    EntrySpec,
    Leaf,
    ListNode,
    NoneNode,
    OutputLeaf,
    Tree,
    TupleNode,
    bound_objects,
    entry_text,
    interpreter_symbols,
    object_symbols,
    self_test,
)

from .doors import (
    NAMES,
    SIZES,
    Door,
    array,
    copies,
    copy_core,
    one_array,
)

pytestmark = pytest.mark.skipif(self_test() is not None, reason=str(self_test()))


@pytest.mark.parametrize("level", [0, 3])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,), (2, 0, 3), (1, 2, 1, 2)])
@pytest.mark.parametrize("dtype", sorted(SIZES))
def test_arrays_of_every_dtype_and_shape(dtype: str, shape: tuple[int, ...], level: int) -> None:
    spec, core = one_array(*shape, dtype=dtype)
    door = Door(spec, core, level=level)
    x = (np.arange(int(np.prod(shape))) % 2).reshape(shape).astype(NAMES[dtype])
    result: Any = door.native(x)
    assert not door.missed
    assert type(result) is np.ndarray
    assert result.dtype is np.dtype(NAMES[dtype])
    assert result is not x
    assert result.shape == shape
    assert result.flags.owndata
    assert result.flags.c_contiguous
    assert result.flags.writeable
    np.testing.assert_array_equal(result, x)
    np.testing.assert_array_equal(door.slow([x])[0], x)


@pytest.mark.parametrize("dtype", sorted(SIZES))
def test_numpy_scalars_in_and_out(dtype: str) -> None:
    spec, core = copies((Leaf(0, "numpy_scalar", dtype),), OutputLeaf(0, dtype, as_scalar=True))
    door = Door(spec, core)
    kind = np.dtype(NAMES[dtype]).type
    for x in (kind(0), kind(1)):
        result = door.native(x)
        assert type(result) is kind
        assert result == x
        assert door.slow([np.asarray(x)])[0] == x
    assert not door.missed
    if dtype == "bool":
        assert door.native(np.True_) is np.True_


def test_signs_and_special_values_survive() -> None:
    door = Door(*copies((Leaf(0, "numpy_scalar", "f64"),), OutputLeaf(0, "f64", as_scalar=True)))
    for x in (-0.0, np.inf, np.nan, 5e-324):
        assert np.float64(door.native(np.float64(x))).tobytes() == np.float64(x).tobytes()


@pytest.mark.parametrize(
    ("kind", "dtype", "value", "expected"),
    [
        ("python_float", "f64", 0.1, 0.1),
        ("python_float", "f32", 0.1, np.float32(0.1)),
        ("python_int", "i64", -(2**63), -(2**63)),
        ("python_int", "i32", -7, -7),
        ("python_int", "f64", 2**62 + 1, float(2**62 + 1)),
        ("python_int", "f32", 16777217, np.float32(16777217)),
        ("python_bool", "bool", True, True),
        ("python_bool", "bool", False, False),
    ],
)
def test_python_numbers(kind: Any, dtype: str, value: Any, expected: Any) -> None:
    door = Door(*copies((Leaf(0, kind, dtype),), OutputLeaf(0, dtype, as_scalar=True)))
    result = door.native(value)
    assert not door.missed
    assert type(result) is np.dtype(NAMES[dtype]).type
    assert result == expected


def test_nested_trees() -> None:
    inputs: tuple[Tree, ...] = (
        DictNode(("b", "a"), (array(0, "f64", 2), TupleNode((array(1, "f32", 1), NoneNode())))),
        ListNode((TupleNode((Leaf(2, "python_float", "f64"),)), ListNode(()), DictNode((), ()))),
    )
    b, a, s = OutputLeaf(0, "f64", (2,)), OutputLeaf(1, "f32", (1,)), OutputLeaf(2, "f64", (), True)
    nested = DictNode((7, "d"), (s, DictNode(("e",), (ListNode((a, b)),))))
    output = TupleNode((ListNode((b,)), nested, NoneNode(), TupleNode(()), ListNode(())))
    door = Door(*copies(inputs, output))
    x, y = np.array([1.0, 2.0]), np.array([3.0], np.float32)
    result: Any = door.native({"a": (y, None), "b": x}, [(0.5,), [], {}])
    assert not door.missed
    assert str(result) == str(([x], {7: np.float64(0.5), "d": {"e": [y, x]}}, None, (), []))
    assert result[0][0] is result[1]["d"]["e"][1], "one leaf twice is one object, as in Python"
    assert list(result[1]) == [7, "d"]


def test_none_as_the_whole_result() -> None:
    door = Door(*copies((NoneNode(),), NoneNode()))
    assert door.native(None) is None
    assert door.native(0) == "fallback"


def test_an_unpickled_array_has_its_own_dtype_object_and_still_hits() -> None:
    door = Door(*one_array(3))
    x = pickle.loads(pickle.dumps(np.arange(3.0)))
    assert x.dtype is not np.dtype("float64")
    assert np.array_equal(door.native(x), x)
    assert not door.missed


def test_many_leaves() -> None:
    keys = tuple(f"w{i}" for i in range(100))
    tree = DictNode(keys, tuple(array(i, "f64", 2) for i in range(100)))
    results = DictNode(keys, tuple(OutputLeaf(i, "f64", (2,)) for i in range(100)))
    door = Door(*copies((tree,), results))
    x = {key: np.full(2, i) * 1.0 for i, key in enumerate(keys)}
    result: Any = door.native(x)
    assert not door.missed
    assert all(np.array_equal(result[key], x[key]) for key in keys)


def test_code_holds_no_address() -> None:
    spec, _ = one_array(3)
    symbols = {**interpreter_symbols(), **object_symbols(bound_objects(spec, print, print))}
    assert "inttoptr" not in entry_text(spec, symbols)


def three(**options: Any) -> Door:
    leaves = tuple(Leaf(i, "python_float", "f64") for i in range(3))
    results = tuple(OutputLeaf(i, "f64", (), True) for i in range(3))
    return Door(*copies(leaves, TupleNode(results), **options))


def test_keywords_in_any_order() -> None:
    f: Any = three().native
    expected = (1.0, 2.0, 3.0)
    assert f(1.0, 2.0, 3.0) == f(1.0, 2.0, z=3.0) == f(1.0, z=3.0, y=2.0) == expected
    assert f(z=3.0, x=1.0, y=2.0) == f(*(1.0,), y=2.0, z=3.0) == expected


def test_calls_that_do_not_bind_fall_back() -> None:
    door = three()
    f: Any = door.native
    calls: list[tuple[tuple[float, ...], dict[str, float]]] = [
        ((), {}),
        ((1.0,), {}),
        ((1.0, 2.0, 3.0, 4.0), {}),
        ((1.0, 2.0, 3.0), {"z": 4.0}),
        ((1.0, 2.0), {"x": 3.0}),
        ((1.0, 2.0), {"other": 3.0}),
        ((1.0,), {"y": 2.0}),
        ((1.0,), {"y": 2.0, "z": 3.0, "u": 4.0}),
    ]
    for arguments, named in calls:
        assert f(*arguments, **named) == "fallback"
    assert door.missed == calls


def test_a_name_that_is_not_interned_falls_back() -> None:
    results = OutputLeaf(0, "f64", as_scalar=True)
    spec = EntrySpec("named", ("alpha",), (Leaf(0, "python_float", "f64"),), results)
    f: Any = Door(spec, copy_core((0, 0, 8))).native
    assert f(alpha=1.0) == f(**{sys.intern("al" + "pha"): 1.0}) == 1.0
    assert f(**{"".join(["al", "pha"]): 1.0}) == "fallback"


def test_a_name_given_twice_falls_back() -> None:
    """Only C code can call so; the slot that stays empty must not be read."""
    door = three()
    vectorcall = ctypes.PYFUNCTYPE(
        ctypes.py_object, ctypes.py_object, ctypes.c_void_p, ctypes.c_size_t, ctypes.py_object
    )(("PyObject_Vectorcall", ctypes.pythonapi))
    numbers = (1.0, 2.0, 3.0)
    values = (ctypes.c_void_p * 3)(*(id(number) for number in numbers))
    assert vectorcall(door.native, ctypes.addressof(values), 1, ("y", "y")) == "fallback"
    assert vectorcall(door.native, ctypes.addressof(values), 1, ("z", "y")) == (1.0, 3.0, 2.0)


def test_positional_only() -> None:
    door = three(positional_only=1)
    f: Any = door.native
    assert f(1.0, y=2.0, z=3.0) == f(1.0, 2.0, 3.0) == (1.0, 2.0, 3.0)
    assert f(x=1.0, y=2.0, z=3.0) == "fallback"


def test_keyword_only() -> None:
    door = three(keyword_only=1)
    f: Any = door.native
    assert f(1.0, 2.0, z=3.0) == f(x=1.0, y=2.0, z=3.0) == (1.0, 2.0, 3.0)
    assert f(1.0, 2.0, 3.0) == "fallback"


def test_no_parameters() -> None:
    door = Door(*copies((), TupleNode(())))
    f: Any = door.native
    assert f() == ()
    assert f(1) == f(x=1) == "fallback"
