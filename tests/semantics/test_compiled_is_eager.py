"""Whatever a caller can observe of a compiled function on Tensors is as in eager mode.

Each observation runs a function on arguments of some kind and writes down what it sees: values,
dtypes, gradients to third order, what is the same object or the same memory, versions, hooks,
errors. The same is done with the function compiled, and with it run eagerly. Functions are written
by hand, for what views and stores do, and drawn at random.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.autograd import grad
from fusegrad.autograd.graph import saved_tensors_hooks

Log = list[Any]
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "chain": lambda x, y: np.tanh(x * y + x),
    "scalar": lambda x, y: np.sum(np.exp(x * 0.3) * y),
    "two results": lambda x, y: (np.sin(x), x * y),
    "one unused": lambda x, y: x * x,
    "dictionary": lambda x, y: {"a": x + y, "b": [x - y, None]},
    "constant": lambda x, y: (np.zeros(3), x * y),
    "the argument": lambda x, y: x,
    "both arguments": lambda x, y: (x, y),
    "a copy": lambda x, y: (np.copy(x), x * 1, x + 0),
    "twice the same": lambda x, y: (z := x * y, z),
    "part of an argument": lambda x, y: x[0],
    "all of an argument": lambda x, y: x[:],
    "transposed": lambda x, y: x.T,
    "reshaped": lambda x, y: x.reshape(-1)[1:],
    "a result and its part": lambda x, y: (z := x * y, z[0], z.T[1:]),
    "integers": lambda x, y: (np.argmax(x), x * y),
    "choice": lambda x, y: (x > y, np.where(x > y, x, y)),
    "norms": lambda x, y: (np.sqrt(np.sum(x**2)), np.mean(y * x)),
    "largest": lambda x, y: np.maximum(x, y).max(),
    "sorted": lambda x, y: (np.sort(x, axis=-1), np.cumsum(y * x, axis=0)),
    "no gradient": lambda x, y: (np.floor(x), fg.nn.functional.relu(x - y)),
    "32 bits": lambda x, y: (x * np.float32(2), y.sum() * np.ones(3, np.float32)),
}


def _named(function: Callable[..., Any]) -> Callable[..., Any]:
    FUNCTIONS[function.__name__.replace("_", " ")] = function
    return function


@_named
def changes_its_own(x: Any, y: Any) -> Any:
    z = x * 1
    z += y
    z[0] *= x[1]
    return z * z


@_named
def stores_into_x(x: Any, y: Any) -> Any:
    x *= 2
    return x * y


@_named
def stores_and_returns(x: Any, y: Any) -> Any:
    x[0] = y[1] * 2
    return x


@_named
def branches(x: Any, y: Any) -> Any:
    return x * y if np.sum(x) > 0 else x + y


def _random_function(seed: int) -> Callable[..., Any]:
    """A chain of operations on a pool of arrays, of which it returns some."""
    draws = np.random.default_rng(seed).integers(0, 1000, (7, 3)).tolist()
    steps: list[Callable[..., Any]] = [
        lambda a, b: a * b,
        lambda a, b: a + b.T,
        lambda a, b: np.sin(a) - b,
        lambda a, b: a @ b,
        lambda a, b: a.T,
        lambda a, b: np.where(a > b, a, b * 2),
        lambda a, b: np.cumsum(a, axis=0) / 3,
        lambda a, b: a - b.mean(axis=0),
        lambda a, b: np.concatenate([a[1:], b[:1]]),
        lambda a, b: a.reshape(9).reshape(3, 3),
    ]

    def run(x: Any, y: Any) -> Any:
        pool = [x, y]
        for kind, i, j in draws:
            pool.append(steps[kind % len(steps)](pool[i % len(pool)], pool[j % len(pool)]))
        last = pool[-1] * pool[-2]
        return last, last[1]

    return run


for _seed in range(6):
    FUNCTIONS[f"random {_seed}"] = _random_function(_seed)


# --- arguments: pairs, and the leaves behind them ---

Pair = tuple[list[Any], list[Any]]


def _leaf(seed: int, requires_grad: bool = True, dtype: Any = np.float64) -> Any:
    values = np.random.default_rng(seed).uniform(0.5, 1.5, (3, 3)).astype(dtype)
    return fg.tensor(values, requires_grad=requires_grad)


def _itself(*leaves: Any) -> Pair:
    return list(leaves), list(leaves)


def _of_leaves(take: Callable[[Any], Any]) -> Pair:
    leaves = [_leaf(0), _leaf(1)]
    return [take(x) for x in leaves], leaves


def _overlapping() -> Pair:
    whole = fg.tensor(np.linspace(0.5, 1.5, 18).reshape(6, 3), requires_grad=True)
    changed = whole * 1
    return [changed[:3], changed[1:4]], [whole]


class Parameter(fg.Tensor):  # type: ignore[misc]
    """A Tensor of another class."""


ARGUMENTS: dict[str, Callable[[], Pair]] = {
    "leaves": lambda: _itself(_leaf(0), _leaf(1)),
    "one leaf": lambda: _itself(_leaf(0), _leaf(1, False)),
    "plain": lambda: _itself(_leaf(0, False), _leaf(1, False)),
    "computed": lambda: _of_leaves(lambda x: x * 1),
    "single precision": lambda: _itself(_leaf(0, dtype=np.float32), _leaf(1, dtype=np.float32)),
    "transposed": lambda: _of_leaves(lambda x: x.t()),
    "expanded": lambda: _of_leaves(lambda x: x[0].expand(3, 3)),
    "the same twice": lambda: (lambda x: ([x, x], [x]))(_leaf(0)),
    "computed twice": lambda: (lambda x: (lambda z: ([z, z], [x]))(x * 1))(_leaf(0)),
    "overlapping": _overlapping,
    "parameters": lambda: _itself(Parameter(_leaf(0).detach(), requires_grad=True), _leaf(1)),
}


# --- what can be seen ---


class Near:
    """Numbers, equal up to rounding."""

    def __init__(self, values: Any) -> None:
        self.values = np.array(values, dtype=float)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Near) and np.allclose(
            self.values, other.values, rtol=1e-4, atol=1e-5, equal_nan=True
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self.values.tolist())


def seen(x: Any) -> Any:
    if isinstance(x, list | tuple):
        return [seen(part) for part in x]
    if isinstance(x, dict):
        return {key: seen(part) for key, part in x.items()}
    if isinstance(x, fg.Tensor):
        return str(x.dtype), tuple(x.shape), Near(x.detach().numpy()), x.requires_grad
    return x


def tensors_of(x: Any) -> list[Any]:
    if isinstance(x, list | tuple):
        return [y for part in x for y in tensors_of(part)]
    if isinstance(x, dict):
        return [y for part in x.values() for y in tensors_of(part)]
    return [x] if isinstance(x, fg.Tensor) else []


def linked(result: Any) -> list[Any]:
    return [x for x in tensors_of(result) if x.requires_grad]


def total(outputs: list[Any]) -> Any:
    return sum(((x * x).sum() * (i + 1)).double() for i, x in enumerate(outputs))


def attempt(log: Log, action: Callable[[], Any]) -> Any:
    """The result; what it is, or the class of its error, is noted."""
    try:
        result = action()
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        log.append("RuntimeError" if isinstance(error, RuntimeError) else type(error).__name__)
        return None
    log.append(seen(result))
    return result


def gradients(outputs: list[Any], leaves: list[Any], **how: Any) -> Any:
    return grad(total(outputs), leaves, allow_unused=True, **how) if outputs else None


# --- observations: (function, arguments, leaves, log) ---


def results(function: Any, args: Any, leaves: Any, log: Log) -> None:
    found = attempt(log, lambda: function(*args))
    every = [*tensors_of(found), *args]
    log.append([(x.is_leaf, x.grad_fn is None) for x in tensors_of(found)])
    log.append([[x is y for y in every] for x in every])
    log.append([[np.may_share_memory(x._data, y._data) for y in every] for x in every])
    log.append([(seen(x), x._version) for x in args])


def accumulation(function: Any, args: Any, leaves: Any, log: Log) -> None:
    outputs = linked(function(*args))
    if outputs:
        attempt(log, lambda: total(outputs).backward(retain_graph=True))
        first = [x.grad for x in leaves]
        attempt(log, lambda: total(outputs).backward(retain_graph=True))
        log.append([(seen(x.grad), x.grad is old) for x, old in zip(leaves, first, strict=True)])


def three_orders(function: Any, args: Any, leaves: Any, log: Log) -> None:
    outputs = linked(function(*args))
    for _ in range(3):
        found = attempt(log, lambda now=outputs: gradients(now, leaves, create_graph=True))
        outputs = [x for x in found or () if x is not None and x.requires_grad]


def each_output(function: Any, args: Any, leaves: Any, log: Log) -> None:
    for x in linked(function(*args)):
        attempt(log, lambda x=x: gradients([x], leaves, retain_graph=True))
        attempt(log, lambda x=x: grad(x.sum(), leaves, retain_graph=True))


def hooks(function: Any, args: Any, leaves: Any, log: Log) -> None:
    events: list[Any] = []
    for i, x in enumerate(args):
        if x.requires_grad:
            x.register_hook(lambda g, i=i: events.append((2, i, seen(g))))
    for i, x in enumerate(leaves):
        if x.requires_grad:
            x.register_post_accumulate_grad_hook(lambda x, i=i: events.append((3, i, seen(x.grad))))
    outputs = linked(function(*args))
    for i, x in enumerate(outputs):
        x.register_hook(lambda g, i=i: events.append((0, i, seen(g))))
        x.register_hook(lambda g, i=i: (events.append((1, i, seen(g))), g * 2)[1])
        x.retain_grad()
    if outputs:
        attempt(log, lambda: total(outputs).backward())
    log.append(sorted(events, key=lambda event: event[:2]))
    log.append([seen(x.grad) for x in (*outputs, *leaves)])


def changed_arguments(function: Any, args: Any, leaves: Any, log: Log) -> None:
    found = function(*args)
    with fg.no_grad():
        for x in args:
            attempt(log, lambda x=x: x.mul_(1.5))
    attempt(log, lambda: gradients(linked(found), leaves))
    log.append([(seen(x), x._version) for x in tensors_of(found)])


def changed_results(function: Any, args: Any, leaves: Any, log: Log) -> None:
    found = tensors_of(function(*args))
    for x in linked(found):
        attempt(log, lambda x=x: x.add_(1).requires_grad)
    log.append([seen(x) for x in (*args, *found)])
    attempt(log, lambda: gradients(linked(found), leaves))


def modes(function: Any, args: Any, leaves: Any, log: Log) -> None:
    with fg.no_grad():
        log.append([x.is_leaf for x in tensors_of(attempt(log, lambda: function(*args)))])
    with fg.inference_mode():
        found = attempt(log, lambda: function(*args))
        inside = [x * 1 for x in args]
    for x in tensors_of(found):
        log.append(x.is_inference())
        attempt(log, lambda x=x: (x * _leaf(3)[0, 0]).shape)
    attempt(log, lambda: function(*inside))


def packed(function: Any, args: Any, leaves: Any, log: Log) -> None:
    with saved_tensors_hooks(lambda x: x.detach().numpy().copy(), fg.tensor):
        found = attempt(log, lambda: function(*args))
    attempt(log, lambda: gradients(linked(found), leaves))


def lifetime(function: Any, args: Any, leaves: Any, log: Log) -> None:
    found = tensors_of(function(*args))
    alive = [weakref.ref(x) for x in found if not any(x is y for y in args)]
    found.clear()
    log.append([reference() is None for reference in alive])


OBSERVATIONS = (
    results,
    accumulation,
    three_orders,
    each_output,
    hooks,
    changed_arguments,
    changed_results,
    modes,
    packed,
    lifetime,
)


def _observed(observation: Any, function: Any, kind: str) -> Log:
    args, leaves = ARGUMENTS[kind]()
    log: Log = []
    try:
        observation(function, args, leaves, log)
    except (RuntimeError, ValueError) as error:
        log.append("RuntimeError" if isinstance(error, RuntimeError) else type(error).__name__)
    return log


COMPILED = {name: fg.compile(function) for name, function in FUNCTIONS.items()}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("observation", OBSERVATIONS, ids=lambda x: x.__name__)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_compiled_is_eager(name: str, observation: Any) -> None:
    function = COMPILED[name]
    for kind in _kinds(name, observation):
        eager = _observed(observation, function.eager, kind)
        assert _observed(observation, function, kind) == eager, kind


def _kinds(name: str, observation: Any) -> list[str]:
    if observation is three_orders:  # each kind makes new code
        return ["leaves", "one leaf", "computed", "the same twice"]
    if observation is changed_arguments and "random" in name:
        return []  # it reads anew from its arguments what eager mode saves as results
    return list(ARGUMENTS)
