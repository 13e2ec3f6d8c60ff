"""Strange arguments: each works as in NumPy, or is refused by an error that says what, where and
what to try.
"""

from __future__ import annotations

import inspect
import os
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse

import fusegrad as fg
from fusegrad.ir import DTypeError, FusegradError
from fusegrad.tracer.errors import TraceError

X = np.linspace(-1.0, 2.0, 12).reshape(3, 4)


def f(x: Any) -> Any:
    return np.sum(np.tanh(x * 1.0) * 0.5, axis=0)


def memmap() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x")
        X.tofile(path)
        return np.memmap(path, dtype=np.float64, mode="r", shape=(3, 4))


def unaligned() -> Any:
    memory = np.zeros(X.nbytes + 1, np.uint8)
    view = memory[1:].view(np.float64).reshape(3, 4)
    view[...] = X
    assert not view.flags.aligned
    return view


def read_only() -> Any:
    x = X.copy()
    x.flags.writeable = False
    return x


class Plain(np.ndarray):
    pass


# --- what works as in NumPy ---

GOOD: dict[str, Callable[[], Any]] = {
    "contiguous": lambda: X,
    "fortran": lambda: np.asfortranarray(X),
    "transposed": lambda: X.T,
    "strided": lambda: X[::2, ::3],
    "negative strides": lambda: X[::-1, ::-1],
    "zero strides": lambda: np.broadcast_to(X[0], (5, 4)),
    "read-only": read_only,
    "unaligned": unaligned,
    "big-endian": lambda: X.astype(">f8"),
    "big-endian float32": lambda: X.astype(">f4"),
    "memmap": memmap,
    "float32": lambda: X.astype(np.float32),
    "0-d": lambda: np.array([1.0])[0] * np.ones(()),
    "no rows": lambda: np.zeros((0, 4)),
    "no columns": lambda: np.zeros((3, 0)),
    "one element": lambda: np.array([[2.0]]),
    "int64": lambda: np.arange(12).reshape(3, 4),
    "int32": lambda: np.arange(12, dtype=np.int32).reshape(3, 4),
    "longlong": lambda: np.arange(12, dtype=np.longlong).reshape(3, 4),
    "bool": lambda: X > 0,
    "nan and inf": lambda: np.array([[np.nan, np.inf, -np.inf, -0.0]]),
    "list of arrays": lambda: [X, X],
}


@pytest.mark.parametrize("name", GOOD)
def test_works_as_in_numpy(name: str) -> None:
    x = GOOD[name]()
    function = f if np.ndim(x) else np.tanh
    if name == "list of arrays":
        function = lambda xs: f(xs[0] + xs[1])  # noqa: E731
    with np.errstate(all="ignore"):
        expected = np.asarray(function(x))
    compiled = fg.compile(function)
    compiled(X) if name != "list of arrays" and function is f else None
    for _ in range(3):
        found = np.asarray(compiled(x))
        assert found.dtype == expected.dtype.newbyteorder("=")
        eps = np.finfo(expected.dtype).eps
        np.testing.assert_allclose(found, expected, rtol=8 * eps, atol=8 * eps)


@pytest.mark.parametrize(
    "name", [n for n in GOOD if n not in ("int64", "int32", "longlong", "bool")]
)
def test_gradients_of_what_works(name: str) -> None:
    x = GOOD[name]()
    g = fg.grad(lambda x: sum(np.sum(a * a) for a in (x if isinstance(x, list) else [x])))
    for _ in range(3):
        found, dense = g(x), 2 * np.asarray(x)
        np.testing.assert_array_equal(found, dense)
        assert np.asarray(found).dtype == dense.dtype.newbyteorder("=")
        if np.ndim(x) and not isinstance(x, list):
            assert found.flags.writeable
            assert found.flags.c_contiguous


# --- what is refused ---


class Thing:
    pass


REFUSED: dict[str, tuple[Callable[[], Any], type[FusegradError]]] = {
    "float16": (lambda: X.astype(np.float16), DTypeError),
    "longdouble": (lambda: X.astype(np.longdouble), DTypeError),
    "complex": (lambda: X + 1j, DTypeError),
    "complex number": (lambda: 1j, FusegradError),
    "uint8": (lambda: np.ones(3, np.uint8), DTypeError),
    "uint64": (lambda: np.ones(3, np.uint64), DTypeError),
    "int16": (lambda: np.ones(3, np.int16), DTypeError),
    "objects": (lambda: np.array([1.0, Thing()], object), DTypeError),
    "numbers as objects": (lambda: np.array([1.0, 2.0], object), DTypeError),
    "structured": (lambda: np.zeros(3, [("a", float), ("b", int)]), DTypeError),
    "record": (lambda: np.rec.array([(1.0, 2)], dtype=[("a", float), ("b", int)]), FusegradError),
    "strings": (lambda: np.array(["a", "b"]), DTypeError),
    "bytes": (lambda: np.array([b"a", b"b"]), DTypeError),
    "variable strings": (lambda: np.array(["a"], np.dtypes.StringDType()), DTypeError),
    "dates": (lambda: np.array(["2020-01-01"], "M8[D]"), DTypeError),
    "durations": (lambda: np.array([1, 2], "m8[s]"), DTypeError),
    "masked": (lambda: np.ma.array([1.0, 2.0], mask=[True, False]), TraceError),
    "matrix": (lambda: np.matrix([[1.0]]), TraceError),
    "subclass": (lambda: np.ones(3).view(Plain), TraceError),
    "set": (lambda: {1.0, 2.0}, TraceError),
    "generator": (lambda: (i for i in range(3)), TraceError),
    "instance": (Thing, TraceError),
    "sparse matrix": (lambda: scipy.sparse.csr_matrix(np.eye(2)), TraceError),
    "sparse array": (lambda: scipy.sparse.coo_array(np.eye(2)), TraceError),
    "memoryview": (lambda: memoryview(b"abc"), TraceError),
}


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("kind", ["compile", "grad"])
def test_is_refused(name: str, kind: str) -> None:
    make, error = REFUSED[name]
    if kind == "compile":
        compiled: Any = fg.compile(lambda x, y: y * 2)
    else:
        compiled = fg.grad(lambda x, y: np.sum(y), argnums=1)
    compiled(1.0, X)
    for _ in range(2):
        with pytest.raises(error) as caught:
            compiled(make(), X)
        assert caught.value.what.startswith("x ") or " x " in caught.value.what
        assert "0x" not in caught.value.what
        assert len(caught.value.what) < 200
        assert caught.value.hint
    np.testing.assert_array_equal(compiled(1.0, X), X * 2 if kind == "compile" else np.ones_like(X))


# --- ranks, shapes, indices ---


def test_high_ranks() -> None:
    for rank in (20, 31, 32, 33, 60, 64):
        x = np.full((1,) * rank, 3.0)
        gradient = fg.grad(lambda x: np.sum(x * x * np.ones(2)))(x)
        assert gradient.shape == x.shape
        assert gradient.item() == 12.0
    x = np.arange(2.0**18).reshape((2,) * 18)
    np.testing.assert_array_equal(fg.compile(lambda x: x.T + 1)(x), x.T + 1)


def test_too_many_dimensions() -> None:
    x = np.zeros((1,) * 64)
    with pytest.raises(FusegradError, match="dimensions"):
        fg.compile(lambda x: x[None])(x)


def take(table: Any, index: Any) -> Any:
    rows = table[index]
    return np.sum(rows**2)


@pytest.mark.parametrize("index", [[0, 3], [-4, 0], [2**40, 0], [0, -(2**40)]])
def test_an_index_out_of_range_is_found_in_compiled_code(index: list[int]) -> None:
    table, indices = np.ones((3, 2)), np.array(index)
    for compiled in (fg.compile(take), fg.value_and_grad(take)):
        compiled(table, np.array([0, -3]))
        compiled(table, np.array([0, -3]))
        for _ in range(2):
            with pytest.raises(IndexError, match="out of range") as caught:
                compiled(table, indices)
            assert caught.value.at.line == inspect.getsourcelines(take)[1] + 1
            assert caught.value.hint
        assert compiled(table, np.array([0, 1])) is not None


def test_an_index_into_nothing() -> None:
    compiled = fg.compile(take)
    assert compiled(np.ones((0, 2)), np.zeros(0, int)) == 0.0
    with pytest.raises(IndexError):
        compiled(np.ones((0, 2)), np.zeros(1, int))


def test_a_change_of_shape_or_dtype_between_calls() -> None:
    compiled = fg.compile(lambda x: np.sum(x, axis=0))
    rng = np.random.default_rng(0)
    for _ in range(2):
        for shape in [(3,), (3, 4), (4, 3), (0, 2), (2, 0), (1, 1, 1), (5,), (3,)]:
            for dtype in (np.float64, np.float32, np.int64, np.int32, bool):
                x = (rng.normal(size=shape) * 4).astype(dtype)
                found, expected = compiled(x), np.sum(x, axis=0)
                np.testing.assert_allclose(found, expected, rtol=1e-6)
                assert np.asarray(found).dtype == np.asarray(expected).dtype


# --- results have memory of their own ---


def test_results_share_no_memory() -> None:
    captured = np.arange(6.0)

    def many(x: Any, y: Any) -> Any:
        z = x + 1
        return (
            x,
            x,
            y,
            x.reshape(2, 3),
            x[:3],
            x.T,
            z,
            z,
            captured,
            captured[:2],
            np.asarray(captured),
        )

    compiled = fg.compile(many)
    for x, y in [(X[0], X[0]), (captured, captured), (np.arange(6.0), np.arange(6.0)[::-1])]:
        x = np.resize(x, 6)
        for _ in range(3):
            results = compiled(x, y)
            for i, result in enumerate(results):
                assert result.flags.owndata
                assert result.flags.writeable
                for other in (x, y, captured, *results[:i]):
                    assert not np.shares_memory(result, other)
            for result, expected in zip(results, many(x, y), strict=True):
                np.testing.assert_array_equal(result, expected)


def test_gradients_share_no_memory() -> None:
    captured = np.arange(6.0)
    g = fg.grad(lambda p: np.sum(p["a"] * captured) + np.sum(p["b"] * captured))
    x = np.ones(6)
    for _ in range(3):
        found = g({"a": x, "b": x})
        np.testing.assert_array_equal(found["a"], captured)
        assert not np.shares_memory(found["a"], found["b"])
        assert not np.shares_memory(found["a"], captured)
        found["a"][:] = -1


def test_arguments_are_not_changed() -> None:
    def writes(x: Any) -> Any:
        y = x + 0
        y += 1
        y *= x
        return y

    compiled, x = fg.compile(writes), X.copy()
    for _ in range(3):
        np.testing.assert_array_equal(compiled(x), writes(X))
        np.testing.assert_array_equal(x, X)


# --- which door ---


def test_the_second_call_goes_through_the_native_entry() -> None:
    compiled = fg.value_and_grad(lambda p, s: np.sum(p["w"] ** 2) * s)
    p = {"w": X}
    for arguments in [(p, 2.0), (p, np.float64(2.0)), (p, 3)]:
        compiled(*arguments)
        explanation = compiled.explain(*arguments)
        assert explanation.native, explanation.reason
    assert not compiled.explain({"w": X.T}, 2.0).native
    assert "contiguous" in str(compiled.explain({"w": X.T}, 2.0).reason)


def test_alternating_and_many_signatures() -> None:
    traces = []

    def f(x: Any) -> Any:
        traces.append(x.shape)
        return np.sum(x * 2, axis=0)

    compiled = fg.compile(f)
    for _ in range(4):
        for n in range(1, 31):
            x = np.arange(float(n))
            assert compiled(x) == n * (n - 1)
    assert len(traces) == 30
    info = compiled.cache_info()
    assert info["signatures"] == info["variants"] == 30
    assert info["entries"] == 30
    compiled.clear_cache()
    assert compiled(np.arange(3.0)) == 6
    assert compiled.cache_info()["variants"] == 1
