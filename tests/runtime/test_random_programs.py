"""Random programs with branches, loops and early returns, held against eager mode."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad as fg

ARRAYS = ["x", "y", "np.sin(x)", "x * y", "x - y", "np.tanh(y)", "x[::-1]", "y / (1 + x**2)"]
QUESTIONS = [
    "x[0] > {c}",
    "np.sum(x) < {c}",
    "(x > {c}).any()",
    "not np.all(y < {c})",
    "x[0] < y[1] < {c}",
    "int(np.abs(x[1]) * 3) % 2 == 0",
    "np.argmax(x) == {k}",
    "round(x[2]) > {k} or y[0] > {c}",
    "max(x) > {c} and min(y) < 0",
    "total > {c}",
]


class Writer:
    """Writes the source of a function of two vectors that returns a number."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lines = ["def f(x, y):", "    total = np.sum(x) * 0"]

    def source(self) -> str:
        self.block(1, 3)
        self.lines.append("    return total + np.sum(x * y)")
        return "\n".join(self.lines)

    def write(self, depth: int, line: str) -> None:
        self.lines.append("    " * depth + line)

    def question(self) -> str:
        form = self.random.choice(QUESTIONS)
        return form.format(c=round(self.random.uniform(-1, 1), 2), k=self.random.randrange(3))

    def block(self, depth: int, size: int) -> None:
        for _ in range(size):
            kind = self.random.choice(["assign", "add", "if", "if", "while", "for", "return"])
            getattr(self, f"write_{kind}")(depth)

    def write_assign(self, depth: int) -> None:
        name = self.random.choice("xy")
        self.write(depth, f"{name} = {self.random.choice(ARRAYS)}")

    def write_add(self, depth: int) -> None:
        self.write(depth, f"total = total + np.sum({self.random.choice(ARRAYS)})")

    def write_if(self, depth: int) -> None:
        self.write(depth, f"if {self.question()}:")
        self.inside(depth + 1)
        if self.random.random() < 0.6:
            self.write(depth, "else:")
            self.inside(depth + 1)

    def write_while(self, depth: int) -> None:
        self.write(depth, f"count{depth} = 0")
        self.write(depth, f"while count{depth} < 4 and ({self.question()}):")
        self.write(depth + 1, f"count{depth} += 1")
        self.inside(depth + 1)

    def write_for(self, depth: int) -> None:
        self.write(depth, "for k in range(int(min(np.abs(y[0]) * 2, 4))):")
        self.write(depth + 1, "total = total + x[k % 3] ** 2")
        self.write(depth + 1, f"if {self.question()}: break")

    def write_return(self, depth: int) -> None:
        if depth > 1:
            self.write(depth, f"return total + np.sum({self.random.choice(ARRAYS)})")

    def inside(self, depth: int) -> None:
        self.write(depth, "pass")
        if depth < 4:
            self.block(depth, self.random.randint(1, 2))


def program(seed: int) -> Callable[..., Any]:
    space: dict[str, Any] = {"np": np}
    exec(Writer(seed).source(), space)
    found: Callable[..., Any] = space["f"]
    return found


@pytest.mark.parametrize("seed", range(12))
def test_random_programs(seed: int) -> None:
    f = program(seed)
    compiled = fg.value_and_grad(f, argnums=(0, 1))
    generator = np.random.default_rng(seed)
    points = [generator.normal(size=(2, 3)) for _ in range(6)]
    for x, y in [*points, *points[::-1]]:
        value, gradients = compiled(x, y)
        expected, wanted = compiled.eager(x, y)
        np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(value, f(x, y), rtol=1e-12, atol=1e-13)
        for found, gradient in zip(gradients, wanted, strict=True):
            np.testing.assert_allclose(found, gradient, rtol=1e-10, atol=1e-11)
