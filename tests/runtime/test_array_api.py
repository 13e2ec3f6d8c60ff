"""The namespace of the array API standard, against NumPy's, which keeps the standard."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad as fg

XP = fg.tensor([1.0]).__array_namespace__()

A = np.array([[0.5, -1.25, 2.0], [3.0, 0.0, -0.75]])
B = np.array([[1.5, 0.25, -2.0], [0.5, 4.0, 1.0]])
P = np.abs(A) / 4 + 0.1  # in (0, 1)
N, M2 = np.array([[5, -3, 2], [7, 1, 4]]), np.array([[2, 1, 3], [1, 2, 2]])
T, U = A > 0, B > 1
M = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]])
V = np.array([3.0, 1.0, 3.0, 2.0])

UNARY = "abs ceil floor round trunc sign square negative positive signbit exp expm1 sin cos tan"
UNARY += " sinh cosh tanh asinh atan isfinite isinf isnan"
UNIT = "sqrt log log1p log2 log10 asin acos atanh"
BINARY = "add subtract multiply divide maximum minimum atan2 copysign hypot logaddexp greater"
BINARY += " greater_equal less less_equal equal not_equal remainder floor_divide"
WHOLE = "add subtract multiply bitwise_and bitwise_or bitwise_xor bitwise_left_shift"
WHOLE += " bitwise_right_shift floor_divide remainder equal less maximum pow"

INTEGERS = "abs ceil floor round trunc sign square negative isfinite isinf isnan bitwise_invert"

Call = Callable[[Any], Any]


def asarray(xp: Any, x: Any) -> Any:
    return xp.asarray(np.asarray(x))


def of(names: str, *operands: Any, suffix: str = "") -> dict[str, Call]:
    """A call of each of the functions, of these operands."""
    return {
        name + suffix: lambda xp, n=name: getattr(xp, n)(*(asarray(xp, x) for x in operands))
        for name in names.split()
    }


CALLS: dict[str, Call] = {
    **of(UNARY, A),
    **of(UNIT, P),
    **of(BINARY, A, B + 0.125),
    **of(WHOLE, N, M2, suffix=" of integers"),
    **of(INTEGERS, N, suffix=" of integers"),
    **of("logical_and logical_or logical_xor", T, U),
}
MORE: dict[str, Call] = {
    "acosh": lambda xp: xp.acosh(asarray(xp, P + 1)),
    "pow": lambda xp: xp.pow(asarray(xp, P), asarray(xp, B)),
    "logical_not": lambda xp: xp.logical_not(asarray(xp, T)),
    "logical_not of integers": lambda xp: xp.logical_not(asarray(xp, N - 1)),
    "clip": lambda xp: xp.clip(asarray(xp, A), -0.5, 1.0),
    "clip one side": lambda xp: xp.clip(asarray(xp, A), max=1.0),
    "where": lambda xp: xp.where(asarray(xp, T), asarray(xp, A), asarray(xp, B)),
    "arange": lambda xp: xp.arange(2, 10, 3),
    "arange empty": lambda xp: xp.arange(5, 2),
    "linspace": lambda xp: xp.linspace(0, 1, 5, dtype=xp.float64, endpoint=False),
    "zeros": lambda xp: xp.zeros((2, 3), dtype=xp.float64),
    "ones": lambda xp: xp.ones(3, dtype=xp.int32),
    "full": lambda xp: xp.full((2,), 7, dtype=xp.int64),
    "full_like": lambda xp: xp.full_like(asarray(xp, A), 2.5),
    "zeros_like": lambda xp: xp.zeros_like(asarray(xp, A), dtype=xp.int64),
    "ones_like": lambda xp: xp.ones_like(asarray(xp, A)),
    "eye": lambda xp: xp.eye(3, 4, k=1, dtype=xp.float64),
    "meshgrid": lambda xp: xp.meshgrid(asarray(xp, V), asarray(xp, A[0])),
    "meshgrid ij": lambda xp: xp.meshgrid(asarray(xp, V), asarray(xp, A[0]), indexing="ij"),
    "tril": lambda xp: xp.tril(asarray(xp, M), k=-1),
    "triu": lambda xp: xp.triu(asarray(xp, M), k=1),
    "astype": lambda xp: xp.astype(asarray(xp, A), xp.int64),
    "broadcast_arrays": lambda xp: xp.broadcast_arrays(asarray(xp, A), asarray(xp, A[0])),
    "broadcast_to": lambda xp: xp.broadcast_to(asarray(xp, A[0]), (2, 3)),
    "concat": lambda xp: xp.concat([asarray(xp, A), asarray(xp, B)], axis=1),
    "concat flat": lambda xp: xp.concat([asarray(xp, A), asarray(xp, V)], axis=None),
    "expand_dims": lambda xp: xp.expand_dims(asarray(xp, A), axis=1),
    "flip": lambda xp: xp.flip(asarray(xp, A)),
    "flip axis": lambda xp: xp.flip(asarray(xp, A), axis=-1),
    "moveaxis": lambda xp: xp.moveaxis(asarray(xp, A), 0, 1),
    "permute_dims": lambda xp: xp.permute_dims(asarray(xp, A), (1, 0)),
    "repeat": lambda xp: xp.repeat(asarray(xp, A), 2, axis=1),
    "repeat flat": lambda xp: xp.repeat(asarray(xp, A), 2),
    "reshape": lambda xp: xp.reshape(asarray(xp, A), (3, -1)),
    "roll": lambda xp: xp.roll(asarray(xp, A), 1, axis=1),
    "squeeze": lambda xp: xp.squeeze(asarray(xp, A[:1]), axis=0),
    "stack": lambda xp: xp.stack([asarray(xp, A), asarray(xp, B)], axis=-1),
    "tile": lambda xp: xp.tile(asarray(xp, A), (2, 1)),
    "unstack": lambda xp: xp.unstack(asarray(xp, A), axis=1),
    "take": lambda xp: xp.take(asarray(xp, A), asarray(xp, [2, 0]), axis=1),
    "sum": lambda xp: xp.sum(asarray(xp, A), axis=(0, 1)),
    "sum keepdims": lambda xp: xp.sum(asarray(xp, A), axis=0, keepdims=True),
    "sum dtype": lambda xp: xp.sum(asarray(xp, N), dtype=xp.float64),
    "prod": lambda xp: xp.prod(asarray(xp, B), axis=1),
    "mean": lambda xp: xp.mean(asarray(xp, A), axis=0),
    "std": lambda xp: xp.std(asarray(xp, A), axis=1, correction=1.0),
    "var": lambda xp: xp.var(asarray(xp, A)),
    "max": lambda xp: xp.max(asarray(xp, A), axis=(0, 1), keepdims=True),
    "min": lambda xp: xp.min(asarray(xp, N), axis=1),
    "all": lambda xp: xp.all(asarray(xp, T), axis=(0, 1)),
    "any": lambda xp: xp.any(asarray(xp, T), axis=1, keepdims=True),
    "argmax": lambda xp: xp.argmax(asarray(xp, A), axis=1, keepdims=True),
    "argmin": lambda xp: xp.argmin(asarray(xp, A)),
    "cumulative_sum": lambda xp: xp.cumulative_sum(asarray(xp, A), axis=1, include_initial=True),
    "cumulative_sum flat": lambda xp: xp.cumulative_sum(asarray(xp, V)),
    "nonzero": lambda xp: xp.nonzero(asarray(xp, A)),
    "searchsorted": lambda xp: xp.searchsorted(
        asarray(xp, np.sort(V)), asarray(xp, A), side="right"
    ),
    "sort": lambda xp: xp.sort(asarray(xp, A), axis=0),
    "sort descending": lambda xp: -xp.sort(-asarray(xp, V)),
    "argsort": lambda xp: xp.argsort(asarray(xp, V), stable=True),
    "unique_all": lambda xp: tuple(xp.unique_all(asarray(xp, V))),
    "unique_counts": lambda xp: tuple(xp.unique_counts(asarray(xp, V))),
    "unique_inverse": lambda xp: tuple(xp.unique_inverse(asarray(xp, N % 3))),
    "unique_values": lambda xp: xp.unique_values(asarray(xp, V)),
    "matmul": lambda xp: xp.matmul(asarray(xp, A), asarray(xp, M)),
    "matrix_transpose": lambda xp: xp.matrix_transpose(asarray(xp, A)),
    "tensordot": lambda xp: xp.tensordot(asarray(xp, A), asarray(xp, M), axes=1),
    "vecdot": lambda xp: xp.vecdot(asarray(xp, A), asarray(xp, B)),
    "linalg.cholesky": lambda xp: xp.linalg.cholesky(asarray(xp, M)),
    "linalg.cross": lambda xp: xp.linalg.cross(asarray(xp, A), asarray(xp, B)),
    "linalg.det": lambda xp: xp.linalg.det(asarray(xp, M)),
    "linalg.diagonal": lambda xp: xp.linalg.diagonal(asarray(xp, M), offset=1),
    "linalg.eigvalsh": lambda xp: xp.linalg.eigvalsh(asarray(xp, M)),
    "linalg.inv": lambda xp: xp.linalg.inv(asarray(xp, M)),
    "linalg.matrix_norm": lambda xp: xp.linalg.matrix_norm(asarray(xp, M), ord=2),
    "linalg.matrix_power": lambda xp: xp.linalg.matrix_power(asarray(xp, M), 3),
    "linalg.matrix_rank": lambda xp: xp.linalg.matrix_rank(asarray(xp, M)),
    "linalg.outer": lambda xp: xp.linalg.outer(asarray(xp, V), asarray(xp, V)),
    "linalg.pinv": lambda xp: xp.linalg.pinv(asarray(xp, A)),
    "linalg.slogdet": lambda xp: tuple(xp.linalg.slogdet(asarray(xp, M))),
    "linalg.solve": lambda xp: xp.linalg.solve(asarray(xp, M), asarray(xp, A.T)),
    "linalg.solve stack": lambda xp: xp.linalg.solve(
        asarray(xp, np.stack([M[:2, :2], M[1:, 1:]])), asarray(xp, M[:2, :2])
    ),
    "linalg.svdvals": lambda xp: xp.linalg.svdvals(asarray(xp, A)),
    "linalg.trace": lambda xp: xp.linalg.trace(asarray(xp, M), offset=1),
    "linalg.vector_norm": lambda xp: xp.linalg.vector_norm(asarray(xp, A), axis=1, ord=3),
}
CALLS |= MORE


def flat(result: Any) -> list[Any]:
    return list(result) if isinstance(result, tuple | list) else [result]


@pytest.mark.parametrize("name", CALLS)
def test_it_is_numpy_s(name: str) -> None:
    function = CALLS[name]
    for found, expected in zip(flat(function(XP)), flat(function(np)), strict=True):
        assert isinstance(found, fg.Tensor)
        expected = np.asarray(expected)
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-14)


COMPLEX = {"conj", "imag", "real", "complex64", "complex128"}  # real numbers only
NAMES = """
    e inf nan newaxis pi bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64
    complex64 complex128 arange asarray empty empty_like eye from_dlpack full full_like linspace
    meshgrid ones ones_like tril triu zeros zeros_like astype broadcast_arrays broadcast_to can_cast
    finfo iinfo isdtype result_type abs acos acosh add asin asinh atan atan2 atanh bitwise_and
    bitwise_left_shift bitwise_invert bitwise_or bitwise_right_shift bitwise_xor ceil clip conj
    copysign cos cosh divide equal exp expm1 floor floor_divide greater greater_equal hypot imag
    isfinite isinf isnan less less_equal log log1p log2 log10 logaddexp logical_and logical_not
    logical_or logical_xor maximum minimum multiply negative not_equal positive pow real remainder
    round sign signbit sin sinh square sqrt subtract tan tanh trunc take __array_namespace_info__
    matmul matrix_transpose tensordot vecdot concat expand_dims flip moveaxis permute_dims repeat
    reshape roll squeeze stack tile unstack argmax argmin nonzero searchsorted where unique_all
    unique_counts unique_inverse unique_values argsort sort cumulative_sum max mean min prod std sum
    var all any __array_api_version__ linalg
"""


def test_every_name_of_the_standard_is_there() -> None:
    assert {name for name in NAMES.split() if not hasattr(XP, name)} == COMPLEX


def test_options_have_the_standard_s_names() -> None:
    """Every option by keyword that NumPy's function has of the standard's."""
    assert "axis" in inspect.signature(XP.sum).parameters
    for name in ("sum", "mean", "sort", "concat", "take", "eye", "astype", "linspace", "roll"):
        ours, theirs = (inspect.signature(getattr(xp, name)).parameters for xp in (XP, np))
        only = {p for p, q in ours.items() if q.kind is q.KEYWORD_ONLY}
        assert only - {"descending", "axis"} <= {*theirs, "copy", "device", "dtype", "endpoint"}


def test_gradients_flow_through_code_for_any_array() -> None:
    def softplus(x: Any) -> Any:
        xp = x.__array_namespace__()
        return xp.sum(xp.log1p(xp.exp(-xp.abs(x))) + xp.maximum(x, xp.zeros_like(x)))

    x = fg.tensor(A, requires_grad=True)
    value = softplus(x)
    np.testing.assert_allclose(value.item(), softplus(A))
    value.backward()
    np.testing.assert_allclose(x.grad.numpy()[A != 0], (1 / (1 + np.exp(-A)))[A != 0])


def test_versions() -> None:
    x = fg.ones(2)
    assert x.__array_namespace__(api_version="2023.12") is XP
    assert XP.__array_api_version__ == "2023.12"
    with pytest.raises(ValueError, match=r"2019\.01"):
        x.__array_namespace__(api_version="2019.01")


def test_what_the_namespace_says_of_itself() -> None:
    info = XP.__array_namespace_info__()
    assert info.default_device() == "cpu"
    assert info.devices() == ["cpu"]
    assert info.default_dtypes()["real floating"] == np.float32
    assert set(info.dtypes(kind="real floating")) == {"float32", "float64"}
    assert info.capabilities()["boolean indexing"]
    assert fg.ones(2).to_device("cpu").device == "cpu"
    assert XP.isdtype(XP.int16, ("bool", "integral"))
    assert not XP.isdtype(XP.float32, "integral")
    assert XP.can_cast(XP.float32, XP.float64)
    assert not XP.can_cast(fg.ones(1, dtype=np.float64), XP.float32)
    assert XP.result_type(XP.int32, fg.ones(1, dtype=np.int64)) == XP.int64


def test_copies_on_request() -> None:
    array = np.ones(3)
    assert np.shares_memory(XP.asarray(array).numpy(), array)
    assert not np.shares_memory(XP.asarray(array, copy=True).numpy(), array)
    with pytest.raises(ValueError, match="copy"):
        XP.asarray([1.0], copy=False)
    x = XP.asarray(array)
    assert XP.astype(x, XP.float64) is not x
    assert XP.astype(x, XP.float64, copy=False) is x
    assert not np.shares_memory(XP.reshape(x, (1, 3), copy=True).numpy(), array)
    with pytest.raises(ValueError, match="extent 1"):
        XP.squeeze(x, 0)
