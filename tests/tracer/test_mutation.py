"""Stores into arrays, through views and functions: values and gradients as if NumPy had done it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.tracer.errors import StoreError

from .oracle import check, check_stores

X = np.array([0.3, -0.7, 1.1, 0.6, -0.2, 0.9])
A = np.array([[0.3, -0.7, 1.1], [0.6, -0.2, 0.9], [1.4, 0.8, -0.5]])
WEIGHTS = np.arange(1.0, 10.0).reshape(3, 3)


def weighted(a: Any) -> Any:
    return np.sum(np.sin(a) * WEIGHTS.ravel()[: a.size].reshape(a.shape))


# --- one axis ---


def element(x: Any) -> Any:
    y = x.copy()
    y[2] = x[0] * x[1]
    return weighted(y)


def element_from_the_back(x: Any) -> Any:
    y = x * 2
    y[-1] = y[0] ** 2
    return weighted(y)


def number_into_element(x: Any) -> Any:
    y = x.copy()
    y[1] = 3
    return weighted(y)


def same_element_twice(x: Any) -> Any:
    y = x.copy()
    y[1] = x[0]
    y[1] = y[1] * x[2]
    return weighted(y)


def element_plus(x: Any) -> Any:
    y = x.copy()
    y[1] += x[0]
    y[1] *= x[2]
    y[3] -= 1
    y[4] /= 2 + x[5] ** 2
    y[5] **= 2
    return weighted(y)


def slice_(x: Any) -> Any:
    y = x.copy()
    y[1:4] = x[:3] ** 2
    return weighted(y)


def slice_with_step(x: Any) -> Any:
    y = x.copy()
    y[::2] = x[1::2]
    return weighted(y)


def slice_backwards(x: Any) -> Any:
    y = x.copy()
    y[::-1] = x * np.arange(6)
    y[4:1:-1] = x[:3]
    return weighted(y)


def slice_of_a_number(x: Any) -> Any:
    y = x.copy()
    y[2:] = x[0]
    return weighted(y)


def slice_plus(x: Any) -> Any:
    y = x.copy()
    y[1:-1] += x[:-2] * x[2:]
    y[:2] *= 3
    return weighted(y)


def overlapping(x: Any) -> Any:
    y = x.copy()
    y[1:] = y[:-1]
    y[:-1] += y[1:]
    return weighted(y)


def everything(x: Any) -> Any:
    y = x.copy()
    y[:] = x**2
    y[...] += 1
    return weighted(y)


def nothing(x: Any) -> Any:
    y = x.copy()
    y[3:3] = x[:0]
    y[4:1] = 7
    return weighted(y)


def list_of_places(x: Any) -> Any:
    y = x.copy()
    y[[0, 2, 5]] = x[:3] * 2
    y[[1, 3]] = x[0]
    return weighted(y)


def last_of_equal_places_wins(x: Any) -> Any:
    y = x.copy()
    y[[2, 2, 2]] = x[:3]
    y[[0, 0]] += x[3:5]
    return weighted(y)


def array_of_places(x: Any) -> Any:
    y = x.copy()
    y[np.array([[0, 1], [4, -1]])] = x[:4].reshape(2, 2)
    return weighted(y)


def mask_known(x: Any) -> Any:
    y = x.copy()
    y[np.array([True, False, True, False, False, True])] = x[3:]
    y[np.arange(6) % 2 == 0] *= 2
    return weighted(y)


def mask_traced(x: Any) -> Any:
    y = x.copy()
    y[x < 0] = 0.5
    y[y > 1] = x[0]
    return weighted(y)


def mask_traced_plus(x: Any) -> Any:
    y = x.copy()
    y[y > 0.5] *= 2
    y[x < 0] -= x[0]
    y[y > 0] **= 0.5
    y[x > 5] /= 3
    return weighted(y)


def place_by_argmax(x: Any) -> Any:
    y = x.copy()
    y[np.argmax(x)] = x[0] * 2
    return weighted(y)


def places_by_argsort(x: Any) -> Any:
    y = np.zeros(6)
    y[np.argsort(x)] = x * np.arange(6)
    return weighted(y)


def plus_at_traced_place(x: Any) -> Any:
    y = x.copy()
    y[np.argmin(x)] += x[1] ** 2
    return weighted(y)


# --- views ---


def view_sees_stores(x: Any) -> Any:
    y = x.copy()
    tail = y[3:]
    y[4] = x[0]
    y *= 2
    return weighted(tail)


def view_stores(x: Any) -> Any:
    y = x.copy()
    tail = y[2:]
    tail[1] = x[0]
    tail += 1
    return weighted(y)


def view_of_a_view(x: Any) -> Any:
    y = x.copy()
    inner = y[1:][::2][1:]
    inner[0] = x[0] ** 2
    inner *= 3
    return weighted(y)


def two_views_of_the_same(x: Any) -> Any:
    y = x.copy()
    a, b = y[:4], y[2:]
    a[2:] = x[0] * x[1]
    b[:] = b * 2
    a += 1
    return weighted(y) + weighted(b)


def scalars_are_copies(x: Any) -> Any:
    y = x.copy()
    first = y[0]
    y[0] = x[1]
    return first * y[0] + weighted(y)


def scalar_plus_makes_a_new_one(x: Any) -> Any:
    total = x.sum()
    before = total
    total += x[0]
    return total * before


def copies_are_apart(x: Any) -> Any:
    y = x.copy()
    z = y.copy()
    z += 1
    w = np.array(y)
    w[0] = 9
    return weighted(y) + 0 * weighted(z)


def asarray_is_the_same(x: Any) -> Any:
    y = x.copy()
    z = np.asarray(y)
    z[0] = x[1] * 2
    return weighted(y)


def argument_in_place(x: Any) -> Any:
    x += 1
    x[0] *= x[1]
    return weighted(x)


def rebinding(x: Any) -> Any:
    y = z = x.copy()
    y += x
    y = y * 2
    y[0] = 1
    return weighted(z) + weighted(y)


def in_a_list(x: Any) -> Any:
    parts = [x[:3].copy(), x[3:].copy()]
    for part in parts:
        part[0] = part[1] * part[2]
    return sum(weighted(part) for part in parts)


def reversed_view(x: Any) -> Any:
    y = x.copy()
    back = y[::-1]
    back[0] = x[0] * 2
    back[1:3] += x[:2]
    return weighted(y)


# --- two axes ---


def row(a: Any) -> Any:
    b = a.copy()
    r = b[1]
    r += 1
    b[0] = r * a[2]
    return weighted(b)


def column(a: Any) -> Any:
    b = a.copy()
    b[:, 1] = a[:, 0] * a[:, 2]
    b[:, 2] *= 2
    return weighted(b)


def block(a: Any) -> Any:
    b = a.copy()
    b[1:, :2] = a[:2, 1:] ** 2
    b[0, 1:] += a[1, :2]
    return weighted(b)


def stencil(a: Any) -> Any:
    b = a.copy()
    b[1:-1, 1:-1] = 0.2 * (a[1:-1, 1:-1] + a[:-2, 1:-1] + a[2:, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:])
    return weighted(b)


def elements(a: Any) -> Any:
    b = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            b[i, j] = a[j, i] * (i + 1)
    return weighted(b)


def element_of_a_row(a: Any) -> Any:
    b = a.copy()
    b[1][2] = a[0, 0] * a[2, 2]
    b[2][:2] = a[0][1]
    return weighted(b)


def transposed(a: Any) -> Any:
    b = a.copy()
    t = b.T
    t[0] = a[1] * 2
    t[1, 2] = a[0, 0]
    return weighted(b)


def reshaped(a: Any) -> Any:
    b = a.copy()
    flat = b.reshape(-1)
    flat[4] = a[0, 0] ** 2
    flat[::4] += 1
    return weighted(b)


def reshape_of_a_transpose_is_a_copy(a: Any) -> Any:
    b = a.copy()
    flat = b.T.reshape(-1)
    flat[:] = 0
    c = b.T.ravel()
    c[0] = 5
    return weighted(b)


def flatten_is_a_copy(a: Any) -> Any:
    b = a.copy()
    b.flatten()[0] = 3
    b.ravel()[1] = a[0, 0] * 3
    return weighted(b)


def new_axes(a: Any) -> Any:
    b = a.copy()
    b[:, None, :][1, 0, 2] = a[0, 1]
    np.expand_dims(b, 0)[0, 0] *= 2
    b[None][0, 2] = a[0]
    return weighted(b)


def iterating_over_rows(a: Any) -> Any:
    b = a.copy()
    for i, r in enumerate(b):
        r *= i + 1
        r[0] = a[i, i]
    return weighted(b)


def swapped(a: Any) -> Any:
    b = a.copy()
    b[[0, 2]] = b[[2, 0]]
    b[:, 0], b[:, 1] = b[:, 1].copy(), b[:, 0].copy()
    return weighted(b)


def pairs_of_places(a: Any) -> Any:
    b = a.copy()
    b[[0, 1, 2], [1, 2, 0]] = a[0] * 2
    b[np.arange(3), np.arange(3)] += a[1]
    return weighted(b)


def rows_by_list(a: Any) -> Any:
    b = a.copy()
    b[[2, 0]] = a[:2] * 2
    b[[1], 1:] = a[0, :2]
    return weighted(b)


def mask_of_rows(a: Any) -> Any:
    b = a.copy()
    b[a[:, 0] > 0.5] = 0.25
    b[a > 1] *= 1
    return weighted(b)


def upper_triangle(a: Any) -> Any:
    b = a.copy()
    b[np.triu_indices(3, 1)] = 0
    b[np.tril_indices(3, -1)] *= 2
    return weighted(b)


def diagonal(a: Any) -> Any:
    b = a.copy()
    np.fill_diagonal(b, a[0])
    b.flat[::4] *= 2
    b.flat[1] = a[2, 2]
    return weighted(b)


def gaussian_elimination(a: Any) -> Any:
    m = a + 3 * np.eye(3)
    n = len(m)
    for k in range(n):
        for i in range(k + 1, n):
            m[i, k] /= m[k, k]
            m[i, k + 1 :] -= m[i, k] * m[k, k + 1 :]
    return np.sum(np.log(np.abs(np.diag(m))))


# --- functions that store ---


def add_at(x: Any) -> Any:
    y = x.copy()
    np.add.at(y, [0, 0, 3], x[:3])
    np.subtract.at(y, 1, x[2])
    np.add.at(y, np.array([5, 5]), 1.0)
    return weighted(y)


def add_at_traced_places(x: Any) -> Any:
    y = np.zeros(6)
    np.add.at(y, np.argsort(x)[:4] // 2, x[:4])
    return weighted(y)


def multiply_at(x: Any) -> Any:
    y = x.copy()
    np.multiply.at(y, [1, 1, 2], x[3:])
    np.maximum.at(y, [0, 4], x[5])
    return weighted(y)


def put(x: Any) -> Any:
    y = x.copy()
    np.put(y, [0, 3], x[4:])
    y.put([1], x[0] * 2)
    np.put(y, [2, -1, 4], [x[0], 2.0])
    return weighted(y)


def copyto(x: Any) -> Any:
    y = x.copy()
    np.copyto(y[:3], x[3:])
    np.copyto(y, 2 * x, where=np.arange(6) > 3)
    return weighted(y)


def putmask_and_place(x: Any) -> Any:
    y = x.copy()
    np.putmask(y, x > 0.8, x**2)
    np.place(y, np.arange(6) > 3, [x[0], x[1]])
    return weighted(y)


def fill(x: Any) -> Any:
    y = x.copy()
    y[:2].fill(x[3])
    z = np.empty_like(x)
    z.fill(x[0] * x[1])
    return weighted(y) + weighted(z)


def sort_in_place(x: Any) -> Any:
    y = x * 2
    y.sort()
    y[1:4][::-1].sort()
    return weighted(y)


def out(x: Any) -> Any:
    y = np.zeros(6)
    np.multiply(x, 2, out=y)
    np.sin(x[:3], out=y[3:])
    np.add(y[:2], y[2:4], out=y[:2])
    return weighted(y)


def out_with_where(x: Any) -> Any:
    y = np.divide(1.0, x, out=np.zeros_like(x), where=x > 0)
    return weighted(y) + np.sum(np.log(x, out=np.zeros(6), where=x > 0.5))


def put_along_axis(a: Any) -> Any:
    b = a.copy()
    np.put_along_axis(b, np.array([[0], [2], [1]]), a[:, 1:2] * 2, axis=1)
    return weighted(b)


ONE = [
    element,
    element_from_the_back,
    number_into_element,
    same_element_twice,
    element_plus,
    slice_,
    slice_with_step,
    slice_backwards,
    slice_of_a_number,
    slice_plus,
    overlapping,
    everything,
    nothing,
    list_of_places,
    last_of_equal_places_wins,
    array_of_places,
    mask_known,
    mask_traced,
    mask_traced_plus,
    place_by_argmax,
    places_by_argsort,
    plus_at_traced_place,
    view_sees_stores,
    view_stores,
    view_of_a_view,
    two_views_of_the_same,
    scalars_are_copies,
    scalar_plus_makes_a_new_one,
    copies_are_apart,
    asarray_is_the_same,
    argument_in_place,
    rebinding,
    in_a_list,
    reversed_view,
    add_at,
    add_at_traced_places,
    multiply_at,
    put,
    copyto,
    putmask_and_place,
    fill,
    sort_in_place,
    out,
    out_with_where,
]
TWO = [
    row,
    column,
    block,
    stencil,
    elements,
    element_of_a_row,
    transposed,
    reshaped,
    reshape_of_a_transpose_is_a_copy,
    flatten_is_a_copy,
    new_axes,
    iterating_over_rows,
    swapped,
    pairs_of_places,
    rows_by_list,
    mask_of_rows,
    upper_triangle,
    diagonal,
    gaussian_elimination,
    put_along_axis,
]


@pytest.mark.parametrize("function", ONE)
def test_one_axis(function: Callable[..., Any]) -> None:
    check(function, X)


@pytest.mark.parametrize("function", TWO)
def test_two_axes(function: Callable[..., Any]) -> None:
    check(function, A)


# --- into the caller's arrays ---


def test_a_compiled_function_changes_its_arguments() -> None:
    def f(a: Any, b: Any) -> Any:
        a += b
        a[0] = b[1]
        b[1:] *= 2
        return a.sum()

    check_stores(f, X, X**2)


def test_a_compiled_function_stores_through_views_of_its_argument() -> None:
    def f(a: Any) -> Any:
        a.T[0] += 1
        r = a[2]
        r[:] = a[0] * 2
        return r

    check_stores(f, A)


def test_arguments_that_are_only_read_stay_native() -> None:
    def f(a: Any) -> Any:
        b = a.copy()
        b += 1
        return b

    compiled = fg.compile(f)
    compiled(X)
    assert "stores into an argument" not in str(compiled.explain(X))


def test_arguments_that_share_memory_are_refused() -> None:
    def f(a: Any, b: Any) -> Any:
        a += b
        return a

    x = X.copy()
    with pytest.raises(StoreError, match="share memory"):
        fg.compile(f)(x, x)


def test_an_inner_compiled_function_changes_traced_arrays() -> None:
    @fg.compile
    def double(a: Any) -> None:
        a *= 2

    def f(x: Any) -> Any:
        y = x.copy()
        double(y)
        return np.sum(y**2)

    np.testing.assert_allclose(fg.grad(f)(X), 8 * X)


# --- what can't be stored ---


def test_read_only_views() -> None:
    with pytest.raises(ValueError, match="read-only"):
        fg.compile(_stores_into_a_broadcast)(X)


def _stores_into_a_broadcast(x: Any) -> Any:
    y = np.broadcast_to(x, (2, 6))
    y[0] = 1
    return y


OUTSIDE = np.zeros(6)


def _stores_outside(x: Any) -> Any:
    OUTSIDE[2] = x[0]
    return x


def _adds_outside(x: Any) -> Any:
    global OUTSIDE
    OUTSIDE += x
    return x


@pytest.mark.parametrize("function", [_stores_outside, _adds_outside])
def test_arrays_from_outside(function: Callable[..., Any]) -> None:
    before = OUTSIDE.copy()
    with pytest.raises(TypeError) as caught:
        fg.compile(function)(X)
    assert "test_mutation.py" in str(caught.value)
    np.testing.assert_array_equal(OUTSIDE, before)


def test_wrong_shapes() -> None:
    def f(x: Any) -> Any:
        y = x.copy()
        y[:3] = x[:2]
        return y

    with pytest.raises(ValueError, match="could not broadcast"):
        fg.compile(f)(X)
    with pytest.raises(IndexError, match="out of bounds"):
        fg.compile(_out_of_bounds)(X)


def _out_of_bounds(x: Any) -> Any:
    y = x.copy()
    y[6] = 1
    return y


def test_a_traced_mask_and_many_values() -> None:
    def f(x: Any) -> Any:
        y = x.copy()
        y[x > 0] = x[:4] * 2
        y[x < 0] += x[4:]
        return y

    np.testing.assert_array_equal(fg.compile(f)(X), f(X))


def test_an_index_out_of_range_is_found_at_run_time() -> None:
    def f(x: Any, i: Any) -> Any:
        y = x.copy()
        y[i] = 1.0
        return y

    compiled = fg.compile(f)
    expected = X.copy()
    expected[[1, 4]] = 1
    np.testing.assert_array_equal(compiled(X, np.array([1, 4])), expected)
    with pytest.raises(IndexError):
        compiled(X, np.array([1, 6]))


def test_integers_are_cut() -> None:
    def f(x: Any) -> Any:
        y = np.zeros(3, int)
        y[0] = x[0] * 10
        y[1:] = x[1:3] * 10
        return y

    np.testing.assert_array_equal(fg.compile(f)(X), f(X))


SHARED = np.arange(6.0)


def _reads_what_it_changes(a: Any) -> Any:
    a += 1
    return a + SHARED


def test_an_argument_that_is_also_captured_is_refused() -> None:
    compiled = fg.compile(_reads_what_it_changes)
    np.testing.assert_array_equal(compiled(X.copy()), X + 1 + SHARED)
    with pytest.raises(StoreError, match="share memory"):
        compiled(SHARED)


def _logs_outside(x: Any) -> Any:
    OUTSIDE[0] += 1
    return x


def test_numbers_are_not_stored_outside_either() -> None:
    with pytest.raises(StoreError, match="from outside"):
        fg.compile(_logs_outside)(X)
