"""Every method with an underscore: it gives the tensor what its function gives, and gradients."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import fusegrad.runtime.eager as fg
from fusegrad import autograd
from fusegrad.runtime.eager.family_methods import _IN_PLACE

RNG = np.random.default_rng(0)
X, Y, Z = RNG.uniform(1.1, 1.9, (3, 3, 3))
ROWS = fg.tensor([[0, 1], [1, 0], [2, 1]])
ORDER = fg.tensor([2, 0, 1])

BELOW_1 = ["acos", "arccos", "asin", "arcsin", "atanh", "arctanh", "logit", "erfinv"]
WHOLE = [
    "gcd",
    "lcm",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "bitwise_left_shift",
    "bitwise_right_shift",
]
OF_TWO = [
    "add",
    "sub",
    "mul",
    "div",
    "pow",
    "atan2",
    "arctan2",
    "hypot",
    "copysign",
    "remainder",
    "fmod",
    "floor_divide",
    "float_power",
    "subtract",
    "multiply",
    "divide",
    "true_divide",
    "xlogy",
    "ldexp",
    "nextafter",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "not_equal",
    "logical_and",
    "logical_or",
    "logical_xor",
    "heaviside",
]
Y2, Z2 = fg.tensor(Y), fg.tensor(Z)
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(OF_TWO, (Y2,)),
    **{name: (fg.tensor([[1, 2, 3]]),) for name in WHOLE},
    "addcmul": (Y2, Z2),
    "addcdiv": (Y2, Z2),
    "lerp": (Y2, 0.3),
    "addmm": (Y2, Z2),
    "addmv": (Y2, Z2[0]),
    "addr": (Y2[0], Z2[0]),
    "baddbmm": (Y2[None], Z2[None]),
    "addbmm": (Y2[None], Z2[None]),
    "clamp": (1.2, 1.5),
    "clip": (1.2, 1.5),
    "clamp_max": (1.5,),
    "clamp_min": (1.5,),
    "cumsum": (1,),
    "cumprod": (1,),
    "scatter": (1, ROWS, Y2),
    "scatter_add": (1, ROWS, Y2),
    "scatter_reduce": (1, ROWS, Y2, "prod"),
    "index_add": (0, ORDER, Y2),
    "index_copy": (0, ORDER, Y2),
    "index_reduce": (0, ORDER, Y2, "amax"),
    "index_fill": (0, ORDER[:1], 0.5),
    "index_put": ((ORDER,), Y2),
    "put": (ORDER[:2], Y2[0, :2]),
    "masked_fill": (Y2 > 1.5, 0.0),
    "masked_scatter": (Y2 > 1.5, Z2),
    "mvlgamma": (2,),
    "polygamma": (1,),
    "renorm": (2, 0, 1.0),
}
NAMES = [*_IN_PLACE.split(), "add", "sub", "mul", "div", "pow", "neg", "exp", "sqrt", "polygamma"]


def start(name: str) -> fg.Tensor:
    if name in WHOLE or name == "bitwise_not":
        return fg.tensor(np.round(X * 4).astype(np.int64))
    x = X - 1.05 if name in BELOW_1 else X
    x = {"baddbmm": x[None], "addmv": x[0]}.get(name, x)
    return fg.tensor(x, requires_grad=True)


@pytest.mark.parametrize("name", sorted(set(NAMES)))
def test_it_is_its_function_in_place(name: str) -> None:
    arguments = ARGUMENTS.get(name, ())
    x, same = start(name), start(name)
    expected = getattr(x * 1, name)(*arguments).to(x.dtype)
    changed = same * 1
    version = changed._version
    assert getattr(changed, f"{name}_")(*arguments) is changed
    np.testing.assert_allclose(changed.detach().numpy(), expected.detach().numpy())
    assert changed._version > version
    if not expected.requires_grad:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        weights = fg.tensor(np.arange(1.0, x.numel() + 1).reshape(x.shape))
        found = autograd.grad((changed * weights).sum(), same)
        wanted = autograd.grad((expected * weights).sum(), x)
    np.testing.assert_allclose(found[0].numpy(), wanted[0].numpy())


@pytest.mark.parametrize("name", sorted({*NAMES} - {*WHOLE, "bitwise_not"}))
def test_a_leaf_that_requires_grad_stays(name: str) -> None:
    x = start(name)
    with pytest.raises(RuntimeError, match="leaf"):
        getattr(x, f"{name}_")(*ARGUMENTS.get(name, ()))
    np.testing.assert_array_equal(x.detach().numpy(), start(name).detach().numpy())
