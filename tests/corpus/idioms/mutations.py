"""Ways to change an array in place: each changes `a`, of shape (2, 3), with the help of `b`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

MUTATIONS: dict[str, Callable[[Any, Any], None]] = {}

w = np.arange(1.0, 7.0).reshape(2, 3)


def mutation(function: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    """Enter a function, which stays what it is."""
    MUTATIONS[function.__name__] = function
    return function


@mutation
def fill_diagonal(a, b):
    np.fill_diagonal(a, b[0, 0])


@mutation
def copyto(a, b):
    np.copyto(a, b)


@mutation
def copyto_where(a, b):
    np.copyto(a, b, where=b > 0)


@mutation
def put(a, b):
    np.put(a, [0, 2], b[0, :2])


@mutation
def place(a, b):
    np.place(a, w > 3, b[0])


@mutation
def putmask(a, b):
    np.putmask(a, w > 3, b)


@mutation
def put_along(a, b):
    np.put_along_axis(a, np.array([[0], [1]]), b[:, :1], axis=1)


@mutation
def sortm(a, b):
    a.sort()


@mutation
def sort0(a, b):
    a.sort(axis=0)


@mutation
def addat(a, b):
    np.add.at(a, ([0, 0, 1], [1, 1, 2]), b[0])


@mutation
def mulat(a, b):
    np.multiply.at(a, ([0, 0, 1], [1, 1, 2]), b[0])


@mutation
def fill(a, b):
    a.fill(3.0)


@mutation
def fillv(a, b):
    a[0].fill(b[0, 0])


@mutation
def flat(a, b):
    a.flat[2] = b[0, 0]


@mutation
def T(a, b):
    a.T[1] = b[0, 0]


@mutation
def ravelw(a, b):
    a.ravel()[1] = b[0, 0]


@mutation
def reshapew(a, b):
    a.reshape(-1)[1:3] *= b[0, 0]


@mutation
def swap(a, b):
    a[0], a[1] = a[1], a[0]


@mutation
def swapc(a, b):
    a[0], a[1] = a[1].copy(), a[0].copy()


@mutation
def swapf(a, b):
    a[[0, 1]] = a[[1, 0]]


@mutation
def viewchain(a, b):
    c = a[:, ::-1]
    d = c[1:]
    d += b[0]
    c[0, 0] = 7.0


@mutation
def selfoverlap(a, b):
    a[:, 1:] = a[:, :-1]


@mutation
def selfoverlap2(a, b):
    a[:, 1:] += a[:, :-1]


@mutation
def outv(a, b):
    np.multiply(a, b, out=a[...])


@mutation
def outrow(a, b):
    np.exp(b[0], out=a[1])


@mutation
def sumout(a, b):
    np.sum(b, axis=0, out=a[0])


@mutation
def cumout(a, b):
    np.cumsum(b, axis=1, out=a)


@mutation
def mask(a, b):
    a[a > 0.5] = 0.1


@mutation
def maskadd(a, b):
    a[a > 0.5] += b[0, 0]


@mutation
def maskread(a, b):
    a[a > 0.5] = b[a > 0.5] * 2


@mutation
def iop(a, b):
    c = a
    c **= 2
    c /= 1.5
    c -= b


@mutation
def diagw(a, b):
    np.einsum("ii->i", a[:, :2])[:] = 1.0


@mutation
def setdtype(a, b):
    a[0, 0] = np.float32(0.1)


@mutation
def rowiter(a, b):
    for r in a:
        r *= 2


@mutation
def zipiter(a, b):
    for r, s in zip(a, b):
        r[:] = s * r[0]


@mutation
def split(a, b):
    p, q = np.split(a, 2, axis=0)
    p *= q


@mutation
def wherein(a, b):
    np.exp(b, out=a, where=b > 0.3)


@mutation
def clipout(a, b):
    np.clip(a, -0.2, 0.4, out=a)


@mutation
def clipm(a, b):
    a.clip(-0.2, 0.4, out=a)


@mutation
def itemset(a, b):
    a[(0,)] = b[1]


@mutation
def neg(a, b):
    a[-1, -1] = b[-1, 0]
    a[..., 0] *= 2
    a[None, 0] += 1


@mutation
def bcast(a, b):
    a[:] = b[0]


@mutation
def bcast_scalar(a, b):
    a[:] = b[0, 0]


@mutation
def fancy_rep(a, b):
    a[[0, 0]] += b


@mutation
def fancy_rep_set(a, b):
    a[[0, 0], [1, 1]] = b[0, :2]


@mutation
def atleast(a, b):
    np.atleast_3d(a)[0, 0] = 9.0


@mutation
def real(a, b):
    a.real[0] = b[0]


@mutation
def squeeze(a, b):
    a[None].squeeze()[0] = b[1]


@mutation
def moveax(a, b):
    np.moveaxis(a, 0, 1)[0] = 5.0


@mutation
def roll(a, b):
    a[:] = np.roll(a, 1, axis=1) + b


@mutation
def vsw(a, b):
    v = a.swapaxes(0, 1)
    v += b.T


@mutation
def div_where(a, b):
    np.divide(a, b, out=a, where=b != 0)
