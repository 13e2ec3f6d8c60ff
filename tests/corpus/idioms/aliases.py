"""Changes through what may be a view of `a` or a copy of it; as in `mutations`."""

from __future__ import annotations

import numpy as np

from .mutations import mutation


@mutation
def asarray(a, b):
    np.asarray(a)[0] = b[0]


@mutation
def arrnocopy(a, b):
    np.asarray(a, dtype=float)[0] += b[1]


@mutation
def ascont(a, b):
    np.ascontiguousarray(a)[0] = b[0]


@mutation
def astype(a, b):
    a.astype(float)[0] = b[0]


@mutation
def astype_nc(a, b):
    a.astype(float, copy=False)[0] = b[0]


@mutation
def flatten(a, b):
    a.flatten()[0] = 3.0


@mutation
def hstack_copy(a, b):
    np.hstack([a, b])[0] = 3


@mutation
def buf(a, b):
    z = np.zeros((2, 3))
    z[0] = b[1]
    z[1, ::2] = a[0, :2]
    a += z


@mutation
def buf_empty_like(a, b):
    z = np.empty_like(a)
    z[...] = b
    z[0] *= z[1]
    a *= z


@mutation
def ascont_turned(a, b):
    np.ascontiguousarray(a.T)[0] = b[0, 0]


@mutation
def asfortran(a, b):
    np.asfortranarray(a)[0] = b[0]


@mutation
def einsum_turned(a, b):
    np.einsum("ij->ji", a)[0] = b[0, 0]


@mutation
def einsum_sum(a, b):
    np.einsum("ij->i", a)[1] = b[0, 0]


@mutation
def diagonal_read(a, b):
    d = np.diagonal(a[:, :2])
    a[0, 0] = b[1, 1]
    a[1] *= d[0]


@mutation
def flip_keyword(a, b):
    np.flip(a, axis=0)[0] = b[0]


@mutation
def squeeze_keyword(a, b):
    np.squeeze(a=a)[0] = b[0]


@mutation
def array_split(a, b):
    np.array_split(a, 2, axis=1)[1][:] = b[:, :1]


@mutation
def split_both(a, b):
    p = np.vsplit(a, 2)
    p[0][:] = p[1] * 2
    a *= 2
    p[1][:] = p[0] + b[0]


@mutation
def turned(a, b):
    np.rot90(a)[0] = b[:, 1]


@mutation
def as_array_cast(a, b):
    np.asarray(a, dtype=float)[0] = b[0]
    np.asarray(a, np.float32)[1] = 7.0


@mutation
def boxed_number(a, b):
    s = np.array(a[0, 0])
    s += b[0, 0]
    a[0, 1] = s


@mutation
def by_range(a, b):
    a[range(2), [0, 1]] = b[range(2), (1, 2)]
