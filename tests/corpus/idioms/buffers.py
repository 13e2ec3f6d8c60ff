"""Arrays made first and filled later, by all the names that NumPy has; containers."""

from __future__ import annotations

import collections
import functools
import itertools
import operator

import numpy
import numpy as np
import numpy.linalg as la
from numpy import array, float64, zeros

from .table import idiom


@idiom
def buffer_int(x):
    b = np.zeros(3, dtype=int)
    b[0] = 3 * x[1]
    return np.sum(b) * x[0]


@idiom
def buffer_int2(x):
    b = np.arange(3)
    b[0] = 3 * x[1]
    return np.sum(b) * x[0]


@idiom
def buffer_full_int(x):
    b = np.full(3, 2)
    b[1] = x[2]
    return np.sum(b) * x[0]


@idiom
def buffer_list(x):
    b = np.array([0, 0, 0])
    b[1] = x[2]
    return np.sum(b) * x[0]


@idiom
def buffer_listf(x):
    b = np.array([0.0, 0, 0])
    b[1] = x[2]
    return np.sum(b) * x[0]


@idiom
def buffer_bool(x):
    b = np.zeros(3, bool)
    b[0] = x[0] > 0
    return np.sum(b) * x[0]


@idiom
def buffer_obj(x):
    b = np.empty(3, dtype=object)
    b[0] = x[0]
    b[1] = x[1]
    b[2] = x[2]
    return b[0] * b[1] + b[2]


@idiom
def buffer_from_zeros(x):
    b = zeros(3)
    b[0] = x[0] ** 2
    return np.sum(b) + x[1]


@idiom
def buffer_numpy_zeros(x):
    b = numpy.zeros(3)
    b[0] = x[0] ** 2
    return np.sum(b) + x[1]


@idiom
def buffer_local_import(x):
    import numpy as n2

    b = n2.zeros(3)
    b[0] = x[0] ** 2
    return n2.sum(b) + x[1]


@idiom
def buffer_from_local(x):
    from numpy import empty

    b = empty(3)
    b[:] = 1.0
    b[0] = x[0] ** 2
    return np.sum(b) + x[1]


@idiom
def array_from(x):
    return np.sum(array([x[0] ** 2, 1.0])) + x[1]


@idiom
def la_alias(x):
    return la.norm(np.array([x[0], x[1]])) + la.det(np.array([[x[0], 1.0], [0.5, x[1]]]))


@idiom
def float64_from(x):
    return float64(x[0]) ** 2 + x[1]


@idiom
def default_arg(x, f=np.zeros):
    b = f(3)
    b[1] = x[1] ** 2
    return b.sum() + x[0]


@idiom
def partial_zeros(x):
    mk = functools.partial(np.zeros, 3)
    b = mk()
    b[1] = x[1] ** 2
    return b.sum() + x[0]


@idiom
def map_exp(x):
    return sum(map(np.exp, x))


@idiom
def map_float(x):
    return sum(map(float, x)) + x[0] ** 2


@idiom
def reduce_mul(x):
    return functools.reduce(operator.mul, x)


@idiom
def accumulate_(x):
    return list(itertools.accumulate(x))[-1] ** 2


@idiom
def lambda_buf(x):
    return (lambda: np.zeros(3) + x)().sum() ** 2


GLOBAL_BUF = np.zeros(3)


@idiom
def global_buf(x):
    GLOBAL_BUF[0] = x[0]
    return np.sum(GLOBAL_BUF) * x[1]


@idiom
def closure_buf(x):
    buf = np.zeros(3)

    def put(i, v):
        buf[i] = v

    for i in range(3):
        put(i, x[i] ** 2)
    return buf.sum()


@idiom
def class_buf(x):
    class A:
        def __init__(self):
            self.b = np.zeros(3)
            self.n = 0

        def add(self, v):
            self.b[self.n] = v
            self.n += 1

    a = A()
    for v in x:
        a.add(v * v)
    return a.b @ x


@idiom
def generator(x):
    def g():
        b = np.zeros(1)
        for v in x:
            b[0] += v * v
            yield b[0]

    return sum(g())


@idiom
def generator_alias(x):
    def g():
        b = np.zeros(1)
        for v in x:
            b[0] += v * v
            yield b

    return sum(list(g()))[0]


@idiom
def list_alias(x):
    b = np.zeros(3)
    hist = []
    for v in x:
        b += v
        hist.append(b)
    return np.sum(np.array(hist))


@idiom
def list_copy(x):
    b = np.zeros(3)
    hist = []
    for v in x:
        b += v
        hist.append(b.copy())
    return np.sum(np.array(hist) ** 2)


@idiom
def append_(x):
    a = np.array([])
    for v in x:
        a = np.append(a, v**2)
    return a.sum()


@idiom
def dict_buf(x):
    d = {"a": np.zeros(3)}
    d["a"][1] = x[1]
    d["a"] *= x[0]
    return d["a"].sum()


@idiom
def deque_(x):
    d = collections.deque(maxlen=2)
    for v in x:
        d.append(v)
    return d[0] * d[1]
