"""The methods of Tensors in functions: by eager mode, compiled, and by PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.runtime.compiled.paths import PathWarning

from .backends import Backend, numbers

X = [[1.0, 3.0, 2.0], [5.0, 4.0, 7.5]]

METHODS: dict[str, Callable[[Any], Any]] = {
    "std": lambda x: x.std(),
    "var along": lambda x: x.var(0),
    "std of all": lambda x: x.std(unbiased=False) * x.std(dim=1, keepdim=True),
    "max along": lambda x: x.max(1)[0] * x.max(1)[1],
    "min along": lambda x: x.min(dim=0, keepdim=True).values,
    "repeat": lambda x: x.repeat(2, 1),
    "transpose": lambda x: x.transpose(0, 1) @ x,
    "flatten": lambda x: x.flatten(1) * x,
    "squeeze": lambda x: x.squeeze(0),
    "sort": lambda x: x.sort().values * x.sort(descending=True)[0],
    "argsort": lambda x: x * x.argsort(descending=True),
    "sum": lambda x: x.sum(dim=1, keepdim=True) * x.mean(-1, True),
    "cut by item": lambda x: x * x.sum().item(),
    "elementary": lambda x: x.exp() * x.sigmoid() + x.relu().sqrt(),
    "shapes": lambda x: x.view(3, 2).unsqueeze(0).expand(2, 3, 2).permute(2, 0, 1),
    "softmax": lambda x: x.softmax(1) + x.log_softmax(dim=0),
    "masked_fill": lambda x: x.masked_fill(x > 3, 0.0).clamp(min=1.5),
    "double": lambda x: x.float().double() * x.to(x.dtype).type_as(x),
    "asked": lambda x: x * x.numel() + x.dim(),
    "clone": lambda x: x.clone() * x.contiguous(),
    "detach": lambda x: x * x.detach(),
    "detached twice": lambda x: (x * x).detach() * x.sin() + x.sin().detach(),
    "straight through": lambda x: x + (x.round() - x).detach(),
}


def slopes_of(lib: Backend, function: Callable[[Any], Any]) -> list[Any]:
    x = lib.module.tensor(X, dtype=lib.module.float64, requires_grad=True)
    y = lib.function(function)(x)
    (slope,) = lib.autograd.grad((y * y).sum(), x, create_graph=True)
    found = [y, slope]
    if slope.requires_grad:
        found += lib.autograd.grad((slope * slope).sum(), x)
    return [each.detach().numpy() for each in found]


@pytest.mark.parametrize("name", METHODS)
def test_a_method_means_what_it_means_of_tensors(lib: Backend, name: str) -> None:
    right = slopes_of(Backend("eager"), METHODS[name])
    for mine, expected in zip(slopes_of(lib, METHODS[name]), right, strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-6 if name == "double" else 1e-12)


def test_of_arrays_beside_tensors_numpys_methods_are_meant() -> None:
    function = fg.compile(lambda x, a: (x.std() + a.std(), x.max(1)[0] * a.max(1)))
    a = np.array(X)
    x = fg.tensor(a, requires_grad=True)
    for found, right in zip(function(x, a), (a.std(ddof=1) + a.std(), a.max(1) ** 2), strict=True):
        np.testing.assert_allclose(found.detach().numpy(), right)
    with pytest.raises(AttributeError, match="detach"):
        fg.compile(lambda x, a: x * a.detach())(x, a)
    assert float(fg.compile(lambda a: a.std())(a)) == pytest.approx(a.std())
    assert not fg.compile(lambda a: a * hasattr(a, "detach"))(a).any()


def test_what_is_detached_shares_its_elements(lib: Backend) -> None:
    x = lib.leaf(1.0, 2.0)
    shown = lib.function(lambda x: x.detach())(x)
    assert (shown.requires_grad, x._version) == (False, 0)
    shown += 1
    assert (numbers(x), x._version) == ([2.0, 3.0], 1)

    def changed(x: Any) -> Any:
        y = x * 2
        z = y.detach()
        y += 1
        return z * x

    x = lib.leaf(1.0, 2.0)
    lib.function(changed)(x).sum().backward()
    assert numbers(x.grad) == [3.0, 5.0]


@pytest.mark.filterwarnings("ignore")
def test_a_change_of_what_is_detached_is_seen(lib: Backend) -> None:
    def changed(x: Any) -> Any:
        y = x * 2
        z = y.detach()
        z += 1
        return (y * 3).sum()

    x = lib.leaf(1.0, 2.0)
    y = lib.function(changed)(x)
    y.backward()
    assert (float(y), numbers(x.grad)) == (24.0, [6.0, 6.0])


def switched_on(lib: Backend) -> Callable[[Any], Any]:
    def function(x: Any) -> Any:
        with lib.enable_grad():
            y = (x * x).sum()
        return y, x * 2

    return function


@pytest.mark.filterwarnings("ignore")
def test_gradients_are_switched_on_under_no_grad(lib: Backend) -> None:
    function, x = lib.function(switched_on(lib)), lib.leaf(1.0, 2.0)
    for _ in range(2):
        assert [y.requires_grad for y in function(x)] == [True, True]
        with lib.no_grad():
            recorded, other = function(x)
        assert [recorded.requires_grad, other.requires_grad] == [True, False]
        assert numbers(lib.autograd.grad(recorded, x)[0]) == [2.0, 4.0]


def test_nothing_is_recorded_in_inference_mode(lib: Backend) -> None:
    function, x = lib.function(switched_on(lib)), lib.leaf(1.0, 2.0)
    for _ in range(2):
        with lib.module.inference_mode():
            assert [y.requires_grad for y in function(x)] == [False, False]
            with lib.module.inference_mode(mode=False):
                assert (x * x).requires_grad
        assert [y.requires_grad for y in function(x)] == [True, True]


def test_a_call_that_runs_eagerly_says_so() -> None:
    with fg.no_grad(), pytest.warns(PathWarning, match=r"switches gradients on under no_grad\(\)"):
        fg.compile(switched_on(Backend("eager")))(fg.ones(2, requires_grad=True))
