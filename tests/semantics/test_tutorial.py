"""The tutorial's rules, rows 1 to 10 of the table of eager semantics."""

from __future__ import annotations

import math
import re
from types import SimpleNamespace

import numpy as np
import pytest

from .backends import Backend, array, numbers


@pytest.fixture
def model(lib: Backend) -> SimpleNamespace:
    lib.manual_seed(0)
    x, y = lib.ones(5), lib.zeros(3)
    w, b = lib.randn(5, 3, requires_grad=True), lib.randn(3, requires_grad=True)

    def layer(x, w, b):  # type: ignore[no-untyped-def]
        return lib.matmul(x, w) + b

    z = lib.function(layer)(x, w, b)
    loss = lib.nn_functional.binary_cross_entropy_with_logits(z, y)
    return SimpleNamespace(x=x, y=y, w=w, b=b, z=z, loss=loss, layer=lib.function(layer))


def test_row_01_results_show_their_grad_fn(lib: Backend, model: SimpleNamespace) -> None:
    name = lib.node("AddBackward0", "layer")
    assert model.z.grad_fn.name() == name
    assert re.fullmatch(rf"<{re.escape(name)} object at 0x[0-9a-f]+>", repr(model.z.grad_fn))
    assert repr(model.z).endswith(f"grad_fn=<{name}>)")
    assert "BinaryCrossEntropyWithLogitsBackward0 object" in repr(model.loss.grad_fn)


def test_row_02_next_functions_lead_to_the_leaves(lib: Backend, model: SimpleNamespace) -> None:
    z = model.z
    assert model.loss.grad_fn.next_functions[0] == (z.grad_fn, 0)
    leaf, number = z.grad_fn.next_functions[-1]
    assert (type(leaf).__name__, number) == ("AccumulateGrad", 0)
    assert leaf.variable is model.b
    assert leaf is z.grad_fn.next_functions[-1][0]
    if lib.is_compiled:
        assert [node and node.variable for node, _ in z.grad_fn.next_functions] == [
            None,
            model.w,
            model.b,
        ]


def test_row_03_backward_fills_the_gradients(model: SimpleNamespace) -> None:
    model.loss.backward()
    expected = 1 / (1 + np.exp(-array(model.z))) / 3
    np.testing.assert_allclose(array(model.b.grad), expected, rtol=1e-6)
    np.testing.assert_allclose(array(model.w.grad), np.tile(expected, (5, 1)), rtol=1e-6)


def test_row_04_second_backward_names_retain_graph(lib: Backend, model: SimpleNamespace) -> None:
    model.loss.backward()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        model.loss.backward()
    y = lib.function(lambda x: (x * x).sum())(model.b)
    y.backward()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        y.backward()


def test_row_05_no_grad_and_detach_stop_recording(lib: Backend, model: SimpleNamespace) -> None:
    assert model.z.requires_grad
    with lib.no_grad():
        assert not model.layer(model.x, model.w, model.b).requires_grad
    assert not model.z.detach().requires_grad


def test_row_06_gradients_accumulate_until_they_are_zeroed(lib: Backend) -> None:
    inp = lib.eye(4, 5, requires_grad=True)
    out = lib.function(lambda x: (x + 1) ** 2)(inp).t()
    assert out.grad_fn.name() == "TBackward0"
    once = 2 + 2 * np.eye(4, 5)
    for expected in (once, 2 * once):
        out.backward(lib.ones_like(out), retain_graph=True)
        np.testing.assert_array_equal(array(inp.grad), expected)
    inp.grad.zero_()
    out.backward(lib.ones_like(out), retain_graph=True)
    np.testing.assert_array_equal(array(inp.grad), once)


def test_row_07_the_graph_is_rebuilt_each_time(lib: Backend) -> None:
    def square(x):  # type: ignore[no-untyped-def]
        return x * x

    def power(x):  # type: ignore[no-untyped-def]
        return lib.exp(x)

    x = lib.tensor(2.0, requires_grad=True)
    names = []
    for i in range(2):
        y = lib.function(square if i == 0 else power)(x)
        names.append(y.grad_fn.name())
        y.backward()
    assert names == [lib.node("MulBackward0", "square"), lib.node("ExpBackward0", "power")]
    assert float(x.grad) == pytest.approx(4 + math.e**2)


def test_row_08_only_scalars_start_backward_by_themselves(lib: Backend) -> None:
    y = lib.function(lambda x: x * 2)(lib.leaf(1.0, 2.0))
    with pytest.raises(RuntimeError, match=r"implicitly.*scalar"):
        y.backward()


def test_row_09_a_gradient_of_another_shape_names_both(lib: Backend) -> None:
    y = lib.function(lambda x: x * 2)(lib.ones(5, 3, requires_grad=True))
    with pytest.raises(RuntimeError, match=r"(?s)shape.*\[3\].*\[5, 3\]"):
        y.backward(lib.ones(3))


def test_row_10_what_requires_no_grad_has_no_backward(lib: Backend) -> None:
    with pytest.raises(RuntimeError, match="does not require grad"):
        lib.ones(1).backward()
    double = lib.function(lambda x: (x * 2).sum())
    with lib.no_grad():
        y = double(lib.leaf(1.0))
    with pytest.raises(RuntimeError, match="does not require grad"):
        y.backward()
    with pytest.raises(RuntimeError, match="does not require grad"):
        double(lib.plain(1.0)).backward()
    assert numbers(y) == 2.0
