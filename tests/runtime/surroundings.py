"""What a function reads from outside, and ways to change it between calls."""

from __future__ import annotations

import functools
import types
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

import numpy as np

import fusegrad as fg

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
