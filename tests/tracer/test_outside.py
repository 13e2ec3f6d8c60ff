"""Views of arrays from outside, as slices of what owns the memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.ir import interpret
from fusegrad.ir.builder import GraphBuilder
from fusegrad.ir.types import TensorType
from fusegrad.tracer.surroundings.outside import geometry, owner_of, slice_of

TABLE = np.arange(5.0 * 6 * 4).reshape(5, 6, 4).copy()
VIEWS = {
    "row": lambda x: x[2],
    "last row": lambda x: x[-1],
    "rows": lambda x: x[1:4],
    "column": lambda x: x[:, 3],
    "last axis": lambda x: x[..., 1],
    "part": lambda x: x[1:3, 2:5, 1:3],
    "part of a row": lambda x: x[3, :, :2],
    "steps within": lambda x: x[:, ::3, 1],
    "element": lambda x: x[2, 3, 1:2],
    "other shape": lambda x: x.reshape(6, 20)[2],
    "new axis": lambda x: x[1, None, :, None, 2],
}
REFUSED = {
    "every other row": lambda x: x[::2],  # the last row has no other behind it
    "backwards": lambda x: x[::-1],
    "transposed": lambda x: x.T,
    "diagonal": lambda x: x[0].reshape(-1)[::5],
    "repeated": lambda x: np.broadcast_to(x[0], (3, 6, 4)),
    "uneven steps": lambda x: x[:, ::2, ::3],
}


def _as_slice(view: np.ndarray) -> np.ndarray | None:
    owner = owner_of(view)
    assert owner is TABLE
    builder = GraphBuilder()
    whole = builder.input(TensorType("f64", TABLE.shape))
    value = slice_of(builder, whole, owner, view)
    return None if value is None else interpret(builder.build([value]), [TABLE])[0]


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_a_slice(name: str) -> None:
    view = VIEWS[name](TABLE)
    np.testing.assert_array_equal(_as_slice(view), view, strict=True)


@pytest.mark.parametrize("name", REFUSED)
def test_a_slice_is_the_view_or_there_is_none(name: str) -> None:
    view = REFUSED[name](TABLE)
    found = _as_slice(view)
    assert found is None or np.array_equal(found, view)


def test_copies_and_foreign_memory_have_no_owner() -> None:
    assert owner_of(TABLE.copy()) is None
    assert owner_of(np.frombuffer(bytes(16))) is None
    assert geometry(TABLE[1]) != geometry(TABLE[2])


@pytest.mark.parametrize("steps", [3, 40])
def test_tables_from_outside_are_read_at_each_call(steps: int) -> None:
    rows = np.random.default_rng(0).normal(size=(40, 3))

    def plain(w: Any) -> Any:
        total = 0.0
        for t in range(steps):
            total = total + np.tanh(rows[t] @ w) * np.sum(rows[t, ::2] * w[:2])
        return total

    compiled = fg.value_and_grad(plain)
    w = np.array([0.3, -0.2, 0.5])
    for _ in range(3):
        value, gradient = compiled(w)
        along = np.array([1.0, 2.0, -1.0])
        slope = (plain(w + 1e-6 * along) - plain(w - 1e-6 * along)) / 2e-6
        assert np.isclose(value, plain(w), rtol=1e-12)
        assert np.isclose(gradient @ along, slope, rtol=1e-7)
        rows *= 0.9
    assert compiled.cache_info()["variants"] == 1
