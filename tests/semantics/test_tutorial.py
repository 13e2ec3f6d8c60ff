"""The tutorial's rules, rows 1 to 10 of the table of eager semantics."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

import fusegrad.runtime.eager as fg
from fusegrad.nn import functional
from fusegrad.runtime.eager import functions

Tensor = fg.Tensor


@pytest.fixture
def model() -> dict[str, Tensor]:
    fg.manual_seed(0)
    x, y = fg.ones(5), fg.zeros(3)
    w, b = fg.randn(5, 3, requires_grad=True), fg.randn(3, requires_grad=True)
    z = functions.matmul(x, w) + b
    loss = functional.binary_cross_entropy_with_logits(z, y)
    return {"x": x, "y": y, "w": w, "b": b, "z": z, "loss": loss}


def test_row_01_results_show_their_grad_fn(model: dict[str, Tensor]) -> None:
    assert re.fullmatch(r"<AddBackward0 object at 0x[0-9a-f]+>", repr(model["z"].grad_fn))
    assert "BinaryCrossEntropyWithLogitsBackward0 object" in repr(model["loss"].grad_fn)
    assert repr(model["z"]).endswith("grad_fn=<AddBackward0>)")
    assert type(model["z"].grad_fn).__name__ == "AddBackward0"


def test_row_02_next_functions_lead_to_the_leaves(model: dict[str, Tensor]) -> None:
    z = model["z"]
    assert model["loss"].grad_fn.next_functions == ((z.grad_fn, 0), (None, 0))
    leaf, number = z.grad_fn.next_functions[1]
    assert (leaf.name(), number) == ("AccumulateGrad", 0)
    assert leaf.variable is model["b"]
    assert leaf is z.grad_fn.next_functions[1][0]


def test_row_03_backward_fills_the_gradients(model: dict[str, Tensor]) -> None:
    model["loss"].backward()
    z = model["z"].detach().numpy()
    expected = 1 / (1 + np.exp(-z)) / 3
    np.testing.assert_allclose(model["b"].grad.numpy(), expected, rtol=1e-6)
    np.testing.assert_allclose(model["w"].grad.numpy(), np.tile(expected, (5, 1)), rtol=1e-6)


def test_row_04_second_backward_names_retain_graph(model: dict[str, Tensor]) -> None:
    model["loss"].backward()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        model["loss"].backward()


def test_row_05_no_grad_and_detach_stop_recording(model: dict[str, Tensor]) -> None:
    assert model["z"].requires_grad
    with fg.no_grad():
        assert not (functions.matmul(model["x"], model["w"]) + model["b"]).requires_grad
    assert not model["z"].detach().requires_grad


def test_row_06_gradients_accumulate_until_they_are_zeroed() -> None:
    inp = fg.eye(4, 5, requires_grad=True)
    out = (inp + 1).pow(2).t()
    assert out.grad_fn.name() == "TBackward0"
    once = 2 + 2 * np.eye(4, 5)
    for expected in (once, 2 * once):
        out.backward(fg.ones_like(out), retain_graph=True)
        np.testing.assert_array_equal(inp.grad.numpy(), expected)
    inp.grad.zero_()
    out.backward(fg.ones_like(out), retain_graph=True)
    np.testing.assert_array_equal(inp.grad.numpy(), once)


def test_row_07_the_graph_is_rebuilt_each_time() -> None:
    x = fg.tensor(2.0, requires_grad=True)
    names = []
    for i in range(2):
        y = x * x if i == 0 else x.exp()
        names.append(y.grad_fn.name())
        y.backward()
    assert names == ["MulBackward0", "ExpBackward0"]
    assert float(x.grad) == pytest.approx(4 + math.e**2)


def test_row_08_only_scalars_start_backward_by_themselves(model: dict[str, Tensor]) -> None:
    with pytest.raises(RuntimeError, match=r"implicitly.*scalar"):
        (model["w"] * 2).backward()


def test_row_09_a_gradient_of_another_shape_names_both(model: dict[str, Tensor]) -> None:
    with pytest.raises(RuntimeError, match=r"(?s)shape.*\[3\].*\[5, 3\]"):
        (model["w"] * 2).backward(fg.ones(3))


def test_row_10_what_requires_no_grad_has_no_backward(model: dict[str, Tensor]) -> None:
    with pytest.raises(RuntimeError, match="does not require grad"):
        fg.ones(1).backward()
    with fg.no_grad():
        y = (model["w"] * 2).sum()
    with pytest.raises(RuntimeError, match="does not require grad"):
        y.backward()
