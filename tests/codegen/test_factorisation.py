"""LAPACK from compiled code: NumPy's bits at every shape, its failures, and where there is none."""

from __future__ import annotations

import ctypes
import itertools
from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.codegen.linalg import lapack, matrices
from fusegrad.codegen.linalg.tiny import LARGEST
from fusegrad.codegen.status import FAILED
from fusegrad.ir import TABLE, GraphBuilder, TensorType
from fusegrad.ir.errors import LinAlgError, NotCompiledError

from .compiled import run_compiled

DTYPES = {"f64": np.float64, "f32": np.float32}
NAMES = ("solve", "solve_triangular", "slogdet", "cholesky", "eigh", "svd", "qr", "pinv")
STATIC: dict[str, dict[str, Any]] = {
    "pinv": {"tolerance": 1e-9},
    "solve_triangular": {"upper": True},
}


def run(name: str, *arrays: np.ndarray) -> np.ndarray:
    """The op, compiled."""
    b = GraphBuilder(name)
    dtype = next(k for k, v in DTYPES.items() if v == arrays[0].dtype)
    operands = [b.input(TensorType(dtype, x.shape)) for x in arrays]
    (found,) = run_compiled(b.build([b(name, *operands, **STATIC.get(name, {}))]), arrays)
    return found


def evaluate(name: str, *arrays: np.ndarray) -> Any:
    return TABLE[name].eval(*arrays, **STATIC.get(name, {}))


def operands(name: str, dtype: str, stack: tuple[int, ...], m: int, n: int) -> list[np.ndarray]:
    rng = np.random.default_rng([m, n, len(stack)])
    x = rng.normal(size=(*stack, m, n))
    if name == "cholesky":
        x = x @ np.swapaxes(x, -1, -2) + np.eye(m)
    arrays = [x.astype(DTYPES[dtype])]
    if name.startswith("solve"):
        if name == "solve_triangular":
            arrays[0] += 4 * np.eye(m, dtype=arrays[0].dtype)  # else it is close to singular
        arrays.append(rng.normal(size=(*stack, m, 1 + m // 2)).astype(DTYPES[dtype]))
    return arrays


def same_bits(name: str, n: int) -> bool:
    """Whether LAPACK does all that there is to do, and it is the one that NumPy calls."""
    library = lapack.find_lapack()
    if library is None or "numpy" not in library.library or name in ("slogdet", "pinv"):
        return False  # the two have a logarithm and a product of ours
    return n > LARGEST or name in ("eigh", "svd", "qr")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("stack", [(), (3,), (2, 0), (2, 2)], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_numpy_s_bits(name: str, stack: tuple[int, ...], dtype: str) -> None:
    for n in (0, 1, 2, 3, 4, 5, 16, 17, 33):
        arrays = operands(name, dtype, stack, n, n)
        expected = evaluate(name, *arrays)
        found = run(name, *arrays)
        assert found.dtype == expected.dtype
        eps = 0 if same_bits(name, n) else 1000 * np.finfo(found.dtype).eps
        np.testing.assert_allclose(found, expected, rtol=eps, atol=eps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("m", "n"), [(5, 2), (2, 5), (40, 3), (3, 40), (1, 6), (6, 1), (4, 0)])
def test_matrices_that_are_not_square(m: int, n: int, dtype: str) -> None:
    for name in ("svd", "pinv", "qr") if m >= n else ("svd", "pinv"):
        arrays = operands(name, dtype, (2,), m, n)
        found, eps = run(name, *arrays), 8 * np.finfo(arrays[0].dtype).eps
        np.testing.assert_allclose(found, evaluate(name, *arrays), rtol=eps, atol=eps)


def test_rows_and_columns_are_not_confused() -> None:
    a = np.array([[1.0, 2.0], [3.0, 4.0]])
    x = run("solve", a, np.array([[5.0, 1.0], [6.0, 0.0]]))
    np.testing.assert_allclose(a @ x, [[5.0, 1.0], [6.0, 0.0]], atol=1e-14)
    packed = run("svd", a)  # rows [column of U | singular value | row of Vᵀ]
    u, s, vt = packed[:, :2].T, packed[:, 2], packed[:, 3:]
    np.testing.assert_allclose(u * s @ vt, a)


def test_rows_are_exchanged_where_they_must_be() -> None:
    rng = np.random.default_rng(2)
    for n in (2, 3, 4):
        for order in itertools.permutations(range(n)):
            a = np.eye(n)[list(order)] * rng.normal(size=n)
            c = rng.normal(size=(n, 2))
            np.testing.assert_allclose(run("solve", a, c), np.linalg.solve(a, c), rtol=1e-14)


@pytest.mark.parametrize("upper", [False, True])
def test_the_other_triangle_is_not_read(upper: bool) -> None:
    for n in (3, 9):
        a = np.random.default_rng(n).uniform(1, 2, (n, n))
        read = np.triu(a) if upper else np.tril(a)
        a[read == 0] = np.nan
        b = GraphBuilder("triangular")
        operands_ = [b.input(TensorType("f64", shape)) for shape in ((n, n), (n, 2))]
        graph = b.build([b("solve_triangular", *operands_, upper=upper)])
        (x,) = run_compiled(graph, [a, np.ones((n, 2))])
        np.testing.assert_allclose(read @ x, 1, rtol=1e-12)


def test_values_alone() -> None:
    for stack in ((), (3,)):
        for m, n in ((6, 6), (3, 7), (7, 3), (1, 1)):
            x = np.random.default_rng(m).normal(size=(*stack, m, n))
            for dtype in (np.float64, np.float32):
                arrays = x.astype(dtype)
                found = fg.compile(lambda x: np.linalg.svdvals(x))(arrays)
                eps = 4 * np.finfo(dtype).eps
                np.testing.assert_allclose(found, np.linalg.svdvals(arrays), rtol=eps)
                if m == n:
                    found = fg.compile(lambda x: np.linalg.eigvalsh(x))(arrays)
                    np.testing.assert_allclose(found, np.linalg.eigvalsh(arrays), rtol=eps)


# --- failures ---


@pytest.mark.parametrize(
    ("name", "text", "matrix"),
    [
        ("solve", "Singular matrix", np.zeros((2, 2))),
        ("solve", "Singular matrix", np.ones((7, 7))),
        ("solve_triangular", "Singular matrix", np.triu(np.ones((2, 2)), 1)),
        ("solve_triangular", "Singular matrix", np.triu(np.ones((9, 9)), 1)),
        ("cholesky", "not positive definite", -np.eye(3)),
        ("cholesky", "not positive definite", -np.eye(9)),
        ("eigh", "did not converge", np.full((3, 3), np.nan)),
        ("svd", "did not converge", np.full((3, 2), np.nan)),
        ("pinv", "did not converge", np.full((3, 2), np.nan)),
    ],
)
def test_a_failure_is_numpy_s_error(name: str, text: str, matrix: np.ndarray) -> None:
    arrays = [matrix, np.ones((len(matrix), 1))] if name.startswith("solve") else [matrix]
    with pytest.raises(np.linalg.LinAlgError, match=text):
        evaluate(name, *arrays)
    with pytest.raises(LinAlgError, match=text) as caught:
        run(name, *arrays)
    assert caught.value.hint
    assert isinstance(caught.value, RuntimeError)  # as in PyTorch


def test_one_bad_matrix_in_a_stack() -> None:
    for n in (3, 9):
        stack = np.stack([np.eye(n), np.zeros((n, n)), np.eye(n)])
        with pytest.raises(LinAlgError, match="Singular"):
            run("solve", stack, np.ones((3, n, 1)))


def test_the_error_names_the_line() -> None:
    @fg.compile
    def f(a: Any, b: Any) -> Any:
        return np.linalg.solve(a, b).sum()

    f(np.eye(3), np.ones(3))
    with pytest.raises(LinAlgError, match=r"test_factorisation.py:\d+   return np.linalg.solve"):
        f(np.ones((3, 3)), np.ones(3))
    assert f(np.eye(3), np.ones(3)) == 3


def test_singular_determinants() -> None:
    found = run("slogdet", np.stack([np.zeros((4, 4)), np.eye(4), -np.eye(4)[::-1]]))
    np.testing.assert_array_equal(found, [[0, -np.inf], [1, 0], [1, 0]])


def test_nan_goes_through_where_numpy_lets_it() -> None:
    a = np.eye(3)
    a[1, 1] = np.nan
    assert np.isnan(run("solve", a, np.ones((3, 1)))).any()
    for name, arrays in (("slogdet", [a]), ("qr", [a]), ("cholesky", [a])):
        with np.errstate(invalid="ignore"):
            expected = evaluate(name, *arrays)
        np.testing.assert_array_equal(run(name, *arrays), expected)


# --- the library ---


def test_without_lapack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrices, "find_lapack", lambda: None)
    with pytest.raises(NotCompiledError, match="needs LAPACK"):
        run("qr", np.eye(2))


def test_the_lapack_of_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("scipy")
    found = lapack._of_scipy()
    assert found is not None
    monkeypatch.setattr(matrices, "find_lapack", lambda: found)
    monkeypatch.setattr("fusegrad.codegen.objects.load.find_lapack", lambda: found)
    for name in NAMES:
        for dtype, eps in (("f64", 1e-12), ("f32", 1e-5)):
            arrays = operands(name, dtype, (2,), 6, 6)
            expected = evaluate(name, *arrays)
            np.testing.assert_allclose(run(name, *arrays), expected, rtol=eps, atol=eps)


def test_memory_that_a_call_wants() -> None:
    library = lapack.find_lapack()
    assert library is not None
    asked = ["V", "L", 50, "%a", 50, "%w", *(lapack.WORK, lapack.WORK_SIZE)]
    floats, integers = lapack.workspace(
        library, "dsyevd", [*asked, lapack.INTEGER_WORK, lapack.INTEGER_WORK_SIZE]
    )
    assert floats >= 1 + 6 * 50 + 2 * 50**2  # what its documentation asks for at least
    assert integers >= 3 + 5 * 50


def test_status_codes_fit() -> None:
    assert FAILED < 1 << 4
    assert ctypes.sizeof(ctypes.c_size_t) == 8  # the lengths of characters


# --- derivatives ---


def _spd(x: Any) -> Any:
    return x @ x.T + 4 * np.eye(x.shape[0])


FUNCTIONS: dict[str, Any] = {
    "solve": lambda x: (np.linalg.solve(x, np.sin(x[:, :2])) ** 2).sum(),
    "slogdet": lambda x: np.linalg.slogdet(x)[1] ** 2,
    "cholesky": lambda x: np.sin(np.linalg.cholesky(_spd(x))).sum(),
    "eigh": lambda x: (
        (np.linalg.eigh(_spd(x))[1][:, 0] ** 4).sum() + np.linalg.eigvalsh(_spd(x))[1]
    ),
    "svd": lambda x: (np.linalg.svd(x)[0][:, 0] ** 4).sum() + np.linalg.svd(x)[1][1],
    "pinv": lambda x: np.sin(np.linalg.pinv(x[:, :2])).sum() + np.sin(np.linalg.pinv(x[:2])).sum(),
    "qr": lambda x: np.sin(np.linalg.qr(x)[0]).sum() + np.cos(np.linalg.qr(x)[1]).sum(),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_compiled_gradients_to_the_second_order(name: str) -> None:
    rng = np.random.default_rng(5)
    x, direction, step = rng.normal(size=(4, 4)), rng.normal(size=(4, 4)), 1e-6
    f = FUNCTIONS[name]
    gradient = fg.grad(f)
    difference = (f(x + step * direction) - f(x - step * direction)) / (2 * step)
    assert np.vdot(gradient(x), direction) == pytest.approx(difference, rel=1e-6, abs=1e-7)
    np.testing.assert_allclose(gradient(x), gradient.eager(x), rtol=1e-9, atol=1e-10)

    second = fg.grad(lambda x: (gradient(x) * direction).sum())
    along = (gradient(x + step * direction) - gradient(x - step * direction)) / (2 * step)
    np.testing.assert_allclose(second(x), along, rtol=1e-5, atol=1e-5)
