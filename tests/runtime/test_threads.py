"""How many threads compiled functions use: what users set, and what they see of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.codegen.threads import pool

X = np.linspace(-2, 2, 200_001)


def loss(x: Any) -> Any:
    return np.sum(np.tanh(x) * np.exp(-x * x))


@pytest.fixture(autouse=True)
def usual_number_afterwards() -> Iterator[None]:
    yield
    pool.set_threads(None)


def bits(result: Any) -> bytes:
    value, gradient = result
    return bytes(np.asarray(value).tobytes() + np.asarray(gradient).tobytes())


def test_results_do_not_depend_on_the_number() -> None:
    f = fg.value_and_grad(loss)
    found = set()
    for count in (1, 2, 3, 7):
        fg.set_num_threads(count)
        assert fg.get_num_threads() == count
        found.add(bits(f(X)))
        found.add(bits(fg.value_and_grad(loss, threads=count)(X)))
    assert len(found) == 1


def test_a_function_keeps_its_own_number() -> None:
    fg.set_num_threads(3)
    assert fg.grad(loss, threads=5).explain(X).threads == 5
    assert fg.grad(threads=2)(loss).explain(X).threads == 2
    assert fg.compile(loss).explain(X).threads == 3

    class Model:
        @fg.compile(threads=4)
        def loss(self, x: Any) -> Any:
            return loss(x)

    assert Model().loss.explain(X).threads == 4


@pytest.mark.parametrize(
    ("count", "error"), [(0, ValueError), (-2, ValueError), (1.5, TypeError), ("2", TypeError)]
)
def test_what_is_no_number_of_threads(count: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="number of threads"):
        fg.set_num_threads(count)
    with pytest.raises(error, match="compile: a number of threads"):
        fg.compile(loss, threads=count)
    with pytest.raises(error, match="grad: a number of threads"):
        fg.grad(threads=count)


def test_numpy_integers_are_numbers() -> None:
    fg.set_num_threads(np.int64(2))  # type: ignore[arg-type]
    assert fg.get_num_threads() == 2


def test_tensors() -> None:
    gradients = set()
    for count in (1, 3):
        x = fg.tensor(X, requires_grad=True)
        fg.compile(loss, threads=count)(x).backward()
        gradients.add(x.grad.numpy().tobytes())
    assert len(gradients) == 1


def test_explain_tells() -> None:
    text = str(fg.grad(loss, threads=2).explain(X))
    assert "up to 2, for 1 operation in blocks" in text
    assert "blocks for threads]" in text
    small = fg.grad(loss).explain(np.ones(3))
    assert small.blocks == ()
    assert "one: no operation takes long enough" in str(small)


def test_explain_tells_why_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool.state, "can_start_threads", lambda: False)
    assert fg.get_num_threads() == 1
    assert "one, for 1 operation in blocks, because" in str(fg.compile(loss).explain(X))


def test_several_python_threads_at_once() -> None:
    fg.set_num_threads(2)
    f, g = fg.value_and_grad(loss), fg.value_and_grad(lambda x: np.mean(np.sin(x) * x))
    expected = bits(f(X)), bits(g(X))
    wrong = []

    def work() -> None:
        for _ in range(15):
            if (bits(f(X)), bits(g(X))) != expected:
                wrong.append(1)

    workers = [threading.Thread(target=work) for _ in range(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


def test_products_on_several_python_threads_at_once() -> None:
    a = np.random.default_rng(0).normal(size=(600, 600))
    f = fg.value_and_grad(lambda a: np.sum(np.tanh(a @ a * 0.01)))
    expected = bits(f(a))
    wrong = []

    def work() -> None:
        for _ in range(5):
            if bits(f(a)) != expected:
                wrong.append(1)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong
