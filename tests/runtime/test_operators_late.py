"""What the table of operators does not show of what came late: in-place functions, complex results,
refusals while tracing, windows, the generator's state.
"""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
import scipy.special

import fusegrad
import fusegrad.runtime.eager as fg
from fusegrad import autograd, linalg, special
from fusegrad import compile as compiled
from fusegrad.nn import functional as nn
from fusegrad.runtime.eager import functions as F  # noqa: N812

RNG = np.random.default_rng(3)


def leaf(values: object) -> fg.Tensor:
    return fg.tensor(np.asarray(values, np.float64), requires_grad=True)


def test_whole_numbers_are_round_already() -> None:
    x = fg.tensor([15, -27, 4])
    for name in ("floor", "ceil", "trunc", "round"):
        found = getattr(F, name)(x)
        assert found.dtype == np.int64
        assert found.tolist() == x.tolist()
        assert not np.shares_memory(found.numpy(), x.numpy())
    tens = compiled(lambda x: np.round(x, -1))
    for dtype in (np.int32, np.int64):
        x = np.array([15, -27, 4, 25, 35, -15], dtype)
        np.testing.assert_array_equal(tens(x), np.round(x, -1), strict=True)


def test_polynomials_of_several_degrees() -> None:
    x = leaf([0.3, -0.2, 0.7, 0.1])
    found = special.legendre_polynomial_p(x, fg.tensor([0, 3, 2, -1]))
    cubic, square = (5 * -0.008 - 3 * -0.2) / 2, (3 * 0.49 - 1) / 2
    np.testing.assert_allclose(found.detach().numpy(), [1, cubic, square, 0])
    autograd.gradcheck(lambda x: special.legendre_polynomial_p(x, fg.tensor([0, 3, 2, -1])), [x])


def test_zeta_at_its_poles_and_far_out() -> None:
    points = [
        (2.0, 1.0),
        (1.0, 3.0),
        (0.5, 3.0),
        (3.0, -2.0),
        (2.5, -0.5),
        (60.0, 0.9),
        (1.01, 300),
    ]
    s, q = np.array(points).T
    found = special.zeta(fg.tensor(s), fg.tensor(q)).numpy()
    np.testing.assert_allclose(found, scipy.special.zeta(s, q), rtol=1e-14)


# --- in place, as functions ---

CHANGING = [
    "relu_",
    "sigmoid_",
    "tanh_",
    "exp_",
    "sqrt_",
    "neg_",
    "clamp_",
    "abs_",
    "floor_",
    "i0_",
]


def test_functions_that_change_their_operand() -> None:
    for name in CHANGING:
        x = fg.tensor([0.5, 1.5])
        rest = (0.6, 1.0) if name == "clamp_" else ()
        expected = getattr(F, name[:-1])(x.clone(), *rest)
        assert getattr(fusegrad, name)(x, *rest) is x
        assert x.tolist() == expected.tolist()
        assert x._version == 1
    y = leaf([-1.0, 2.0]) * 1
    assert nn.relu_(y) is y
    assert type(y.grad_fn).__name__ == "ReluBackward0"
    assert fusegrad.fill_(y.detach(), 3).tolist() == [3, 3]
    assert fusegrad.zero_(y.detach()).tolist() == [0, 0]


def test_arrays_are_changed_too() -> None:
    def function(x: np.ndarray) -> np.ndarray:
        y = x * 1
        fusegrad.relu_(y)
        fusegrad.sqrt_(y)
        return y + fusegrad.fill(x, 2)

    x = np.array([-4.0, 9.0])
    np.testing.assert_array_equal(fusegrad.compile(function)(x), [2, 5])
    np.testing.assert_array_equal(function(x), [2, 5])


# --- complex results ---


def test_eigenvalues_are_complex_and_not_differentiated() -> None:
    a = np.array([[0.0, 1.0], [-1.0, 0.0]])
    for dtype, wide in ((np.float64, np.complex128), (np.float32, np.complex64)):
        values, vectors = linalg.eig(fg.tensor(a.astype(dtype)))
        assert values.dtype == vectors.dtype == wide
        np.testing.assert_allclose(np.sort_complex(values.numpy()), [-1j, 1j])
        np.testing.assert_allclose(a @ vectors.numpy(), vectors.numpy() * values.numpy(), atol=1e-6)
        assert linalg.eigvals(fg.eye(2)).real.tolist() == [1, 1]
        assert linalg.eigvals(fg.eye(2)).imag.tolist() == [0, 0]
    with pytest.raises(NotImplementedError, match="not differentiated"):
        linalg.eigvals(leaf(a))
    with pytest.raises(TypeError, match="complex"):
        compiled(linalg.eigvals)(a)
    with pytest.raises(RuntimeError, match="non-complex"):
        F.imag(leaf(a))


# --- what is refused in a compiled function: a line and a cure ---

REFUSED = {
    "as_strided": lambda x: F.as_strided(x.T, (2,), (1,)),
    "gcd": lambda x: F.gcd(x.astype(int), 3),
    "pinv": lambda x: linalg.pinv(x, atol=0.1),
    "qr": lambda x: linalg.qr(x, "complete"),
    "polynomial": lambda x: special.laguerre_polynomial_l(x, x),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_in_compiled_functions(name: str) -> None:
    with pytest.raises(fusegrad.UnsupportedError) as caught:
        compiled(REFUSED[name])(np.ones((3, 2)))
    assert "test_operators_late.py" in str(caught.value)
    assert "  try   " in str(caught.value)


def test_failures_are_reported_in_compiled_functions() -> None:
    stack = np.stack([np.eye(3), np.ones((3, 3)), -np.eye(3)])
    for function, expected in (
        (linalg.inv_ex, [0, 2, 0]),
        (linalg.cholesky_ex, [0, 2, 1]),
        (linalg.lu_factor_ex, [0, 2, 0]),
    ):
        eager = function(fg.tensor(stack))
        native = compiled(lambda x, f=function: tuple(f(x)))(stack)
        assert eager.info.tolist() == native[-1].tolist() == expected
        assert native[-1].dtype == np.int32
        for found, wanted in zip(native, eager, strict=True):
            np.testing.assert_allclose(found, wanted.numpy(), atol=1e-14)
    with pytest.raises(np.linalg.LinAlgError):
        compiled(lambda x: linalg.lu_factor(x).LU)(stack)


# --- random numbers, windows, settings ---


def test_the_state_of_the_generator_is_kept_and_set() -> None:
    fusegrad.manual_seed(5)
    assert fusegrad.initial_seed() == 5
    state = fusegrad.get_rng_state()
    first = fg.rand(3).tolist()
    fusegrad.set_rng_state(state)
    assert fg.rand(3).tolist() == first
    with pytest.raises(RuntimeError, match="wrong size"):
        fusegrad.set_rng_state(fg.zeros(3))


@pytest.mark.parametrize("name", ["hann", "hamming", "blackman", "bartlett", "kaiser"])
@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("length", [0, 1, 2, 7])
def test_windows(name: str, periodic: bool, length: int) -> None:
    window = scipy.signal.windows.get_window
    word = ("kaiser", 12.0) if name == "kaiser" else name
    expected = window(word, length, periodic) if length else np.zeros(0)
    found = getattr(fusegrad, f"{name}_window")(length, periodic, dtype=fusegrad.float64)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-14)


def test_low_rank_factors_are_those_of_the_whole() -> None:
    x = RNG.normal(size=(12, 3)) @ RNG.normal(size=(3, 8))
    u, s, v = F.svd_lowrank(fg.tensor(x), 3)
    np.testing.assert_allclose(s.numpy(), np.linalg.svd(x)[1][:3])
    np.testing.assert_allclose((u * s @ v.mT).numpy(), x, atol=1e-12)
    centred = x - x.mean(0)
    _, s, _ = F.pca_lowrank(fg.tensor(x), 3)
    np.testing.assert_allclose(s.numpy(), np.linalg.svd(centred)[1][:3])


# --- numbers that a compiled function is given: they are asked for, and guarded ---

OF_A_NUMBER = {
    "softmax": lambda x, n: F.softmax(x, n),
    "logsumexp": lambda x, n: F.logsumexp(x, n),
    "transpose": lambda x, n: F.transpose(x, 0, n),
    "movedim": lambda x, n: F.movedim(x, 0, n),
    "chunk": lambda x, n: F.chunk(x, n + 1)[0],
    "split": lambda x, n: F.split(x, n + 1)[0],
    "tensor_split": lambda x, n: F.tensor_split(x, n + 1, n)[0],
    "cummax": lambda x, n: F.cummax(x, n)[0],
    "narrow": lambda x, n: F.narrow(x, n, 0, n + 1),
    "repeat_interleave": lambda x, n: F.repeat_interleave(x, n, 0),
    "roll": lambda x, n: F.roll(x, n, n),
    "triu": lambda x, n: F.triu(x, n),
    "max_pool1d": lambda x, n: nn.max_pool1d(x, n + 1),
    "detach": lambda x, n: F.detach(x) * n,
}


@pytest.mark.parametrize("name", OF_A_NUMBER)
def test_numbers_among_the_arguments(name: str) -> None:
    function = OF_A_NUMBER[name]
    x, native = RNG.normal(size=(4, 6)), compiled(function)
    for n in (0, 1):
        np.testing.assert_allclose(native(x, n), function(x, n))
