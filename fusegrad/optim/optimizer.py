"""What optimisers have in common: groups of parameters, and a state for each parameter."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..runtime.eager import Tensor, enable_grad

__all__ = ["Group", "Optimizer", "fractions", "non_negative", "with_decay"]

Group = dict[str, Any]
Parameters = Iterable[Tensor] | Iterable[Group]
State = dict[str, Any]


class Optimizer:
    """The base of optimisers: a subclass computes one parameter's step in `update`.

    `param_groups` are dictionaries with "params" and the options that hold for these; `state` maps
    a parameter to what the optimiser keeps about it.
    """

    stepped = False  # whether `step` was called, which schedules of rates want to know

    def __init__(self, params: Parameters, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError("params must be an iterable of Tensors or groups, not one Tensor")
        self.defaults = defaults
        self.state: dict[Tensor, State] = {}
        self.param_groups: list[Group] = []
        given: list[Any] = list(params)
        if not given:
            raise ValueError("optimizer got an empty parameter list")
        groups = given if isinstance(given[0], dict) else [{"params": given}]
        for group in groups:
            self.add_param_group(group)

    def add_param_group(self, group: Group) -> None:
        """Optimise more parameters, with options of their own where `group` names some."""
        params = group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        for x in params:
            if not isinstance(x, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, got {type(x).__name__}")
            if not x.is_leaf:
                raise ValueError("can't optimize a non-leaf Tensor")
        if len(set(params)) != len(params):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters: each of them is "
                "stepped so often",
                UserWarning,
                stacklevel=3,
            )
        known = {x for other in self.param_groups for x in other["params"]}
        if known & set(params):
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append({**self.defaults, **group, "params": params})

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients: None in their place, or zeros."""
        for group in self.param_groups:
            for x in group["params"]:
                if set_to_none or x._grad is None:
                    x.grad = None
                else:
                    x.grad = x.grad.detach()
                    x.grad.zero_()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient; returns the loss of `closure`, if given."""
        loss = None
        self.stepped = True
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            for x in group["params"]:
                if x._grad is not None:
                    self.update(x._data, x._grad._data, self.state.setdefault(x, {}), group)
                    x._bump()
        return loss

    def update(self, x: np.ndarray, gradient: np.ndarray, state: State, group: Group) -> None:
        """Change one parameter in place."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """The state and the options, with numbers in place of the parameters."""
        numbers = {x: i for i, x in enumerate(self._parameters())}
        groups = [
            {**group, "params": [numbers[x] for x in group["params"]]}
            for group in self.param_groups
        ]
        state = {numbers[x]: dict(values) for x, values in self.state.items()}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` of an optimiser of as many parameters gave."""
        groups = state_dict["param_groups"]
        have = [len(group["params"]) for group in self.param_groups]
        got = [len(group["params"]) for group in groups]
        if have != got:
            raise ValueError(
                "loaded state dict contains parameter groups that don't match: sizes "
                f"{got}, not {have}"
            )
        for own, loaded in zip(self.param_groups, groups, strict=True):
            own.update({word: value for word, value in loaded.items() if word != "params"})
        params = self._parameters()
        self.state = {params[i]: copy.deepcopy(v) for i, v in state_dict["state"].items()}

    def _parameters(self) -> list[Tensor]:
        return [x for group in self.param_groups for x in group["params"]]

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            options = sorted((word, v) for word, v in group.items() if word != "params")
            lines += [f"Parameter Group {i}", *(f"    {word}: {v}" for word, v in options)]
        return "\n".join([*lines, ")"])


def with_decay(x: np.ndarray, gradient: np.ndarray, group: Group) -> np.ndarray:
    """The gradient to descend along: of what is minimised, with weight_decay · x added."""
    g = -gradient if group["maximize"] else gradient
    if group["weight_decay"]:
        g = g + group["weight_decay"] * x
    return g


def fractions(name: str, values: Iterable[float]) -> None:
    """Raise for one of several values that is negative, or not below 1."""
    for i, value in enumerate(values):
        if not 0 <= value < 1:
            raise ValueError(f"{name}[{i}] must be at least 0 and less than 1, got {value}")


def non_negative(**options: float) -> None:
    """Raise for a negative option."""
    for name, value in options.items():
        if not value >= 0:
            raise ValueError(f"{name} must not be negative, got {value}")
