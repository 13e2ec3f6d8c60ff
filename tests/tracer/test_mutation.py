"""Stores into arrays, through views and functions: values and gradients as if NumPy had done it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from .oracle import check

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


@pytest.mark.parametrize("function", ONE)
def test_one_axis(function: Callable[..., Any]) -> None:
    check(function, X)
