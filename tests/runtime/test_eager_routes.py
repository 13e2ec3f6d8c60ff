"""Routes, the backward passes of graphs seen before: to the bit what the walk from node to node
gives, and no less strict.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.nn import functional
from fusegrad.runtime.eager.apply.blocks import LARGE
from fusegrad.runtime.eager.backward import plain, routes

OFTEN = routes._PATIENCE + 3  # passes after which a graph has a route


class Watched:
    """Counts the passes, and those that a route has done."""

    def __init__(self) -> None:
        self.passes = self.replayed = 0

    def replay(self, end: Any, ct: Any, retain: bool) -> Any:
        leaves = routes.replay(end, ct, retain)
        self.passes += 1
        self.replayed += leaves is not None
        return leaves


@pytest.fixture(autouse=True)
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    """Nothing is known at the beginning of a test."""
    counter = Watched()
    monkeypatch.setattr(plain, "replay", counter.replay)
    monkeypatch.setattr(routes, "_KNOWN", {})
    return counter


def leaf(*shape: int, seed: int = 0, dtype: Any = np.float64) -> fg.Tensor:
    data = np.random.default_rng([seed, *shape]).uniform(0.2, 0.9, shape).astype(dtype)
    return fg.from_numpy(data).requires_grad_()


def gradients(loss: Callable[..., fg.Tensor], leaves: list[fg.Tensor]) -> list[np.ndarray | None]:
    """Of a fresh graph."""
    for x in leaves:
        x.grad = None
    loss(*leaves).backward()
    return [None if x.grad is None else x.grad.numpy() for x in leaves]


def same_each_time(loss: Callable[..., fg.Tensor], leaves: list[fg.Tensor]) -> None:
    first = gradients(loss, leaves)
    for _ in range(OFTEN):
        for before, now in zip(first, gradients(loss, leaves), strict=True):
            assert (before is None) == (now is None)
            if before is not None and now is not None:
                assert before.dtype == now.dtype
                np.testing.assert_array_equal(before, now)


# --- the same bits ---


def mlp(x: Any, w: Any, b: Any, v: Any) -> Any:
    h = functional.relu(x @ w + b)
    return ((((h @ w).tanh() @ v) - 1.0) ** 2).mean()


LOSSES: dict[str, tuple[Callable[..., Any], list[tuple[int, ...]]]] = {
    "the scalar workload": (lambda x: (x.sin() * x + (-(x**2)).exp()).sum(), [(5,)]),
    "a network": (mlp, [(4, 3), (3, 3), (3,), (3, 1)]),
    "a leaf alone": (lambda x: x.sum(), [(5,)]),
    "broadcasting": (lambda x, y: ((x * y - x / y) + y).sum(), [(4, 1), (3,)]),
    "0-d operands": (lambda x, y: (x * y + y).mean(), [(4,), ()]),
    "powers": (lambda x: (x**2 * x**-0.5 + x**2.7 + 2.0**x + x**0).sum(), [(5,)]),
    "numbers": (lambda x: (3.0 - 2 * x / 5 + 1 / x).mean(), [(5,)]),
    "vectors": (lambda x, y: (x @ y) @ y + y.dot(y), [(3, 3), (3,)]),
    "views": (lambda x: (x.t()[0] * x.reshape(9)[2:5] + x[1]).sum(), [(3, 3)]),
    "reductions": (lambda x: x.sum(dim=0).prod() + x.amax() + x.logsumexp(dim=1).sum(), [(3, 3)]),
    "extrema": (lambda x, y: (fg.maximum(x, y) * fg.minimum(x, 0.5 * y)).sum(), [(5,), (5,)]),
    "functions": (
        lambda x: (functional.gelu(x) + x.sigmoid() * functional.softplus(x)).sum(),
        [(5,)],
    ),
    "a diamond": (lambda x: ((x * 2).exp() * (x * 2).sin() * (x * 2).exp()).sum(), [(5,)]),
    "dtypes": (
        lambda x, y: (x.to(np.float32).exp() * 2).sum().to(np.float64) + y.sum(),
        [(5,)] * 2,
    ),
    "softmax": (lambda x: functional.cross_entropy(x, fg.tensor([0, 2])), [(2, 3)]),
    "an unused leaf": (lambda x, y: (x * 2).sum(), [(2,), (2,)]),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", LOSSES)
def test_to_the_bit(name: str, dtype: Any, watched: Watched) -> None:
    loss, shapes = LOSSES[name]
    same_each_time(loss, [leaf(*s, seed=i, dtype=dtype) for i, s in enumerate(shapes)])
    assert watched.replayed >= 2


@pytest.mark.parametrize("n", [LARGE - 1, LARGE + 5])
def test_sizes_may_change(n: int, watched: Watched) -> None:
    def loss(x: Any) -> Any:
        return (x.sin() * x + (-(x**2)).exp()).mean()

    expected = gradients(loss, [leaf(n)])
    same_each_time(loss, [leaf(5)])
    replayed = watched.replayed
    np.testing.assert_array_equal(gradients(loss, [leaf(n)]), expected)
    assert watched.replayed == replayed + 1


UNARY: list[Callable[..., Any]] = [
    lambda x: x.exp(),
    lambda x: x.sin(),
    lambda x: x.tanh(),
    lambda x: -x,
    lambda x: x * 0.5,
    lambda x: x**2,
    lambda x: x.sigmoid(),
    lambda x: functional.relu(x),
    lambda x: x.t(),
    lambda x: x.sum(dim=0),
    lambda x: x.detach(),
]
BINARY: list[Callable[..., Any]] = [
    lambda x, y: x + y,
    lambda x, y: x * y,
    lambda x, y: x - y,
    lambda x, y: x / (y * y + 1),
    lambda x, y: x.reshape(-1, 1) * y if x.ndim == 1 else x @ y,
    fg.maximum,
]


def random_loss(seed: int) -> Callable[..., Any]:
    def loss(*leaves: Any) -> Any:
        random = np.random.default_rng(seed)
        pool = list(leaves)
        for _ in range(int(random.integers(2, 14))):
            x, y = (pool[random.integers(len(pool))] for _ in range(2))
            unary = UNARY[random.integers(len(UNARY))]
            binary = BINARY[random.integers(len(BINARY))]
            pool.append(unary(x) if random.random() < 0.5 else binary(x, y))
        return sum((x.mean() for x in pool[-3:]), start=pool[0].sum())

    return loss


@pytest.mark.parametrize("seed", range(60))
def test_random_graphs(seed: int, watched: Watched) -> None:
    same_each_time(random_loss(seed), [leaf(3, 3, seed=i) for i in range(3)])
    assert watched.replayed >= 2


# --- graphs that are almost the same ---


def known(loss: Callable[..., Any], leaves: list[fg.Tensor], watched: Watched) -> None:
    before = watched.replayed
    for _ in range(OFTEN):
        gradients(loss, leaves)
    assert watched.replayed > before


def check_walked(loss: Callable[..., Any], leaves: list[fg.Tensor], watched: Watched) -> None:
    """The graph is none of those that are known, and its gradients are those of a walk."""
    before = watched.replayed
    found = gradients(loss, leaves)
    assert watched.replayed == before
    routes._KNOWN.clear()
    for now, walked in zip(found, gradients(loss, leaves), strict=True):
        np.testing.assert_array_equal(now, walked)


def test_one_leaf_in_the_place_of_two(watched: Watched) -> None:
    known(lambda x, y: (x * y).sum(), [leaf(3), leaf(3, seed=1)], watched)
    x = leaf(3)
    check_walked(lambda x: (x * x).sum(), [x], watched)
    np.testing.assert_array_equal(x.grad.numpy(), 2 * x.detach().numpy())  # type: ignore[union-attr]


def test_two_leaves_in_the_place_of_one(watched: Watched) -> None:
    known(lambda x: (x * x).sum(), [leaf(3)], watched)
    check_walked(lambda x, y: (x * y).sum(), [leaf(3), leaf(3, seed=1)], watched)


def test_one_node_in_the_place_of_two(watched: Watched) -> None:
    known(lambda x: (x.exp() * x.exp()).sum(), [leaf(3)], watched)

    def shared(x: Any) -> Any:
        y = x.exp()
        return (y * y).sum()

    check_walked(shared, [leaf(3)], watched)
    known(shared, [leaf(3)], watched)
    check_walked(lambda x: (x.exp() * x.exp()).sum(), [leaf(3)], watched)


def test_another_order(watched: Watched) -> None:
    def first(x: Any, y: Any) -> Any:
        a, b = x.exp() * y, y.sin() * x
        return (a + b).sum()

    def second(x: Any, y: Any) -> Any:
        b = y.sin() * x
        a = x.exp() * y
        return (a + b).sum()

    known(first, [leaf(3), leaf(3, seed=1)], watched)
    check_walked(second, [leaf(3), leaf(3, seed=1)], watched)


def test_an_operand_that_requires_no_grad(watched: Watched) -> None:
    known(lambda x, y: (x * y).sum(), [leaf(3), leaf(3, seed=1)], watched)
    constant = leaf(3, seed=1).detach()
    check_walked(lambda x: (x * constant).sum(), [leaf(3)], watched)
    check_walked(lambda x: (constant * x).sum(), [leaf(3)], watched)


def test_another_dtype(watched: Watched) -> None:
    known(lambda x: (x.exp() * 3).sum(), [leaf(3)], watched)
    check_walked(lambda x: (x.exp() * 3).sum(), [leaf(3, dtype=np.float32)], watched)


def test_another_exponent_and_another_number(watched: Watched) -> None:
    known(lambda x: (x**3 * 2.0).sum(), [leaf(3)], watched)
    check_walked(lambda x: (x**2 * 2.0).sum(), [leaf(3)], watched)
    known(lambda x: (x**3 * 2.0).sum(), [leaf(3)], watched)
    (found,) = gradients(lambda x: (x**3 * 5.0).sum(), [leaf(3)])
    np.testing.assert_allclose(found, 15 * leaf(3).detach().numpy() ** 2)


def test_other_dtypes_in_the_middle(watched: Watched) -> None:
    double, single = leaf(3), leaf(3, dtype=np.float32)
    known(lambda x, y: (x.exp() * y).sum(), [leaf(3, seed=1), double], watched)
    check_walked(lambda x, y: (x.exp() * y).sum(), [leaf(3, seed=1), single], watched)
    assert single.grad is not None
    assert single.grad.dtype == np.float32


# --- no less strict ---


@pytest.mark.parametrize("which", range(3))
def test_what_was_saved_is_checked(which: int, watched: Watched) -> None:
    def parts(x: Any, y: Any) -> Any:
        e = (x * 1).exp()
        p = e * y
        return e, p, (p.tanh() ** 2).sum()

    x, y = leaf(3), leaf(3, seed=1)
    known(lambda x, y: parts(x, y)[2], [x, y], watched)
    e, p, total = parts(x, y)
    with fg.no_grad():
        [e, y, p.tanh()][which].add_(1.0)
    x.grad = y.grad = None
    if which == 2:
        total.backward()
        return
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        total.backward()
    assert x.grad is None


def test_a_saved_result_is_checked(watched: Watched) -> None:
    x = leaf(3)
    known(lambda x: x.tanh().sum(), [x], watched)
    y = x.tanh()
    total = y.sum()
    y.detach().zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        total.backward()


def test_a_graph_is_freed_and_can_be_kept(watched: Watched) -> None:
    x = leaf(3)

    def loss(x: Any) -> Any:
        return (x.exp() * x).sum()

    known(loss, [x], watched)
    x.grad = None
    y = loss(x)
    y.backward(retain_graph=True)
    once = x.grad.numpy().copy()  # type: ignore[union-attr]
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), 2 * once)  # type: ignore[union-attr]
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        y.backward()


def test_hooks_of_a_known_graph(watched: Watched) -> None:
    x, seen = leaf(3), []
    known(lambda x: (x.exp() * x).sum(), [x], watched)
    x.grad = None
    y = x.exp()
    handle = y.register_hook(lambda g: seen.append(g.shape))
    (y * x).sum().backward()
    handle.remove()
    assert seen == [(3,)]
    second = x.register_hook(lambda g: g * 0)
    x.grad = None
    (x.exp() * x).sum().backward()
    second.remove()
    assert x.grad is not None
    assert x.grad.tolist() == [0.0] * 3


def test_saved_tensor_hooks_of_a_known_graph(watched: Watched) -> None:
    x, unpacked = leaf(3), []

    def unpack(t: Any) -> Any:
        unpacked.append(t.shape)
        return t

    known(lambda x: (x.exp() * x).sum(), [x], watched)
    with fg.autograd.graph.saved_tensors_hooks(lambda t: t, unpack):
        y = (x.exp() * x).sum()
    y.backward()
    assert len(unpacked) == 3


def test_the_walk_takes_a_change_in_place_of_a_known_graph(watched: Watched) -> None:
    def loss(x: Any) -> Any:
        return (x.exp() * 2).sum()

    def changed(x: Any) -> Any:
        y = x.exp()
        z = y * 1
        z.mul_(2)
        return z.sum()

    x = leaf(3)
    known(loss, [x], watched)
    expected = gradients(loss, [x])
    np.testing.assert_array_equal(gradients(changed, [x]), expected)


def test_gradients_accumulate_and_are_not_shared(watched: Watched) -> None:
    x, y = leaf(3), leaf(3, seed=1)
    known(lambda x, y: (x + y).sum(), [x, y], watched)
    gradients(lambda x, y: (x + y).sum(), [x, y])
    before = x.grad
    assert before is not None
    assert y.grad is not None
    assert not np.may_share_memory(before.numpy(), y.grad.numpy())
    (x + y).sum().backward()
    assert x.grad is before
    assert (x.grad.tolist(), y.grad.tolist()) == ([2.0] * 3, [2.0] * 3)


def test_threads_on_one_known_graph(watched: Watched) -> None:
    x = leaf(3)

    def loss(x: Any) -> Any:
        return (x.exp() * x).sum()

    (once,) = gradients(loss, [x])
    known(loss, [x], watched)
    x.grad, y = None, loss(x)
    threads = [threading.Thread(target=y.backward, args=(None, True)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_allclose(x.grad.numpy(), 4 * once, rtol=1e-15)  # type: ignore[union-attr]


# --- what is learned is bounded ---


def test_graphs_that_are_never_the_same(watched: Watched) -> None:
    x = leaf(3)
    for depth in range(1, 3 * routes._EAGERNESS):
        y = x
        for _ in range(depth % 100):
            y = y.sin()
        (y * 2).sum().backward()
    (seen,) = [known.seen for known in routes._KNOWN.values()]
    assert len(seen) <= routes._EAGERNESS


def test_many_routes(watched: Watched) -> None:
    x = leaf(3)
    for depth in range(2 * routes._MOST_ROUTES):
        for _ in range(OFTEN):
            y = x * 2
            for _ in range(depth):
                y = y.sin()
            y.sum().backward()
    (found,) = routes._KNOWN.values()
    assert len(found.routes) <= routes._MOST_ROUTES
    assert found.written <= routes._MOST_WRITTEN


def test_shapes_that_are_too_many_get_no_routes(watched: Watched) -> None:
    x, random = leaf(3), np.random.default_rng(0)

    def loss(depth: int) -> Any:
        y = x * 2
        for _ in range(depth):
            y = y.sin()
        return y.sum()

    for depth in random.integers(20, 80, 4 * routes._EAGERNESS):
        x.grad = None
        loss(int(depth)).backward()
    (found,) = routes._KNOWN.values()
    assert found.routes == ()
    replayed = watched.replayed
    for _ in range(routes._EAGERNESS):
        loss(20).backward()
    assert watched.replayed == replayed


def test_a_long_graph_is_walked(watched: Watched) -> None:
    x = leaf(2)

    def loss(x: Any) -> Any:
        for _ in range(300):
            x = x * 1.001
        return x.sum()

    same_each_time(loss, [x])
    assert not watched.replayed
