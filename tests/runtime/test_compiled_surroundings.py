"""What a function reads beside its arguments may change: the next call sees it, every time."""

from __future__ import annotations

import functools
import types
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad as fg

X = np.arange(1.0, 4.0)

Case = tuple[Callable[[Any], Any], Callable[[], Any]]
CASES: list[Callable[[], Case]] = []


def case(make: Callable[[], Case]) -> Callable[[], Case]:
    """A function of x, and what changes what it reads."""
    CASES.append(make)
    return make


# --- names ---


@case
def closure_cell() -> Case:
    scale = 2.0

    def rebind() -> None:
        nonlocal scale
        scale = 3.0

    return lambda x: x * scale, rebind


@case
def closure_array_rebound() -> Case:
    weights = np.ones(3)

    def rebind() -> None:
        nonlocal weights
        weights = np.full(3, 7.0)

    return lambda x: x * weights, rebind


@case
def closure_array_of_another_shape() -> Case:
    weights = np.ones((2, 3))

    def rebind() -> None:
        nonlocal weights
        weights = np.full((4, 3), 7.0)

    return lambda x: x * np.sum(weights @ x), rebind


scale_here, array_here = 2.0, np.ones(3)


@case
def global_number() -> Case:
    return lambda x: x * scale_here, lambda: globals().update(scale_here=scale_here + 1)


@case
def global_array() -> Case:
    return lambda x: x * array_here, lambda: globals().update(array_here=array_here + 1)


@case
def the_sign_of_zero() -> Case:
    zero = 0.0

    def rebind() -> None:
        nonlocal zero
        zero = -0.0

    return lambda x: np.copysign(x, zero), rebind


def one(x: Any) -> Any:
    return two(x) + 1


def two(x: Any) -> Any:
    return three(x) + 1


def three(x: Any) -> Any:
    return four(x) + 1


def four(x: Any) -> Any:
    return five(x) + 1


def five(x: Any) -> Any:
    return x * deep_down


deep_down = 2.0


@case
def global_of_a_function_called_far_down() -> Case:
    return one, lambda: globals().update(deep_down=deep_down + 1)


@case
def helper_function() -> Case:
    helper = lambda x: x * 2  # noqa: E731

    def rebind() -> None:
        nonlocal helper
        helper = lambda x: x * 3  # noqa: E731

    return lambda x: helper(x), rebind


@case
def code_of_a_function() -> Case:
    def helper(x: Any) -> Any:
        return x * 2

    def replace() -> None:  # as autoreload does
        helper.__code__ = (lambda x: x * 3).__code__

    return lambda x: helper(x), replace


@case
def default_of_a_function() -> Case:
    def f(x: Any, by: float = 2.0) -> Any:
        return x * by

    return f, lambda: setattr(f, "__defaults__", (3.0,))


@case
def item_of_a_default() -> Case:
    def f(x: Any, options: dict[str, float] = {"by": 2.0}) -> Any:  # noqa: B006
        return x * options["by"]

    return f, lambda: f.__defaults__[0].update(by=3.0)  # type: ignore[index]


@case
def keyword_default() -> Case:
    def f(x: Any, *, by: float = 2.0) -> Any:
        return x * by

    return f, lambda: f.__kwdefaults__.update(by=3.0)


@case
def keywords_of_a_partial() -> Case:
    f = functools.partial(lambda x, by: x * by, by=2.0)
    return f, lambda: f.keywords.update(by=3.0)


@case
def attribute_of_a_module() -> Case:
    settings: Any = types.ModuleType("settings")
    settings.by = 2.0
    return lambda x: x * settings.by, lambda: setattr(settings, "by", 3.0)


@case
def compiled_helper() -> Case:
    by = 2.0

    @fg.compile
    def helper(x: Any) -> Any:
        return x * by

    def rebind() -> None:
        nonlocal by
        by = 3.0

    return lambda x: helper(x) + 1, rebind


# --- containers ---


@case
def item_of_a_list() -> Case:
    layers = [np.ones(3), np.ones(3)]
    return lambda x: x * layers[0] + layers[1], lambda: layers.__setitem__(1, np.full(3, 5.0))


@case
def one_more_item_of_a_list() -> Case:
    layers = [np.ones(3)]
    return lambda x: sum(x * w for w in layers), lambda: layers.append(np.ones(3))


@case
def item_of_a_long_list() -> Case:
    table = [1.0] * 1000
    return lambda x: x * table[500], lambda: table.__setitem__(500, 2.0)


@case
def list_as_an_array() -> Case:
    table = [1.0, 2.0, 3.0]
    return lambda x: x * np.array(table), lambda: table.__setitem__(0, 9.0)


@case
def list_beside_an_array() -> Case:
    table = [1.0, 2.0, 3.0]
    return lambda x: x * table, lambda: table.__setitem__(0, 9.0)


@case
def nested_list() -> Case:
    table = [[1.0, 2.0], [3.0]]
    return lambda x: x * table[1][0], lambda: table[1].__setitem__(0, 9.0)


@case
def list_in_a_tuple_in_a_dict() -> Case:
    table = {"a": ([1.0],)}
    return lambda x: x * table["a"][0][0], lambda: table["a"][0].__setitem__(0, 9.0)


@case
def item_of_a_dict() -> Case:
    table = {"w": np.ones(3)}
    return lambda x: x * table["w"], lambda: table.update(w=np.full(3, 2.0))


@case
def one_more_item_of_a_dict() -> Case:
    table = {"a": 1.0}
    return lambda x: x * sum(table.values()), lambda: table.update(b=2.0)


@case
def item_of_a_large_dict() -> Case:
    table = dict.fromkeys(range(1000), 1.0)
    return lambda x: x * table[500], lambda: table.update({500: 2.0})


@case
def item_of_a_nested_dict() -> Case:
    table = {"a": {"b": OrderedDict(c=1.0)}}
    return lambda x: x * table["a"]["b"]["c"], lambda: table["a"]["b"].update(c=2.0)


@case
def a_set() -> Case:
    on = {"sin"}
    return lambda x: np.sin(x) if "sin" in on else x, lambda: on.clear()


@case
def a_deque() -> Case:
    table = deque([1.0, 2.0])
    return lambda x: x * table[0], lambda: table.appendleft(3.0)


# --- objects ---


class Model:
    by = 2.0
    shift = 0.0

    def __init__(self) -> None:
        self.w = 3.0
        self.part = types.SimpleNamespace(w=1.0)

    def __call__(self, x: Any) -> Any:
        return self.helper(x)

    def helper(self, x: Any) -> Any:
        return x * self.w * self.part.w

    def dynamic(self, x: Any) -> Any:
        return x * getattr(self, "".join("w"))

    def shared(self, x: Any) -> Any:
        return x * self.by + self.shift

    @property
    def double(self) -> float:
        return 2 * self.w

    def through_property(self, x: Any) -> Any:
        return x * self.double

    @fg.compile
    def compiled(self, x: Any) -> Any:
        return x * self.w


@case
def attribute_of_a_callable_object() -> Case:
    model = Model()
    return model, lambda: setattr(model, "w", 4.0)


@case
def attribute_of_an_object_called_inside() -> Case:
    model = Model()
    return lambda x: model(x) + 1, lambda: setattr(model, "w", 4.0)


@case
def attribute_read_by_a_method() -> Case:
    model = Model()
    return lambda x: model.helper(x), lambda: setattr(model, "w", 4.0)


@case
def attribute_of_an_attribute() -> Case:
    model = Model()
    return model.helper, lambda: setattr(model.part, "w", 4.0)


@case
def attribute_by_getattr() -> Case:
    model = Model()
    return model.dynamic, lambda: setattr(model, "w", 4.0)


@case
def attribute_behind_a_property() -> Case:
    model = Model()
    return model.through_property, lambda: setattr(model, "w", 4.0)


@case
def attribute_of_a_class() -> Case:
    model = Model()
    return model.shared, lambda: setattr(Model, "shift", Model.shift + 1.0)


@case
def attribute_that_hides_one_of_the_class() -> Case:
    model = Model()
    return model.shared, lambda: setattr(model, "by", 9.0)


@case
def attribute_of_the_self_of_a_compiled_method() -> Case:
    model = Model()
    return lambda x: model.compiled(x), lambda: setattr(model, "w", 4.0)


@case
def attribute_in_a_slot() -> Case:
    class Small:
        __slots__ = ("w",)

    small = Small()
    small.w = 2.0  # type: ignore[attr-defined]
    return lambda x: x * small.w, lambda: setattr(small, "w", 3.0)  # type: ignore[attr-defined]


@case
def method_replaced() -> Case:
    class Local:
        def f(self, x: Any) -> Any:
            return x * 2

    local = Local()
    return lambda x: local.f(x), lambda: setattr(Local, "f", lambda self, x: x * 3)


# --- arrays changed in place ---


def array_case(read: Callable[[np.ndarray, Any], Any], dtype: Any = float) -> None:
    def make() -> Case:
        array = np.array([0, 1, 1], dtype)
        return lambda x: read(array, x), lambda: array.__setitem__(0, 1)

    make.__name__ = f"array_in_place_{len(CASES)}"
    case(make)


array_case(lambda a, x: x * a)
array_case(lambda a, x: x * a[::-1])
array_case(lambda a, x: x * a.T)
array_case(lambda a, x: x * np.exp(a))
array_case(lambda a, x: x * a.sum())
array_case(lambda a, x: x * a + a.sum())
array_case(lambda a, x: x * float(a[0]))
array_case(lambda a, x: x * 2 if a[0] else x)
array_case(lambda a, x: x * a.astype(np.float32))
array_case(lambda a, x: np.where(a > 0, x, -x))
array_case(lambda a, x: x[a], np.int64)
array_case(lambda a, x: x[a.astype(int)])
array_case(lambda a, x: np.sum(x[a]), bool)
array_case(lambda a, x: x * a, np.float32)
array_case(lambda a, x: x * a, np.int32)


@case
def array_in_place_0d() -> Case:
    array = np.array(2.0)
    return lambda x: x * array, lambda: array.__setitem__((), 3.0)


@case
def array_in_place_not_contiguous() -> Case:
    array = np.ones((3, 2))[:, 0]
    return lambda x: x * array, lambda: array.__setitem__(0, 3.0)


@case
def array_reshaped_in_place() -> Case:
    array = np.arange(6.0).reshape(2, 3)
    return (
        lambda x: np.sum(array @ np.ones(array.shape[1])) * array[0, 1] * array.shape[0] * x,
        lambda: setattr(array, "shape", (3, 2)),
    )


@pytest.mark.parametrize("kind", ["compile", "grad"])
@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_a_change_is_seen(make: Callable[[], Case], kind: str) -> None:
    function, change = make()
    expected = function(X)
    if kind == "compile":
        compiled, reference = fg.compile(function), function
    else:

        def total(x: Any) -> Any:
            return np.sum(function(x) * x)

        compiled = fg.grad(total)

        def reference(x: Any) -> Any:
            h = 1e-4  # every case is at most a cubic of x
            steps = [h * e for e in np.eye(3)]
            slopes = [(total(X + s) - total(X - s)) / (2 * h) for s in steps]
            return np.array(slopes)

    rtol = 1e-14 if kind == "compile" else 1e-7
    before = reference(X)
    for _ in range(3):
        np.testing.assert_allclose(compiled(X), before, rtol=rtol)
    change()
    assert not np.array_equal(function(X), expected) or make.__name__ == "the_sign_of_zero"
    after = reference(X)
    for _ in range(3):
        np.testing.assert_allclose(compiled(X), after, rtol=rtol)
        if kind == "compile":
            np.testing.assert_array_equal(np.signbit(compiled(X)), np.signbit(after))


def test_what_comes_back_is_found_again() -> None:
    scale = 1.0
    f = fg.compile(lambda x: x * scale)
    for scale in (1.0, 2.0) * 10:
        np.testing.assert_array_equal(f(X), X * scale)
    assert f.cache_info()["variants"] == 2


def test_a_captured_array_that_is_trained_in_place_compiles_twice_at_most() -> None:
    w = np.ones(3)
    f = fg.value_and_grad(lambda x: np.sum((x @ np.eye(3) - w) ** 2))  # np.eye might be made of w
    for _ in range(20):
        value, gradient = f(X)
        assert value == pytest.approx(np.sum((X - w) ** 2))
        w += 0.1 * gradient
    assert f.cache_info()["variants"] <= 2
    assert f.explain(X).native


def test_arrays_bound_anew_use_the_same_code() -> None:
    w = np.ones(3)
    f = fg.value_and_grad(lambda x: np.sum((x - w) ** 2))
    f(X)
    program = f.lower(X)._variant.program
    for _ in range(20):
        value, gradient = f(X)
        assert value == pytest.approx(np.sum((X - w) ** 2))
        assert f.lower(X)._variant.program is program
        w = w + 0.1 * gradient
    w = w.astype(np.float32)
    assert f(X)[0] == pytest.approx(np.sum((X - w) ** 2))
    assert f.lower(X)._variant.program is not program


def test_a_list_that_the_function_appends_to_is_no_reason_to_trace_again() -> None:
    calls = []

    @fg.compile
    def f(x: Any) -> Any:
        calls.append(1)
        return x * 2

    for _ in range(5):
        f(X)
    assert len(calls) == 1
    assert f.explain(X).native


def test_a_counter_that_the_function_reads_is_followed() -> None:
    count = 0

    @fg.compile
    def f(x: Any) -> Any:
        nonlocal count
        count += 1
        return x * count

    for expected in (1, 2, 3):
        np.testing.assert_array_equal(f(X), X * expected)


def test_names_deleted_and_bound_again() -> None:
    space: dict[str, Any] = {"k": 2.0}
    exec("def f(x): return x * k", space)
    f = fg.compile(space["f"])
    np.testing.assert_array_equal(f(X), X * 2)
    del space["k"]
    with pytest.raises(NameError):
        f(X)
    space["k"] = 5.0
    np.testing.assert_array_equal(f(X), X * 5)


def test_many_surroundings_keep_the_number_of_variants_bounded() -> None:
    scale = 0.0
    f = fg.compile(lambda x: x * scale)
    for i in range(80):
        scale = float(i)
        np.testing.assert_array_equal(f(X), X * scale)
    assert f.cache_info()["variants"] <= 64
