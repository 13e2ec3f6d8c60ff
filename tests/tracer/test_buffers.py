"""Buffers made in a traced function, and how it sees NumPy: the user's code is unchanged."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import exp, sin
from typing import Any

import numpy as np
import pytest
from numpy import zeros as make_zeros
from numpy.linalg import norm

import fusegrad as fg
from fusegrad.tracer.errors import UnsupportedError

from .oracle import check

X = np.array([0.3, 0.7, 1.1, 0.6, 0.2, 0.9])


@pytest.fixture(autouse=True)
def _no_warnings() -> Iterator[None]:
    """A traced value that becomes a Python float would warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


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


# --- the names that a function sees ---


def imported_names(x: Any) -> Any:
    b = make_zeros(2)
    b[0] = sin(x[0]) * exp(x[1])
    b[1] = norm([x[2], x[3]])
    return weighted(b)


def imported_inside(x: Any) -> Any:
    import math as m

    import numpy
    import numpy.linalg as la
    from numpy import empty as make

    b = make(3)
    b[0] = m.cosh(x[0])
    b[1:] = numpy.full(2, x[1])
    return weighted(b) + la.norm([x[0], x[1]])


def python_math(x: Any) -> Any:
    a, b = x[0], x[1]
    total = math.sqrt(a) + math.atan2(a, b) + math.hypot(a, b) + math.pow(a, 2) + math.log(b, 3)
    total += math.fsum([a, b, 1]) * math.prod([a, b]) + math.erf(a) + math.gamma(b) + math.lgamma(a)
    total += math.fabs(-a) + math.degrees(a) * 1e-3 + math.dist([a, b], [1, 2]) + math.pi
    return total + math.floor(a) + math.exp(a) ** math.tanh(b)


def to_float(x: Any) -> Any:
    a = float(x[0])
    b = np.zeros(2)
    b[0] = float(x[1]) * a
    b[1] = np.float64(x[2])
    return weighted(b) * float("2") + isinstance(a, float) * a


def instances(x: Any) -> Any:
    assert isinstance(x, np.ndarray)
    assert isinstance(np.zeros(2), np.ndarray)
    assert isinstance(x[0], float)
    assert isinstance(x[0], (int, float, np.floating))
    assert not isinstance(x, list | tuple)
    assert not isinstance(x[0], np.ndarray)
    b = np.zeros(2)
    b[0] = x[0]
    assert isinstance(b, np.ndarray)
    return weighted(b)


def filled(n: int, value: Any) -> Any:
    b = np.zeros(n)
    b[:] = value
    return b


def calls_another(x: Any) -> Any:
    return weighted(filled(3, x[0])) + weighted(filled(n=2, value=x[1]))


def by_partial(x: Any) -> Any:
    return weighted(functools.partial(filled, 4)(x[0]))


def nested(x: Any) -> Any:
    b = np.zeros(3)

    def put(i: int) -> None:
        inner = np.empty(1)
        inner[0] = x[i] ** 2
        b[i] = inner[0]

    for i in range(3):
        put(i)
    return weighted(b) + weighted(np.array([(lambda j: x[j] * 2)(i) for i in range(2)]))


def recursive(x: Any) -> Any:
    def halves(part: Any) -> Any:
        if len(part) == 1:
            return part[0]
        both = np.zeros(2)
        both[0] = halves(part[: len(part) // 2])
        both[1] = halves(part[len(part) // 2 :])
        return both[0] * 0.5 + both[1] ** 2

    return halves(x)


def factory(scale: float) -> Callable[[Any], Any]:
    def scaled(x: Any) -> Any:
        b = np.zeros(2)
        b[0] = x[0] * scale
        return b

    return scaled


TWICE = factory(2.0)


def by_closure(x: Any) -> Any:
    return weighted(TWICE(x)) + weighted(factory(3.0)(x[1:]))


def default(x: Any, make: Callable[..., Any] = np.zeros, put: Callable[..., Any] = filled) -> Any:
    b = make(2)
    b[0] = x[0]
    return weighted(b) + weighted(put(2, x[1]))


def decorated(f: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(f)
    def inner(*args: Any) -> Any:
        return f(*args) * 2

    return inner


@decorated
def with_decorator(x: Any) -> Any:
    b = np.zeros(2)
    b[1] = x[1]
    return weighted(b)


def generator(x: Any) -> Any:
    def pieces() -> Iterator[Any]:
        for i in range(3):
            b = np.zeros(2)
            b[0] = x[i]
            yield b

    return sum(weighted(b) for b in pieces())


def class_inside(x: Any) -> Any:
    class Pair:
        size = np.ones(1)

        def __init__(self, a: Any) -> None:
            self.b = np.zeros(2)
            self.b[0] = a

    return weighted(Pair(x[0]).b) * Pair.size[0]


class Grid:
    spacing = 0.5

    def __init__(self, n: int) -> None:
        self.n = n
        self.inner: Grid | None = None

    @property
    def weights(self) -> Any:
        w = np.ones(self.n)
        w[0] = self.spacing
        return w

    @staticmethod
    def start(n: int, a: Any) -> Any:
        b = np.zeros(n)
        b[0] = a
        return b

    @classmethod
    def of(cls, n: int) -> Grid:
        return cls(n)

    def integrate(self, x: Any) -> Any:
        b = self.start(self.n, x[0])
        for i in range(1, self.n):
            b[i] = b[i - 1] + self.spacing * x[i]
        if self.inner is not None:
            b[0] = self.inner.integrate(x)
        return np.sum(b * self.weights)


class Finer(Grid):
    spacing = 0.25

    def integrate(self, x: Any) -> Any:
        b = np.zeros(1)
        b[0] = x[1]
        return Grid.integrate(self, x) + b[0]


class Logged(Finer):
    def __init__(self, n: int) -> None:
        super().__init__(n)
        self.calls: list[int] = []

    def integrate(self, x: Any) -> Any:
        self.calls.append(self.n)
        b = np.zeros(1)
        b[0] = x[2]
        return super().integrate(x) * b[0]


class Registered:
    known: list[type] = []  # noqa: RUF012

    def __init_subclass__(cls) -> None:
        Registered.known.append(cls)

    def plain(self, x: Any) -> Any:
        return x * 2


REGISTERED = Registered()
LOGGED = Logged(3)
GRID = Grid(4)
NESTED = Grid(3)
NESTED.inner = Finer(3)


def by_object(x: Any) -> Any:
    return GRID.integrate(x) + NESTED.integrate(x)


def by_super(x: Any) -> Any:
    before = len(LOGGED.calls)
    found = LOGGED.integrate(x) + Logged(2).integrate(x)
    assert len(LOGGED.calls) == before + 1  # super() does not run it again
    return found + REGISTERED.plain(x)[0] + len(Registered.known)


def makes_objects(x: Any) -> Any:
    finer = Finer(3)
    assert isinstance(finer, Grid)
    return finer.integrate(x) + Grid.of(2).integrate(x)


@dataclass
class State:
    position: Any
    velocity: Any

    def step(self, dt: float) -> State:
        a = np.zeros(2)
        a[0] = -self.position[0]
        a[1] = self.velocity[0] * dt
        return State(self.position + dt * self.velocity, self.velocity + dt * a)


def by_dataclass(x: Any) -> Any:
    state = State(x[:2], x[2:4])
    for _ in range(3):
        state = state.step(0.1)
    return weighted(state.position)


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
    imported_names,
    imported_inside,
    to_float,
    instances,
    calls_another,
    by_partial,
    nested,
    recursive,
    by_closure,
    default,
    with_decorator,
    generator,
    class_inside,
    by_object,
    by_super,
    makes_objects,
    by_dataclass,
]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_buffers(function: Callable[..., Any]) -> None:
    check(function, X)


def test_python_math() -> None:
    both = fg.value_and_grad(python_math)
    value, gradient = both(X)
    np.testing.assert_allclose(value, python_math(X), rtol=1e-13)
    from .oracle import differences

    np.testing.assert_allclose(gradient, differences(python_math, X), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("bound", [GRID.integrate, Finer(3).integrate])
def test_methods(bound: Callable[..., Any]) -> None:
    check(bound, X)


# --- nothing else notices ---


def test_the_users_function_is_not_touched() -> None:
    code, space, cells = zeros.__code__, zeros.__globals__, TWICE.__closure__
    fg.grad(zeros)(X)
    fg.grad(by_closure)(X)
    assert zeros.__code__ is code
    assert zeros.__globals__ is space
    assert TWICE.__closure__ is cells
    assert type(np.zeros(2)) is np.ndarray
    assert np.zeros is make_zeros


CALLS = 0


def _counts(x: Any) -> Any:
    global CALLS
    CALLS += 1
    b = np.zeros(2)
    b[0] = x[0] * CALLS
    return b.sum()


def test_globals_that_are_bound_while_tracing() -> None:
    global CALLS
    CALLS = 3
    assert fg.compile(_counts)(X) == 4 * X[0]
    assert CALLS == 4


def test_nonlocal_names_are_shared() -> None:
    calls = 0

    def f(x: Any) -> Any:
        nonlocal calls
        calls += 1
        b = np.zeros(1)
        b[0] = x[0]
        return b[0]

    fg.compile(f)(X)
    assert calls == 1


SCALE = 2.0


def _scaled(x: Any) -> Any:
    b = np.zeros(2)
    b[0] = x[0] * SCALE
    return b.sum()


def test_a_global_that_changes_is_noticed() -> None:
    global SCALE
    compiled = fg.compile(_scaled)
    SCALE = 2.0
    assert compiled(X) == 2 * X[0]
    SCALE = 5.0
    assert compiled(X) == 5 * X[0]


TABLE = np.array([1.0, 2.0, 3.0])


def _from_a_table(x: Any) -> Any:
    b = np.array(TABLE)
    b[0] = x[0]
    return np.sum(b * TABLE)


def test_an_array_from_outside_that_changes_is_noticed() -> None:
    compiled = fg.compile(_from_a_table)
    assert compiled(X) == _from_a_table(X)
    TABLE[1] = 7.0
    assert compiled(X) == _from_a_table(X)


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


def test_math_without_a_counterpart_is_refused() -> None:
    def f(x: Any) -> Any:
        return math.nextafter(x[0], 2.0)

    with pytest.raises(UnsupportedError, match=r"math\.nextafter"):
        fg.compile(f)(X)


def test_shadows_do_not_leave_the_function() -> None:
    def f(x: Any) -> Any:
        return State(x, x * 2).step(0.5) if len(x) == 2 else None

    assert type(fg.compile(f)(X[:2])) is State


def test_names_of_a_module(tmp_path: Any, monkeypatch: Any) -> None:
    (tmp_path / "users_model.py").write_text(
        "import numpy as np\n"
        "def shifted(x):\n"
        "    b = np.zeros(len(x))\n"
        "    b[1:] = x[:-1]\n"
        "    return b\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import users_model  # type: ignore[import-not-found]

    check(lambda x: weighted(users_model.shifted(x)), X)
