"""Calls that go from the interpreter to the native entry without a Python frame."""

from __future__ import annotations

import gc
import inspect
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.codegen import direct
from fusegrad.codegen.entry import References, interpreter_symbols, self_test

pytestmark = pytest.mark.skipif(self_test() is not None, reason="the native door can't be used")


def square(x: Any, scale: float = 2.0) -> Any:
    return np.sum(x * x) * scale


@pytest.fixture
def function() -> Any:
    compiled = fg.grad(square)
    compiled(np.ones(3))
    compiled(np.ones(3))  # from here on it is called directly
    return compiled


def frames(call: Callable[[], Any]) -> list[str]:
    """The names of the Python functions that run in `call`, beside its own."""
    seen: list[str] = []

    def watch(frame: Any, event: str, _argument: Any) -> None:
        if event == "call":
            seen.append(frame.f_code.co_name)

    sys.setprofile(watch)
    try:
        call()
    finally:
        sys.setprofile(None)
    return seen[1:]


def test_the_second_call_is_the_last_with_a_python_frame() -> None:
    compiled, x = fg.grad(square), np.ones(3)
    compiled(x)
    assert "__call__" in frames(lambda: compiled(x))
    assert frames(lambda: compiled(x)) == []
    assert frames(lambda: compiled(x=x)) == []


def test_results_and_errors_are_those_of_a_plain_call(function: Any) -> None:
    assert function(np.arange(3.0)).tolist() == [0.0, 4.0, 8.0]
    assert function(x=np.arange(2.0), scale=3.0).tolist() == [0.0, 6.0]
    assert function(*[np.arange(2.0)], scale=1.0).tolist() == [0.0, 2.0]
    with pytest.raises(TypeError, match="missing a required argument: 'x'"):
        function()
    with pytest.raises(TypeError, match="too many positional arguments"):
        function(1.0, 2.0, 3.0)
    with pytest.raises(TypeError, match="unexpected keyword argument 'y'"):
        function(1.0, y=2.0)


def test_map_and_partial_call_it(function: Any) -> None:
    assert [g.tolist() for g in map(function, [np.ones(1), np.ones(2)])] == [[4.0], [4.0, 4.0]]
    assert np.apply_along_axis(function, 1, np.ones((2, 3))).tolist() == [[4.0] * 3] * 2


def test_eager_mode_takes_such_calls_as_well() -> None:
    runs: list[type] = []

    def watched(x: Any) -> Any:
        runs.append(type(x))
        return np.sum(x * x)

    compiled = fg.grad(watched)
    for _ in range(3):
        compiled(np.ones(3))
    traced = len(runs)
    with fg.eager():
        assert compiled(np.ones(3)).tolist() == [2.0, 2.0, 2.0]
    assert len(runs) == traced + 1
    x = np.ones(3)
    assert frames(lambda: compiled(x)) == []


def test_tensors_and_traces_still_arrive(function: Any) -> None:
    x = fg.tensor([1.0, 2.0], requires_grad=True)
    function(x).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [4.0, 4.0]
    assert fg.grad(lambda x: np.sum(function(x) ** 2))(np.ones(2)).tolist() == [32.0, 32.0]


def test_a_function_may_forget_its_code_while_it_runs() -> None:
    def forgetful(x: Any) -> Any:
        compiled.clear_cache()  # while this is traced
        gc.collect()
        return np.sum(x * x)

    compiled = fg.grad(forgetful)
    for size in (1, 1, 2, 2, 3, 1, 1):
        assert compiled(np.ones(size)).tolist() == [2.0] * size


def test_code_that_is_running_is_not_freed(function: Any) -> None:
    """Another thread forgets it while a long call runs without the GIL."""
    slow = fg.compile(lambda x: np.sum(np.sin(np.cos(np.exp(x)))))
    x = np.linspace(0.0, 1.0, 1_000_000)
    expected = slow(x)
    slow(x)
    stop = threading.Event()

    def forget() -> None:
        while not stop.is_set():
            slow.clear_cache()
            gc.collect()

    thread = threading.Thread(target=forget)
    thread.start()
    try:
        assert all(slow(x) == expected for _ in range(5))
    finally:
        stop.set()
        thread.join()


def test_it_goes_when_nobody_needs_it(function: Any) -> None:
    compiled = fg.grad(square)
    for _ in range(3):
        compiled(np.ones(3))
    compiled.myself = compiled  # a circle
    reference = weakref.ref(compiled)
    del compiled
    gc.collect()
    assert reference() is None


def test_the_class_looks_like_any_other(function: Any) -> None:
    assert isinstance(function, fg.CompiledFunction)
    assert type(function).__name__ == "CompiledFunction"
    assert type(function).__doc__
    assert type(function).__module__ == "fusegrad.runtime.compiled.function"
    assert function.__name__ == "square"
    assert function.__wrapped__ is square
    assert inspect.signature(function) == inspect.signature(square)
    assert callable(function)
    assert "square" in repr(function)


def test_a_derived_class_is_called_through_its_own_call() -> None:
    class Counting(fg.CompiledFunction):  # type: ignore[misc]
        calls = 0

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            return super().__call__(*args, **kwargs)

    template = fg.grad(square)
    compiled = Counting(square, template._transform)
    for _ in range(4):
        assert compiled(np.ones(1)).tolist() == [4.0]
    assert compiled.calls == 4


def test_methods_are_bound_for_each_instance() -> None:
    class Model:
        def __init__(self, scale: float) -> None:
            self.scale = scale

        @fg.grad
        def loss(self, x: Any) -> Any:
            return np.sum(x * x) * self.scale

    models = [Model(1.0), Model(3.0)]
    for _ in range(3):
        assert [m.loss(np.ones(1)).tolist() for m in models] == [[2.0], [6.0]]


def test_an_unknown_interpreter_keeps_the_plain_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "unknown_interpreter", lambda: "another one")

    class Plain:
        __slots__ = direct.SLOTS

    assert direct.directly_called([])(Plain) is Plain
    direct.call_directly(Plain())  # nothing to do


def test_the_code_reads_the_two_attributes() -> None:
    text = direct.direct_text(24, 32, References({**interpreter_symbols(), "detour": 4096}))
    assert "select i1 %usual, i64 24, i64 32" in text
    assert "inttoptr" not in text  # no address: the code may come from another process
