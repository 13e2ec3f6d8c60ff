"""Every operator of the table: gradients to second order, dtypes, and compiled."""

from __future__ import annotations

import json
import types
import warnings
from typing import Any

import numpy as np
import pytest

import fusegrad
import fusegrad.runtime.eager as fg
from fusegrad import linalg, special
from fusegrad.nn import functional as nn_functional
from fusegrad.runtime.eager import functions
from fusegrad.runtime.eager.backward.autograd import grad

from . import family_table, late_table, layer_table, wider_table  # noqa: F401  (they add cases)
from .operator_table import CASES, ROUGH, SUMS, Case, compiled_names, outputs_of, sum_of

STEP = 1e-5
WRITTEN = json.loads(SUMS.read_text())


class Namespace:
    """fusegrad's functions, where constants are Tensors (or arrays, for compiled functions)."""

    linalg = linalg
    special = special
    nn = types.SimpleNamespace(functional=nn_functional)

    def __init__(self, wrap: Any, dtype: Any = np.float64) -> None:
        self.wrap, self.dtype = wrap, dtype
        self.eye3 = wrap(np.eye(3, dtype=dtype))

    def __getattr__(self, name: str) -> Any:
        return getattr(functions, name)

    def index(self, values: Any) -> Any:
        return self.wrap(np.asarray(values))

    def vector(self, values: Any) -> Any:
        return self.wrap(np.asarray(values, self.dtype))


TENSORS = Namespace(fg.tensor)
ARRAYS = Namespace(np.asarray)
SINGLE = Namespace(fg.tensor, np.float32)

names = pytest.mark.parametrize("name", CASES)


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def leaves(arrays: list[np.ndarray]) -> list[fg.Tensor]:
    return [fg.tensor(x, requires_grad=True) for x in arrays]


def run(case: Case, arrays: list[np.ndarray]) -> list[np.ndarray]:
    with fg.no_grad():
        results = case.expression(TENSORS, *map(fg.tensor, arrays))
    return [np.asarray(x._data) for x in outputs_of(results)]


def seeds_of(outputs: list[Any]) -> list[np.ndarray]:
    rng = np.random.default_rng(7)
    return [rng.uniform(0.5, 1.5, x.shape) for x in outputs]


def gradients(
    case: Case, xs: list[fg.Tensor], *, create_graph: bool = False
) -> tuple[fg.Tensor | None, ...] | None:
    """Of a weighted sum of what the expression gives; None where nothing is differentiable."""
    outputs = outputs_of(case.expression(TENSORS, *xs))
    pairs = zip(outputs, seeds_of(outputs), strict=True)
    linked = [(x, fg.tensor(seed)) for x, seed in pairs if x.requires_grad]
    if not linked:
        return None
    found, seeds = zip(*linked, strict=True)
    return grad(found, xs, seeds, allow_unused=True, create_graph=create_graph)


def weighted(case: Case, arrays: list[np.ndarray]) -> float:
    outputs = run(case, arrays)
    floats = [
        (x, seed) for x, seed in zip(outputs, seeds_of(outputs), strict=True) if x.dtype.kind == "f"
    ]
    return float(sum(np.sum(x * seed) for x, seed in floats))


def moved(arrays: list[np.ndarray], direction: list[np.ndarray], t: float) -> list[np.ndarray]:
    return [x + t * d for x, d in zip(arrays, direction, strict=True)]


def direction_for(arrays: list[np.ndarray], seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.uniform(-1, 1, x.shape) for x in arrays]


def inner(xs: Any, ys: Any) -> float:
    return float(sum(np.sum(x * y) for x, y in zip(xs, ys, strict=True)))


def plain(found: Any, arrays: list[np.ndarray]) -> list[np.ndarray]:
    return [
        np.zeros_like(x) if g is None else g.detach().numpy()
        for g, x in zip(found, arrays, strict=True)
    ]


@names
def test_its_value_is_pytorchs(name: str) -> None:
    if name not in WRITTEN:
        pytest.skip("not written down yet, which takes PyTorch")
    found = sum_of(run(CASES[name], CASES[name].operands()))
    tolerance = 1e-5 if name in ROUGH else 1e-9
    assert found == pytest.approx(WRITTEN[name], rel=tolerance, abs=tolerance)


@names
def test_gradient_agrees_with_differences(name: str) -> None:
    case = CASES[name]
    arrays = case.operands()
    found = gradients(case, leaves(arrays))
    if found is None:
        return
    for seed in (1, 2):
        direction = direction_for(arrays, seed)
        ends = [weighted(case, moved(arrays, direction, t)) for t in (STEP, -STEP)]
        expected = (ends[0] - ends[1]) / (2 * STEP)
        assert inner(plain(found, arrays), direction) == pytest.approx(expected, rel=2e-6, abs=2e-7)


@names
def test_second_order_agrees_with_differences(name: str) -> None:
    case = CASES[name]
    arrays = case.operands()
    xs = leaves(arrays)
    found = gradients(case, xs, create_graph=True)
    if found is None:
        return
    weights = direction_for(arrays, 3)
    linked = [
        (g, fg.tensor(w))
        for g, w in zip(found, weights, strict=True)
        if g is not None and g.requires_grad
    ]
    second: Any = None
    if linked:
        outputs, seeds = zip(*linked, strict=True)
        second = grad(outputs, xs, seeds, allow_unused=True)
    direction = direction_for(arrays, 4)
    ends = []
    for t in (STEP, -STEP):
        at = moved(arrays, direction, t)
        ends.append(inner(plain(gradients(case, leaves(at)), at), weights))
    expected = (ends[0] - ends[1]) / (2 * STEP)
    got = inner(plain(second, arrays), direction) if second else 0.0
    assert got == pytest.approx(expected, rel=1e-5, abs=1e-6)


@names
def test_single_precision_stays(name: str) -> None:
    case = CASES[name]
    arrays = case.operands()
    xs = leaves([x.astype(np.float32) for x in arrays])
    outputs = outputs_of(case.expression(SINGLE, *xs))
    for single, double in zip(outputs, run(case, arrays), strict=True):
        if double.dtype.kind != "f" or name.startswith("float_power"):
            continue
        assert single.dtype == np.float32
        np.testing.assert_allclose(single.detach().numpy(), double, rtol=2e-3, atol=2e-4)
        if single.requires_grad:
            found = grad(single.sum(), xs, allow_unused=True, retain_graph=True)
            assert {g.dtype for g in found if g is not None} <= {np.dtype(np.float32)}


@names
def test_strides_do_not_matter(name: str) -> None:
    case = CASES[name]
    arrays = case.operands()
    strided = [np.repeat(x, 2, -1)[..., ::2] if x.ndim else x for x in arrays]
    for found, expected in zip(run(case, strided), run(case, arrays), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


@names
def test_arrays_give_arrays(name: str) -> None:
    case = CASES[name]
    arrays = case.operands()
    results = outputs_of(case.expression(ARRAYS, *arrays))
    for found, expected in zip(results, run(case, arrays), strict=True):
        array = found._data if hasattr(found, "_data") else found
        assert isinstance(array, np.ndarray | np.generic)
        np.testing.assert_allclose(array, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", compiled_names())
def test_compiled_gives_the_same(name: str) -> None:
    case = CASES[name]
    arrays = case.operands()
    compiled = fusegrad.compile(lambda *xs: tuple(outputs_of(case.expression(ARRAYS, *xs))))
    for found, expected in zip(compiled(*arrays), run(case, arrays), strict=True):
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", compiled_names())
def test_compiled_gradient_is_the_eager_one(name: str) -> None:
    case = CASES[name]
    arrays = case.operands()
    expected = gradients(case, leaves(arrays))
    if expected is None:
        return

    def total(*xs: Any) -> Any:
        outputs = outputs_of(case.expression(ARRAYS, *xs))
        pairs = zip(outputs, seeds_of(outputs), strict=True)
        return sum((x * seed).sum() for x, seed in pairs if x.dtype.kind == "f")

    found = fusegrad.grad(total, argnums=tuple(range(len(arrays))))(*arrays)
    for x, y in zip(found, plain(expected, arrays), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-11)
