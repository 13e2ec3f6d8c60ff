"""Errors name the line of the user's, and what to do."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.ir import DTypeError, FusegradError, ShapeError
from fusegrad.tracer.errors import (
    ArgumentError,
    MissingAttributeError,
    NumberError,
    RecursionDepthError,
    TraceError,
    UnsupportedError,
)

from .test_bad_input import Thing

X = np.linspace(-1.0, 2.0, 12).reshape(3, 4)


def no_such_axis(x: Any) -> Any:
    return np.sum(x, axis=5)


def inner_sizes(x: Any) -> Any:
    y = x * 2
    return y @ x


def broadcast(x: Any) -> Any:
    return x + np.ones(7)


def bad_reshape(x: Any) -> Any:
    return np.reshape(x, (5, 5))


def bad_concatenate(x: Any) -> Any:
    return np.concatenate([x, np.ones((3, 3, 3))])


def truth(x: Any) -> Any:
    if x > 0:
        return x
    return -x


def as_item(x: Any) -> Any:
    return x.item()


def as_int(x: Any) -> Any:
    return [1, 2, 3][int(x)]


def as_index(x: Any) -> Any:
    return [1, 2, 3][x[0, 0]]


FROM_OUTSIDE = np.zeros(3)


def stored(x: Any) -> Any:
    FROM_OUTSIDE[0] = x[0, 0]
    return x


def unsupported(x: Any) -> Any:
    return np.packbits(x > 0)


def unsupported_solver(x: Any) -> Any:
    return np.linalg.eig(x[:3, :3])


def as_bytes(x: Any) -> Any:
    return x.tobytes()


def unsupported_attribute(x: Any) -> Any:
    return x.ctypes


def unsupported_keyword(x: Any) -> Any:
    return np.add(x, x, signature="dd->d")


def unsupported_ufunc(x: Any) -> Any:
    return np.spacing(x)


def out_of_bounds(x: Any) -> Any:
    return x[10]


def too_many_indices(x: Any) -> Any:
    return x[0, 0, 0]


def bad_index(x: Any) -> Any:
    return x["a"]


def returns_object(x: Any) -> Any:
    return Thing()


def adds_text(x: Any) -> Any:
    return x + "text"


def text_adds(x: Any) -> Any:
    return "text" + x


def adds_nothing(x: Any) -> Any:
    return None + x


def shifts_floats(x: Any) -> Any:
    return x << 2


def sets_shape(x: Any) -> Any:
    y = x * 2
    y.shape = (12,)
    return y


def recursion(x: Any) -> Any:
    return recursion(x * 1.0)


def rounds_truth_values(x: Any) -> Any:
    return np.round(x > 0)


def adds_object(x: Any) -> Any:
    return x + Thing()


def adds_object_array(x: Any) -> Any:
    return x + np.array([1, None, 2, 3], object)


LINES: dict[Callable[[Any], Any], tuple[type[Exception], str]] = {
    no_such_axis: (ShapeError, "return np.sum"),
    inner_sizes: (ShapeError, "return y @ x"),
    broadcast: (ShapeError, "return x + np"),
    bad_reshape: (ShapeError, "return np.reshape"),
    bad_concatenate: (ShapeError, "return np.concatenate"),
    truth: (ShapeError, "if x > 0"),
    as_item: (ShapeError, "return x.item"),
    as_int: (ShapeError, "return [1, 2, 3][int(x)]"),
    as_index: (TraceError, "return [1, 2, 3][x[0, 0]]"),
    stored: (TraceError, "FROM_OUTSIDE[0] = x"),
    unsupported: (UnsupportedError, "return np.packbits"),
    unsupported_solver: (UnsupportedError, "return np.linalg.eig"),
    as_bytes: (TraceError, "return x.tobytes"),
    unsupported_attribute: (UnsupportedError, "return x.ctypes"),
    unsupported_keyword: (UnsupportedError, "return np.add"),
    unsupported_ufunc: (UnsupportedError, "return np.spacing"),
    out_of_bounds: (IndexError, "return x[10]"),
    too_many_indices: (IndexError, "return x[0, 0, 0]"),
    bad_index: (IndexError, 'return x["a"]'),
    returns_object: (TraceError, "def returns_object"),
    adds_text: (TraceError, 'return x + "text"'),
    text_adds: (TraceError, 'return "text" + x'),
    adds_nothing: (TraceError, "return None + x"),
    shifts_floats: (DTypeError, "return x << 2"),
    sets_shape: (MissingAttributeError, "y.shape = (12,)"),
    recursion: (RecursionDepthError, "return recursion"),
    rounds_truth_values: (UnsupportedError, "return np.round"),
    adds_object: (TypeError, "return x + Thing()"),
    adds_object_array: (DTypeError, "return x + np.array"),
}


@pytest.mark.parametrize("function", LINES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("kind", ["compile", "grad"])
def test_errors_name_the_line(function: Callable[[Any], Any], kind: str) -> None:
    error, text = LINES[function]
    compiled = getattr(fg, kind)(function)
    for _ in range(2):
        with pytest.raises(error) as caught:
            compiled(X)
        if not isinstance(caught.value, FusegradError):
            assert function is adds_object  # Python's own: unsupported operand types
            continue
        lines, first = inspect.getsourcelines(function)
        number = next(i for i, line in enumerate(lines) if text in line)
        assert caught.value.at is not None
        assert caught.value.at.file == __file__
        assert caught.value.at.line == first + number
        assert text in str(caught.value)
        assert "traced" not in caught.value.hint or function is stored


@pytest.mark.parametrize("function", [f for f, e in LINES.items() if e[0] is UnsupportedError])
def test_unsupported_names_what_and_a_way_out(function: Callable[[Any], Any]) -> None:
    with pytest.raises(UnsupportedError) as caught:
        fg.compile(function)(X)
    word = LINES[function][1].rpartition(".")[2].removeprefix("return ")
    assert word in caught.value.what
    assert caught.value.hint


def vector(x: Any) -> Any:
    return x * 2


def pair(x: Any) -> Any:
    return np.sum(x), np.sum(x)


def nothing(x: Any) -> Any:
    return None


def whole_number(x: Any) -> Any:
    return np.sum(x > 0)


@pytest.mark.parametrize(
    ("function", "error"),
    [(vector, ShapeError), (pair, TraceError), (nothing, TraceError), (whole_number, DTypeError)],
)
def test_grad_needs_one_floating_point_scalar(function: Any, error: Any) -> None:
    for transform in (fg.grad, fg.value_and_grad):
        with pytest.raises(error, match="grad of @") as caught:
            transform(function)(X)
        assert caught.value.at is not None
        assert caught.value.at.file == __file__


def test_grad_with_respect_to_integers() -> None:
    for x in (3, np.arange(3), True, {"a": 1.0, "b": 2}):
        with pytest.raises(DTypeError, match="floating-point"):
            fg.grad(lambda x: 1.0 * np.sum(x["b"] if isinstance(x, dict) else x))(x)
    with pytest.raises(TraceError, match="has_aux"):
        fg.grad(lambda x: np.sum(x), has_aux=True)(X)


def test_errors_of_the_user_pass_through() -> None:
    class MyError(Exception):
        pass

    def fails(x: Any) -> Any:
        raise MyError("mine")

    compiled = fg.compile(fails)
    for _ in range(2):
        with pytest.raises(MyError, match="mine"):
            compiled(X)


def test_a_leaked_traced_array_is_named() -> None:
    kept: list[Any] = []

    def leaks(x: Any) -> Any:
        kept.append(x * 2)
        return x

    fg.compile(leaks)(X)
    for use in (lambda: kept[0] + 1, lambda: np.sum(kept[0]), lambda: fg.compile(np.sin)(kept[0])):
        with pytest.raises(TraceError, match=r"leaked|after its trace"):
            use()


def test_printing_while_tracing_shows_the_type() -> None:
    shown: list[str] = []

    def f(x: Any) -> Any:
        shown.append(f"{x[0, 0]:.3f} {x}")
        return x

    fg.compile(f)(X)
    assert shown == ["traced array f64[] traced array f64[3, 4]"]


def two(first: Any, second: Any = 1.0) -> Any:
    return first * second


CALLS: list[tuple[tuple[Any, ...], dict[str, Any], type[FusegradError], str, str]] = [
    ((), {}, ArgumentError, "two(): missing a required argument: 'first'", "(first"),
    ((X, X, X), {}, ArgumentError, "two(): too many positional arguments", "(first"),
    ((X,), {"secnd": 2.0}, ArgumentError, "two(): got an unexpected keyword argument", "second="),
    ((X,), {"first": X}, ArgumentError, "two(): multiple values for argument 'first'", "(first"),
    ((X, 2**70), {}, NumberError, "second is 1180591620717411303424", "float(x)"),
]


@pytest.mark.parametrize(("args", "kwargs", "kind", "what", "hint"), CALLS)
def test_calls_that_do_not_fit(
    args: Any, kwargs: Any, kind: type[FusegradError], what: str, hint: str
) -> None:
    compiled = fg.compile(two)
    compiled(X)
    with pytest.raises(kind) as caught:
        compiled(*args, **kwargs)
    assert isinstance(caught.value, TypeError | OverflowError)
    assert caught.value.what.startswith(what)
    assert hint in caught.value.hint
    assert caught.value.at is not None
    assert caught.value.at.file == __file__


def test_integers_are_shifted() -> None:
    def f(i: Any) -> Any:
        i = i << 2
        i >>= 1
        return i + (1 << i) + (64 >> i)

    i = np.array([0, 1, 2, 5])
    np.testing.assert_array_equal(fg.compile(f)(i), f(i))
