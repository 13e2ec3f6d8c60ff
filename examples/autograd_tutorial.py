"""Automatic differentiation step by step: each step in eager mode, and beside it compiled.

    python examples/autograd_tutorial.py

The steps are those of PyTorch's tutorial on autograd: a graph is recorded while the code runs,
`backward()` walks it, gradients accumulate in the leaves. A compiled function called on Tensors
takes its place in the same graph.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import fusegrad as fg

functional = fg.nn.functional


def show(step: int, title: str, eager: Any, compiled: Any) -> None:
    print(f"\n{step}. {title}")
    for name, value in (("eager", eager), ("compiled", compiled)):
        lines = str(value).splitlines()
        print(f"   {name:<9} {lines[0]}")
        for line in lines[1:]:
            print(f"   {'':<9} {line}")


def message(action: Callable[[], Any]) -> str:
    """What an action raises, in its first words."""
    try:
        action()
    except RuntimeError as error:
        text = str(error).splitlines()[0]
        return f"RuntimeError: {text[:160]}{'…' if len(text) > 160 else ''}"
    return "no error"


def layer(x: Any, w: Any, b: Any) -> Any:
    return x @ w + b


def loss_of(x: Any, y: Any, w: Any, b: Any) -> Any:
    return functional.binary_cross_entropy_with_logits(layer(x, w, b), y)


def square_shifted(inp: Any) -> Any:
    return ((inp + 1) ** 2).T


compiled_layer = fg.compile(layer)
compiled_loss = fg.compile(loss_of)
compiled_square = fg.compile(square_shifted)


def a_model() -> tuple[fg.Tensor, fg.Tensor, fg.Tensor, fg.Tensor]:
    fg.manual_seed(0)
    x, y = fg.ones(5), fg.zeros(3)
    w = fg.randn(5, 3, requires_grad=True)
    b = fg.randn(3, requires_grad=True)
    return x, y, w, b


def steps_1_to_4() -> None:
    x, y, w, b = a_model()
    z, loss = layer(x, w, b), loss_of(x, y, w, b)
    cz, closs = compiled_layer(x, w, b), compiled_loss(x, y, w, b)
    show(
        1,
        "z.grad_fn and loss.grad_fn",
        f"{z.grad_fn}\n{loss.grad_fn}",
        f"{cz.grad_fn}\n{closs.grad_fn}",
    )
    show(
        2, "loss.grad_fn.next_functions", loss.grad_fn.next_functions, closs.grad_fn.next_functions
    )
    gradients = []
    for value in (loss, closs):
        value.backward()
        gradients.append(f"w.grad[0] {w.grad[0]}\nb.grad    {b.grad}")
        w.grad = b.grad = None
    show(3, "loss.backward(): the gradients of the leaves", *gradients)
    show(4, "a second backward()", message(loss.backward), message(closs.backward))


def step_5() -> None:
    x, _, w, b = a_model()
    rows = []
    for function in (layer, compiled_layer):
        z = function(x, w, b)
        with fg.no_grad():
            without = function(x, w, b)
        rows.append(
            f"{z.requires_grad}, under no_grad {without.requires_grad}, "
            f"detached {z.detach().requires_grad}"
        )
    show(5, "z.requires_grad", *rows)


def step_6() -> None:
    rows = []
    for function in (square_shifted, compiled_square):
        inp = fg.eye(4, 5, requires_grad=True)
        out = function(inp)
        seen = []
        out.backward(fg.ones_like(out), retain_graph=True)
        seen.append(f"first call            {inp.grad[0]}")
        out.backward(fg.ones_like(out), retain_graph=True)
        seen.append(f"second, accumulated   {inp.grad[0]}")
        inp.grad.zero_()
        out.backward(fg.ones_like(out), retain_graph=True)
        seen.append(f"after grad.zero_()    {inp.grad[0]}")
        rows.append("\n".join(seen))
    show(6, "Jacobian products accumulate: ((inp + 1)**2).T, first row of inp.grad", *rows)


def step_7() -> None:
    branches = ((lambda x: x * x), np.exp)
    rows = []
    for wrap in (lambda f: f, fg.compile):
        x = fg.tensor(2.0, requires_grad=True)
        names = []
        for branch in branches:
            y = wrap(branch)(x)
            names.append(y.grad_fn.name())
            y.backward()
        rows.append(
            f"{', then '.join(names)}; x.grad = {x.grad.item():.6f}  (4 + e² = {4 + np.exp(2):.6f})"
        )
    show(7, "the graph is recorded anew in each iteration", *rows)


def steps_8_to_10() -> None:
    x, _, w, b = a_model()
    results = [function(x, w, b) for function in (layer, compiled_layer)]
    show(8, "backward() of what is no scalar", *[message(z.backward) for z in results])
    wrong = fg.ones(2)
    show(
        9,
        "backward(gradient) of another shape",
        *[message(lambda z=z: z.backward(wrong)) for z in results],
    )
    with fg.no_grad():
        results = [function(x, w, b) for function in (layer, compiled_layer)]
    show(10, "backward() of what no_grad made", *[message(z.sum().backward) for z in results])


def main() -> None:
    warnings.simplefilter("error")
    steps_1_to_4()
    step_5()
    step_6()
    step_7()
    steps_8_to_10()


if __name__ == "__main__":
    main()
