"""Indexing against NumPy's: views, gathers, mixtures of both, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fusegrad.ir import FusegradError
from fusegrad.tracer import BoundsError, TraceError, UnsupportedError, trace

from .running import array, check, execute, run

X = array("float64", 4, 3, 5)


@given(st.data())
def test_basic_indexing(data: st.DataObject) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    x = np.arange(float(np.prod(shape))).reshape(shape)
    index = data.draw(hnp.basic_indices(shape, allow_newaxis=True, max_dims=6))
    check(lambda x: x[index], x)


@given(st.data())
def test_integer_arrays(data: st.DataObject) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
    x = np.arange(float(np.prod(shape))).reshape(shape)
    picked = data.draw(hnp.integer_array_indices(shape, dtype=np.int64))
    check(lambda x: x[picked], x)
    check(lambda x, i: x[i], x, picked)


@given(st.data())
def test_mixed_indexing(data: st.DataObject) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=4, min_side=1, max_side=4))
    x = np.arange(float(np.prod(shape))).reshape(shape)
    index = tuple(data.draw(_item(extent)) for extent in shape)
    new = data.draw(st.integers(0, len(index)))
    index = (*index[:new], None, *index[new:]) if data.draw(st.booleans()) else index
    check(lambda x: x[index], x)


def _item(extent: int) -> st.SearchStrategy[Any]:
    """A slice, an integer, or integers of a shape that goes with the others' shapes."""
    number = st.integers(-extent, extent - 1)
    many = hnp.arrays(np.int64, st.sampled_from([(2,), (1,), (3, 2), ()]), elements=number)
    return st.one_of(st.slices(extent), number, many, many.map(lambda a: a.tolist()))


@pytest.mark.parametrize(
    "mask",
    [
        np.array([True, False, True, True]),
        np.zeros(4, bool),
        array("bool", 4, 3),
        array("bool", 4, 3, 5),
        [True, False, False, True],
    ],
)
def test_masks_from_outside(mask: Any) -> None:
    check(lambda x: x[mask], X)


def test_masks_beside_other_items() -> None:
    mask, few = np.array([True, False, True]), np.array([2, 0])
    check(lambda x: x[:, mask], X)
    check(lambda x: x[1, mask], X)
    check(lambda x: x[few, mask], X)
    check(lambda x: x[few, :, None, 1], X)
    check(lambda x: x[..., array("bool", 3, 5)], X)


def test_a_mask_is_noted() -> None:
    mask = np.array([True, False, True, True])
    ((noted, copy),) = trace(lambda x: x[mask], (X,), {}).baked
    assert noted is mask
    mask[0] = False
    np.testing.assert_array_equal(copy, [True, False, True, True])


def test_integer_arrays_from_outside_are_read_at_each_call() -> None:
    index = np.array([0, 2])
    traced = trace(lambda x: x[index], (X,), {})
    assert traced.captured[0] is index
    index[:] = [-1, 1]
    np.testing.assert_array_equal(execute(traced, X), X[[-1, 1]])
    index[0] = 4
    with pytest.raises(IndexError):
        execute(traced, X)


def test_each_of_several_arrays_is_checked_at_each_call() -> None:
    first, second = np.array([0, 1]), np.array([1, 2])
    traced = trace(lambda x: x[first, second], (X,), {})
    np.testing.assert_array_equal(execute(traced, X), X[first, second])
    second[0] = 3  # within the merged axes, not within its own
    with pytest.raises(IndexError):
        execute(traced, X)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint32", "int32", "uint64"])
def test_other_integers_index_too(dtype: str) -> None:
    index = np.array([1, 0, 3], dtype)
    check(lambda x: x[index], X)
    check(lambda x: x[np.int8(2)], X)


def test_traced_integers_index() -> None:
    check(lambda x, i: x[i], X, 2)
    check(lambda x, i: x[i, 1], X, -1)
    check(lambda x, i: x[:, i], X, np.array(2))
    check(lambda x, i: x[i, :, i], X, np.array([1, -1]))
    check(lambda x: x[np.argmax(x[:, 0, 0])], X)
    check(lambda x, i: x[[0, i]], X, 3)


def test_large_fixed_index() -> None:
    index = list(range(4)) * 30
    check(lambda x: x[index], X)


def test_iteration_and_length() -> None:
    check(lambda x: [row * 2 for row in x], X)
    check(lambda x: x[0] + len(x), X)
    with pytest.raises(TypeError, match="0-d"):
        run(lambda x: list(x.sum()), X)
    with pytest.raises(TypeError, match="unsized"):
        run(lambda x: len(x.sum()), X)


def test_empty_lists() -> None:
    check(lambda x: x[[]], X)
    check(lambda x: x[:, []], X)


BAD: list[tuple[Any, str]] = [
    (4, "index 4 is out of bounds for axis 0 with size 4"),
    (-5, "index -5 is out of bounds"),
    ((0, 0, 0, 0), "too many indices"),
    ((Ellipsis, 0, Ellipsis), "single ellipsis"),
    ([0, 4], "index 4 is out of bounds"),
    ((slice(None), [3]), "index 3 is out of bounds for axis 1"),
    (np.array([0, -5]), "index -5 is out of bounds"),
    (1.0, "only integers"),
    (np.array([1.0]), "only integers"),
    ([0.5], "only integers"),
    ("a", "only integers"),
    (np.ones(3, bool), "boolean index did not match"),
    (([0, 1], [0, 1, 2]), "broadcast"),
]


@pytest.mark.parametrize(("index", "text"), BAD)
def test_bad_indices(index: Any, text: str) -> None:
    with pytest.raises((IndexError, ValueError)):
        X[index]
    with pytest.raises(FusegradError, match=text) as caught:
        run(lambda x: x[index], X)
    assert caught.value.at is not None
    assert caught.value.at.file == __file__


def test_bounds_error_is_an_index_error() -> None:
    assert issubclass(BoundsError, IndexError)


REFUSED: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (lambda x: x[x > 0], TraceError, "np.where"),
    (lambda x: x[True], UnsupportedError, "np.where"),
    (lambda x: x[: x.sum()], TraceError, "a Python int"),
    (lambda x: x[x], BoundsError, "f64|float64"),
]


@pytest.mark.parametrize(("function", "kind", "text"), REFUSED)
def test_what_cannot_be_traced(
    function: Callable[[Any], Any], kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text):
        run(function, X)


def test_empty_arrays() -> None:
    empty = np.zeros((0, 3))
    check(lambda x: (x[:, 1], x[::-1], x[np.zeros(0, int)], x[[]], x[np.zeros(0, bool)]), empty)
    check(lambda x: x[:, [0, 2, 1]], empty)
    check(lambda x, i: x[i, i], empty, np.zeros((0, 2), int))
