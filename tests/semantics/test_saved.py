"""What is saved for backward: rows 38, 39 and 43 of the table of eager semantics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .backends import Backend, array, numbers


class Counted:
    """Hooks that keep copies, and count."""

    def __init__(self, lib: Backend) -> None:
        self.lib, self.packed, self.unpacked = lib, 0, 0

    def pack(self, x: Any) -> np.ndarray:
        self.packed += 1
        return x.numpy(force=True).copy()

    def unpack(self, kept: np.ndarray) -> Any:
        self.unpacked += 1
        return self.lib.from_numpy(kept)


def test_row_38_hooks_pack_what_is_saved(lib: Backend) -> None:
    a, counted = lib.leaf(1.0, 2.0), Counted(lib)
    with lib.graph.saved_tensors_hooks(counted.pack, counted.unpack):
        y = lib.function(lambda x: (lib.exp(x) * x).sum())(a)
    y.backward()
    np.testing.assert_allclose(array(a.grad), np.exp(array(a)) * (1 + array(a)))
    assert counted.packed == counted.unpacked > 0
    if not lib.is_compiled:
        assert counted.packed == 3


def test_row_38_what_was_packed_differentiates_twice(lib: Backend) -> None:
    a, counted = lib.leaf(0.5, 2.0), Counted(lib)
    with lib.graph.saved_tensors_hooks(counted.pack, counted.unpack):
        y = lib.function(lambda x: (lib.exp(x) * x).sum())(a)
    (first,) = lib.autograd.grad(y, a, create_graph=True)
    (second,) = lib.autograd.grad(first.sum(), a)
    np.testing.assert_allclose(array(second), np.exp(array(a)) * (2 + array(a)))


def test_row_38_the_innermost_hooks_act(lib: Backend) -> None:
    a, outer, inner = lib.leaf(1.0), Counted(lib), Counted(lib)
    square = lib.function(lambda x: x * x)
    with lib.graph.saved_tensors_hooks(outer.pack, outer.unpack):
        with lib.graph.saved_tensors_hooks(inner.pack, inner.unpack):
            square(a)
        assert outer.packed == 0
        square(a)
    assert outer.packed == inner.packed > 0
    square(a)
    assert outer.packed == inner.packed


def test_row_38_hooks_of_in_place_changes_and_custom_functions(eager: Backend) -> None:
    class Cube(eager.autograd.Function):  # type: ignore[misc,name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            return 3 * ctx.saved_tensors[0] ** 2 * gradient

    a = eager.leaf(1.0, 2.0)
    kept: list[Any] = []
    with eager.graph.saved_tensors_hooks(lambda x: kept.append(x) or x, lambda x: x):
        y = Cube.apply(a)
        y.sin_()
    y.sum().backward()
    v = array(a)
    np.testing.assert_allclose(array(a.grad), np.cos(v**3) * 3 * v**2)
    assert len(kept) == 2


def test_row_38_unpacking_gives_a_tensor(eager: Backend) -> None:
    with eager.graph.saved_tensors_hooks(lambda x: x, lambda x: 5):
        y = eager.leaf(1.0).exp()
    with pytest.raises(TypeError, match="unpack_hook"):
        y.backward()


def test_row_38_packing_leaves_the_tensor_as_it_is(eager: Backend) -> None:
    with (
        eager.graph.saved_tensors_hooks(lambda x: x.add_(1), lambda x: x),
        pytest.raises(RuntimeError, match=r"in place|inplace"),
    ):
        eager.leaf(1.0).exp()


def test_row_38_hooks_can_be_disabled(eager: Backend) -> None:
    hooks = eager.graph.saved_tensors_hooks
    with (
        eager.graph.disable_saved_tensors_hooks("not here"),
        pytest.raises(RuntimeError, match="not here"),
        hooks(lambda x: x, lambda x: x),
    ):
        pass


def test_row_39_saved_values_can_be_read_before_backward(eager: Backend) -> None:
    w = eager.leaf(1.0, 2.0)
    y = w**2
    assert y.grad_fn._saved_self is w
    assert y.grad_fn._saved_exponent == 2
    assert w.exp().grad_fn._saved_result.grad_fn.name() == "ExpBackward0"
    y.sum().backward()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        _ = y.grad_fn._saved_self


def test_row_43_what_inference_mode_made_is_not_saved(lib: Backend) -> None:
    w = lib.leaf(1.0, 2.0)
    with lib.inference_mode():
        x = lib.plain(3.0, 4.0)
        x.add_(1)
        assert not (w * 2).requires_grad
        assert lib.is_inference_mode_enabled()
        assert not lib.is_grad_enabled()
    assert x.is_inference()
    with pytest.raises(RuntimeError, match=r"(?i)inference tensors cannot be saved for backward"):
        lib.function(lambda a, b: a * b)(w, x)
    assert numbers(w + x) == [5.0, 7.0]
    assert not (w * x.clone()).is_inference()


def test_row_43_what_inference_mode_made_is_not_changed_outside(eager: Backend) -> None:
    with eager.inference_mode():
        x = eager.ones(2)
    for mode in (eager.enable_grad, eager.no_grad):
        with (
            mode(),
            pytest.raises(RuntimeError, match=r"(?i)inplace update to inference|an inplace"),
        ):
            x.add_(1)
    with pytest.raises(RuntimeError, match=r"(?i)inference"):
        x.requires_grad_()
    with pytest.raises(RuntimeError, match=r"(?i)version"):
        _ = x._version
    assert (x[0].is_inference(), x.detach().is_inference()) == (True, True)
    assert not (x * 2).is_inference()


def test_row_43_a_view_made_in_inference_mode(eager: Backend) -> None:
    w = eager.ones(2, requires_grad=True) * 1
    with eager.inference_mode():
        view, copy = w[0], w.clone()
    assert (view.is_inference(), copy.is_inference()) == (False, True)
    with pytest.raises(RuntimeError, match="inference mode"):
        view.mul_(2)


def test_row_43_inference_mode_is_a_decorator(eager: Backend) -> None:
    @eager.inference_mode()
    def made() -> Any:
        return eager.ones(1)

    assert made().is_inference()
    with eager.inference_mode(), eager.inference_mode(False):
        assert not eager.ones(1).is_inference()
        assert eager.is_grad_enabled()
    assert not eager.ones(1).is_inference()
