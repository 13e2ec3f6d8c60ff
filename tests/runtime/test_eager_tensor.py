"""Tensors as containers: creation, dtypes, indexing, conversions, printing, memory."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import fusegrad.runtime.eager as fg
from fusegrad.runtime.eager import functions

F32, F64, I32, I64, BOOL = (np.dtype(n) for n in ("f4", "f8", "i4", "i8", "?"))

SUMMARISED = """\
tensor([[   0,    1,    2,  ...,   47,   48,   49],
        [  50,   51,   52,  ...,   97,   98,   99],
        [ 100,  101,  102,  ...,  147,  148,  149],
        ...,
        [1850, 1851, 1852,  ..., 1897, 1898, 1899],
        [1900, 1901, 1902,  ..., 1947, 1948, 1949],
        [1950, 1951, 1952,  ..., 1997, 1998, 1999]])"""
TWO_LINES = """\
tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., 12., 13.,
        14., 15., 16., 17., 18., 19., 20., 21., 22., 23., 24.])"""

DISPLAY = [
    (np.float32([1, 2, 3]), "tensor([1., 2., 3.])"),
    (np.float32([1.5, 2, -3]), "tensor([ 1.5000,  2.0000, -3.0000])"),
    (np.float32([1e-5, 1]), "tensor([1.0000e-05, 1.0000e+00])"),
    (np.float32([1e9, 1]), "tensor([1.0000e+09, 1.0000e+00])"),
    (np.float32([np.nan, 1]), "tensor([nan, 1.])"),
    (np.float32([np.inf, 1.5, -np.inf]), "tensor([   inf, 1.5000,   -inf])"),
    (np.float32(3.25), "tensor(3.2500)"),
    (np.float32([]), "tensor([])"),
    (np.zeros((0, 3), "f4"), "tensor([], size=(0, 3))"),
    (np.int64([1, -200]), "tensor([   1, -200])"),
    (np.int32([1, 2]), "tensor([1, 2], dtype=int32)"),
    (np.array([True, False]), "tensor([ True, False])"),
    (np.float64([[1, 2], [3, 4]]), "tensor([[1., 2.],\n        [3., 4.]], dtype=float64)"),
    (np.zeros(1001, "f4"), "tensor([0., 0., 0.,  ..., 0., 0., 0.])"),
    (np.arange(2000).reshape(40, 50), SUMMARISED),
    (np.arange(25, dtype="f4"), TWO_LINES),
    (
        np.zeros((2, 1, 2), "f4"),
        "tensor([[[0., 0.]],\n\n        [[0., 0.]]])",
    ),
]


@pytest.mark.parametrize(("array", "text"), DISPLAY)
def test_it_prints_as_in_pytorch(array: np.ndarray, text: str) -> None:
    assert repr(fg.tensor(array)) == text


def test_grad_fn_goes_to_its_own_line_where_it_does_not_fit() -> None:
    x = fg.zeros(7, requires_grad=True) + 0.5
    lines = repr(x).splitlines()
    assert lines[-1] == "       grad_fn=<AddBackward0>)"
    assert all(len(line) <= 80 for line in lines)


@pytest.mark.parametrize(
    ("x", "y", "result"),
    [
        ((F32, 1), (F64, 1), F64),
        ((F32, 1), (F64, 0), F32),
        ((I64, 1), (F32, 0), F32),
        ((I64, 0), (I32, 1), I32),
        ((I32, 1), (I64, 1), I64),
        ((BOOL, 1), (I32, 0), I32),
        ((I64, 1), (F32, 1), F32),
        ((BOOL, 1), (F32, 1), F32),
        ((F32, 0), (F64, 0), F64),
    ],
)
def test_dtypes_are_promoted_as_in_pytorch(
    x: tuple[np.dtype, int], y: tuple[np.dtype, int], result: np.dtype
) -> None:
    first, second = (fg.ones((2,) * ndim, dtype=dtype) for dtype, ndim in (x, y))
    assert (first + second).dtype == (second + first).dtype == result


@pytest.mark.parametrize(
    ("dtype", "number", "result"),
    [
        (F32, 2, F32),
        (F32, 2.5, F32),
        (I32, 2, I32),
        (I32, 2.5, F32),
        (BOOL, 2, I64),
        (I64, True, I64),
    ],
)
def test_numbers_are_weak(dtype: np.dtype, number: float, result: np.dtype) -> None:
    x = fg.ones(2, dtype=dtype)
    assert (x * number).dtype == (number * x).dtype == result


def test_division_of_integers_is_exact() -> None:
    assert repr(fg.tensor([1, 2]) / 2) == "tensor([0.5000, 1.0000])"
    assert (fg.tensor([2, 3]) ** 2).dtype == np.int64


def test_the_default_dtype_can_be_set() -> None:
    fg.set_default_dtype(np.float64)
    try:
        assert fg.tensor([1.0]).dtype == fg.zeros(2).dtype == np.float64
        assert repr(fg.ones(1)) == "tensor([1.], dtype=float64)".replace(", dtype=float64", "")
    finally:
        fg.set_default_dtype(np.float32)
    with pytest.raises(TypeError):
        fg.set_default_dtype(np.int64)


def test_creation() -> None:
    assert fg.tensor([1.0]).dtype == np.float32
    assert fg.tensor(np.array([1.0])).dtype == np.float64
    assert fg.tensor([1, 2]).dtype == np.int64
    assert fg.zeros(2, 3).shape == fg.ones((2, 3)).shape == (2, 3)
    assert fg.full((2,), 7).tolist() == [7, 7]
    assert fg.arange(3).tolist() == [0, 1, 2]
    assert fg.arange(0, 1, 0.25).tolist() == [0.0, 0.25, 0.5, 0.75]
    assert fg.linspace(0, 1, 3).tolist() == [0.0, 0.5, 1.0]
    assert fg.eye(2).tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert fg.zeros_like(fg.tensor([1, 2])).dtype == np.int64
    assert fg.tensor([fg.tensor(1.0), fg.tensor(2.0)]).tolist() == [1.0, 2.0]
    with pytest.raises(TypeError):
        fg.tensor(["a"])
    with pytest.raises(ValueError, match="regular"):
        fg.tensor([[1], [1, 2]])


def test_memory_is_shared_where_it_is_said_to_be() -> None:
    array = np.zeros(3)
    shared, copied = fg.from_numpy(array), fg.tensor(array)
    array[0] = 1
    assert (shared[0].item(), copied[0].item()) == (1.0, 0.0)
    assert fg.asarray(array).numpy() is array


def test_the_same_seed_gives_the_same_numbers() -> None:
    drawn = []
    for _ in range(2):
        fg.manual_seed(3)
        drawn.append([fg.rand(2), fg.randn(2), fg.randint(0, 9, (2,)), fg.randperm(4)])
    for x, y in zip(*drawn, strict=True):
        assert x.tolist() == y.tolist()
    assert fg.randint(5, (100,)).max().item() < 5


KEYS = [0, -1, slice(1, None), (0, 1), (slice(None), 1), None, Ellipsis, (Ellipsis, 0)]
KEYS += [[0, 1], (slice(None), [1, 0]), ([0, 1], [1, 2]), (1, [0, 2], slice(1)), [True, False]]
KEYS += [
    (slice(None, None, 2), None, -1),
    np.array([[0, 1], [1, 0]]),
    ([0, 1], slice(None), [0, 1]),
]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_indexing_is_numpy_s(key: object) -> None:
    array = np.arange(24).reshape(2, 3, 4)
    np.testing.assert_array_equal(fg.tensor(array)[key].numpy(), array[key])


def test_indexing_by_tensors() -> None:
    x = fg.arange(6).reshape(2, 3)
    assert x[fg.tensor([1, 0])].tolist() == [[3, 4, 5], [0, 1, 2]]
    assert x[x > 2].tolist() == [3, 4, 5]
    assert x[fg.tensor(1)].tolist() == [3, 4, 5]


@pytest.mark.parametrize("key", [2, -3, (0, 0, 0), [5], (slice(None), 3)])
def test_an_index_out_of_range(key: object) -> None:
    with pytest.raises(IndexError):
        fg.zeros(2, 3)[key]


def test_an_index_of_a_0d_tensor_names_item() -> None:
    with pytest.raises(IndexError, match=r"item\(\)"):
        fg.tensor(1.0)[0]
    with pytest.raises(TypeError):
        fg.zeros(2)["a"]


def test_assignment() -> None:
    x = fg.zeros(2, 3)
    x[0] = 1
    x[1, fg.tensor([0, 2])] = fg.tensor([5.0, 6.0])
    assert x.tolist() == [[1.0, 1.0, 1.0], [5.0, 0.0, 6.0]]
    assert x._version == 2


def test_length_and_iteration() -> None:
    x = fg.arange(4).reshape(2, 2)
    assert len(x) == 2
    assert [row.tolist() for row in x] == [[0, 1], [2, 3]]
    with pytest.raises(TypeError):
        len(fg.tensor(1))
    with pytest.raises(TypeError):
        iter(fg.tensor(1))


def test_views_share_memory_and_versions() -> None:
    x = fg.zeros(2, 3)
    views = [x[0], x.t(), x.reshape(-1), x.unsqueeze(0), x.detach(), x[:, 1:]]
    x.add_(1)
    assert all(view._version == 1 for view in views)
    assert all(view.numpy().max() == 1 for view in views)
    assert x.clone()._version == 0


def test_tensors_compare_elementwise_and_hash_by_identity() -> None:
    x = fg.tensor([1.0, 2.0])
    assert (x == fg.tensor([1.0, 3.0])).tolist() == [True, False]
    assert len({x, fg.tensor([1.0, 2.0])}) == 2


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: fg.ones(3) + fg.ones(4), r"\[3\].*\[4\].*must match"),
        (lambda: fg.ones(2, 3) @ fg.ones(2, 3), "cannot be multiplied"),
        (lambda: fg.ones(2) @ fg.ones(3), "inconsistent"),
        (lambda: fg.ones(2, 2) @ fg.ones(2, 2, dtype=np.float64), "same dtype"),
        (lambda: fg.ones(6).view(4), "invalid for input of size 6"),
        (lambda: fg.ones(2, 3).t().view(6), "reshape"),
        (lambda: fg.ones(2, 2, 2).t(), "<= 2"),
        (lambda: fg.ones(2).expand(3), "expanded size"),
        (lambda: -(fg.ones(2) > 0), "bool"),
        (lambda: (fg.ones(2) > 0) - (fg.ones(2) > 0), "bool|boolean"),
        (lambda: fg.tensor([1, 2]).mean(), "floating point"),
        (lambda: fg.zeros(0).max(), "no elements"),
    ],
)
def test_what_does_not_fit_is_a_runtime_error(call: object, words: str) -> None:
    with pytest.raises(RuntimeError, match=f"(?s){words}"):
        call()  # type: ignore[operator]


def test_a_foreign_operand_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        fg.ones(2) + "a"
    with pytest.raises(TypeError):
        functions.add(fg.ones(2), None)


def test_arrays_are_operands() -> None:
    x, array = fg.ones(2, dtype=np.float64), np.array([1.0, 2.0])
    assert isinstance(x + array, fg.Tensor)
    assert (x - array).tolist() == [0.0, -1.0]


def test_public_functions_take_arrays_too() -> None:
    array = np.array([[1.0, 2.0]])
    for result, expected in [
        (functions.exp(array), np.exp(array)),
        (functions.sum(array, dim=1), array.sum(1)),
        (functions.matmul(array, array.T), array @ array.T),
    ]:
        assert isinstance(result, np.ndarray)
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (1, 1)])
def test_small_and_empty_shapes(shape: tuple[int, ...]) -> None:
    x = fg.ones(shape, requires_grad=True)
    y = (x.exp() * 2 + x.sigmoid()).sum()
    y.backward()
    assert x.grad.shape == shape


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_arrays_in_any_order(order: tuple[int, ...]) -> None:
    array = np.arange(24.0).reshape(2, 3, 4).transpose(order)[::-1, :, ::2]
    x = fg.asarray(array, requires_grad=True)
    (x.reshape(-1) ** 2).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 2 * array)


def test_big_endian_arrays_are_converted() -> None:
    x = fg.tensor(np.array([1.0, 2.0], ">f8"))
    assert (x.dtype.isnative, (x + x).tolist()) == (True, [2.0, 4.0])
