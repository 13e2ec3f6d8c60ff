"""Branches, counts, exceptions and other habits of the language that depend on values."""

from __future__ import annotations

import functools
import math

import numpy as np

from .table import idiom


@idiom
def sorted_rev(x):
    return sorted(x, reverse=True)[0] ** 2 + sorted(x)[0]


@idiom
def minmax(x):
    return min(x) ** 2 + max(x[0], x[1], 0.3) * 3


@idiom
def chained(x):
    return x[0] ** 2 if 0 < x[0] < 1 else x[1]


@idiom
def none_eq(x):
    return x[0] ** 2 if x is not None and x[0] != None else x[1]  # noqa: E711


@idiom
def bool_or(x):
    return (x[0] - 0.7) or x[1] ** 2


@idiom
def bool_and(x):
    return x[0] and x[1] ** 2


@idiom
def all_any(x):
    return x[0] ** 2 if all(x > 0) and any(x > 2) and np.all(x > 0) and (x > 2).any() else x[1]


@idiom
def enumerate_where(x):
    for i, v in enumerate(x):
        if v > 1:
            return v**3 * i
    return x[0]


@idiom
def argmax_idx(x):
    return x[np.argmax(x)] ** 2 * np.arange(3)[np.argmin(x)] + x[np.argmax(x)]


@idiom
def list_idx(x):
    return [10.0, 20.0, 30.0][np.argmax(x)] * x[0]


@idiom
def dict_idx(x):
    return {0: 1.0, 2: 5.0}[int(np.argmax(x))] * x[0]


@idiom
def range_n(x):
    s = 0.0
    for i in range(int(x[2])):
        s += x[0] ** (i + 1)
    return s


@idiom
def slice_n(x):
    n = int(np.floor(x[1]))
    return np.sum(x[:n] ** 2) + np.sum(x[n:])


@idiom
def shape_n(x):
    return np.sum(np.ones(int(x[2])) * x[0])


@idiom
def round_n(x):
    return x[0] * round(x[2]) + x[1] * math.floor(x[2]) + math.ceil(x[0]) * x[2]


@idiom
def count_nz(x):
    return np.count_nonzero(x > 1) * x[0] + len(np.where(x > 1)[0]) * x[1]


@idiom
def where1(x):
    i = np.where(x > 1)[0]
    return np.sum(x[i] ** 2)


@idiom
def flatnz(x):
    return np.sum(x[np.flatnonzero(x > 1)] ** 2) + x[np.argwhere(x > 1)[0, 0]]


@idiom
def boolmask(x):
    return np.sum(x[x > 1] ** 2)


@idiom
def compress(x):
    return np.sum(np.compress(x > 1, x)) + np.sum(np.extract(x > 1, x) ** 2)


@idiom
def searchs(x):
    i = np.searchsorted(np.array([0.0, 1.0, 2.0, 3.0]), x[1])
    return x[i] ** 2


@idiom
def digit(x):
    return np.sum(np.bincount(np.digitize(x, [0.0, 1.0, 2.0]), weights=x, minlength=4) ** 2)


@idiom
def hist(x):
    h, e = np.histogram(x, bins=3, range=(0, 3), weights=x)
    return np.sum(h**2)


@idiom
def uniq(x):
    return np.sum(np.unique(x) ** 2)


@idiom
def tryexcept(x):
    try:
        return np.linalg.solve(np.array([[x[0], 1.0], [1.0, x[1]]]), x[:2]).sum()
    except np.linalg.LinAlgError:
        return 0.0


@idiom
def trybad(x):
    try:
        return math.log(-x[0])
    except ValueError:
        return x[1] ** 2


@idiom
def pct(x):
    "%g" % x[0]  # noqa: UP031
    "%.3f" % (x[1],)  # noqa: UP031
    f"{x[2]:.2e}"
    return x[0] ** 2


@idiom
def hash_of_value(x):
    return {x[0]: 1.0}[x[0]] * x[1]


@idiom
def lru(x):
    @functools.lru_cache
    def h(n):
        return x[0] ** n + (h(n - 1) if n else 0)

    return h(3)


@idiom
def memo(x):
    m = {}

    def h(n):
        if n not in m:
            m[n] = x[0] * h(n - 1) + x[1] if n else x[2]
        return m[n]

    return h(4)


@idiom
def starred(x):
    a, *b = x
    return a * b[0] + b[-1]


@idiom
def unpack(x):
    return (lambda a, b, c: a * b + c)(*x)


@idiom
def zip_dict(x):
    d = dict(zip("abc", x))
    return d["a"] * d["c"]


@idiom
def kw(x):
    return (lambda *, a, b, **k: a * b)(**dict(zip("abc", x)))


@idiom
def walrus(x):
    return y**2 if (y := x[0] + x[1]) > 0 else y


@idiom
def matchc(x):
    match len(x):
        case 3:
            return x[0] ** 2
        case _:
            return x[1]


@idiom
def np_bool_(x):
    return (
        x[0] * np.bool_(x[1] > 0) + x[1] * bool(x[0] > 0) + (x[0] > 0) * x[2] + int(x[0] > 0) * x[1]
    )


@idiom
def float_str(x):
    return float("0.5") * x[0] + float(True) * x[1] + float(x.shape[0]) * x[2] + int("3") * x[0]


@idiom
def sign_(x):
    return math.copysign(x[0], -1.0) * x[1] + math.fabs(x[0])


@idiom
def mathfloor(x):
    return (x[0] - math.floor(x[0])) * x[1] + math.trunc(x[2]) * x[0] + math.fmod(x[2], 1.0)


@idiom
def mathdist(x):
    return math.dist(x[:2], x[1:])


@idiom
def domain_of_sqrt(x):
    try:
        return math.sqrt(x[0] - 1.0) + x[2]
    except ValueError:
        return math.sqrt(x[1] - 1.0) * x[2]
