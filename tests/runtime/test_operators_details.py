"""What the table of operators does not show: ties, edges, names, in-place forms, errors."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.integrate
import scipy.linalg

import fusegrad.runtime.eager as fg
from fusegrad import autograd, linalg, special
from fusegrad.nn import functional as nn
from fusegrad.runtime.eager import functions as F  # noqa: N812

RNG = np.random.default_rng(3)


def leaf(values: object) -> fg.Tensor:
    return fg.tensor(np.asarray(values, np.float64), requires_grad=True)


# --- values, against NumPy ---

SAMPLE = RNG.normal(size=(3, 4))

REFERENCES = {
    "sort": (lambda x: F.sort(x, 1).values, lambda x: np.sort(x, 1)),
    "argsort": (lambda x: F.argsort(x, 0), lambda x: np.argsort(x, 0)),
    "topk": (lambda x: F.topk(x, 2).values, lambda x: -np.sort(-x, 1)[:, :2]),
    "median": (lambda x: F.median(x, 0).values, lambda x: np.sort(x, 0)[1]),
    "cumprod": (lambda x: F.cumprod(x, 1), lambda x: np.cumprod(x, 1)),
    "logcumsumexp": (
        lambda x: F.logcumsumexp(x, 1),
        lambda x: np.log(np.cumsum(np.exp(x), 1)),
    ),
    "var": (lambda x: F.var(x, 1), lambda x: np.var(x, 1, ddof=1)),
    "kron": (lambda x: F.kron(x, x), lambda x: np.kron(x, x)),
    "roll": (lambda x: F.roll(x, 2, 1), lambda x: np.roll(x, 2, 1)),
    "log_ndtr": (lambda x: special.log_ndtr(x), lambda x: scipy.special.log_ndtr(x)),
    "entr": (lambda x: special.entr(x * x), lambda x: scipy.special.entr(x * x)),
    "erfinv": (lambda x: F.erfinv(F.tanh(x)), lambda x: scipy.special.erfinv(np.tanh(x))),
    "ndtri": (
        lambda x: special.ndtri(F.exp(-x * x)),
        lambda x: scipy.special.ndtri(np.exp(-x * x)),
    ),
    **{
        name: (
            lambda x, n=name: getattr(special, n)(x * x * 4 + 0.1),
            lambda x, n=reference: getattr(scipy.special, n)(x * x * 4 + 0.1),
        )
        for name, reference in {
            "bessel_j0": "j0",
            "bessel_j1": "j1",
            "bessel_y0": "y0",
            "bessel_y1": "y1",
            "modified_bessel_k0": "k0",
            "modified_bessel_k1": "k1",
            "scaled_modified_bessel_k0": "k0e",
            "scaled_modified_bessel_k1": "k1e",
        }.items()
    },
    "erfcx": (lambda x: special.erfcx(x * 5), lambda x: scipy.special.erfcx(x * 5)),
    "multigammaln": (
        lambda x: special.multigammaln(x * x + 2, 3),
        np.vectorize(lambda v: scipy.special.multigammaln(v * v + 2, 3)),
    ),
    "matrix_exp": (
        lambda x: linalg.matrix_exp(x @ x.T),
        lambda x: scipy.linalg.expm(x @ x.T),
    ),
    "quantile": (lambda x: F.quantile(x, 0.3, dim=1), lambda x: np.quantile(x, 0.3, 1)),
    "nanquantile": (
        lambda x: F.nanquantile(F.log(x), 0.6),
        lambda x: np.nanquantile(np.log(np.where(x > 0, x, np.nan)), 0.6),
    ),
    "cov": (lambda x: F.cov(x), np.cov),
    "corrcoef": (lambda x: F.corrcoef(x), np.corrcoef),
    "gradient": (
        lambda x: F.gradient(x, dim=1, edge_order=2)[0],
        lambda x: np.gradient(x, axis=1, edge_order=2),
    ),
    "trapezoid": (lambda x: F.trapezoid(x, dx=0.5), lambda x: np.trapezoid(x, dx=0.5)),
    "trapezoid at places": (
        lambda x: F.trapezoid(x, x * x, dim=0),
        lambda x: np.trapezoid(x, x * x, axis=0),
    ),
    "cumulative_trapezoid": (
        lambda x: F.cumulative_trapezoid(x, x * x),
        lambda x: scipy.integrate.cumulative_trapezoid(x, x * x),
    ),
    "vander": (lambda x: F.vander(x[0], 3), lambda x: np.vander(x[0], 3)),
    "lstsq": (
        lambda x: linalg.lstsq(x.T, (x.T * x.T)[:, :2]).solution,
        lambda x: np.linalg.lstsq(x.T, (x.T * x.T)[:, :2], rcond=None)[0],
    ),
    "pinv": (lambda x: linalg.pinv(x), np.linalg.pinv),
    "svdvals": (lambda x: linalg.svdvals(x), lambda x: np.linalg.svd(x)[1]),
    "nuclear norm": (lambda x: linalg.norm(x, "nuc"), lambda x: np.linalg.norm(x, "nuc")),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_value(name: str) -> None:
    found, expected = REFERENCES[name]
    np.testing.assert_allclose(found(fg.tensor(SAMPLE)).numpy(), expected(SAMPLE), rtol=1e-12)
    np.testing.assert_allclose(found(SAMPLE), expected(SAMPLE), rtol=1e-12)


def test_factors_multiply_to_the_matrix() -> None:
    x = fg.tensor(SAMPLE)
    u, s, vh = linalg.svd(x, full_matrices=False)
    np.testing.assert_allclose(((u * s) @ vh).numpy(), SAMPLE)
    for matrix in (x, x.T):
        u, s, vh = linalg.svd(matrix)
        assert (u.shape[1], vh.shape[0]) == matrix.shape
        for factor in (u, vh):
            np.testing.assert_allclose((factor @ factor.T).numpy(), np.eye(len(factor)), atol=1e-12)
        np.testing.assert_allclose(((u[:, :3] * s) @ vh[:3]).numpy(), matrix.numpy())
    q, r = linalg.qr(x.T, mode="complete")
    assert (q.shape, r.shape) == ((4, 4), (4, 3))
    np.testing.assert_allclose((q @ r).numpy(), SAMPLE.T, atol=1e-12)
    assert linalg.qr(x, mode="r").Q.numel() == 0
    q, r = linalg.qr(x)
    np.testing.assert_allclose((q @ r).numpy(), SAMPLE)
    gram = SAMPLE @ SAMPLE.T
    values, vectors = linalg.eigh(fg.tensor(gram))
    np.testing.assert_allclose(((vectors * values) @ vectors.mT).numpy(), gram, atol=1e-12)
    low = linalg.cholesky(fg.tensor(gram))
    np.testing.assert_allclose((low @ low.mT).numpy(), gram)


# --- ties and subgradients ---


def test_the_first_of_equals_takes_the_gradient_of_max_along_an_axis() -> None:
    x = leaf([[1.0, 3.0, 3.0]])
    values, indices = x.max(1)
    values.sum().backward()
    assert indices.tolist() == [1]
    assert x.grad.tolist() == [[0.0, 1.0, 0.0]]


def test_the_first_of_equals_takes_the_gradient_of_a_pool() -> None:
    x = leaf([[[2.0, 2.0, 1.0, 1.0]]])
    nn.max_pool1d(x, 2).sum().backward()
    assert x.grad.tolist() == [[[1.0, 0.0, 1.0, 0.0]]]


def test_equal_elements_keep_their_order() -> None:
    x = fg.tensor([2.0, 1.0, 2.0, 1.0])
    assert x.sort().indices.tolist() == [1, 3, 0, 2]
    assert x.sort(descending=True).indices.tolist() == [0, 2, 1, 3]


def test_a_nan_is_the_largest_and_the_median() -> None:
    x = fg.tensor([1.0, math.nan, 0.0])
    assert x.argsort().tolist() == [2, 0, 1]
    assert math.isnan(x.median().item())
    assert x.max(0).indices.item() == 1
    assert x.nansum().item() == 1.0


def test_cumprod_with_zeros() -> None:
    x = leaf([2.0, 0.0, 3.0])
    x.cumprod(0).sum().backward()
    assert x.grad.tolist() == [1.0, 8.0, 0.0]


def test_clamp_passes_1_at_its_bounds_and_hardtanh_0() -> None:
    x = leaf([-1.0, 0.0, 1.0])
    x.clamp(-1, 1).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0, 1.0]
    y = leaf([-1.0, 0.0, 1.0])
    nn.hardtanh(y).sum().backward()
    assert y.grad.tolist() == [0.0, 1.0, 0.0]


def test_the_gradient_of_a_small_singular_determinant() -> None:
    x = leaf([[1.0, 2.0], [2.0, 4.0]])
    linalg.det(x).backward()
    assert x.grad.tolist() == [[4.0, -2.0], [-2.0, 1.0]]


def test_eigenvalues_that_are_equal_have_a_gradient() -> None:
    x = leaf(np.eye(3))
    linalg.eigvalsh(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.eye(3))


# --- edges ---


def test_empty() -> None:
    x = fg.zeros(0, 3)
    assert x.sum().item() == 0
    assert x.prod().item() == 1
    assert x.cumprod(0).shape == (0, 3)
    assert x.sort(0).values.shape == (0, 3)
    assert F.cat([fg.zeros(0), fg.ones(2)]).tolist() == [1, 1]
    assert nn.relu(x).shape == (0, 3)
    assert x.amax(1).shape == (0,)
    assert x.softmax(0).shape == (0, 3)
    with pytest.raises(RuntimeError):
        x.max()
    with pytest.raises(IndexError):
        x.argmax()
    with pytest.raises(IndexError):
        x.max(0)


def test_0_d() -> None:
    x = leaf(2.0)
    assert x.sort().values.item() == 2.0
    assert x.max(0).indices.item() == 0
    assert x.cumsum(0).shape == ()
    assert x.softmax(0).item() == 1.0
    x.topk(1).values.backward()
    assert x.grad.item() == 1.0


def test_integers() -> None:
    x = fg.tensor([[3, 1], [2, 5]])
    assert x.sort(1).values.tolist() == [[1, 3], [2, 5]]
    assert x.cumprod(0).tolist() == [[3, 1], [6, 5]]
    assert (x // 2).tolist() == [[1, 0], [1, 2]]
    assert x.scatter(1, fg.tensor([[1], [0]]), 9).tolist() == [[3, 9], [9, 5]]
    assert x.float().mean().dtype == np.float32
    assert nn.one_hot(fg.tensor([0, 2])).tolist() == [[1, 0, 0], [0, 0, 1]]


# --- results, names, in-place forms ---


def test_results_have_names() -> None:
    x = leaf([[1.0, 2.0], [3.0, 5.0]])
    assert x.max(dim=0).values.tolist() == [3.0, 5.0]
    assert linalg.slogdet(x).logabsdet.item() == pytest.approx(0)
    assert linalg.qr(x).R.shape == (2, 2)
    assert linalg.svd(x).Vh.shape == (2, 2)
    assert F.aminmax(x).max.item() == 5.0


def test_parts_share_one_node() -> None:
    x = leaf(np.arange(6.0).reshape(3, 2))
    first, *_, last = (x * 1).unbind()
    assert first.grad_fn.name() == last.grad_fn.name() == "UnbindBackward0"
    assert first.grad_fn is last.grad_fn
    a, b = (x * 1).split([1, 2])
    (a.sum() + 2 * b.sum()).backward()
    assert x.grad.tolist() == [[1, 1], [2, 2], [2, 2]]


@pytest.mark.parametrize(
    "name", ["relu", "sigmoid", "tanh", "exp", "sqrt", "log1p", "sin", "abs", "floor", "erf"]
)
def test_in_place(name: str) -> None:
    x = fg.tensor([0.5, 1.5])
    expected = getattr(x, name)()
    same = getattr(x, f"{name}_")()
    assert same is x
    assert x._version == 1
    assert x.tolist() == expected.tolist()


def test_in_place_with_operands() -> None:
    x = fg.zeros(2, 3)
    x.scatter_(1, fg.tensor([[1], [2]]), 1.0).masked_fill_(x == 0, -1.0)
    assert x.tolist() == [[-1, 1, -1], [-1, -1, 1]]
    x.index_add_(0, fg.tensor([0]), fg.ones(1, 3)).clamp_min_(0.5)
    assert x.tolist() == [[0.5, 2, 0.5], [0.5, 0.5, 1]]
    y = leaf([1.0, 2.0])
    z = (y * 1).lerp_(fg.tensor(np.zeros(2)), 0.25)
    z.sum().backward()
    assert y.grad.tolist() == [0.75, 0.75]


# --- layers ---


def test_the_padding_row_of_an_embedding_learns_nothing() -> None:
    w = leaf(np.ones((3, 2)))
    nn.embedding(fg.tensor([0, 1, 1]), w, padding_idx=1).sum().backward()
    assert w.grad.tolist() == [[1, 1], [0, 0], [0, 0]]


def test_batch_norm_updates_running_statistics() -> None:
    x = fg.tensor(RNG.normal(size=(6, 2)))
    mean, var = fg.tensor(np.zeros(2)), fg.tensor(np.ones(2))
    nn.batch_norm(x, mean, var, training=True, momentum=0.5)
    np.testing.assert_allclose(mean.numpy(), x.numpy().mean(0) / 2)
    np.testing.assert_allclose(var.numpy(), 0.5 + x.numpy().var(0, ddof=1) / 2)
    y = nn.batch_norm(x, mean, var)
    np.testing.assert_allclose(y.numpy(), (x - mean).numpy() / np.sqrt(var.numpy() + 1e-5))
    with pytest.raises(ValueError, match="more than 1 value"):
        nn.batch_norm(x[:1], None, None, training=True)


def test_dropout() -> None:
    fg.manual_seed(0)
    x = fg.ones(1000)
    y = nn.dropout(x, 0.25)
    kept = y.numpy() > 0
    assert 0.7 < kept.mean() < 0.8
    np.testing.assert_allclose(y.numpy()[kept], 4 / 3, rtol=1e-6)
    assert nn.dropout(x, 0.5, training=False) is x
    assert nn.dropout(x, 1.0).sum().item() == 0
    with pytest.raises(ValueError, match="between 0 and 1"):
        nn.dropout(x, 1.5)


# --- errors ---


def test_a_singular_matrix_is_named() -> None:
    with pytest.raises(RuntimeError, match="singular"):
        linalg.inv(fg.zeros(2, 2))
    with pytest.raises(np.linalg.LinAlgError):
        linalg.cholesky(-fg.eye(2))
    with pytest.raises(RuntimeError, match="square"):
        linalg.det(fg.zeros(2, 3))


def test_indices_out_of_range() -> None:
    x = fg.zeros(2, 3)
    with pytest.raises(IndexError):
        x.gather(1, fg.tensor([[3]]))
    with pytest.raises(IndexError):
        x.gather(0, fg.tensor([[-1]]))
    with pytest.raises(IndexError):
        x.scatter_add(1, fg.tensor([[5]]), fg.ones(1, 1))
    with pytest.raises(RuntimeError, match="int64"):
        x.gather(1, fg.tensor([[0.5]]))


def test_sizes_that_do_not_fit() -> None:
    x = fg.zeros(2, 3)
    with pytest.raises(RuntimeError, match="sum exactly"):
        x.split([1, 1], 1)
    with pytest.raises(RuntimeError, match="exceeds dimension size"):
        x.narrow(1, 2, 2)
    with pytest.raises(RuntimeError, match="out of range"):
        x.topk(4)
    with pytest.raises(RuntimeError, match="channels"):
        nn.conv2d(fg.zeros(1, 3, 4, 4), fg.zeros(2, 2, 3, 3))
    with pytest.raises(RuntimeError, match="normalized_shape"):
        nn.layer_norm(x, (2,))
    with pytest.warns(UserWarning, match="size"), pytest.raises(RuntimeError, match="must"):
        nn.l1_loss(x, fg.zeros(2, 2))


def test_quantiles_of_the_normal_distribution_at_the_ends() -> None:
    x = leaf([0.0, 1e-300, 1e-20, 0.5, 1.0, 1.5, math.nan])
    z = special.ndtri(x)
    expected = scipy.special.ndtri(x.detach().numpy())
    np.testing.assert_allclose(z.detach().numpy(), expected, rtol=1e-14)
    ends = F.erfinv(fg.tensor([-1.0, 1.0, 2.0]))
    assert ends.tolist()[:2] == [-math.inf, math.inf]
    assert math.isnan(ends.tolist()[2])


def test_the_derivatives_of_erfinv_are_those_of_its_inverse() -> None:
    x = leaf(np.linspace(-0.999, 0.999, 41))
    y = F.erfinv(x)
    slope = math.sqrt(math.pi) / 2 * np.exp(y.detach().numpy() ** 2)
    (first,) = autograd.grad(y.sum(), x, create_graph=True)
    np.testing.assert_allclose(first.detach().numpy(), slope, rtol=1e-12)
    (second,) = autograd.grad(first.sum(), x, create_graph=True)
    expected = 2 * y.detach().numpy() * slope**2
    np.testing.assert_allclose(second.detach().numpy(), expected, rtol=1e-9, atol=1e-9)
    (third,) = autograd.grad(second.sum(), x)
    expected = slope**3 * (2 + 8 * y.detach().numpy() ** 2)
    np.testing.assert_allclose(third.numpy(), expected, rtol=1e-6)
