"""Random elements by distribution, as new tensors and in place; of `manual_seed`'s generator."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..apply.axes import shape_of
from ..core import make
from ..errors import EagerError
from ..graph.changes import overwrite
from ..promotion import default_dtype
from .generator import drawn

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["bernoulli", "binomial", "multinomial", "normal", "poisson", "randint_like"]


def _values(x: Any) -> Any:
    return getattr(x, "_data", x)


def _cast(array: Any, dtype: Any) -> Tensor:
    return make(np.asarray(array, dtype))


def bernoulli(x: Any, p: float | None = None) -> Tensor:
    """1 with the probability that x (or p) says, else 0."""
    chance = _values(x) if p is None else p
    if not ((np.asarray(chance) >= 0) & (np.asarray(chance) <= 1)).all():
        raise EagerError("Expected p_in >= 0 && p_in <= 1 to be true, but got false")
    shape = _values(x).shape
    return _cast(drawn(lambda random: random.random(shape)) < chance, x.dtype)


def multinomial(x: Any, num_samples: int, replacement: bool = False) -> Tensor:
    """Places drawn from each row of x, whose elements say how likely they are."""
    weights = np.asarray(_values(x), np.float64)
    rows = weights.reshape(-1, weights.shape[-1])
    if (rows < 0).any() or not np.isfinite(rows).all() or (rows.sum(1) <= 0).any():
        raise EagerError("probability tensor contains either inf, nan or element < 0, or only 0")
    if not replacement and ((rows > 0).sum(1) < num_samples).any():
        raise EagerError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")

    def draw(random: np.random.Generator) -> list[Any]:
        return [random.choice(len(row), num_samples, replacement, row / row.sum()) for row in rows]

    return make(np.asarray(drawn(draw), np.int64).reshape(*weights.shape[:-1], num_samples))


def normal(mean: Any = 0.0, std: Any = 1.0, size: Any = None) -> Tensor:
    """Normally distributed, one for each element of `mean` and `std`, or of shape `size`."""
    model = mean if hasattr(mean, "_data") else std
    dtype = model.dtype if hasattr(model, "_data") else default_dtype()
    if (np.asarray(_values(std)) < 0).any():
        raise EagerError("normal expects all elements of std >= 0.0")
    given = np.broadcast_shapes(np.shape(_values(mean)), np.shape(_values(std)))
    shape = given if size is None else shape_of((size,))
    return _cast(drawn(lambda random: random.normal(_values(mean), _values(std), shape)), dtype)


def poisson(x: Any) -> Tensor:
    """Poisson-distributed counts, of the mean that each element of x says."""
    return _cast(drawn(lambda random: random.poisson(_values(x))), x.dtype)


def binomial(count: Any, prob: Any) -> Tensor:
    """How often something of probability `prob` happens in `count` trials, for each element."""
    counts, chances = (np.asarray(_values(x)) for x in (count, prob))
    found = drawn(lambda random: random.binomial(counts.astype(np.int64), chances))
    return _cast(found, np.dtype(counts.dtype))


def randint_like(x: Any, low: int, high: int | None = None, *, dtype: Any = None) -> Tensor:
    """Integers of [low, high), or of [0, low), in the shape and dtype of x."""
    bounds = (0, low) if high is None else (low, high)
    shape = _values(x).shape
    return _cast(drawn(lambda random: random.integers(*bounds, shape)), dtype or x.dtype)


# --- in place ---


def _filling(name: str, draw: Callable[..., Any], words: str) -> Callable[..., Tensor]:
    def call(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        shape = x._data.shape
        array = drawn(lambda random: draw(random, shape, *args, **kwargs))
        return overwrite(x, make(np.asarray(array)), f"{name.title().replace('_', '')}Backward0")

    call.__name__ = call.__qualname__ = f"{name}_"
    call.__doc__ = f"Every element drawn anew: {words}."
    return call


def _uniform(random: Any, shape: Any, a: float = 0.0, b: float = 1.0) -> Any:
    return random.uniform(a, b, shape)


def _normal(random: Any, shape: Any, mean: float = 0.0, std: float = 1.0) -> Any:
    return random.normal(mean, std, shape)


def _log_normal(random: Any, shape: Any, mean: float = 1.0, std: float = 2.0) -> Any:
    return random.lognormal(mean, std, shape)


def _exponential(random: Any, shape: Any, lambd: float = 1.0) -> Any:
    return random.exponential(1 / lambd, shape)


def _cauchy(random: Any, shape: Any, median: float = 0.0, sigma: float = 1.0) -> Any:
    return median + sigma * random.standard_cauchy(shape)


def _geometric(random: Any, shape: Any, p: float) -> Any:
    if not 0 < p < 1:
        raise EagerError(f"geometric_ expects p to be in (0, 1), but got p={p}")
    return random.geometric(p, shape)


def _bernoulli(random: Any, shape: Any, p: Any = 0.5) -> Any:
    return random.random(shape) < _values(p)


def _random(random: Any, shape: Any, low: int = 0, to: int | None = None) -> Any:
    bounds = (0, low or 2**24) if to is None else (low, to)
    return random.integers(*bounds, shape)


uniform_ = _filling("uniform", _uniform, "uniform in [a, b)")
normal_ = _filling("normal", _normal, "normal, of `mean` and `std`")
log_normal_ = _filling("log_normal", _log_normal, "its logarithm normal, of `mean` and `std`")
exponential_ = _filling("exponential", _exponential, "exponential, of the rate `lambd`")
cauchy_ = _filling("cauchy", _cauchy, "Cauchy, of `median` and `sigma`")
geometric_ = _filling("geometric", _geometric, "the first success of trials of chance p")
bernoulli_ = _filling("bernoulli", _bernoulli, "1 with probability p, else 0")
random_ = _filling("random", _random, "integers of [from, to)")
