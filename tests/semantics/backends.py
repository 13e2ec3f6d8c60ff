"""What the rules are run on: eager mode, compiled functions, and PyTorch where it is installed.

A test asks for `lib` and writes each rule once. `lib.function` compiles on the compiled backend and
leaves the function as it is on the others, so that a test which goes through it sees the graph that
compiled code makes. PyTorch proves the test itself right.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

import fusegrad
from fusegrad.runtime import eager
from fusegrad.runtime.eager import dtypes, functions

HOMES = (eager, functions, dtypes, fusegrad.autograd)
TORCH = importlib.util.find_spec("torch") is not None


class Backend:
    """The names of a library, and what differs between them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.module: Any = importlib.import_module("torch") if name == "torch" else fusegrad
        self.is_torch = name == "torch"
        self.is_compiled = name == "compiled"
        self.autograd: Any = self._part("autograd")
        self.graph: Any = self._part("autograd.graph")
        self.functional: Any = self._part("autograd.functional")
        self.once_differentiable: Any = self._part("autograd.function").once_differentiable
        self.nn_functional: Any = self._part("nn.functional")

    def _part(self, path: str) -> ModuleType:
        return importlib.import_module(f"{self.module.__name__}.{path}")

    def __getattr__(self, name: str) -> Any:
        homes = [self.module] if self.name == "torch" else HOMES
        return next(getattr(home, name) for home in homes if hasattr(home, name))

    def __repr__(self) -> str:
        return self.name

    def function(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function as this backend runs it: compiled or as it is."""
        compiled: Callable[..., Any] = fusegrad.compile(function)
        return compiled if self.is_compiled else function

    def node(self, name: str, function: str) -> str:
        """The name of a node: PyTorch's `name`, or that of the compiled `function`."""
        return f"CompiledFunctionBackward({function})" if self.is_compiled else name

    def leaf(self, *values: float) -> Any:
        """A float64 vector that requires grad."""
        return self.tensor(list(values), dtype=self.float64, requires_grad=True)

    def plain(self, *values: float) -> Any:
        """A float64 vector."""
        return self.tensor(list(values), dtype=self.float64)


def numbers(x: Any) -> Any:
    """The elements as Python numbers, whatever holds them."""
    return x.detach().tolist()


def array(x: Any) -> np.ndarray:
    found: np.ndarray = x.detach().numpy()
    return found
