"""Traces: inputs, outputs, what is captured, nesting, threads, and the errors of all that."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fusegrad.ir import DTypeError, FusegradError, TensorType, interpret
from fusegrad.ir.inline import inline
from fusegrad.tracer import (
    Aval,
    TracedArray,
    TraceError,
    UnsupportedError,
    current_trace,
    flatten,
    is_tracing,
    trace,
    trace_flat,
)
from fusegrad.tracer.source import locate, location_of
from fusegrad.tracer.trace import register_capturable

from .running import check, execute, run, text_of

X = np.arange(3.0)


def names(function: Callable[..., Any], *args: Any, **kwargs: Any) -> list[str]:
    return [value.name for value in trace(function, args, kwargs).graph.inputs]


# --- inputs and outputs ---


def test_inputs_are_named_after_the_arguments() -> None:
    def loss(params: Any, x: Any, *rest: Any, scale: Any = 1.0) -> Any:
        return x * scale + params["w1"][0]

    tree = {"w1": [X, X], "b": 1.0}
    found = names(loss, tree, X, X, X, scale=2.0)
    assert found == ["params_b", "params_w1_0", "params_w1_1", "x", "rest_2", "rest_3", "scale"]
    assert names(lambda a, b: a["b"], {"b": X}, X) == ["a_b", "b"]
    assert names(lambda a, a_b: a["b"], {"b": X}, X) == ["a_b", "a_b_2"]


def test_trees_in_and_out() -> None:
    def f(params: Any, x: Any) -> Any:
        return {"sum": params["w"] + x, "list": [x, None, (params["b"],)]}

    check(f, {"w": X, "b": 2.0}, X)


def test_constants_as_results() -> None:
    def f(x: Any) -> Any:
        return 1.5, np.float32(2), np.array([1, 2]), True, x

    check(f, X)
    assert trace(f, (X,), {}).output_weak == (True, False, False, True, False)


def test_trace_flat() -> None:
    in_tree = flatten(((0, 0), {}))[1]
    avals = [Aval(TensorType("f32", (2,))), Aval(TensorType("f64"), weak=True)]
    traced = trace_flat(lambda x, t: x * t, in_tree, avals, "scaled")
    assert traced.graph.name == "scaled"
    assert [str(t) for t in traced.graph.output_types] == ["f32[2]"]


def test_the_graph_is_the_expected_text() -> None:
    text = text_of(lambda x: np.tanh(x * 2.0), X)
    assert [line.split("//")[0].rstrip() for line in text.splitlines()] == [
        "func @lambda(%x: f64[3]) -> (f64[3]) {",
        '  %0 = constant {dtype = "f64", shape = [3], value = 2.0} : f64[3]',
        "  %1 = mul %x, %0 : f64[3]",
        "  %2 = tanh %1 : f64[3]",
        "  return %2",
        "}",
    ]


@pytest.mark.parametrize("result", [object(), {"a": object()}, [1.0, {1, 2}]])
def test_results_that_are_no_arrays(result: Any) -> None:
    with pytest.raises(TraceError, match="returns something that is not an array") as caught:
        run(lambda x: result, X)
    assert "result" in str(caught.value)


BAD_ARGUMENTS: list[tuple[Any, type[Exception], str]] = [
    (np.array([None]), DTypeError, "object"),
    (np.array([1j]), DTypeError, "complex128"),
    (np.zeros(2, np.float16), DTypeError, "float16"),
    (np.zeros(2, np.uint8), DTypeError, "uint8"),
    (np.zeros(2, [("a", "f8")]), DTypeError, "fields"),
    (np.array(["2020"], "datetime64[D]"), DTypeError, "datetime64"),
    (np.ma.masked_array([1.0], [True]), TraceError, "MaskedArray"),
    (np.array([[1.0]]).view(np.matrix), TraceError, "matrix"),
    (np.uint8(3), DTypeError, "uint8"),
    (1j, TraceError, "complex"),
]


@pytest.mark.parametrize(("argument", "kind", "text"), BAD_ARGUMENTS)
def test_bad_arguments(argument: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        run(lambda x: x, argument)
    if not np.iscomplexobj(argument):  # beside a traced array, complex numbers are known
        with pytest.raises((TypeError, FusegradError)):
            run(lambda x: x + argument, X)


# --- captured arrays ---


def test_foreign_arrays_are_read_at_each_call() -> None:
    weights = np.ones(3)
    traced = trace(lambda x: x @ weights + 2, (X,), {})
    assert traced.captured[0] is weights
    weights[:] = 2
    np.testing.assert_array_equal(execute(traced, X), X @ weights + 2)


def test_an_array_is_captured_once() -> None:
    weights = np.ones(3)
    assert len(trace(lambda x: x * weights + weights, (X,), {}).captured) == 1


def test_captured_arrays_of_other_dtypes() -> None:
    with pytest.raises(DTypeError, match="uint8"):
        run(lambda x: x + np.zeros(3, np.uint8), X)


def test_arrays_made_inside() -> None:
    check(lambda x: np.eye(3) @ x + np.arange(3), X)
    check(lambda x: x.astype(">f8") if isinstance(x, TracedArray) else x, X)
    check(lambda x: x + np.arange(3, dtype=">f8"), X)
    check(lambda x: x + np.arange(6.0)[::-2], X)


def test_lists_are_noted() -> None:
    numbers = [1.0, 2.0, 3.0]
    ((noted, copy),) = trace(lambda x: x * numbers, (X,), {}).baked
    assert noted is numbers
    np.testing.assert_array_equal(copy, numbers)
    with pytest.raises(TraceError, match="ragged"):
        run(lambda x: np.add(x, [[1.0], [2.0, 3.0]]), X)


def test_capturable_classes() -> None:
    class Holder:
        def __init__(self, array: np.ndarray[Any, Any]) -> None:
            self.array = array

    register_capturable(Holder, lambda holder: holder.array)
    held = Holder(np.ones(3))
    traced = trace(lambda x: x + held, (X,), {})
    assert traced.captured == (held,)
    (out,) = interpret(traced.graph, [X, held.array])
    np.testing.assert_array_equal(out, X + 1)


# --- nesting and threads ---


def test_an_inner_trace_uses_arrays_of_the_outer_one() -> None:
    def inner_of(outer: Any) -> Callable[[Any], Any]:
        return lambda y: y * outer + outer

    def f(x: Any) -> Any:
        doubled = x * 2
        if not is_tracing():
            return inner_of(doubled)(x + 1)
        traced = trace(inner_of(doubled), (x + 1,), {})
        (captured,) = traced.captured
        here = current_trace()
        operands = [(x + 1).value, here.lift(captured).value]
        return here.wrap(inline(traced.graph, here.builder, operands)[0])

    check(f, X)


def test_a_leaked_array_is_named() -> None:
    kept: list[Any] = []

    def leaky(x: Any) -> Any:
        kept.append(x)
        return x

    trace(leaky, (X,), {})
    with pytest.raises(TraceError, match="leaked from @leaky"):
        _ = kept[0] + 1
    with pytest.raises(TraceError, match="leaked from @leaky") as caught:
        run(lambda x: x + kept[0], X)
    assert caught.value.since == location_of(leaky)


def test_two_threads_trace_at_once() -> None:
    barrier = threading.Barrier(2)
    found: dict[int, Any] = {}

    def work(number: int) -> None:
        def f(x: Any) -> Any:
            for _ in range(50):
                x = x * number
                time.sleep(0)  # lets the other thread go on
            return x

        barrier.wait()
        found[number] = trace(f, (X,), {})

    threads = [threading.Thread(target=work, args=(n,)) for n in (2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(found[n].graph) for n in (2, 3)] == [100, 100]
    assert not is_tracing()


def test_a_trace_ends_with_an_error_of_the_user_s() -> None:
    def f(x: Any) -> Any:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        trace(f, (X,), {})
    assert not is_tracing()


# --- values that are not known ---

OUTSIDE = np.zeros(3)
UNKNOWN: list[tuple[Callable[[Any], Any], str]] = [
    (lambda x: 1 if x[0] > 0 else 2, "truth value"),
    (lambda x: x[0] > 0 and x[0] < 1, "truth value"),
    (lambda x: 1.0 in x, "truth value"),
    (lambda x: x[0].__float__(), "Python float"),
    (lambda x: int(x[0]), "Python int"),
    (lambda x: complex(x[0]), "Python complex"),
    (lambda x: range(x[0]), "integer is needed"),
    (lambda x: np.zeros(x[0].astype(int)), "integer is needed"),
    (lambda x: x.__array__(), "NumPy array"),
    (lambda x: OUTSIDE.__setitem__(0, x[0]), "from outside"),
    (lambda x: x.tobytes(), "no values"),
]


@pytest.mark.parametrize(("function", "text"), UNKNOWN)
def test_unknown_values(function: Callable[[Any], Any], text: str) -> None:
    with pytest.raises(TraceError, match=text) as caught:
        trace(function, (X,), {})
    assert isinstance(caught.value, TypeError)
    assert caught.value.at is not None
    assert caught.value.at.file == __file__
    assert caught.value.hint


def test_the_text_of_an_error() -> None:
    def f(x: Any) -> Any:
        positive = x.sum() > 0
        if positive:
            return x
        return -x

    with pytest.raises(TraceError) as caught:
        trace(f, (X,), {})
    first = f.__code__.co_firstlineno
    assert str(caught.value).splitlines() == [
        "the truth value of a traced array bool[] is not known while tracing",
        f"  at    test_trace.py:{first + 2}   if positive:",
        f"  since test_trace.py:{first + 1}   positive = x.sum() > 0",
        "  try   np.where(condition, x, y) instead of if; & and | instead of and, or",
    ]


def test_known_constants_may_decide() -> None:
    assert run(lambda x: x if np.ones_like(x.sum()) else -x, X).tolist() == X.tolist()


def test_hash_and_attributes() -> None:
    def f(x: Any) -> Any:
        with pytest.raises(TypeError, match="unhashable"):
            hash(x)
        assert not hasattr(x, "no_such_thing")
        assert repr(x) == f"{x}" == "traced array f64[3]"
        return x

    traced = trace(f, (X,), {})
    assert traced.graph.outputs == traced.graph.inputs


def test_an_unsupported_operand() -> None:
    with pytest.raises(TraceError, match=r"np\.add got 'a' of class str"):
        run(lambda x: x + "a", X)
    with pytest.raises(TypeError, match="unsupported operand"):
        run(lambda x: x + object(), X)
    with pytest.raises(TraceError, match="class str"):
        run(lambda x: np.add(x, "a"), X)
    with pytest.raises(UnsupportedError, match=r"ndarray\.byteswap"):
        run(lambda x: x.byteswap(), X)


# --- where it comes from ---


def test_each_operation_has_its_line() -> None:
    def f(x: Any) -> Any:
        y = np.sin(x)
        return y.mean()

    first = f.__code__.co_firstlineno
    graph = trace(f, (X,), {}).graph
    lines = [operation.location and operation.location.line for operation in graph]
    assert lines == [first + 1, *[first + 2] * (len(lines) - 1)]
    assert all(op.location is not None and op.location.file == __file__ for op in graph)


def test_locate() -> None:
    here = locate()
    assert here is not None
    assert here.file == __file__
    assert location_of(np.sum) != location_of(test_locate)
    assert location_of(len) is None


def test_thirty_thousand_operations() -> None:
    def f(x: Any) -> Any:
        for _ in range(10_000):
            x = np.sin(x) * 0.5 + x
        return x

    start = time.process_time()
    traced = trace(f, (X,), {})
    assert len(traced.graph) == 40_000
    assert time.process_time() - start < 5  # 0.6 s on an idle machine
