"""A workload: one loss function for all array namespaces, and its inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Loss = Callable[..., Any]
Tree = Any  # arrays in nested tuples


@dataclass(frozen=True)
class Workload:
    """What is timed: value and gradient of `loss(xp)` at `inputs()`, in one call.

    `loss` takes a namespace (numpy, jax.numpy, autograd.numpy, torch) and returns a function of
    arrays. `torch` replaces it where PyTorch spells a function otherwise. `by_hand` holds gradients
    written by hand: the name of the peer ("numba", "numpy") to what makes its gradient function.
    """

    name: str
    about: str
    loss: Callable[[Any], Loss]
    inputs: Callable[[], tuple[Tree, ...]]
    argnums: tuple[int, ...] = (0,)
    torch: Callable[[Any], Loss] | None = None
    by_hand: dict[str, Callable[[], Loss]] = field(default_factory=dict)
    large: bool = False  # left out by --quick

    def loss_for(self, xp: Any) -> Loss:
        """The loss in a namespace."""
        if self.torch is not None and getattr(xp, "__name__", "") == "torch":
            return self.torch(xp)
        return self.loss(xp)


def generator(name: str) -> np.random.Generator:
    """The random numbers of a workload: the same in each process."""
    return np.random.default_rng(list(name.encode()))


def map_tree(function: Callable[[Any], Any], tree: Tree) -> Tree:
    """`function` of each leaf."""
    if isinstance(tree, tuple | list):
        return tuple(map_tree(function, item) for item in tree)
    return function(tree)


def leaves(tree: Tree) -> list[Any]:
    """The leaves, from left to right."""
    if isinstance(tree, tuple | list):
        return [leaf for item in tree for leaf in leaves(item)]
    return [tree]
