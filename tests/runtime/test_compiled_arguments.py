"""How compiled functions take arguments: trees, parameters of every kind, numbers, methods,
threads.
"""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import fusegrad as fg

X = np.array([0.5, -1.0, 2.0])
Pair = namedtuple("Pair", ["left", "right"])


@dataclass
class Layer:
    w: Any
    b: Any


def layer_loss(tree: Any) -> Any:
    leaves: list[Any] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            for key in sorted(node):
                walk(node[key])
        elif isinstance(node, Layer):
            walk(node.w)
            walk(node.b)
        elif isinstance(node, list | tuple):
            for item in node:
                walk(item)
        elif node is not None:
            leaves.append(node)

    walk(tree)
    return sum(np.sum((i + 1) * leaf**2) for i, leaf in enumerate(leaves))


TREES = [
    {"b": X, "a": 2 * X},
    {"a": 2 * X, "b": X},
    {"w": {"x": X, "y": [X, 3.0]}, "z": (X,)},
    [X, [X, (X, None)], None],
    (X, {"k": X}),
    Pair(X, 2 * X),
    Layer(X, np.float64(0.5)),
    OrderedDict(z=X, a=X),
    {1: X, 0: 2 * X},
    X,
]


@pytest.mark.parametrize("tree", TREES, ids=lambda t: type(t).__name__)
def test_trees(tree: Any) -> None:
    value_and_grad = fg.value_and_grad(layer_loss)
    for _ in range(3):
        value, gradient = value_and_grad(tree)
        assert value == pytest.approx(layer_loss(tree), rel=1e-14)
        assert type(gradient) is type(tree)
    for i, (x, g) in enumerate(zip(_leaves(tree), _leaves(gradient), strict=True)):
        np.testing.assert_allclose(g, 2 * (i + 1) * np.asarray(x), rtol=1e-14)


def _leaves(tree: Any) -> list[Any]:
    if isinstance(tree, dict):
        return [leaf for key in sorted(tree) for leaf in _leaves(tree[key])]
    if isinstance(tree, Layer):
        return [*_leaves(tree.w), *_leaves(tree.b)]
    if isinstance(tree, list | tuple):
        return [leaf for item in tree for leaf in _leaves(item)]
    return [] if tree is None else [tree]


def test_the_order_of_a_dict_does_not_matter() -> None:
    f = fg.value_and_grad(layer_loss)
    _, g = f({"a": X, "b": 2 * X})
    _, h = f({"b": 2 * X, "a": X})
    assert f.cache_info()["variants"] == 1
    np.testing.assert_array_equal(g["a"], h["a"])
    np.testing.assert_array_equal(g["b"], h["b"])


def positional_only(w: Any, x: Any = 3.0, /) -> Any:
    return np.sum(w * x)


def keyword_only(w: Any, *, x: Any = 3.0, y: Any = 1.0) -> Any:
    return np.sum(w * x + y)


def defaults(w: Any, x: Any = 3.0, y: Any = None) -> Any:
    return np.sum(w * x) if y is None else np.sum(w * x * y)


def variadic(w: Any, *rest: Any) -> Any:
    return np.sum(w) * sum(rest)


def keywords(w: Any, **rest: Any) -> Any:
    return np.sum(w * rest.get("a", 1.0)) * rest.get("argument_b", 2.0)


def mixed(w: Any, /, x: Any, *rest: Any, y: Any = 1.0, **more: Any) -> Any:
    return np.sum(w * x) * y + sum(rest) + sum(more.values())


CALLS = [
    (positional_only, (X,), {}),
    (positional_only, (X, 2.0), {}),
    (keyword_only, (X,), {}),
    (keyword_only, (X,), {"y": 2.0}),
    (keyword_only, (), {"y": 2.0, "x": 4.0, "w": X}),
    (defaults, (X,), {}),
    (defaults, (X,), {"y": 2.0}),
    (defaults, (X, 2.0), {"y": None}),
    (defaults, (X, 2.0, 5.0), {}),
    (defaults, (), {"x": 2.0, "w": X}),
    (variadic, (X,), {}),
    (variadic, (X, 1.0, 2.0), {}),
    (keywords, (X,), {"a": 2.0}),
    (keywords, (X,), {"argument_b": 3.0, "a": 5.0}),
    (keywords, (X,), {"rest": 3.0, "argument_b": 5.0}),
    (keywords, (), {"a": 5.0, "w": X}),
    (mixed, (X, 2.0, 1.0, 1.0), {"y": 2.0, "z": 1.0}),
    (mixed, (X,), {"z": 3.0, "x": 2.0}),
]


@pytest.mark.parametrize(("function", "args", "kwargs"), CALLS)
def test_parameters(function: Any, args: Any, kwargs: Any) -> None:
    expected = function(*args, **kwargs)
    compiled, both = fg.compile(function), fg.value_and_grad(function)
    for _ in range(3):
        assert compiled(*args, **kwargs) == pytest.approx(expected, rel=1e-14)
        value, gradient = both(*args, **kwargs)
        assert value == pytest.approx(expected, rel=1e-14)
        assert gradient.shape == X.shape
    for other in (0, 1, 2):
        step = np.zeros(3)
        step[other] = 1.0
        plus = function(*[a + step if a is X else a for a in args], **_shifted(kwargs, step))
        assert gradient[other] == pytest.approx(plus - expected, rel=1e-12)


def _shifted(kwargs: dict[str, Any], step: np.ndarray) -> dict[str, Any]:
    return {k: v + step if v is X else v for k, v in kwargs.items()}


def test_a_parameter_that_was_left_out_keeps_its_place() -> None:
    f = fg.compile(defaults)
    for _ in range(3):
        assert f(X, y=2.0) == defaults(X, y=2.0)
        assert f(X, 2.0) == defaults(X, 2.0)
        assert f(X, 2.0, 5.0) == defaults(X, 2.0, 5.0)


def test_a_keyword_with_the_name_of_a_positional_only_parameter() -> None:
    def f(w: Any, /, **more: Any) -> Any:
        return np.sum(w) * more["w"]

    for _ in range(3):
        assert fg.grad(f)(2.0, w=3.0) == 3.0


WRONG = [
    (positional_only, (), {"w": X}),
    (positional_only, (), {}),
    (keyword_only, (X, 2.0), {}),
    (defaults, (X,), {"w": X}),
    (defaults, (X,), {"unknown": X}),
    (variadic, (), {}),
    (variadic, (X,), {"y": 1.0}),
    (keywords, (X, 1.0), {}),
]


@pytest.mark.parametrize(("function", "args", "kwargs"), WRONG)
def test_a_call_that_does_not_bind_is_a_type_error(function: Any, args: Any, kwargs: Any) -> None:
    compiled = fg.compile(function)
    with pytest.raises(TypeError):
        compiled(*args, **kwargs)
    compiled(X)
    compiled(X)
    with pytest.raises(TypeError):
        compiled(*args, **kwargs)


def three(x: Any, y: Any, z: Any) -> Any:
    return np.sum(x * y) + np.sum(y * z**2)


@pytest.mark.parametrize(
    ("argnums", "expected"),
    [
        (0, lambda x, y, z: y),
        (1, lambda x, y, z: x + z**2),
        (-1, lambda x, y, z: 2 * y * z),
        ("y", lambda x, y, z: x + z**2),
        ((0, 2), lambda x, y, z: (y, 2 * y * z)),
        ((2, 0), lambda x, y, z: (2 * y * z, y)),
        (("z", 0), lambda x, y, z: (2 * y * z, y)),
        ((1,), lambda x, y, z: (x + z**2,)),
        ((-3, -1), lambda x, y, z: (y, 2 * y * z)),
    ],
)
def test_argnums(argnums: Any, expected: Any) -> None:
    arguments = (X, X + 1, X * 2)
    wanted = expected(*arguments)
    for found in (
        fg.grad(three, argnums=argnums)(*arguments),
        fg.value_and_grad(three, argnums=argnums)(*arguments)[1],
        fg.grad(three, argnums=argnums)(arguments[0], z=arguments[2], y=arguments[1]),
    ):
        assert type(found) is type(wanted)
        np.testing.assert_allclose(found, wanted, rtol=1e-14)


@pytest.mark.parametrize("argnums", [3, -4, "q", (0, 5), 1.5, None])
def test_bad_argnums(argnums: Any) -> None:
    with pytest.raises(fg.TraceError, match="names none of the arguments given, x, y, z") as caught:
        fg.grad(three, argnums=argnums)(X, X, X)
    assert caught.value.at is not None
    assert caught.value.at.file == __file__


def test_has_aux() -> None:
    def f(w: Any) -> Any:
        h = np.tanh(w)
        return np.sum(h**2), {"h": h, "n": 3, "none": None}

    for _ in range(3):
        gradient, aux = fg.grad(f, has_aux=True)(X)
        (value, again), same = fg.value_and_grad(f, has_aux=True)(X)
    h = np.tanh(X)
    np.testing.assert_allclose(gradient, 2 * h * (1 - h**2), rtol=1e-14)
    np.testing.assert_allclose(aux["h"], h, rtol=1e-15)
    assert aux["n"] == 3
    assert aux["none"] is None
    assert value == pytest.approx(np.sum(h**2), rel=1e-14)
    np.testing.assert_array_equal(same, gradient)
    assert again.keys() == aux.keys()


def test_argnums_of_what_is_called_by_keyword() -> None:
    def f(scale: Any, **named: Any) -> Any:
        return scale * np.sum(named["a"] ** 2)

    np.testing.assert_allclose(fg.grad(f, argnums="a")(2.0, a=X), 4 * X)
    assert fg.grad(f)(a=X, scale=2.0) == pytest.approx(np.sum(X**2))


def test_grad_decorator_with_options() -> None:
    @fg.grad(argnums=1)
    def f(x: Any, y: Any) -> Any:
        return np.sum(x * y)

    np.testing.assert_array_equal(f(X, X), X)
    assert f.__name__ == "f"


# --- numbers ---


@pytest.mark.parametrize(
    ("x", "dtype"),
    [
        (2.0, np.float64),
        (np.float64(2.0), np.float64),
        (np.float32(2.0), np.float32),
        (np.array(2.0), np.float64),
        (np.array(2.0, np.float32), np.float32),
        (np.array([2.0], np.float32)[0], np.float32),
    ],
)
def test_scalars(x: Any, dtype: Any) -> None:
    f = fg.value_and_grad(lambda x: np.sin(x) * x)
    for _ in range(3):
        value, gradient = f(x)
        assert type(value) is dtype
        assert type(gradient) is dtype
    eps = np.finfo(dtype).eps
    assert value == pytest.approx(np.sin(2.0) * 2.0, rel=float(4 * eps))
    assert gradient == pytest.approx(np.sin(2.0) + 2 * np.cos(2.0), rel=float(4 * eps))


@pytest.mark.parametrize(
    "k", [3, np.int32(3), np.int64(3), True, np.True_, np.array(3), np.array(3, np.int32)]
)
def test_integers_and_truth_values(k: Any) -> None:
    f = fg.value_and_grad(lambda x, k: np.sum(x * k))
    for _ in range(3):
        value, gradient = f(X, k)
    assert value == pytest.approx(np.sum(X * k))
    np.testing.assert_array_equal(gradient, np.full(3, float(k)))


def test_python_numbers_are_weak() -> None:
    x = X.astype(np.float32)
    f = fg.compile(lambda x, s: x * s)
    for s in (2.0, 2, True):
        for _ in range(3):
            assert f(x, s).dtype == np.float32
    assert f(x, np.float64(2.0)).dtype == np.float64


def test_a_number_that_changes_its_class_is_computed_anew() -> None:
    f = fg.compile(lambda x: x / 2)
    values = [3, 3.0, np.float32(3.0), np.int32(3), 2**40, -1.5, True, np.True_, 5, 7.0]
    for x in values * 2:
        assert f(x) == x / 2
        assert type(f(x)) is type(np.true_divide(x, 2))


def test_an_integer_beyond_64_bits_is_an_error() -> None:
    f = fg.compile(lambda x: x * 2)
    assert f(3) == 6
    assert f(3) == 6
    with pytest.raises(OverflowError):
        f(2**70)
    assert f(4) == 8
