"""Views: chains of structural operations, read through strides, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusegrad.ir import (
    TABLE,
    GraphBuilder,
    IRError,
    Operation,
    TensorType,
    Value,
    parse,
    verify,
)
from fusegrad.ir.ops.kernel import read_through
from fusegrad.ir.view import View, row_major_strides

STEPS = ("broadcast", "reshape", "transpose", "slice", "reverse", "pad")


@st.composite
def steps(draw: Any, shape: tuple[int, ...]) -> tuple[str, dict[str, Any]]:
    """A structural operation on a tensor of `shape`, and its attributes."""
    name = draw(st.sampled_from(STEPS))
    ndim = len(shape)
    if name == "broadcast":
        lead = tuple(draw(st.lists(st.integers(0, 3), max_size=1)))
        repeated = tuple(draw(st.integers(0, 3)) if n == 1 else n for n in shape)
        return name, {"shape": (*lead, *repeated)}
    if name == "reshape":
        return name, {"shape": draw(shapes_of(int(np.prod(shape))))}
    if name == "transpose":
        return name, {"permutation": tuple(draw(st.permutations(range(ndim))))}
    if name == "slice":
        start = tuple(draw(st.integers(0, n)) for n in shape)
        stop = tuple(draw(st.integers(a, n)) for a, n in zip(start, shape, strict=True))
        return name, {"start": start, "stop": stop, "step": draw(numbers(ndim, 1, 3))}
    if name == "reverse":
        return name, {"axes": tuple(i for i in range(ndim) if draw(st.booleans()))}
    low, high = draw(numbers(ndim, 0, 2)), draw(numbers(ndim, 0, 2))
    return name, {"low": low, "high": high, "interior": (0,) * ndim}


def numbers(count: int, low: int, high: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.tuples(*[st.integers(low, high)] * count)


@st.composite
def shapes_of(draw: Any, size: int) -> tuple[int, ...]:
    """A shape of `size` elements."""
    if size == 0:
        return (0, *draw(numbers(1, 0, 3)))
    shape: list[int] = []
    for _ in range(draw(st.integers(0, 3))):
        factor = draw(st.sampled_from([n for n in range(1, size + 1) if size % n == 0]))
        shape.append(factor)
        size //= factor
    shape.append(size)
    return tuple(draw(st.permutations(shape)))


def apply(view: View, array: np.ndarray, name: str, attributes: dict[str, Any]) -> Any:
    """The step on the view (None where it needs a copy), and on the array."""
    operation = Operation(TABLE[name], (Value(TensorType("f64", view.shape)),), attributes, ())
    return view.through(operation), np.array(TABLE[name].eval(array, **attributes))


@settings(max_examples=300)
@given(data=st.data(), shape=st.lists(st.integers(0, 4), max_size=3))
def test_chains_read_what_numpy_reads(data: st.DataObject, shape: list[int]) -> None:
    buffer = np.arange(1.0, np.prod(shape) + 1).reshape(shape)
    view, expected = View.dense(tuple(shape)), buffer
    for _ in range(data.draw(st.integers(1, 7))):
        name, attributes = data.draw(steps(view.shape))
        further, array = apply(view, expected, name, attributes)
        if array.size > 2000:
            break
        if further is None:  # a copy, from which it goes on
            assert name == "reshape"
            buffer, further = array, View.dense(array.shape)
        view, expected = further, array
        assert view.shape == expected.shape
        np.testing.assert_array_equal(read_through(buffer, view), expected)
        low, high = view.reads() or (0, -1)
        assert 0 <= low <= high + 1 <= buffer.size
        if view.is_dense:
            flat = buffer.ravel()[: expected.size]
            np.testing.assert_array_equal(flat, expected.ravel())


def test_steps_are_those_of_the_ops() -> None:
    for name in STEPS:
        for sample in TABLE[name].samples:
            (type,) = sample.types
            array = np.arange(type.size).reshape(type.shape)
            view, expected = apply(View.dense(type.shape), array, name, dict(sample.attributes))
            if name == "pad" and any(sample.attributes["interior"]):
                assert view is None
            else:
                np.testing.assert_array_equal(read_through(array, view), expected)


def test_other_operations_are_no_views() -> None:
    b = GraphBuilder()
    x = b.input(TensorType("f64", (3,)))
    for value in (b("sin", x), b.sum(x, (0,)), b("cumsum", x, axis=0, reverse=False)):
        assert View.dense((3,)).through(value.producer) is None


@pytest.mark.parametrize(
    ("shape", "strides"), [((), ()), ((2, 3, 4), (12, 4, 1)), ((2, 0, 3), (3, 3, 1))]
)
def test_row_major(shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
    assert row_major_strides(shape) == strides
    assert View.dense(shape).is_dense


def test_what_is_dense() -> None:
    view = View.dense((4, 3))
    assert view.slice((0, 0), (2, 3), (1, 1)).is_dense  # the start of the buffer
    assert not view.slice((1, 0), (3, 3), (1, 1)).is_dense
    assert not view.transpose((1, 0)).is_dense
    assert view.reverse((0,)).reverse((0,)) == view
    assert view.reshape((2, 6)) == View.dense((2, 6))
    assert View(shape=(1, 3), offset=0, strides=(77, 1)).is_dense  # never stepped along


def test_a_slice_that_leaves_the_padding_has_no_bounds() -> None:
    padded = View.dense((4,)).pad((2,), (1,))
    assert padded.bounds == ((2, 6),)
    assert padded.reshape((7, 1)) is None
    inner = padded.slice((2,), (6,), (1,))
    assert inner.bounds is None
    assert inner.is_dense
    assert inner.reshape((2, 2)) == View.dense((2, 2))


def test_zeros_are_repeated_and_reversed_as_zeros() -> None:
    buffer = np.array([5.0])
    padded = View.dense((1,)).pad((1,), (0,))  # 0 5
    np.testing.assert_array_equal(read_through(buffer, padded.reverse((0,))), [5, 0])
    zero = padded.slice((0,), (1,), (1,))
    np.testing.assert_array_equal(read_through(buffer, zero.broadcast((3,))), [0, 0, 0])
    np.testing.assert_array_equal(read_through(buffer, View.dense((1,)).broadcast((2,))), [5, 5])


def test_what_is_read() -> None:
    view = View.dense((4, 3))
    assert view.reads() == (0, 11)
    assert view.slice((1, 0), (4, 2), (2, 1)).reverse((1,)).reads() == (3, 10)
    assert view.pad((1, 1), (0, 2)).reads() == (0, 11)
    assert view.broadcast((7, 4, 3)).reads() == (0, 11)
    assert view.slice((4, 0), (4, 3), (1, 1)).reads() is None
    assert View((), 5, ()).reads() == (5, 5)


@pytest.mark.parametrize(("offset", "stride"), [(1, 1), (-1, 1), (0, 2), (2, -1)])
def test_a_kernel_reads_inside_its_operands(offset: int, stride: int) -> None:
    text = """
    func @f(%x: f64[4]) -> (f64[4]) {
      %0 = kernel %x {domain = [4], indices = [], views = [[OFFSET, [STRIDE], none]],
        yields = [["store", "f64", []]]} (
      ^body(%x.1: f64[]) { yield %x.1 }
      ) : f64[4]
      return %0
    }
    """
    verify(parse(text.replace("OFFSET", "3").replace("STRIDE", "-1")))
    with pytest.raises(IRError, match=r"of f64\[4\] are read"):
        verify(parse(text.replace("OFFSET", str(offset)).replace("STRIDE", str(stride))))
