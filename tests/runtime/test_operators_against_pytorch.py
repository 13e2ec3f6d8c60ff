"""The table of operators against PyTorch: values, gradients to second order, names of nodes."""

from __future__ import annotations

import json
import types
import warnings
from typing import Any

import numpy as np
import pytest

import fusegrad.runtime.eager as fg
from fusegrad import linalg, special
from fusegrad.nn import functional as nn_functional
from fusegrad.runtime.eager import functions
from fusegrad.runtime.eager.backward.autograd import grad

from . import family_table, late_table, layer_table, wider_table  # noqa: F401  (they add cases)
from .operator_table import CASES, ROUGH, SUMS, Case, outputs_of, sum_of

torch = pytest.importorskip("torch")

# Where the last node has another name: PyTorch composes these of several nodes.
OTHER_NAMES = {
    "cumsum, 0-d",
    "cumprod, 0-d",
    "logcumsumexp, 0-d",
    "repeat_interleave",
    "diag of matrix",
    "einsum diagonal",
    "linalg.norm nuc",
    "linalg.multi_dot",
    "nn.pad circular",
    "nn.elu inplace",
    "linalg.tensorinv",
    "chain_matmul",
    "linalg.matrix_power 0",
    "frobenius_norm",
    "frobenius_norm dim",
    "norm_except_dim",
    "nuclear_norm",
    "unsafe_chunk",
}
# PyTorch changes in place what its derivative reads.
NO_GRADIENT = {"vander", "vander increasing"}
# Of several that go to one place the last one stays. PyTorch hands the gradient to all of them.
LAST_STAYS = {"scatter several", "index_copy several", "index_copy of a row"}
NO_GRADIENT |= LAST_STAYS
# PyTorch has no second derivative.
FIRST_ORDER = {
    "cdist",
    "nn.ctc_loss",
    "nn.ctc_loss none",
    "nn.embedding_bag",
    "nn.embedding_bag last offset",
    "nn.embedding_bag sum",
    "nn.embedding_bag max",
    "nn.hardsigmoid",
    "nn.multi_margin_loss",
    "nn.multi_margin_loss weight",
    "nn.multi_margin_loss unbatched",
    "nn.multilabel_margin_loss",
    "nn.pdist",
}


def undifferentiated(name: str) -> bool:
    """Whether PyTorch has no derivative at all."""
    return name.startswith(("special.zeta", "special.spherical")) or "_polynomial_" in name


class Ours:
    linalg = linalg
    special = special
    nn = types.SimpleNamespace(functional=nn_functional)
    eye3 = fg.tensor(np.eye(3))

    def __getattr__(self, name: str) -> Any:
        return getattr(functions, name)

    def index(self, values: Any) -> Any:
        return fg.tensor(values)

    def vector(self, values: Any) -> Any:
        return fg.tensor(np.asarray(values, np.float64))


class Theirs:
    linalg = torch.linalg
    special = torch.special
    nn = torch.nn
    eye3 = torch.eye(3, dtype=torch.float64)

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)

    def index(self, values: Any) -> Any:
        return torch.tensor(values)

    def vector(self, values: Any) -> Any:
        return torch.tensor(values, dtype=torch.float64)


class Side:
    """One library's run of a case: outputs, gradients, and gradients of these."""

    def __init__(self, case: Case, namespace: Any, leaf: Any, plain: Any, grad: Any) -> None:
        self.plain, self.grad = plain, grad
        self.leaves = [leaf(x) for x in case.operands()]
        self.outputs = outputs_of(case.expression(namespace, *self.leaves))
        self.linked = [x for x in self.outputs if x.requires_grad]

    def pull(self, outputs: list[Any], create_graph: bool) -> list[Any]:
        """Gradients of weighted outputs; where there is none, zeros."""
        rng = np.random.default_rng(1)
        seeds = [self.plain(rng.uniform(0.5, 1, tuple(x.shape))) for x in outputs]
        pairs = [(x, seed) for x, seed in zip(outputs, seeds, strict=True) if x.requires_grad]
        if not pairs:
            return [x * 0 for x in self.leaves]
        kept, weights = zip(*pairs, strict=True)
        found = self.grad(kept, self.leaves, weights, create_graph=create_graph, allow_unused=True)
        return [x * 0 if g is None else g for g, x in zip(found, self.leaves, strict=True)]


def ours(case: Case) -> Side:
    return Side(case, Ours(), lambda x: fg.tensor(x, requires_grad=True), fg.tensor, grad)


def theirs(case: Case) -> Side:
    def leaf(x: np.ndarray) -> Any:
        return torch.tensor(x, requires_grad=True)

    return Side(case, Theirs(), leaf, torch.tensor, torch.autograd.grad)


def assert_equal(found: Any, expected: Any, tolerance: float) -> None:
    expected = expected.detach().resolve_neg().numpy(force=True)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(
        found.detach().numpy(), expected, rtol=tolerance, atol=tolerance / 100
    )


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("name", CASES)
def test_it_is_pytorch_s(name: str) -> None:
    case = CASES[name]
    a, b = ours(case), theirs(case)
    rough = 1e-6 if name in ROUGH else 0.0
    for found, expected in zip(a.outputs, b.outputs, strict=True):
        assert_equal(found, expected, rough or 1e-10)
        assert found.requires_grad == expected.requires_grad or undifferentiated(name)
    if undifferentiated(name):
        return
    if name not in OTHER_NAMES:
        assert [type(x.grad_fn).__name__ for x in a.linked] == [
            type(x.grad_fn).__name__ for x in b.linked
        ]
    if not a.linked or name in NO_GRADIENT:
        return
    first = a.pull(a.linked, True), b.pull(b.linked, True)
    for found, expected in zip(*first, strict=True):
        assert_equal(found, expected, rough or 1e-8)
    if name not in FIRST_ORDER:
        second = a.pull(first[0], False), b.pull(first[1], False)
        for found, expected in zip(*second, strict=True):
            assert_equal(found, expected, rough or 1e-7)


def test_sums_of_its_values_are_written_down(update_golden: bool) -> None:
    sums = {
        name: sum_of([x.resolve_neg().numpy(force=True) for x in theirs(case).outputs])
        for name, case in sorted(CASES.items())
    }
    if update_golden:
        SUMS.write_text(json.dumps(sums, indent=0) + "\n")
    written = json.loads(SUMS.read_text())
    assert written.keys() == sums.keys()
    for name, expected in sums.items():
        assert written[name] == pytest.approx(expected, rel=1e-9, abs=1e-9), name
