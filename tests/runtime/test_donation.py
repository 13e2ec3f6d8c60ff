"""`donate=`: results are the donated arrays, updated in place, in every mode."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.tracer.errors import ArgumentError


def adam(params: Any, state: Any, gradients: Any, t: Any) -> Any:
    m = {k: 0.9 * state["m"][k] + 0.1 * g for k, g in gradients.items()}
    v = {k: 0.99 * state["v"][k] + 0.01 * g * g for k, g in gradients.items()}
    scale = np.sqrt(1 - 0.99**t) / (1 - 0.9**t)
    new = {k: p - 1e-2 * scale * m[k] / (np.sqrt(v[k]) + 1e-8) for k, p in params.items()}
    return new, {"m": m, "v": v, "step": t + 1}


def arguments() -> tuple[Any, Any, Any, float]:
    rng = np.random.default_rng(0)

    def some() -> dict[str, np.ndarray]:
        return {"w": rng.random((20, 3)), "b": rng.random(3), "c": rng.random(3)}

    return some(), {"m": some(), "v": some(), "step": 3.0}, some(), 3.0


def arrays(tree: Any) -> list[np.ndarray]:
    params, state = tree
    return [part[name] for part in (params, state["m"], state["v"]) for name in "bcw"]


@pytest.mark.parametrize("donate", [(0, 1), ("params", "state"), ["params", 1]])
@pytest.mark.parametrize("eager", [False, True])
def test_an_update_of_trees(donate: Any, eager: bool) -> None:
    expected = arrays(fg.compile(adam)(*arguments())[:2])
    step = fg.compile(adam, donate=donate)
    for _ in range(2):
        given = arguments()
        updated = arrays(given[:2])
        found = (step.eager if eager else step)(*given)
        assert found[1]["step"] == 4.0
        for f, u, e in zip(arrays(found), updated, expected, strict=True):
            assert f is u
            np.testing.assert_allclose(f, e, rtol=1e-14 if eager else 0)
        assert given[2]["w"].tobytes() == arguments()[2]["w"].tobytes()
    assert step.compare(*given).ok
    assert "native entry" in str(step.explain(*given))


def test_many_steps_by_keywords() -> None:
    step = fg.compile(lambda x, rate: x - rate * x, donate="x")
    x = np.ones(5)
    for _ in range(10):
        assert step(rate=0.5, x=x) is x
    np.testing.assert_array_equal(x, np.full(5, 0.5**10))


def test_a_gradient_takes_the_memory_of_its_argument() -> None:
    for make in (fg.value_and_grad, fg.grad):
        f = make(lambda x: np.sum(x**3), donate="x")
        for _ in range(2):
            x = np.array([1.0, 2.0])
            found = f(x)
            assert (found[1] if make is fg.value_and_grad else found) is x
            np.testing.assert_allclose(x, [3.0, 12.0])
        x = np.array([1.0, 2.0])
        f.eager(x)
        np.testing.assert_allclose(x, [3.0, 12.0])


def test_results_take_what_fits_in_order() -> None:
    @fg.compile(donate=("x", "y", "z"))
    def f(x: Any, y: Any, z: Any) -> Any:
        return np.sum(x), y.astype(np.float32), x + 1.0, y * 2.0, x - y

    for _ in range(2):
        x, y, z = np.zeros(3), np.ones(3), np.ones(4)
        total, narrow, first, second, third = f(x, y, z)
        assert first is x
        assert second is y
        assert third.tolist() == [-1.0, -1.0, -1.0]
        assert narrow.dtype == np.float32
        assert total == 0.0
        assert x.tolist() == [1.0] * 3
        assert y.tolist() == [2.0] * 3
        assert z.tolist() == [1.0] * 4
    told = str(f.explain(x, y, z))
    assert "z is not used: no result of its shape and dtype is left" in told


def test_arguments_that_change_places() -> None:
    swap = fg.compile(lambda x, y: (y, x), donate=(0, 1))
    for call in (swap, swap, swap.eager):
        x, y = np.zeros(3), np.ones(3)
        assert call(x, y)[0] is x
        assert (x.tolist(), y.tolist()) == ([1.0] * 3, [0.0] * 3)
    a, b = fg.tensor([0.0, 0.0]), fg.tensor([1.0, 1.0])
    assert swap(a, b)[0] is a
    assert (a.tolist(), b.tolist()) == ([1.0, 1.0], [0.0, 0.0])


def test_a_path_is_known_before_anything_is_overwritten() -> None:
    f = fg.compile(lambda x: x * 2.0 if np.sum(x) > 0 else -x, donate=0)
    for sign in (1.0, -1.0, 1.0, 1.0, -1.0):
        x = np.full(3, sign)
        assert f(x) is x
        assert x.tolist() == [2.0 if sign > 0 else 1.0] * 3


def test_what_the_function_stores_into_takes_no_part() -> None:
    @fg.compile(donate=("x", "y"))
    def f(x: Any, y: Any) -> Any:
        x += 1.0
        return x, y * 3.0

    for call in (f, f, f.eager):
        x, y = np.zeros(2), np.ones(2)
        first, second = call(x, y)
        assert first is x
        assert second is y
        assert (x.tolist(), y.tolist()) == ([1.0, 1.0], [3.0, 3.0])
    assert "x is not used: the function stores into it" in str(f.explain(x, y))


def test_inside_of_another_function_it_is_updated_as_well() -> None:
    step = fg.compile(lambda x: x * 2.0, donate=0)

    @fg.compile
    def outer(x: Any) -> Any:
        inner = x + 1.0
        result = step(inner)
        return result + inner

    x = np.zeros(3)
    assert outer(x).tolist() == outer.eager(x).tolist() == [4.0] * 3
    assert x.tolist() == [0.0] * 3


def read_only() -> np.ndarray:
    x = np.ones(4)
    x.flags.writeable = False
    return x


SHARED = np.ones(8)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda: (read_only(), np.ones(4)), "x is read-only"),
        (lambda: (np.ones(8)[::2], np.ones(4)), "x is not C-contiguous"),
        (lambda: (np.frombuffer(bytearray(33), np.float64, 4, 1), np.ones(4)), "x is not aligned"),
        (lambda: (np.ones(4, ">f8"), np.ones(4)), "x is not in the byte order"),
        (lambda: (SHARED[:4], SHARED[3:7]), "x and y share memory"),
        (lambda: (SHARED[:4], SHARED[:4]), "x and y share memory"),
        (lambda: (SHARED[:4], SHARED[1::2]), "x and y share memory"),
        (lambda: (2.0, np.ones(4)), "x is a float, which has no memory to give"),
        (lambda: (np.float64(2.0), np.ones(4)), "x is a float64, which has no memory to give"),
    ],
)
@pytest.mark.parametrize("warm", [False, True])
def test_what_cannot_be_donated(
    given: Callable[[], tuple[Any, Any]], message: str, warm: bool
) -> None:
    f = fg.compile(lambda x, y: x * y, donate="x")
    if warm:
        for _ in range(2):
            f(np.ones(4), np.ones(4))
    x, y = given()
    before = np.array(x)
    with pytest.raises(ArgumentError, match=message) as caught:
        f(x, y)
    assert "test_donation.py" in str(caught.value)
    np.testing.assert_array_equal(x, before)


def test_two_donated_arguments_and_captured_ones() -> None:
    f = fg.compile(lambda x, y: (x * y, x + y), donate=(0, 1))
    captured = np.ones(4)
    g = fg.compile(lambda x: x * captured, donate=0)
    x = np.ones(4)
    for _ in range(2):
        with pytest.raises(ArgumentError, match="x and y share memory"):
            f(x, x)
        f(np.ones(4), np.ones(4))
        with pytest.raises(ArgumentError, match="which is read from outside, share memory"):
            g(captured)
        g(np.ones(4))


def test_names_that_there_are_not() -> None:
    f = fg.compile(lambda x: x, donate="weights")
    with pytest.raises(ArgumentError, match="donate='weights' names none of the arguments given"):
        f(np.ones(3))


def test_neighbours_and_empty_arrays_share_nothing() -> None:
    f = fg.compile(lambda x, y: x + y, donate="x")
    for _ in range(2):
        both = np.ones(8)
        assert f(both[:4], both[4:]).tolist() == [2.0] * 4
        assert both.tolist() == [2.0] * 4 + [1.0] * 4
        assert f(both[2:2], both[2:2]).shape == (0,)


# --- Tensors ---


def test_tensors_are_updated_and_count_it() -> None:
    step = fg.compile(lambda p, g: (p - 0.5 * g, np.sum(g)), donate="p")
    p, g = fg.tensor([1.0, 2.0], requires_grad=True), fg.tensor([2.0, 2.0])
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        step(p, g)
    data = p.detach().numpy()
    with fg.no_grad():
        for version in (1, 2):
            found, total = step(p, g)
            assert found is p
            assert p._version == version
            assert total.item() == 4.0
    assert p.tolist() == [-1.0, 0.0]
    assert data.tolist() == [-1.0, 0.0]
    assert p.requires_grad


def test_what_was_saved_of_a_donated_tensor_is_noticed() -> None:
    step = fg.compile(lambda x: x * 3.0, donate=0)
    x = fg.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2.0
    z = (y * y).sum()
    with fg.no_grad():
        step(y)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.backward()


def test_gradients_go_through_a_donated_tensor() -> None:
    step = fg.compile(lambda y: y * 3.0, donate=0)
    for call in (step, step.eager):
        x = fg.tensor([1.0, 2.0], requires_grad=True)
        y = x * 2.0
        assert call(y) is y
        y.sum().backward()
        assert x.grad.tolist() == [6.0, 6.0]


# --- memory ---


def test_references_are_given_back() -> None:
    step = fg.compile(lambda x, y: (x + y, x * y), donate="x")
    x, y = np.zeros(4), np.ones(4)
    for _ in range(2):
        step(x, y)
    gc.collect()
    before = sys.getrefcount(x), sys.getrefcount(y)
    kept = [step(x, y)[0] for _ in range(100)]
    assert sys.getrefcount(x) == before[0] + 100
    del kept
    with pytest.raises(ArgumentError):
        step(x, x)
    gc.collect()
    assert (sys.getrefcount(x), sys.getrefcount(y)) == before
