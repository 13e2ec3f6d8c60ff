"""L-BFGS (Nocedal & Wright, Numerical Optimization, 2nd ed., algorithms 7.4, 3.5 and 3.6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..runtime.eager import enable_grad
from .line_search import Point, strong_wolfe
from .optimizer import Optimizer, Parameters, non_negative

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    """Quasi-Newton steps from the last `history_size` changes of the gradient.

    `step(closure)` runs up to `max_iter` iterations; the closure clears the gradients, computes the
    loss, calls `backward` and returns the loss. `line_search_fn` is None or "strong_wolfe".
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        non_negative(lr=lr)
        if line_search_fn not in (None, "strong_wolfe"):
            raise RuntimeError("only 'strong_wolfe' is supported as line_search_fn")
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    # --- parameters and gradients as one vector ---

    def _gradient(self) -> np.ndarray:
        parts = [
            np.zeros(x._data.size, x._data.dtype) if x._grad is None else x._grad._data.ravel()
            for x in self._parameters()
        ]
        return np.concatenate(parts)

    def _values(self) -> np.ndarray:
        return np.concatenate([x._data.ravel() for x in self._parameters()])

    def _assign(self, values: np.ndarray) -> None:
        first = 0
        for x in self._parameters():
            size = x._data.size
            x._data[...] = values[first : first + size].reshape(x._data.shape)
            x._bump()
            first += size

    def _evaluate(self, closure: Callable[[], Any]) -> tuple[float, np.ndarray]:
        with enable_grad():
            loss = float(closure())
        return loss, self._gradient()

    # --- iterations ---

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Iterate until a tolerance or limit is reached; returns the first loss."""
        if closure is None:
            raise TypeError("LBFGS.step() needs a closure that computes the loss")
        self.stepped = True
        state: dict[str, Any] = self.state.setdefault(self._parameters()[0], {})
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        with enable_grad():
            first: Any = closure()
        run = _Run(self, state, closure, float(first), self._gradient())
        run.iterate()
        return first


class _Run:
    """One call of `step`."""

    def __init__(
        self,
        owner: LBFGS,
        state: dict[str, Any],
        closure: Callable[[], Any],
        loss: float,
        gradient: np.ndarray,
    ) -> None:
        self.owner, self.state, self.closure = owner, state, closure
        self.loss, self.gradient = loss, gradient
        self.group = owner.param_groups[0]
        self.evaluations = 1
        state["func_evals"] += 1

    def iterate(self) -> None:
        group, state = self.group, self.state
        if _largest(self.gradient) <= group["tolerance_grad"]:
            return
        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            direction = self._direction()
            slope = float(self.gradient @ direction)
            state["prev_flat_grad"], state["prev_loss"] = self.gradient, self.loss
            length = group["lr"]
            if state["n_iter"] == 1:
                length = min(1.0, 1.0 / float(np.abs(self.gradient).sum())) * group["lr"]
            if slope > -group["tolerance_change"]:
                break
            before = self.loss
            length = self._move(direction, length, slope, last=iteration == group["max_iter"])
            state["d"], state["t"] = direction, length
            if self._is_done(direction * length, before):
                break

    def _move(self, direction: np.ndarray, length: float, slope: float, *, last: bool) -> float:
        """Go along the direction; returns how far."""
        start = self.owner._values()
        if self.group["line_search_fn"] is None:
            self.owner._assign(start + length * direction)
            if not last:
                self.loss, self.gradient = self._evaluate()
            return length

        def at(distance: float) -> Point:
            self.owner._assign(start + distance * direction)
            loss, gradient = self._evaluate()
            return Point(distance, loss, gradient, float(gradient @ direction))

        here = Point(0.0, self.loss, self.gradient, slope)
        found = strong_wolfe(at, here, length, _largest(direction), self.group["tolerance_change"])
        self.owner._assign(start + found.t * direction)
        self.loss, self.gradient = found.loss, found.gradient
        return found.t

    def _evaluate(self) -> tuple[float, np.ndarray]:
        self.evaluations += 1
        self.state["func_evals"] += 1
        return self.owner._evaluate(self.closure)

    def _is_done(self, move: np.ndarray, before: float) -> bool:
        change = self.group["tolerance_change"]
        return bool(
            self.evaluations >= self.group["max_eval"]
            or _largest(self.gradient) <= self.group["tolerance_grad"]
            or _largest(move) <= change
            or abs(self.loss - before) < change
        )

    def _direction(self) -> np.ndarray:
        """-H · gradient, H from the changes remembered (Nocedal & Wright, algorithm 7.4)."""
        state, gradient = self.state, self.gradient
        if state["n_iter"] == 1:
            state["old_dirs"], state["old_stps"], state["H_diag"] = [], [], 1.0
            return -gradient
        change = gradient - state["prev_flat_grad"]
        move = state["d"] * state["t"]
        curvature = float(change @ move)
        if curvature > 1e-10:
            if len(state["old_dirs"]) == self.group["history_size"]:
                del state["old_dirs"][0], state["old_stps"][0]
            state["old_dirs"].append(change)
            state["old_stps"].append(move)
            state["H_diag"] = curvature / float(change @ change)
        return self._two_loops(-gradient)

    def _two_loops(self, q: np.ndarray) -> np.ndarray:
        pairs = list(zip(self.state["old_dirs"], self.state["old_stps"], strict=True))
        weights = []
        for change, move in reversed(pairs):
            weight = float(move @ q) / float(change @ move)
            q = q - weight * change
            weights.append(weight)
        r: np.ndarray = q * self.state["H_diag"]
        for (change, move), weight in zip(pairs, reversed(weights), strict=True):
            r = r + move * (weight - float(change @ r) / float(change @ move))
        return r


def _largest(x: np.ndarray) -> float:
    return float(np.abs(x).max()) if x.size else 0.0
