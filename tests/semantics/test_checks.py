"""Checks and functional forms: rows 25, 45, 46 and 47 of the table of eager semantics."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from .backends import Backend, array, numbers


@contextmanager
def anomaly(lib: Backend, **options: bool) -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mode = lib.autograd.detect_anomaly(**options)
    with mode:
        yield


def test_row_25_anomaly_mode_shows_the_forward_call(lib: Backend) -> None:
    a = lib.leaf(1.0, 2.0)
    with anomaly(lib):
        b = lib.function(lambda x: lib.exp(x))(a)
        b.add_(1)
        with (
            pytest.warns(UserWarning, match=r"(?s)Error detected in .*test_checks\.py"),
            pytest.raises(RuntimeError, match="inplace operation"),
        ):
            b.sum().backward()


def test_row_25_entering_warns(eager: Backend) -> None:
    with pytest.warns(UserWarning, match=r"(?i)anomaly detection"):
        eager.autograd.detect_anomaly()
    with eager.autograd.set_detect_anomaly(True):
        assert eager.is_anomaly_enabled()
    assert not eager.is_anomaly_enabled()


def test_row_46_anomaly_mode_finds_the_first_nan(lib: Backend) -> None:
    def root(x: Any) -> Any:
        return lib.sqrt(x)

    x = lib.leaf(0.0)
    name = lib.node("SqrtBackward0", "root").replace("(", r"\(").replace(")", r"\)")
    with (
        anomaly(lib),
        pytest.warns(UserWarning, match="Error detected"),
        pytest.raises(RuntimeError, match=f"'{name}' returned nan"),
    ):
        (lib.function(root)(x) * 0).sum().backward()
    with anomaly(lib, check_nan=False):
        (lib.function(root)(x) * 0).sum().backward()
    assert np.isnan(array(x.grad)).all()


def wrong(lib: Backend) -> Any:
    class Wrong(lib.autograd.Function):  # type: ignore[misc,name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * x

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            return gradient

    return Wrong


def test_row_45_gradcheck_passes_what_is_right(lib: Backend) -> None:
    x, y = lib.leaf(0.5, 2.0), lib.leaf(1.5, -1.0)
    f = lib.function(lambda x, y: (lib.sin(x) * y, lib.exp(x)))
    assert lib.autograd.gradcheck(f, (x, y))
    assert lib.autograd.gradgradcheck(f, (x, y))
    assert lib.autograd.gradgradcheck(lib.function(lambda x: lib.sin(x)), x)


def test_row_45_gradcheck_finds_a_wrong_gradient(eager: Backend) -> None:
    x = eager.leaf(1.0, 1.0)
    f = wrong(eager).apply
    error = RuntimeError if eager.is_torch else eager.GradcheckError
    with pytest.raises(error, match=r"(?s)numerical.*analytical"):
        eager.autograd.gradcheck(f, x)
    assert not eager.autograd.gradcheck(f, x, raise_exception=False)
    assert eager.autograd.gradcheck(f, eager.leaf(0.5))  # there the two agree


def test_row_45_gradgradcheck_finds_a_wrong_second_derivative(eager: Backend) -> None:
    class Wrong(eager.autograd.Function):  # type: ignore[misc,name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            return 3 * ctx.saved_tensors[0].detach() ** 2 * gradient

    assert eager.autograd.gradcheck(Wrong.apply, eager.leaf(1.0, 2.0))
    with pytest.raises(RuntimeError, match="numerical"):
        eager.autograd.gradgradcheck(Wrong.apply, eager.leaf(1.0, 2.0))


def test_row_45_gradcheck_wants_double_precision(eager: Backend) -> None:
    x = eager.ones(1, requires_grad=True)
    with pytest.warns(UserWarning, match="double precision"):
        assert not eager.autograd.gradcheck(lambda x: x.sin(), x, raise_exception=False)
    with pytest.raises(ValueError, match="requires_grad=True"):
        eager.autograd.gradcheck(lambda x: x.sin(), eager.ones(1))


def test_row_47_jacobian(lib: Backend) -> None:
    x, y = lib.plain(1.0, 2.0), lib.plain(3.0, 4.0)
    jacobian = lib.functional.jacobian
    assert numbers(jacobian(lib.function(lambda x: x**2), x)) == [[2.0, 0.0], [0.0, 4.0]]
    found = jacobian(lib.function(lambda x, y: (x * y, x.sum())), (x, y))
    assert [[numbers(block) for block in row] for row in found] == [
        [[[3.0, 0.0], [0.0, 4.0]], [[1.0, 0.0], [0.0, 2.0]]],
        [[1.0, 1.0], [0.0, 0.0]],
    ]


def test_row_47_hessian(lib: Backend) -> None:
    x, y = lib.plain(1.0, 2.0), lib.plain(3.0, 4.0)
    hessian = lib.functional.hessian
    assert numbers(hessian(lib.function(lambda x: (x**3).sum()), x)) == [[6.0, 0.0], [0.0, 12.0]]
    found = hessian(lib.function(lambda x, y: (x * y).sum()), (x, y))
    nothing, one = [[0.0, 0.0], [0.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]
    assert [[numbers(block) for block in row] for row in found] == [[nothing, one], [one, nothing]]
    with pytest.raises(RuntimeError, match="single element"):
        hessian(lambda x: x**2, x)


def test_row_47_products(lib: Backend) -> None:
    x, v = lib.plain(1.0, 2.0), lib.plain(1.0, 3.0)
    square, cubes = lib.function(lambda x: x**2), lib.function(lambda x: (x**3).sum())
    for product in (lib.functional.vjp, lib.functional.jvp):
        value, found = product(square, x, v)
        assert (numbers(value), numbers(found)) == ([1.0, 4.0], [2.0, 12.0])
        assert not found.requires_grad
    for product in (lib.functional.hvp, lib.functional.vhp):
        value, found = product(cubes, x, v)
        assert (numbers(value), numbers(found)) == (9.0, [6.0, 36.0])


def test_row_47_arguments_are_checked(eager: Backend) -> None:
    x = eager.plain(1.0, 2.0)
    with pytest.raises(RuntimeError, match=r"can only be None|can be None only"):
        eager.functional.vjp(lambda x: x**2, x)
    with pytest.raises(RuntimeError, match="invalid size"):
        eager.functional.vjp(lambda x: x**2, x, eager.plain(1.0))
    with pytest.raises(TypeError, match="Tensor"):
        eager.functional.jacobian(lambda x: 3, x)
    constant = eager.plain(1.0, 1.0)
    with pytest.raises(RuntimeError, match="strict mode"):
        eager.functional.jacobian(lambda x: constant, x, strict=True)
    assert numbers(eager.functional.jacobian(lambda x: constant, x)) == [[0.0, 0.0], [0.0, 0.0]]


def test_row_47_create_graph(lib: Backend) -> None:
    x = lib.leaf(1.0, 2.0)
    found = lib.functional.jacobian(lib.function(lambda x: x**3), x, create_graph=True)
    found.sum().backward()
    assert numbers(x.grad) == [6.0, 12.0]


def test_gradients_of_a_batch(lib: Backend) -> None:
    w = lib.leaf(1.0, 2.0)
    y = lib.function(lambda x: x * x)(w)
    seeds = lib.eye(2, dtype=lib.float64)
    (rows,) = lib.autograd.grad(y, w, seeds, is_grads_batched=True, retain_graph=True)
    assert numbers(rows) == [[2.0, 0.0], [0.0, 4.0]]
    found = lib.autograd.grad(
        [y], [w, lib.leaf(1.0)], [seeds], is_grads_batched=True, allow_unused=True
    )
    assert found[1] is None
