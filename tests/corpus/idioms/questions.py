"""Questions about what an array is: its type, its attributes, whether it is a scalar."""

from __future__ import annotations

import collections.abc
import numbers

import numpy as np

from .table import idiom


@idiom
def isinstance_ndarray(x):
    return np.sum(x**2) if isinstance(x, np.ndarray) else 5.0 * x[0]


@idiom
def isinstance_float(x):
    return x[0] ** 2 if isinstance(x[0], float) else 5.0 * x[0]


@idiom
def isinstance_npfloat(x):
    return x[0] ** 2 if isinstance(x[0], np.float64) else 5.0 * x[0]


@idiom
def isinstance_npfloating(x):
    return x[0] ** 2 if isinstance(x[0], np.floating) else 5.0 * x[0]


@idiom
def isinstance_number(x):
    return x[0] ** 2 if isinstance(x[0], numbers.Number) else 5.0 * x[0]


@idiom
def isinstance_real(x):
    return x[0] ** 2 if isinstance(x[0], (int, float)) else 5.0 * x[0]


@idiom
def isinstance_generic(x):
    return x[0] ** 2 if isinstance(x[0], np.generic) else 5.0 * x[0]


@idiom
def isscalar(x):
    return x[0] ** 2 if np.isscalar(x[0]) else 5.0 * x[0]


@idiom
def isscalar_arr(x):
    return 3.0 * x[0] if np.isscalar(x) else np.sum(x**2)


@idiom
def type_is(x):
    return np.sum(x**2) if type(x) is np.ndarray else 5.0 * x[0]


@idiom
def type_eq(x):
    return x[0] ** 2 if type(x[0]) == np.float64 else 5.0 * x[0]  # noqa: E721


@idiom
def type_in(x):
    return np.sum(x**2) if type(x) in (list, np.ndarray) else 5.0 * x[0]


@idiom
def dtype_kind(x):
    return np.sum(x**2) if x.dtype.kind == "f" and x.dtype == float else 5.0 * x[0]


@idiom
def issubdtype(x):
    return np.sum(x**2) if np.issubdtype(x.dtype, np.floating) else 5.0 * x[0]


@idiom
def hasattr_len(x):
    return 3.0 * x[0] if hasattr(x[0], "__len__") else x[0] ** 2


@idiom
def hasattr_iter(x):
    return 3.0 * x[0] if hasattr(x[0], "__iter__") else x[0] ** 2


@idiom
def try_len(x):
    try:
        n = len(x[0])
    except TypeError:
        n = 1
    return x[0] ** 2 * n


@idiom
def try_iter(x):
    try:
        iter(x[0])
        return 5 * x[0]
    except TypeError:
        return x[0] ** 2


@idiom
def iterable(x):
    return 3.0 * x[0] if np.iterable(x[0]) else x[0] ** 2


@idiom
def ndim(x):
    return (
        np.sum(x**2) if np.ndim(x) == 1 and np.shape(x) == (3,) and np.size(x) == 3 else 5.0 * x[0]
    )


@idiom
def iscomplexobj(x):
    return np.sum(x**2) if np.isrealobj(x) and not np.iscomplexobj(x) else 5.0 * x[0]


@idiom
def attr_shape(x):
    return getattr(x, "shape", (1,))[0] * x[0] ** 2


@idiom
def equality(x):
    return x[0] ** 2 if x[0] == 0.5 or 0.5 in x or x[1] in [0.5, 1.0] else x[1] * x[0]


@idiom
def scalar_or_array(x):
    def twice(v):
        if np.isscalar(v):
            v = np.array([v])
        return 2 * v[0]

    return twice(x[0]) * twice(x)


@idiom
def type_in_numbers(x):
    return x[0] if type(x[0]) in (int, float) else 3.0 * x[0] ** 2


@idiom
def type_makes(x):
    return type(x[0])(x[1]) * x[0] + type([x[0]])([x[2]])[0]


@idiom
def type_as_key(x):
    return {np.ndarray: x[0], float: x[1], np.float64: x[2]}[type(x[1])] * x[1]


@idiom
def type_of_buffer(x):
    b = np.zeros(3)
    return x[0] ** 2 if type(b) is np.ndarray and type(b[0]) is np.float64 else 5.0 * x[0]


@idiom
def issubclass_(x):
    if issubclass(type(x[0]), np.floating) and issubclass(type(x), np.ndarray):
        return x[0] ** 2
    return 5.0 * x[0]


@idiom
def iterable_number(x):
    return 5.0 * x[0] if isinstance(x[0], collections.abc.Iterable) else x[0] ** 2


@idiom
def isscalar_boxed(x):
    return 5.0 * x[0] if np.isscalar(np.asarray(x[0])) else x[0] ** 2


@idiom
def hasattr_other(x):
    return 5.0 * x[0] if hasattr(x, "detach") or hasattr(x, "value") else x[0] ** 2
