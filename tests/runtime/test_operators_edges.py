"""The table of operators against PyTorch at its edges: no axes, no elements, one element, float32,
memory that is not contiguous. Where PyTorch raises there is nothing to compare.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad.runtime.eager as fg
from fusegrad.runtime.eager.backward.autograd import grad

from .operator_table import CASES, Case, Shapes, outputs_of

torch = pytest.importorskip("torch")

from .test_operators_against_pytorch import (  # noqa: E402  (it needs torch)
    LAST_STAYS,
    ROUGH,
    Ours,
    Side,
    Theirs,
    ours,
    theirs,
    undifferentiated,
)

EDGES: dict[str, Callable[[tuple[int, ...]], tuple[int, ...]]] = {
    "without axes": lambda shape: (),
    "empty first axis": lambda shape: (0, *shape[1:]) if shape else shape,
    "empty last axis": lambda shape: (*shape[:-1], 0) if shape else shape,
    "one element": lambda shape: (1,) * len(shape),
}
# PyTorch crashes on the first; it reads out of bounds, leaves the shape as it was, gives an index
# into the padding, and requires no grad of a constant, or a grad of residuals that are not there.
OTHERWISE = {
    "nn.pdist",
    "take_along_dim",
    "nn.pixel_unshuffle",
    "nn.max_pool2d indices",
    "trapezoid",
    "trapezoid x",
    "trapezoid dim",
    "linalg.lstsq all",
}
# Norms, attention and losses over no elements may raise here.
RAISES = {
    "linalg.norm 2",
    "linalg.matrix_norm 1",
    "nn.cross_entropy probabilities",
    "nn.attention",
    "nn.attention causal",
}
# Its derivative there counts a triangle that its value does not read.
OTHER_GRADIENT = {"cholesky_inverse"}


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def has_gradient(name: str) -> bool:
    """Whether the gradient is to be PyTorch's."""
    return name not in OTHER_GRADIENT | LAST_STAYS and not undifferentiated(name)


def attempt(run: Callable[[], Any]) -> Any:
    """What a library gives; None where it raises."""
    try:
        return run()
    except (RuntimeError, IndexError, ValueError, TypeError, ZeroDivisionError):
        return None


def array(x: Any) -> np.ndarray:
    found: np.ndarray = x.detach().numpy(force=True)
    return found


def assert_alike(found: Any, expected: Any, tolerance: float) -> None:
    assert tuple(found.shape) == tuple(expected.shape)
    x, y = array(found), array(expected)
    assert x.dtype == y.dtype
    np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance / 100)


def compare(a: Side, b: Side, tolerance: float, *, gradients: bool = True) -> None:
    """Values, whether they require grad, and gradients."""
    for found, expected in zip(a.outputs, b.outputs, strict=True):
        assert_alike(found, expected, tolerance)
        assert found.requires_grad == expected.requires_grad or not gradients
    expected_gradients = attempt(lambda: b.pull(b.linked, False)) if b.linked else None
    if expected_gradients is None or not gradients:
        return
    for found, expected in zip(a.pull(a.linked, False), expected_gradients, strict=True):
        assert_alike(found, expected, tolerance)


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("name", [name for name in CASES if name not in OTHERWISE])
def test_at_the_edge(name: str, edge: str) -> None:
    shapes: Shapes = tuple(map(EDGES[edge], CASES[name].shapes))
    case = dataclasses.replace(CASES[name], shapes=shapes)
    b = attempt(lambda: theirs(case))
    if b is None:
        return
    if name in RAISES and attempt(lambda: ours(case)) is None:
        return
    compare(ours(case), b, 1e-6, gradients=has_gradient(name))


class Single:
    """A namespace whose constants have single precision."""

    def __init__(self, of: Any) -> None:
        self.of = of
        self.eye3 = self.vector([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]])

    def __getattr__(self, name: str) -> Any:
        return getattr(self.of, name)

    def vector(self, values: Any) -> Any:
        return self.of.vector(values).float()


@pytest.mark.parametrize("name", CASES)
def test_in_single_precision(name: str) -> None:
    case = CASES[name]

    def leaf(x: np.ndarray) -> Any:
        return fg.tensor(x.astype(np.float32), requires_grad=True)

    def their_leaf(x: np.ndarray) -> Any:
        return torch.tensor(x.astype(np.float32), requires_grad=True)

    def plain(x: np.ndarray) -> Any:
        return fg.tensor(np.float32(x))

    def their_plain(x: np.ndarray) -> Any:
        return torch.tensor(np.float32(x))

    b = attempt(lambda: Side(case, Single(Theirs()), their_leaf, their_plain, torch.autograd.grad))
    if b is None or any(x.dtype == torch.float64 for x in b.outputs):
        return
    a = Side(case, Single(Ours()), leaf, plain, grad)
    compare(a, b, 2e-3, gradients=has_gradient(name))


@pytest.mark.parametrize("name", CASES)
def test_in_memory_that_is_not_contiguous(name: str) -> None:
    case = CASES[name]

    def strided(x: np.ndarray) -> np.ndarray:
        return np.repeat(x, 2, -1)[..., ::2].swapaxes(0, -1).copy().swapaxes(0, -1) if x.ndim else x

    def leaf(x: np.ndarray) -> Any:
        return fg.from_numpy(strided(x)).requires_grad_()

    def their_leaf(x: np.ndarray) -> Any:
        return torch.from_numpy(strided(x)).requires_grad_()

    a = Side(case, Ours(), leaf, fg.tensor, grad)
    b = Side(case, Theirs(), their_leaf, torch.tensor, torch.autograd.grad)
    if name in ("vander", "vander increasing"):
        return
    compare(a, b, 1e-6 if name in ROUGH else 1e-8, gradients=has_gradient(name))


# Whole numbers: layers of networks compute in floating point here; which of equal elements is
# taken is open.
OTHER_WHOLE = {"kthvalue", "topk", "topk smallest", "linalg.matrix_power"}
NOT_OF_TRUTH = {"index_add", "index_put accumulate", "index_reduce prod"}
NOT_OF_TRUTH |= {"index_reduce amax", "index_reduce amin"}


@pytest.mark.parametrize("dtype", ["int64", "int32", "bool"])
@pytest.mark.parametrize("name", [n for n in CASES if not n.startswith("nn.")])
def test_of_whole_numbers(name: str, dtype: str) -> None:
    case = CASES[name]
    if name in OTHER_WHOLE or (dtype == "bool" and name in NOT_OF_TRUTH):
        return
    arrays = [x > 0 if dtype == "bool" else np.round(x * 3) for x in case.operands()]
    arrays = [np.asarray(x, dtype) for x in arrays]
    operands = [torch.tensor(x) for x in arrays]
    expected = attempt(lambda: outputs_of(case.expression(Theirs(), *operands)))
    if expected is None:
        return
    found = outputs_of(case.expression(Ours(), *map(fg.tensor, arrays)))
    for x, y in zip(found, expected, strict=True):
        assert_alike(x, y, 1e-4)


def test_the_edges_are_different_cases() -> None:
    assert all(Case(lambda F, x: x).shapes != (edge((2, 3)),) for edge in EDGES.values())
