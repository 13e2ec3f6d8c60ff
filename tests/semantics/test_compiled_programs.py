"""Random functions whose results feed each other, random uses of them: compiled as in eager mode.

A function is drawn as source: operations, views, changes in place of its own arrays and of its
arguments, parts under `no_grad`, calls of another compiled function; it returns what it likes of
what it made. A use is drawn as well: hooks on results, arguments and leaves, `retain_grad`,
gradients between results, several backward passes, graphs around the call. The logs of what was
seen, in order, have to be the same; PyTorch, where it is installed, says that they are right.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad as fg

from .backends import TORCH, Backend, array

OPERATIONS = [
    "{a} * {b}",
    "{a} + {b}",
    "m.sin({a})",
    "m.tanh({a}) - {b}",
    "{a} @ {b}",
    "m.exp({a} * 0.1)",
    "{a} * {s}",
    "m.where({a} > {b}, {a}, {b} * 2)",
    "{a} - {b} / 2",
    "{a} * 1",
]
VIEWS = ["{a}.T", "{a}[:]", "{a}.reshape(9).reshape(3, 3)"]
SCALARS = ["{a}.sum()", "({a} * {b}).sum()", "{s} * {s}", "{a}[0, 1] * 1", "{s} + {a}.mean()"]
CHANGES = ["{a} += {b}", "{a} *= 0.5", "{a}[0] = {b}[1]", "{a} -= {a2}", "{s} += 1", "{s} *= {s2}"]


class Writer:
    """Writes the source of a function of two matrices and a number without axes."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.matrices, self.scalars = ["x", "y"], ["s"]
        self.lines = ["def f(m, no_grad, inner, x, y, s):"]

    def source(self) -> str:
        kinds = ["operation"] * 5 + ["view", "scalar", "scalar", "change", "hidden", "call"]
        for _ in range(self.random.randint(3, 8)):
            getattr(self, self.random.choice(kinds))()
        made = [*self.matrices[2:], *self.scalars[1:]] or ["x"]
        chosen = self.random.choices(made, k=self.random.randint(1, 4))
        if self.random.random() < 0.2:
            chosen.append(self.random.choice(["x", "y", "s"]))
        self.write(f"return [{', '.join(chosen)}]")
        return "\n".join(self.lines)

    def write(self, line: str, depth: int = 1) -> None:
        self.lines.append("    " * depth + line)

    def form(self, forms: list[str]) -> str:
        choice = self.random.choice
        a, b, a2 = choice(self.matrices), choice(self.matrices), choice(self.matrices)
        s, s2 = choice(self.scalars), choice(self.scalars)
        return choice(forms).format(a=a, b=b, a2=a2, s=s, s2=s2)

    def new(self, names: list[str], prefix: str, forms: list[str], depth: int = 1) -> None:
        name = f"{prefix}{len(names)}"
        self.write(f"{name} = {self.form(forms)}", depth)
        names.append(name)

    def operation(self) -> None:
        self.new(self.matrices, "a", OPERATIONS)

    def view(self) -> None:
        self.new(self.matrices, "a", VIEWS)

    def scalar(self) -> None:
        self.new(self.scalars, "s", SCALARS)

    def change(self) -> None:
        self.write(self.form(CHANGES))

    def hidden(self) -> None:
        self.write("with no_grad():")
        self.new(self.matrices, "a", OPERATIONS, 2)

    def call(self) -> None:
        a, s = f"a{len(self.matrices)}", f"s{len(self.scalars)}"
        self.write(f"{a}, {s} = inner(m, {self.form(['{a}, {b}'])})")
        self.matrices.append(a)
        self.scalars.append(s)


def inner(m: Any, x: Any, y: Any) -> Any:
    h = m.tanh(x @ y)
    return h, (h * x).sum()


compiled_inner = fg.compile(lambda x, y: inner(np, x, y))


def program(seed: int) -> Callable[..., Any]:
    space: dict[str, Any] = {}
    exec(Writer(seed).source(), space)
    found: Callable[..., Any] = space["f"]
    return found


def runner(seed: int, name: str, lib: Backend) -> Callable[..., Any]:
    """The function of three arguments, as a library runs it."""
    f = program(seed)
    if name == "torch":
        return lambda x, y, s: f(lib.module, lib.no_grad, inner, x, y, s)
    compiled = fg.compile(lambda x, y, s: f(np, fg.no_grad, _called, x, y, s))
    run: Callable[..., Any] = compiled if name == "compiled" else compiled.eager
    return run


def _called(m: Any, x: Any, y: Any) -> Any:
    return compiled_inner(x, y)


class Use:
    """What is done with a function; the same seed makes the same choices in every library."""

    def __init__(self, seed: int, name: str, actions: list[str]) -> None:
        self.actions = actions
        self.lib = Backend("torch" if name == "torch" else "eager")
        self.function = runner(seed, name, self.lib)
        self.random = random.Random(seed)
        self.log: list[Any] = []
        numbers = np.random.default_rng(seed)
        self.leaves = [self._leaf(numbers.uniform(0.5, 1.5, n)) for n in ((3, 3), (3, 3), ())]
        self.args = [x * 1 if self.random.random() < 0.75 else x for x in self.leaves]
        if self.random.random() < 0.2:
            self.args[0] = self.args[0].detach()

    def _leaf(self, values: Any) -> Any:
        return self.lib.tensor(values, dtype=self.lib.float64).requires_grad_()

    def note(self, *what: Any) -> None:
        self.log.append([_plain(x) for x in what])

    def attempt(self, action: Callable[[], Any]) -> Any:
        try:
            result = action()
        except (RuntimeError, ValueError, IndexError) as error:
            self.note("error", _kind(error))
            return None
        self.note("done", *(result if isinstance(result, tuple | list) else [result]))
        return result

    def run(self) -> list[Any]:
        results = self.attempt(lambda: self.function(*self.args))
        if results is None:
            return self.log
        everything = [*results, *self.args]
        self.note("same", *(x is y for x in everything for y in everything))
        self.note("versions", *(x._version for x in everything))
        self.note("linked", *(x.requires_grad for x in everything))
        self.note("leaves", *(x.is_leaf for x in everything))
        self.hooks(everything)
        for _ in range(4):
            getattr(self, self.random.choice(self.actions))(
                [x for x in everything if x.requires_grad]
            )
        self.note("grads", *(_gradient(x) for x in [*self.leaves, *everything]))
        return self.log

    def hooks(self, everything: list[Any]) -> None:
        factor = self.random.choice([None, None, 2.0]) if "twice" in self.actions else None
        for i, x in enumerate(everything):
            if x.requires_grad and self.random.random() < 0.6:
                x.register_hook(lambda g, i=i: self.note("hook", i, g))
                if factor and i == 0:
                    x.register_hook(lambda g: g * factor)
                if self.random.random() < 0.7:
                    x.retain_grad()
        for i, x in enumerate(self.leaves):
            x.register_hook(lambda g, i=i: self.note("leaf", i, g))
            x.register_post_accumulate_grad_hook(lambda x, i=i: self.note("post", i, x.grad))

    def total(self, linked: list[Any]) -> Any:
        chosen = [x for x in linked if self.random.random() < 0.6] or linked[:1]
        return sum((x * x).sum() * (i + 1) for i, x in enumerate(chosen))

    # --- actions ---

    def backward(self, linked: list[Any]) -> None:
        total = self.total(linked) if linked else None
        if total is not None:
            self.attempt(lambda: total.backward(retain_graph=True))

    def backward_once(self, linked: list[Any]) -> None:
        for x in linked[:2]:
            self.attempt(lambda x=x: x.sum().backward())

    def backward_to_inputs(self, linked: list[Any]) -> None:
        if linked:
            total, x = self.total(linked), self.random.choice(linked)
            self.attempt(lambda: total.backward(inputs=[x], retain_graph=True))

    def between(self, linked: list[Any]) -> None:
        for x in linked:
            for y in linked:
                found = self.attempt(lambda x=x, y=y: self._grad(x.sum(), [y]))
                self.note(found)

    def to_leaves(self, linked: list[Any]) -> None:
        if linked:
            total = self.total(linked)
            self.attempt(lambda: self._grad(total, [*self.leaves, *linked]))

    def twice(self, linked: list[Any]) -> None:
        if linked:
            total = self.total(linked)
            first = self.attempt(lambda: self._grad(total, self.leaves, create_graph=True))
            again = [x for x in first or () if x is not None and x.requires_grad]
            if again:
                norm = sum((x * x).sum() for x in again)
                self.attempt(lambda: self._grad(norm, [*self.leaves, *linked]))

    def change_a_result(self, linked: list[Any]) -> None:
        for x in linked[:1]:
            self.attempt(lambda x=x: x.mul_(1.5).detach())

    def again(self, linked: list[Any]) -> None:
        matrices = [x for x in linked if len(x.shape) == 2]
        if matrices:
            x = matrices[-1] * 1
            y, s = self.leaves[1] * 1, self.leaves[2] * 1
            found = self.attempt(lambda: self.function(x, y, s))
            more = [z for z in found or () if z.requires_grad]
            if more:
                self.backward(more)

    def _grad(self, total: Any, inputs: list[Any], **how: Any) -> Any:
        how = {"allow_unused": True, "retain_graph": True, **how}
        return self.lib.autograd.grad(total, inputs, **how)


ACTIONS = [
    *("backward", "backward", "backward_once", "backward_to_inputs", "between", "to_leaves"),
    *("change_a_result", "again"),
]


def _gradient(x: Any) -> Any:
    return x.grad if x.is_leaf or getattr(x, "retains_grad", False) else None


def _plain(x: Any) -> Any:
    if hasattr(x, "detach"):
        return array(x).copy()
    return [_plain(part) for part in x] if isinstance(x, list | tuple) else x


SAVED = "what was saved is gone, or was changed"
SAVED_WORDS = ("modified by an inplace", "already freed", "second time", "have been freed")


def _kind(error: Exception) -> str:
    if any(words in str(error) for words in SAVED_WORDS):
        return SAVED
    return "RuntimeError" if isinstance(error, RuntimeError) else type(error).__name__


def same(mine: Any, right: Any) -> bool:
    if isinstance(mine, list) and isinstance(right, list):
        return len(mine) == len(right) and all(map(same, mine, right))
    if isinstance(mine, np.ndarray) and isinstance(right, np.ndarray):
        return mine.shape == right.shape and np.allclose(mine, right, rtol=1e-8, atol=1e-10)
    return type(mine) is type(right) and bool(mine == right)


def difference(mine: list[Any], right: list[Any]) -> int | None:
    """Where two logs differ. From a pass on in which saved values are gone nothing is compared, and
    the compiled function may have them: it saves other values, fewer of them.
    """
    for i, (entry, wanted) in enumerate(zip(mine, right, strict=False)):
        if not same(entry, wanted):
            end = next((e for e in right[i:] if e[0] not in ("hook", "leaf", "post")), None)
            return None if end == ["error", SAVED] else i
        if wanted == ["error", SAVED]:
            return None
    return None if len(mine) == len(right) else min(len(mine), len(right))


def arranged(log: list[Any]) -> list[Any]:
    """A log in which the leaves of each pass follow the results: a node of a compiled function is
    done with all of its operations before an earlier one begins.
    """
    found: list[Any] = []
    leaves: list[Any] = []
    for entry in log:
        if entry[0] in ("leaf", "post"):
            leaves.append(entry)
            continue
        if entry[0] != "hook":
            found += sorted(leaves, key=lambda e: (e[1], e[0]))
            leaves = []
        found.append(entry)
    return found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(80))
def test_a_compiled_program_is_as_in_eager_mode(seed: int) -> None:
    right = Use(seed, "eager", [*ACTIONS, "twice"]).run()
    mine = Use(seed, "compiled", [*ACTIONS, "twice"]).run()
    place = difference(mine, right)
    if place is not None and difference(arranged(mine), arranged(right)) is not None:
        raise AssertionError((mine[place : place + 1], right[place : place + 1]))


@pytest.mark.skipif(not TORCH, reason="compares with PyTorch")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(80))
def test_eager_mode_is_as_in_pytorch(seed: int) -> None:
    mine, right = Use(seed, "eager", ACTIONS).run(), Use(seed, "torch", ACTIONS).run()
    place = difference(mine, right)
    assert place is None, (mine[place:][:1], right[place:][:1])
