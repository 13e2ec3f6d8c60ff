"""How a traced function sees NumPy and other functions: names, closures, objects."""

from __future__ import annotations

import functools
import math
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
from .test_buffers import X, weighted, zeros

pytestmark = pytest.mark.filterwarnings("error")


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
def test_names(function: Callable[..., Any]) -> None:
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
