"""The gradient of every method against central differences, and its gradient against theirs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import fusegrad.runtime.eager as fg
from fusegrad import autograd
from fusegrad.nn import functional
from fusegrad.runtime.eager import functions

Function = Callable[..., fg.Tensor]

UNARY = [
    "exp",
    "expm1",
    "exp2",
    "sin",
    "cos",
    "tan",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "erf",
    "erfc",
    "sigmoid",
    "relu",
    "abs",
    "sign",
    "floor",
    "ceil",
    "round",
    "neg",
    "square",
    "sinc",
    "clone",
    "sum",
    "mean",
    "prod",
    "var",
    "std",
    "norm",
    "max",
    "min",
    "flatten",
    "t",
]
POSITIVE = [
    "log",
    "log1p",
    "log2",
    "log10",
    "sqrt",
    "rsqrt",
    "reciprocal",
    "lgamma",
    "digamma",
    "acosh",
]
BINARY = [
    "add",
    "sub",
    "mul",
    "div",
    "pow",
    "atan2",
    "maximum",
    "minimum",
    "hypot",
    "logaddexp",
    "remainder",
]

LABELS = np.array([2, 0, 1])

SHAPES: dict[str, Function] = {
    "x + 2": lambda x: x + 2,
    "2 - x": lambda x: 2 - x,
    "2 / x": lambda x: 2 / x,
    "x ** 3": lambda x: x**3,
    "x ** -1": lambda x: x**-1,
    "2 ** x": lambda x: 2**x,
    "-x": lambda x: -x,
    "T": lambda x: x.T,
    "mT": lambda x: x.mT,
    "reshape": lambda x: x.reshape(4, -1),
    "reshape of a transpose": lambda x: x.t().reshape(-1),
    "unsqueeze, expand": lambda x: x.unsqueeze(1).expand(3, 2, 4),
    "squeeze": lambda x: x[:1].squeeze(),
    "permute": lambda x: x.permute(1, 0),
    "flip": lambda x: x.flip(0, 1),
    "sum of an axis": lambda x: x.sum(dim=1),
    "sum, keepdims": lambda x: x.sum(axis=0, keepdims=True),
    "mean of an axis": lambda x: x.mean(-1, keepdim=True),
    "amax": lambda x: x.amax(1),
    "cumsum": lambda x: x.cumsum(1),
    "logsumexp": lambda x: x.logsumexp(1),
    "softmax": lambda x: x.softmax(1),
    "log_softmax": lambda x: x.log_softmax(0),
    "clamp": lambda x: x.clamp(-0.5, 0.5),
    "cat": lambda x: functions.cat([x, x * x], 1),
    "stack": lambda x: functions.stack([x, x.exp()], 1),
    "where": lambda x: functions.where(x.detach() > 0, x, x * x),
    "x[0]": lambda x: x[0],
    "x[1:, ::2]": lambda x: x[1:, ::2],
    "x[None, ..., -1]": lambda x: x[None, ..., -1],
    "x[[0, 2, 0]]": lambda x: x[[0, 2, 0]],
    "x[:, [1, 1]]": lambda x: x[:, [1, 1]],
    "x[[0, 1], [2, 3]]": lambda x: x[[0, 1], [2, 3]],
    "x[mask]": lambda x: x[x.detach() > 0],
    "gelu": functional.gelu,
    "silu": functional.silu,
    "softplus": functional.softplus,
    "cross_entropy": lambda x: functional.cross_entropy(x, LABELS),
    "cross_entropy, sum": lambda x: functional.cross_entropy(x, LABELS, reduction="sum"),
}
SEVERAL: dict[str, tuple[Function, tuple[tuple[int, ...], ...]]] = {
    "matrix @ matrix": (lambda x, y: x @ y, ((3, 4), (4, 2))),
    "matrix @ vector": (lambda x, y: x @ y, ((3, 4), (4,))),
    "vector @ matrix": (lambda x, y: x @ y, ((4,), (4, 2))),
    "vector @ vector": (lambda x, y: x @ y, ((4,), (4,))),
    "stack @ matrix": (lambda x, y: x @ y, ((2, 3, 4), (4, 2))),
    "stack @ stack": (lambda x, y: x @ y, ((2, 1, 3, 4), (3, 4, 2))),
    "outer": (lambda x, y: x.outer(y), ((3,), (2,))),
    "linear": (functional.linear, ((2, 3), (4, 3), (4,))),
    "mse_loss": (functional.mse_loss, ((2, 3), (2, 3))),
    "bce": (functional.binary_cross_entropy_with_logits, ((2, 3), (2, 3))),
}


def tensors(shapes: tuple[tuple[int, ...], ...], low: float, high: float) -> list[fg.Tensor]:
    rng = np.random.default_rng(1)
    return [fg.tensor(rng.uniform(low, high, s), dtype=float, requires_grad=True) for s in shapes]


def check(function: Function, inputs: list[fg.Tensor], order: int = 2) -> None:
    """Gradients of a weighted sum of the result, and of such a sum of the gradients."""
    rng = np.random.default_rng(2)

    def weighted(values: tuple[fg.Tensor, ...], weights: list[fg.Tensor]) -> fg.Tensor:
        terms = [(v * w).sum() for v, w in zip(values, weights, strict=True)]
        return sum(terms[1:], terms[0])

    def scalar(*xs: fg.Tensor) -> fg.Tensor:
        return weighted((function(*xs),), weights)

    weights = [fg.tensor(np.asarray(rng.uniform(0.5, 1, function(*inputs).shape)))]
    compare(scalar, inputs)
    if order == 2:
        second = [fg.tensor(np.asarray(rng.uniform(0.5, 1, x.shape))) for x in inputs]

        def gradients(*xs: fg.Tensor) -> fg.Tensor:
            found = autograd.grad(scalar(*xs), xs, create_graph=True, materialize_grads=True)
            return weighted(found, second)

        compare(gradients, inputs)


def compare(scalar: Function, inputs: list[fg.Tensor]) -> None:
    output = scalar(*inputs)
    if not output.requires_grad:
        return
    found = autograd.grad(output, inputs, materialize_grads=True)
    for x, gradient in zip(inputs, found, strict=True):
        expected = differences(lambda: scalar(*inputs).item(), x._data)
        np.testing.assert_allclose(gradient.numpy(), expected, rtol=2e-6, atol=2e-6)


def differences(value: Callable[[], float], array: np.ndarray) -> np.ndarray:
    """Central differences; `array` is changed in place and put back."""
    result, step = np.zeros_like(array), 1e-6
    for index in np.ndindex(array.shape):
        before = array[index]
        array[index] = before + step
        above = value()
        array[index] = before - step
        result[index] = (above - value()) / (2 * step)
        array[index] = before
    return result


@pytest.mark.parametrize("name", UNARY)
def test_method(name: str) -> None:
    check(lambda x: getattr(x, name)(), tensors(((3, 4),), -1.3, 1.3))


@pytest.mark.parametrize("name", POSITIVE)
def test_method_of_positive_numbers(name: str) -> None:
    check(lambda x: getattr(x, name)(), tensors(((2, 3),), 1.2, 2.0))


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("shapes", [((2, 3), (2, 3)), ((2, 1), (3,)), ((), (3,)), ((3,), ())])
def test_method_of_two(name: str, shapes: tuple[tuple[int, ...], ...]) -> None:
    check(lambda x, y: getattr(x, name)(y), tensors(shapes, 0.3, 2.2))


@pytest.mark.parametrize("name", SHAPES)
def test_expression(name: str) -> None:
    check(SHAPES[name], tensors(((3, 4),), -1.3, 1.3))


@pytest.mark.parametrize("name", SEVERAL)
def test_expression_of_several(name: str) -> None:
    function, shapes = SEVERAL[name]
    check(function, tensors(shapes, 0.1, 0.9))


def test_a_third_derivative() -> None:
    x = fg.tensor(0.7, dtype=float, requires_grad=True)
    y = x.sigmoid() * x.exp()
    for _ in range(3):
        (y,) = autograd.grad(y, x, create_graph=True)
    s, e = 1 / (1 + np.exp(-0.7)), np.exp(0.7)
    first = s * (1 - s)
    second = first * (1 - 2 * s)
    third = first * (1 - 6 * s + 6 * s * s)
    assert y.item() == pytest.approx(e * (s + 3 * first + 3 * second + third))


def test_mixed_dtypes_give_gradients_of_their_own() -> None:
    x = fg.tensor([1.0, 2.0], requires_grad=True)
    y = fg.tensor(np.array([3.0, 4.0]), requires_grad=True)
    z = x * y
    z.sum().backward()
    assert (z.dtype, x.grad.dtype, y.grad.dtype) == (np.float64, np.float32, np.float64)
    assert (x.grad.tolist(), y.grad.tolist()) == ([3.0, 4.0], [1.0, 2.0])


@pytest.mark.parametrize(
    ("function", "at", "slope"),
    [
        (lambda x: x.abs(), 0.0, 0.0),
        (lambda x: x.relu(), 0.0, 0.0),
        (lambda x: x.norm(), 0.0, 0.0),
        (lambda x: x.sqrt(), 0.0, np.inf),
        (lambda x: x.clamp(-1, 1), 1.0, 1.0),
        (lambda x: x.maximum(fg.zeros(1)), 0.0, 0.5),
        (lambda x: functions.cat([x, x.detach()]).max(), 1.0, 0.5),
        (lambda x: x.floor(), 0.5, 0.0),
        (lambda x: x**0, 0.0, 0.0),
    ],
)
def test_values_at_kinks(function: Function, at: float, slope: float) -> None:
    x = fg.tensor([at], requires_grad=True)
    y = function(x)
    assert y.grad_fn is not None
    y.sum().backward()
    assert x.grad.item() == slope


def test_discrete_results_have_no_grad_fn() -> None:
    x = fg.ones(3, requires_grad=True)
    assert [y.requires_grad for y in (x > 0, x == 1, x.argmax(), x.isnan())] == [False] * 4
