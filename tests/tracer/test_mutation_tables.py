"""Stores into arrays of two axes: rows, columns, blocks, views of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from .oracle import check
from .test_mutation import A, weighted

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


def put_along_axis(a: Any) -> Any:
    b = a.copy()
    np.put_along_axis(b, np.array([[0], [2], [1]]), a[:, 1:2] * 2, axis=1)
    return weighted(b)


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


@pytest.mark.parametrize("function", TWO)
def test_two_axes(function: Callable[..., Any]) -> None:
    check(function, A)
