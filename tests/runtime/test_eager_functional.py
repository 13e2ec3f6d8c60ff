"""nn.functional and optim, against formulas written out here."""

from __future__ import annotations

import math

import numpy as np
import pytest

import fusegrad.runtime.eager as fg
from fusegrad.nn import functional as nn
from fusegrad.optim import SGD, Adam, Optimizer

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 3))
LABELS = np.array([0, 2, 1, 1])


def log_softmax(x: np.ndarray) -> np.ndarray:
    return x - np.log(np.exp(x).sum(1, keepdims=True))


def test_cross_entropy() -> None:
    picked = -log_softmax(X)[np.arange(4), LABELS]
    for how, expected in (("mean", picked.mean()), ("sum", picked.sum()), ("none", picked)):
        np.testing.assert_allclose(nn.cross_entropy(X, LABELS, reduction=how), expected)
        found = nn.cross_entropy(fg.tensor(X), fg.tensor(LABELS), reduction=how)
        np.testing.assert_allclose(found.numpy(), expected)


def test_cross_entropy_leaves_out_what_is_ignored() -> None:
    labels = np.array([0, -100, 1, 1])
    picked = -log_softmax(X)[[0, 2, 3], [0, 1, 1]]
    np.testing.assert_allclose(nn.cross_entropy(X, labels), picked.mean())
    weight = np.array([1.0, 3.0, 0.5])
    weighted = (picked * weight[[0, 1, 1]]).sum() / weight[[0, 1, 1]].sum()
    np.testing.assert_allclose(nn.cross_entropy(X, labels, weight), weighted)


def test_cross_entropy_of_probabilities_and_smoothing() -> None:
    p = np.full((4, 3), 1 / 3)
    expected = -log_softmax(X).mean(1).mean()
    np.testing.assert_allclose(nn.cross_entropy(fg.tensor(X), fg.tensor(p)).item(), expected)
    smooth = nn.cross_entropy(X, LABELS, label_smoothing=0.3)
    np.testing.assert_allclose(smooth, 0.7 * nn.cross_entropy(X, LABELS) + 0.3 * expected)


def test_cross_entropy_of_one_sample_and_of_images() -> None:
    np.testing.assert_allclose(nn.cross_entropy(X[0], 1), -log_softmax(X)[0, 1])
    images = RNG.normal(size=(2, 3, 5))
    labels = RNG.integers(0, 3, (2, 5))
    rows, each = images.transpose(0, 2, 1).reshape(-1, 3), labels.ravel()
    np.testing.assert_allclose(nn.cross_entropy(images, labels), nn.cross_entropy(rows, each))


def test_cross_entropy_refuses_what_does_not_fit() -> None:
    x = fg.tensor(X)
    with pytest.raises(IndexError):
        nn.cross_entropy(x, fg.tensor([0, 1, 2, 3]))
    with pytest.raises(ValueError, match="target size"):
        nn.cross_entropy(x, fg.tensor([0, 1]))
    with pytest.raises(ValueError, match="reduction"):
        nn.cross_entropy(x, fg.tensor(LABELS), reduction="average")


def test_binary_cross_entropy_does_not_overflow() -> None:
    x = fg.tensor([-1000.0, 0.0, 1000.0], requires_grad=True)
    loss = nn.binary_cross_entropy_with_logits(x, fg.tensor([1.0, 0.0, 0.0]), reduction="none")
    assert loss.tolist() == pytest.approx([1000.0, math.log(2), 1000.0])
    loss.sum().backward()
    assert x.grad.tolist() == [-1.0, 0.5, 1.0]
    with pytest.raises(ValueError, match=r"\[2\].*\[3\]"):
        nn.binary_cross_entropy_with_logits(x, fg.ones(2))


def test_binary_cross_entropy_weights() -> None:
    y, w, p = RNG.uniform(size=(4, 3)), RNG.uniform(size=3), RNG.uniform(size=3)
    s = 1 / (1 + np.exp(-X))
    expected = -(w * (p * y * np.log(s) + (1 - y) * np.log(1 - s))).mean()
    found = nn.binary_cross_entropy_with_logits(X, y, w, pos_weight=p)
    np.testing.assert_allclose(found, expected)


def test_mse_loss_names_shapes_that_do_not_fit() -> None:
    with pytest.warns(UserWarning, match="broadcasting"), pytest.raises(RuntimeError, match="must"):
        nn.mse_loss(fg.ones(2), fg.ones(3))


def test_linear() -> None:
    w, b = RNG.normal(size=(2, 3)), RNG.normal(size=2)
    np.testing.assert_allclose(nn.linear(X, w, b), X @ w.T + b)
    y = nn.linear(fg.tensor(X, requires_grad=True), fg.tensor(w), fg.tensor(b))
    assert y.grad_fn.name() == "AddmmBackward0"
    np.testing.assert_allclose(y.detach().numpy(), X @ w.T + b)


@pytest.mark.parametrize("name", ["relu", "sigmoid", "softplus", "silu", "gelu", "tanh", "elu"])
def test_activations_take_tensors_and_arrays(name: str) -> None:
    function = getattr(nn, name)
    np.testing.assert_allclose(function(fg.tensor(X)).numpy(), function(X))


def test_softmax_sums_to_one() -> None:
    np.testing.assert_allclose(nn.softmax(fg.tensor(X), dim=1).sum(1).numpy(), 1)
    np.testing.assert_allclose(nn.log_softmax(X, axis=-1), log_softmax(X))
    with pytest.raises(TypeError, match="dim"):
        nn.softmax(fg.tensor(X))


# --- optimisers: the recurrences, one parameter, gradients that are given ---

GRADIENTS = [np.array([0.5, -2.0]), np.array([1.5, 0.25]), np.array([-0.75, 1.0])]


def run(make_optimizer: object) -> tuple[list[float], Optimizer]:
    x = fg.tensor(np.array([1.0, -1.0]), requires_grad=True)
    optimizer: Optimizer = make_optimizer([x])  # type: ignore[operator]
    for gradient in GRADIENTS:
        x.grad = fg.tensor(gradient)
        optimizer.step()
    return x.tolist(), optimizer


@pytest.mark.parametrize("decay", [0, 0.1])
@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
def test_sgd(momentum: float, decay: float, nesterov: bool) -> None:
    x, b = np.array([1.0, -1.0]), None
    for gradient in GRADIENTS:
        d = gradient + decay * x
        b = d if b is None else momentum * b + d
        x = x - 0.1 * (d + momentum * b if nesterov else b if momentum else d)
    options = {"momentum": momentum, "weight_decay": decay, "nesterov": nesterov}
    found, _ = run(lambda params: SGD(params, lr=0.1, **options))
    np.testing.assert_allclose(found, x, rtol=1e-14)


@pytest.mark.parametrize("decay", [0, 0.1])
def test_adam(decay: float) -> None:
    x, m, v = np.array([1.0, -1.0]), 0.0, 0.0
    for t, gradient in enumerate(GRADIENTS, 1):
        g = gradient + decay * x
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
        x = x - 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.99**t)) + 1e-8)
    options = {"betas": (0.9, 0.99), "weight_decay": decay}
    found, _ = run(lambda params: Adam(params, lr=0.1, **options))
    np.testing.assert_allclose(found, x, rtol=1e-12)


def test_a_step_is_counted_as_a_change_in_place() -> None:
    x = fg.ones(2, requires_grad=True)
    loss = (x * x).sum()
    x.grad = fg.ones(2)
    SGD([x], lr=0.1).step()
    assert (x._version, x.is_leaf, x.requires_grad) == (1, True, True)
    with pytest.raises(RuntimeError, match="inplace operation"):
        loss.backward()


def test_zero_grad() -> None:
    x = fg.ones(2, requires_grad=True)
    optimizer = SGD([x], lr=0.1)
    x.grad = fg.ones(2)
    optimizer.zero_grad(set_to_none=False)
    assert x.grad.tolist() == [0.0, 0.0]
    optimizer.zero_grad()
    assert x.grad is None
    optimizer.step()
    assert x.tolist() == [1.0, 1.0]


def test_groups_have_options_of_their_own() -> None:
    x, y = fg.ones(1, requires_grad=True), fg.ones(1, requires_grad=True)
    optimizer = SGD([{"params": [x]}, {"params": [y], "lr": 0.5}], lr=0.25)
    x.grad, y.grad = fg.ones(1), fg.ones(1)
    optimizer.step()
    assert (x.item(), y.item()) == (0.75, 0.5)


def test_the_state_goes_over_to_another_optimizer() -> None:
    _, first = run(lambda params: Adam(params, lr=0.1))
    x = fg.tensor(np.array([1.0, -1.0]), requires_grad=True)
    second = Adam([x], lr=0.5)
    second.load_state_dict(first.state_dict())
    assert second.param_groups[0]["lr"] == 0.1
    assert second.state[x]["step"] == 3
    with pytest.raises(ValueError, match="match"):
        Adam([x, fg.ones(1, requires_grad=True)]).load_state_dict(first.state_dict())


def test_a_closure_is_called_with_recording_on() -> None:
    x = fg.ones(1, requires_grad=True)
    optimizer = SGD([x], lr=0.1)

    def closure() -> fg.Tensor:
        optimizer.zero_grad()
        loss = (x * x).sum()
        loss.backward()
        return loss

    with fg.no_grad():
        assert optimizer.step(closure).item() == 1.0
    assert x.item() == pytest.approx(0.8)


def test_bad_options() -> None:
    x = fg.ones(1, requires_grad=True)
    with pytest.raises(ValueError, match="lr"):
        SGD([x], lr=-1)
    with pytest.raises(ValueError, match="Nesterov"):
        SGD([x], nesterov=True)
    with pytest.raises(ValueError, match="beta"):
        Adam([x], betas=(1.0, 0.9))
    with pytest.raises(ValueError, match="empty"):
        SGD([])
    with pytest.raises(TypeError):
        SGD(x)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="non-leaf"):
        SGD([x * 2])
    with pytest.warns(UserWarning, match="duplicate"):
        SGD([x, x])
    with pytest.raises(ValueError, match="more than one"):
        SGD([{"params": [x]}, {"params": [x]}])
