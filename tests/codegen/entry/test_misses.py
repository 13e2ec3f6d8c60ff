"""Calls that do not fit go to the fallback exactly as they came."""

from __future__ import annotations

import sys
from types import CellType
from typing import Any

import numpy as np
import pytest

from fusegrad.codegen.entry import (
    ABSENT,
    CellGuard,
    DictGuard,
    DictNode,
    EntrySpec,
    FunctionGuard,
    HiddenArray,
    Leaf,
    ListGuard,
    ListNode,
    NoneNode,
    OutputLeaf,
    SizeGuard,
    TupleNode,
    ValueGuard,
    self_test,
)

from .doors import (
    Door,
    array,
    copies,
    copy_core,
    one_array,
)

pytestmark = pytest.mark.skipif(self_test() is not None, reason=str(self_test()))


class Sub(np.ndarray):
    pass


def _unaligned() -> Any:
    return np.frombuffer(bytes(8 * 6 + 1), dtype=np.float64, offset=1).reshape(2, 3)


MISFITS: dict[str, Any] = {
    "dtype": np.zeros((2, 3), np.float32),
    "byte order": np.zeros((2, 3), ">f8"),
    "same size": np.zeros((2, 3), np.int64),
    "ndim": np.zeros(6),
    "shape": np.zeros((3, 2)),
    "Fortran order": np.zeros((2, 3), order="F"),
    "strides": np.zeros((2, 6))[:, ::2],
    "alignment": _unaligned(),
    "subclass": np.zeros((2, 3)).view(Sub),
    "masked": np.ma.zeros((2, 3)),
    "list": [[0.0] * 3] * 2,
    "scalar": np.float64(0),
    "float": 0.0,
    "None": None,
    "structured": np.zeros((2, 3), [("a", "f8")]),
}


@pytest.mark.parametrize("reason", MISFITS)
def test_other_arrays_fall_back_with_the_same_arguments(reason: str) -> None:
    door = Door(*one_array(2, 3))
    x = MISFITS[reason]
    assert door.native(x) == "fallback"
    assert door.native(x=x) == "fallback"
    (first, _), (_, second) = door.missed
    assert first[0] is x
    assert second["x"] is x


def test_the_other_integer_of_the_same_size_falls_back() -> None:
    door = Door(*one_array(2, dtype="i64"))
    others = [kind for kind in (np.longlong, np.int_) if np.dtype(kind) is not np.dtype("int64")]
    for kind in others:
        assert door.native(np.zeros(2, kind)) == "fallback"
    assert type(door.native(np.zeros(2, np.int64))) is np.ndarray


@pytest.mark.parametrize(
    ("kind", "dtype", "value"),
    [
        ("numpy_scalar", "f64", 1.0),
        ("numpy_scalar", "f64", np.float32(1)),
        ("numpy_scalar", "f64", np.zeros(())),
        ("numpy_scalar", "bool", True),
        ("python_float", "f64", np.float64(1)),
        ("python_float", "f64", 1),
        ("python_int", "i64", True),
        ("python_int", "i64", 2**63),
        ("python_int", "i64", -(2**63) - 1),
        ("python_int", "i32", 2**31),
        ("python_int", "i64", np.int64(1)),
        ("python_bool", "bool", 1),
        ("python_bool", "bool", np.True_),
    ],
)
def test_other_scalars_fall_back(kind: Any, dtype: str, value: Any) -> None:
    door = Door(*copies((Leaf(0, kind, dtype),), OutputLeaf(0, dtype, as_scalar=True)))
    assert door.native(value) == "fallback"
    assert door.missed[0][0][0] is value


class TupleSub(tuple):  # type: ignore[type-arg]
    pass


class DictSub(dict):  # type: ignore[type-arg]
    pass


X = np.zeros(2)


@pytest.mark.parametrize(
    "value",
    [
        ({"a": X}, [X], X),
        ({"a": X}, [X]),
        [{"a": X}, [X], None],
        TupleSub(({"a": X}, [X], None)),
        ({"b": X}, [X], None),
        ({"a": X, "b": X}, [X], None),
        ({}, [X], None),
        (DictSub(a=X), [X], None),
        ({"a": X}, [], None),
        ({"a": X}, [X, X], None),
        ({"a": X}, (X,), None),
        ({"a": X}, [np.zeros(3)], None),
        ({"a": None}, [X], None),
    ],
)
def test_other_trees_fall_back_and_give_back_what_they_held(value: Any) -> None:
    tree = TupleNode(
        (DictNode(("a",), (array(0, "f64", 2),)), ListNode((array(1, "f64", 2),)), NoneNode())
    )
    door = Door(*copies((tree,), OutputLeaf(0, "f64", (2,))))
    assert np.array_equal(door.native(({"a": X}, [X], None)), X)
    before = sys.getrefcount(X)
    assert door.native(value) == "fallback"
    assert door.missed.pop()[0][0] is value
    assert sys.getrefcount(X) == before


class BadKey:
    """Collides with the key "a" and can't be compared."""

    def __hash__(self) -> int:
        return hash("a")

    def __eq__(self, other: object) -> bool:
        raise LookupError("no comparison")


def test_an_error_in_a_key_comparison_propagates() -> None:
    tree = DictNode(("b", "a"), (array(0, "f64", 2), array(1, "f64", 2)))
    door = Door(*copies((tree,), OutputLeaf(0, "f64", (2,))))
    before = sys.getrefcount(X)
    with pytest.raises(LookupError, match="no comparison"):
        door.native({"b": X, BadKey(): X})
    assert not door.missed
    assert sys.getrefcount(X) == before


def test_cell_guard() -> None:
    cell = CellType("first")
    expected = cell.cell_contents
    door = Door(*copies((), NoneNode(), guards=(CellGuard(cell, expected),)))
    assert door.native() is None
    cell.cell_contents = "second"
    assert door.native() == "fallback"
    cell.cell_contents = expected
    assert door.native() is None
    del cell.cell_contents
    assert door.native() == "fallback"


def test_dict_guard() -> None:
    expected = object()
    table = {"name": expected}
    door = Door(*copies((), NoneNode(), guards=(DictGuard(table, "name", expected),)))
    assert door.native() is None
    table["name"] = object()
    assert door.native() == "fallback"
    del table["name"]
    assert door.native() == "fallback"
    table["name"] = expected
    assert door.native() is None


def test_absent_key_guard() -> None:
    table: dict[str, object] = {"other": 1}
    door = Door(*copies((), NoneNode(), guards=(DictGuard(table, "name", ABSENT),)))
    assert door.native() is None
    table["name"] = None
    assert door.native() == "fallback"
    del table["name"]
    assert door.native() is None


def test_list_guard() -> None:
    first, second = object(), object()
    sequence = [first, second]
    door = Door(*copies((), NoneNode(), guards=(ListGuard(sequence, (first, second)),)))
    changes: list[list[object]] = [[first], [second, first], [first, second, first], []]
    for change in changes:
        assert door.native() is None
        sequence[:] = change
        assert door.native() == "fallback"
        sequence[:] = [first, second]
    assert door.native() is None


def test_size_guard() -> None:
    table = {"a": 1}
    door = Door(*copies((), NoneNode(), guards=(SizeGuard(table, 1),)))
    assert door.native() is None
    table["b"] = 2
    assert door.native() == "fallback"
    del table["a"]
    assert door.native() is None


@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 3)])
def test_value_guard(shape: tuple[int, ...]) -> None:
    array = np.full(shape, np.nan)
    door = Door(*copies((), NoneNode(), guards=(ValueGuard(array, array.copy()),)))
    assert door.native() is None
    if array.size:
        array.flat[array.size - 1] = 1.0
        assert door.native() == "fallback"
        array[...] = np.nan
    assert door.native() is None
    array.shape = (1, *shape)
    assert door.native() == "fallback"


def test_function_guard() -> None:
    def without(x: object) -> object:
        return x

    def having(x: object = 1) -> object:
        return x

    for function in (without, having):
        code, defaults = function.__code__, function.__defaults__
        guard = FunctionGuard(function, code, defaults)
        door = Door(*copies((), NoneNode(), guards=(guard,)))
        assert door.native() is None
        function.__defaults__ = (2,)
        assert door.native() == "fallback"
        function.__defaults__ = defaults
        assert door.native() is None
        function.__code__ = (lambda x: 3).__code__
        assert door.native() == "fallback"
        function.__code__ = code
        assert door.native() is None


def test_hidden_array_is_read_at_call_time() -> None:
    hidden = np.arange(4.0)
    spec = EntrySpec("hidden", (), (), OutputLeaf(0, "f64", (4,)), hidden=(HiddenArray(0, hidden),))
    door = Door(spec, copy_core((0, 0, 32)))
    assert np.array_equal(door.native(), [0, 1, 2, 3])
    hidden[1] = 9
    assert np.array_equal(door.native(), [0, 9, 2, 3])
    hidden.resize(5, refcheck=False)
    assert door.native() == "fallback"
    hidden.resize(4, refcheck=False)
    assert np.array_equal(door.native(), hidden)
    hidden.shape = (2, 2)
    assert door.native() == "fallback"
