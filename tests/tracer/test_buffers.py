"""Buffers made in a traced function, and how it sees NumPy: the user's code is unchanged."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.linalg import norm

import fusegrad as fg

from .oracle import check

X = np.array([0.3, 0.7, 1.1, 0.6, 0.2, 0.9])


# A traced value that becomes a Python float would warn.
pytestmark = pytest.mark.filterwarnings("error")


def weighted(a: Any) -> Any:
    return np.sum(np.sin(a) * np.arange(1.0, 1 + np.size(a)).reshape(np.shape(a)))


# --- functions that make arrays ---


def zeros(x: Any) -> Any:
    b = np.zeros(8)
    for i in range(6):
        b[i] = x[i] ** 2
    return weighted(b)


def empty(x: Any) -> Any:
    b = np.empty((2, 3))
    b[0] = x[:3]
    b[1] = x[3:] * 2
    return weighted(b)


def ones(x: Any) -> Any:
    b = np.ones(6)
    b[1:4] *= x[:3]
    return weighted(b)


def full(x: Any) -> Any:
    b = np.full((2, 2), x[0])
    b[0, 1] = x[1]
    c = np.full(3, 2.0)
    c[1] = x[2]
    return weighted(b) + weighted(c) + weighted(np.full(2, fill_value=x[4], dtype=float))


def like(x: Any) -> Any:
    b, c = np.zeros_like(x), np.empty_like(x[:3])
    b[2] = x[0]
    c[:] = x[3:]
    d = np.ones_like(x)
    d[0] = x[1]
    e = np.full_like(x, 7.0)
    e[5] = x[2]
    return weighted(b) + weighted(c) + weighted(d) + weighted(e)


def eye(x: Any) -> Any:
    c, s = np.cos(x[0]), np.sin(x[0])
    r = np.eye(3)
    r[0, 0] = c
    r[0, 1] = -s
    r[1, 0] = s
    r[1, 1] = c
    return weighted(r @ x[3:]) + weighted(np.identity(2) * x[1])


def arange(x: Any) -> Any:
    b = np.arange(6.0)
    b[::2] += x[:3]
    total = 0.0
    for i in np.arange(3):
        total = total + x[i] * i
    return weighted(b) + total


def linspace(x: Any) -> Any:
    grid = np.linspace(0, 1, 5)
    grid[1] = x[0]
    return weighted(grid) + weighted(np.linspace(x[0], x[1] + 2, 4))


def array_of_lists(x: Any) -> Any:
    a = np.array([[x[0], 1.0], [x[1] * x[2], 0]])
    a[1, 1] = x[3]
    return weighted(a) + weighted(np.array([x[0], x[1]])) + weighted(np.asarray([x[4], 2]))


def array_of_rows(x: Any) -> Any:
    rows = [x[:3], x[3:] * 2, np.zeros(3)]
    return weighted(np.array(rows)) + weighted(np.stack(rows)) + weighted(np.vstack(rows))


def array_with_dtype(x: Any) -> Any:
    return weighted(np.array([1, x[0]], dtype=float)) + weighted(np.array(x[1], ndmin=2))


def array_of_a_comprehension(x: Any) -> Any:
    return weighted(np.array([math.sin(v) for v in x])) + weighted(
        np.fromiter((v * 2 for v in x), float)
    )


def constants_of_numbers(x: Any) -> Any:
    m = np.array([[1.0, 2.0], [3.0, 4.0]])
    m[0, 0] = x[0]
    v = np.array([1, 2, 3], dtype=float) * 2
    v[1] = x[1]
    return weighted(m) + weighted(v)


def append(x: Any) -> Any:
    path = np.array([])
    for i in range(3):
        path = np.append(path, x[i] * (i + 1))
    return weighted(path) + weighted(np.append(np.zeros(2), [x[0], x[1]]))


def copy(x: Any) -> Any:
    b = np.copy(x)
    b[0] = x[1]
    c = np.array(b, copy=True)
    c[1] = 4
    return weighted(b) + weighted(c)


def joined(x: Any) -> Any:
    return weighted(np.r_[x[0], x[1:3], 1.0]) + weighted(np.c_[x[:3], x[3:]])


def boxed(x: Any) -> Any:
    total = np.zeros(())
    same = total
    total += x[0]
    total += x[1] * 2
    same[...] = same * 3
    return total + 0 * same


def truth_values(x: Any) -> Any:
    mask = np.zeros(6, bool)
    mask[[0, 3]] = True
    count = np.zeros(3, int)
    for i in range(6):
        count[i % 3] += 1
    return np.sum(x[mask]) * count[0] + np.sum(np.where(mask, x, 0) ** 2) + x[count[1]]


def index_arrays(x: Any) -> Any:
    order = np.arange(6)[::-1]
    pairs = np.array([[0, 1], [2, 3]])
    return weighted(x[order]) + weighted(x[pairs]) + x[order[0]] * x[int(order[-1])]


def grids(x: Any) -> Any:
    a, b = np.meshgrid(np.arange(2.0), np.arange(3.0))
    return np.sum(a * x[0] + b * x[1]) + np.sum(np.tril(np.ones((3, 3))) * x[:3])


def conditions_of_known_values(x: Any) -> Any:
    t = np.linspace(0, 1, 4)
    total = x[0]
    for i in range(4):
        if t[i] > 0.5:
            total = total * x[1]
            continue
        total = total + t[i]
    while t[0] < 2:
        t = t + 1
    return total * t[-1]


# --- buffers become traced, with their views ---


def views_become_traced(x: Any) -> Any:
    b = np.zeros((2, 3))
    first, flat = b[0], b.reshape(-1)
    corner = b.T[1:, :1]
    b[1, 1] = x[0]
    first[1] = x[1]
    return weighted(flat) + weighted(corner)


def through_a_view(x: Any) -> Any:
    b = np.zeros(6)
    tail = b[3:]
    tail[0] = 1.0
    tail[1] = x[0]
    b[0] = x[1]
    tail *= 2
    return weighted(b)


def numbers_first(x: Any) -> Any:
    b = np.zeros(4)
    b[0] = 1
    b[1] = b[0] + 1
    kept = b * 3
    b[2] = x[0]
    b[3] = b[1] * b[2]
    return weighted(b) + weighted(kept)


def used_before_and_after(x: Any) -> Any:
    b = np.zeros(3)
    first = x[:3] * b
    b[0] = 2.0
    second = x[:3] * b
    b += 1
    return weighted(first) + weighted(second) + weighted(x[3:] * b)


def rows_of_a_table(x: Any) -> Any:
    table = np.zeros((3, 2))
    for row, value in zip(table, x, strict=False):
        row[:] = [value, value**2]
    return weighted(table)


def recurrence(x: Any) -> Any:
    f = np.zeros(20)
    f[0], f[1] = x[0], x[1]
    for i in range(2, 20):
        f[i] = 0.5 * f[i - 1] + 0.3 * f[i - 2] * x[2]
    return weighted(f)


def dynamic_programming(x: Any) -> Any:
    n = 5
    d = np.zeros((n + 1, n + 1))
    for i in range(1, n + 1):
        for j in range(1, n + 1):
            d[i, j] = x[i - 1] * x[j - 1] + np.log(np.exp(d[i - 1, j]) + np.exp(d[i, j - 1]))
    return d[n, n] + weighted(d[2])


def out_into_a_buffer(x: Any) -> Any:
    b = np.empty(6)
    np.exp(x, out=b)
    np.add.at(b, [0, 0], x[1])
    c = np.zeros((2, 3))
    np.multiply(b[:3], 2, out=c[1])
    np.fill_diagonal(c, x[0])
    return weighted(b) + weighted(c)


def attributes_of_buffers(x: Any) -> Any:
    b = np.zeros((2, 3))
    n, m = b.shape
    b[n - 1, m - 1] = x[b.ndim]
    return weighted(b) * len(b) * b.size + (b.dtype == np.float64) * x[0]


# --- lists of traced numbers ---


def lists(x: Any) -> Any:
    parts = [x[0], x[1] * x[2], 2.0]
    found = np.sum(parts) + np.max(parts) + np.mean(parts) * np.prod(parts)
    return found + weighted(np.sin(parts)) + np.dot(parts, [1.0, x[3], 2.0]) + norm(parts)


def lists_of_lists(x: Any) -> Any:
    m = [[x[0], x[1]], [x[2], 3.0]]
    return np.linalg.det(m) + np.sum(np.dot(m, [x[3], 1.0])) + np.trace(m) + np.add(m, 1.0).sum()


FUNCTIONS = [
    zeros,
    empty,
    ones,
    full,
    like,
    eye,
    arange,
    linspace,
    array_of_lists,
    array_of_rows,
    array_with_dtype,
    array_of_a_comprehension,
    constants_of_numbers,
    append,
    copy,
    joined,
    boxed,
    truth_values,
    index_arrays,
    grids,
    conditions_of_known_values,
    views_become_traced,
    through_a_view,
    numbers_first,
    used_before_and_after,
    rows_of_a_table,
    recurrence,
    dynamic_programming,
    out_into_a_buffer,
    attributes_of_buffers,
    lists,
    lists_of_lists,
]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_buffers(function: Callable[..., Any]) -> None:
    check(function, X)


def test_constant_buffers_cost_nothing() -> None:
    def f(x: Any) -> Any:
        return np.sum(x * np.zeros(6)) + np.sum(np.ones(6) * x)

    text = str(fg.compile(f).lower(X).trace)
    assert "captured" not in text
    assert "dense" not in text


def test_a_loop_of_stores_is_one_update_in_hundred() -> None:
    def f(x: Any) -> Any:
        b = np.zeros(256)
        for i in range(256):
            b[i] = x[0] * i
        return b

    text = str(fg.compile(f).lower(X).trace)
    assert text.count(" = update ") == 2


def test_lines_of_errors_are_the_users() -> None:
    def f(x: Any) -> Any:
        b = np.zeros(3)
        b[1] = x[0]
        b[7] = x[1]
        return b

    with pytest.raises(IndexError) as caught:
        fg.compile(f)(X)
    line = f.__code__.co_firstlineno + 3
    assert f"test_buffers.py:{line}" in str(caught.value)
