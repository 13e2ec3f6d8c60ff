"""Random programs of views and changes in place: what PyTorch does, errors included."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .backends import TORCH, Backend, array

pytestmark = pytest.mark.skipif(not TORCH, reason="compares with PyTorch")

STEPS = 12
KEYS: list[Any] = [
    0,
    slice(1, 3),
    (slice(None), 1),
    (..., slice(0, 2)),
    [0, -1],
    (slice(None), [-1, 0]),
]


class Program:
    """A walk over a pool of tensors; the same seed makes the same choices in every library."""

    def __init__(self, lib: Backend, seed: int) -> None:
        self.lib, self.random = lib, np.random.default_rng(seed)
        self.leaves = [self._leaf((3, 3)), self._leaf((3, 3))]
        self.plain = self._tensor((3, 3))
        self.pool = [*self.leaves, self.plain, self.leaves[0] * 1, self.leaves[1] + self.plain]
        self.log: list[str] = []

    def _tensor(self, shape: tuple[int, ...]) -> Any:
        return self.lib.tensor(self.random.uniform(0.5, 1.5, shape), dtype=self.lib.float64)

    def _leaf(self, shape: tuple[int, ...]) -> Any:
        return self._tensor(shape).requires_grad_()

    def step(self) -> None:
        for x in self.pool:
            _ = x.grad_fn  # PyTorch 2.13 sees that a base was changed only when it is asked
        kind = self.random.choice(["view", "view", "compute", "change", "change", "assign", "mode"])
        target = self.pool[self.random.integers(len(self.pool))]
        other = self.pool[self.random.integers(len(self.pool))]
        key = KEYS[self.random.integers(len(KEYS))]
        choice = int(self.random.integers(6))
        try:
            getattr(self, kind)(target, other, key, choice)
            self.log.append("ok")
        except (RuntimeError, IndexError) as error:
            self.log.append("IndexError" if isinstance(error, IndexError) else "RuntimeError")

    def view(self, x: Any, other: Any, key: Any, choice: int) -> None:
        views = [
            lambda: x[key],
            lambda: x.t(),
            lambda: x.reshape(-1),
            lambda: x.unsqueeze(0),
            lambda: x[1:2],
            lambda: x.detach(),
        ]
        self.pool.append(views[choice]())

    def compute(self, x: Any, other: Any, key: Any, choice: int) -> None:
        results = [
            lambda: x * other,
            lambda: x.sin(),
            lambda: x.exp(),
            lambda: x * 0.5,
            lambda: x + other,
            lambda: x.sigmoid(),
        ]
        self.pool.append(results[choice]())

    def change(self, x: Any, other: Any, key: Any, choice: int) -> None:
        changes = [
            lambda: x.mul_(0.5),
            lambda: x.add_(other.clone()),
            lambda: x.mul_(other.clone()),
            lambda: x.exp_(),
            lambda: x.copy_(other.clone()),
            lambda: x.zero_(),
        ]
        changes[choice]()

    def assign(self, x: Any, other: Any, key: Any, choice: int) -> None:
        if choice < 3:
            x[key] = other.clone()
        else:
            x[key] = 0.25

    def mode(self, x: Any, other: Any, key: Any, choice: int) -> None:
        with self.lib.no_grad():
            (self.compute if choice % 2 else self.change)(x, other, key, choice)

    def gradients(self) -> list[np.ndarray | str]:
        """The gradient of everything, one result after another, or that there is none."""
        found: list[np.ndarray | str] = []
        for x in self.pool:
            try:
                if not x.requires_grad:
                    found.append("plain")
                    continue
                parts = self.lib.autograd.grad(
                    (x * x).sum(), self.leaves, retain_graph=True, allow_unused=True
                )
            except RuntimeError:
                found.append("RuntimeError")
                continue
            found += ["none" if g is None else array(g).copy() for g in parts]
        return found


@pytest.mark.parametrize("seed", range(150))
def test_a_random_program(seed: int) -> None:
    ours, theirs = Program(Backend("eager"), seed), Program(Backend("torch"), seed)
    for _ in range(STEPS):
        ours.step()
        theirs.step()
        assert ours.log == theirs.log
    for x, y in zip(ours.pool, theirs.pool, strict=True):
        np.testing.assert_allclose(array(x), array(y), rtol=1e-10)
        assert x._version == y._version
    for mine, right in zip(ours.gradients(), theirs.gradients(), strict=True):
        if isinstance(right, str) or isinstance(mine, str):
            assert mine == right
        else:
            np.testing.assert_allclose(mine, right, rtol=1e-9)
