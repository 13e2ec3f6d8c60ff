"""Functions whose control flow depends on values, as people write them, with points on their paths.

Each takes one float or one vector, and returns a number; at all points it is differentiable.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Program:
    """`paths`: how many different ones the points take."""

    function: Callable[[Any], Any]
    points: tuple[Any, ...]
    paths: int

    @property
    def name(self) -> str:
        return self.function.__name__


PROGRAMS: list[Program] = []


def program(*points: Any, paths: int) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    def note(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        arrays = tuple(np.array(p, float) if isinstance(p, list) else p for p in points)
        PROGRAMS.append(Program(function, arrays, paths))
        return function

    return note


# --- branches ---


@program(2.0, 0.5, 2.5, -3.0, paths=2)
def branch(x: Any) -> Any:
    if x > 1:
        return x**2
    return np.sin(x)


@program(-2.0, -0.5, 0.5, 3.0, paths=4)
def pieces(x: Any) -> Any:
    if x < -1:
        y = -x
    elif x < 0:
        y = x**2
    elif x < 1:
        y = np.sin(x)
    else:
        y = np.sqrt(x)
    return 3 * y


@program([1.0, 2.0], [-1.0, 2.0], [1.0, -2.0], [-1.0, -2.0], paths=4)
def two_questions(x: Any) -> Any:
    total = 0.0
    if x[0] > 0:
        total = total + x[0] ** 2
    if x[1] > 0 and x[0] < 5:
        total = total + np.exp(x[1])
    return total + x.sum()


@program(0.5, 2.0, 1.5, paths=2)
def conditional_expression(x: Any) -> Any:
    return x * 2 if not x > 1 else x**3


@program([1.0, 2.0, 3.0], [1.0, -2.0, 3.0], [9.0, 2.0, 3.0], paths=3)
def early_return(x: Any) -> Any:
    if (x < 0).any():
        return np.sum(x**2)
    largest = np.max(x)
    if largest > 5:
        return largest * np.sum(x)
    return np.prod(x)


@program([1.0, 2.5], [2.0, 1.0], paths=2)
def builtin_extrema(x: Any) -> Any:
    return min(x[0], x[1]) ** 2 + 3 * max(x[0] * 2, x[1])


@program([3.0, 1.0, 2.0], [1.0, 2.0, 3.0], [3.0, 2.0, 1.0], paths=3)
def builtin_sorted(x: Any) -> Any:
    low, middle, high = sorted(x)
    return low + 2 * middle**2 + 3 * high**3


@program([3.0, 1.0, 2.0], [1.0, 2.0, 3.0], paths=2)
def sorted_by_key(x: Any) -> Any:
    pairs = sorted([(0, x[0]), (1, x[1]), (2, x[2])], key=lambda pair: pair[1])
    return sum((place + 1) * value for place, (_, value) in enumerate(pairs))


@program([1.0, 2.0, 3.0], [1.0, -2.0, 3.0], [-1.0, -2.0, -3.0], paths=3)
def builtin_any_all(x: Any) -> Any:
    if all(v > 0 for v in x):
        return np.sum(x)
    if any(v > 0 for v in x):
        return np.sum(x**2)
    return np.sum(x**3)


@program([1.0, 2.0, 3.0], [1.0, -2.0, 3.0], paths=2)
def finite_and_sane(x: Any) -> Any:
    y = np.sum(np.exp(x))
    assert np.isfinite(x).all()
    if bool(np.all(x > 0)):
        return y
    return y * x[0]


@program([0.2, 1.7, 2.2], [0.9, 0.3, 0.2], [0.3, 1.1, 2.2], paths=2)
def index_of_a_list(x: Any) -> Any:
    coefficients = [1.0, 10.0, 100.0]
    return coefficients[int(x[1])] * x[0] + coefficients[np.argmax(x)] * x[1] ** 2


@program(2.3, 3.9, 2.9, 0.4, paths=3)
def range_of_a_float(x: Any) -> Any:
    total = x * 0
    for k in range(int(x)):
        total = total + x**k
    return total


@program(2.3, 2.6, 3.4, paths=2)
def rounded(x: Any) -> Any:
    return round(x) * x + x**2


@program([1.0, 0.4], [0.2, 0.7], paths=2)
def key_of_a_dict(x: Any) -> Any:
    table = {0: 2.0, 1: 5.0}
    return table[int(x[0] >= 0.5)] * x[1] ** 2 + x[0]


@program([1.0, 2.0], [2.0, 1.0], paths=2)
def a_number_is_read(x: Any) -> Any:
    first, second = x[0].item(), x.item(1)
    if first > second:
        return first**2 * second
    return first * second**3


@program([4.0, 1.0], [1.0, 4.0], paths=2)
def members(x: Any) -> Any:
    ranked = x.tolist()
    if ranked[0] in (4.0, 5.0):
        return ranked[0] * ranked[1]
    return ranked[0] / ranked[1]


@program([1.0, 2.0, 0.5], [1.0, 0.2, 0.5], paths=2)
def loop_until_large(x: Any) -> Any:
    total = x[0] * 0
    for value in x:
        total = total + value**2
        if total > 4:
            break
    else:
        return total * 10
    return total


@program([3.0, 2.5], [1.0, 2.5], [5.0, 1.5], paths=3)
def loops_in_loops(x: Any) -> Any:
    total, outer = x[0] * 0, 0
    while outer < x[0]:
        inner = 0
        while True:
            if inner >= x[1]:
                break
            total = total + x[0] * x[1] ** inner
            inner += 1
        outer += 2
    return total


@program([1.0, 2.0, 3.0, 4.0], [4.0, 1.0, 3.0, 2.0], paths=2)
def bubble_sort(x: Any) -> Any:
    values = [x[i] for i in range(len(x))]
    for i in range(len(values)):
        for j in range(len(values) - 1 - i):
            if values[j] > values[j + 1]:
                values[j], values[j + 1] = values[j + 1], values[j]
    return sum(k * v for k, v in enumerate(values, 1))


# --- iterations ---


@program(2.0, 2.1, 9.0, 100.0, paths=3)
def newton(a: Any) -> Any:
    x = a
    while abs(x * x - a) > 1e-10:
        x = 0.5 * (x + a / x)
    return x


@program([2.0, 1.0], [5.0, 0.5], paths=2)
def newton_for_vectors(a: Any) -> Any:
    x = np.ones_like(a)
    for _ in range(50):
        step = (x**3 - a) / (3 * x**2)
        x = x - step
        if np.max(np.abs(step)) < 1e-13:
            break
    return np.sum(x)


@program(0.7, 2.5, 0.3, paths=3)
def bisection(a: Any) -> Any:
    """The root of x³ + x − a, with one Newton step at the end, which carries the derivative."""
    low, high = 0.0, 2.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        if middle**3 + middle > a:
            high = middle
        else:
            low = middle
    x = (low + high) / 2
    return x - (x**3 + x - a) / (3 * x**2 + 1)


@program([0.5, 1.0], [2.0, 0.3], [0.5, 3.0], paths=2)
def secant(p: Any) -> Any:
    x0, x1 = p[1], p[1] + 1.0
    f0 = np.exp(x0) - p[0] - 2
    for _ in range(30):
        f1 = np.exp(x1) - p[0] - 2
        if abs(f1 - f0) < 1e-14 or abs(x1 - x0) < 1e-12:
            break
        x0, x1, f0 = x1, x1 - f1 * (x1 - x0) / (f1 - f0), f1
    return x1


@program([1.0, 0.5], [2.0, 4.0], paths=2)
def adaptive_step(p: Any) -> Any:
    """y' = −k y + sin t by Bogacki-Shampine steps, whose size depends on the error."""
    y, t, h, end = p[0], 0.0, 0.3, 1.0
    while t < end:
        h = min(h, end - t)
        k1 = -p[1] * y + np.sin(t)
        k2 = -p[1] * (y + h * k1 / 2) + np.sin(t + h / 2)
        k3 = -p[1] * (y + h * 3 / 4 * k2) + np.sin(t + 3 * h / 4)
        new = y + h * (2 * k1 + 3 * k2 + 4 * k3) / 9
        k4 = -p[1] * new + np.sin(t + h)
        error = h * np.abs(-5 * k1 / 72 + k2 / 12 + k3 / 9 - k4 / 8)
        if error < 1e-3:
            y, t = new, t + h
            h = h * 1.5
        else:
            h = h / 2
    return y**2


@program([0.3, 1.0], [0.9, 1.0], paths=2)
def series(x: Any) -> Any:
    term, total, n = x[1], x[1] * 0, 1
    while np.abs(term) > 1e-9:
        total = total + term
        term = term * x[0] / n
        n += 1
    return total


@program([17.3, 5.0], [3.2, 7.0], paths=2)
def reduced_argument(x: Any) -> Any:
    angle = x[0]
    while angle > np.pi:
        angle = angle - 2 * np.pi
    return np.tan(angle / 3) * x[1]


# --- recursion ---


@program(2.5, 4.5, 5.2, paths=3)
def fibonacci(x: Any) -> Any:
    def fib(n: Any) -> Any:
        return n if n < 2 else fib(n - 1) + fib(n - 2)

    return fib(x) * x


@program([0.1, 0.9, 0.2, 0.8], [0.1, 0.2, 0.7, 0.9], paths=2)
def quadtree(points: Any) -> Any:
    def visit(items: list[Any], low: float, high: float) -> Any:
        if len(items) < 2 or high - low < 0.05:
            return sum((item * (high - low) for item in items), 0.0)
        middle = (low + high) / 2
        left = [item for item in items if item < middle]
        right = [item for item in items if not item < middle]
        return visit(left, low, middle) ** 2 + 2 * visit(right, middle, high)

    return visit(list(points), 0.0, 1.0)


@program([48.3, 18.1], [20.0, 6.3], [7.7, 3.1], paths=2)
def euclid(x: Any) -> Any:
    def gcd(a: Any, b: Any) -> Any:
        return a if b < 0.75 else gcd(b, a - b * np.floor(a / b))

    return gcd(x[0], x[1]) * x[0]


@program([2.0, 3.0, 1.0, 5.0], [5.0, 1.0, 2.0, 3.0], paths=2)
def quicksort(x: Any) -> Any:
    def sort(items: list[Any]) -> list[Any]:
        if len(items) <= 1:
            return items
        pivot, *rest = items
        smaller = [v for v in rest if v < pivot]
        larger = [v for v in rest if v >= pivot]
        return [*sort(smaller), pivot, *sort(larger)]

    return sum(v**k for k, v in enumerate(sort(list(x)), 1))
