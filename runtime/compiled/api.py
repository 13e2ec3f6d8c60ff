"""The decorators: compile a function, its gradient, or both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .function import CompiledFunction
from .on_tensors.budget import checked_budget
from .switch import eager
from .threads import checked, get_num_threads, set_num_threads
from .transform import Argnums, Transform, checked_flag

__all__ = [
    "CompiledFunction",
    "compile",
    "eager",
    "get_num_threads",
    "grad",
    "set_num_threads",
    "value_and_grad",
]


def compile(
    function: Callable[..., Any] | None = None,
    *,
    threads: int | None = None,
    memory_budget: float | None = None,
    donate: Argnums = (),
    fastmath: bool = False,
) -> Any:
    """Compile a function written in NumPy. Its results are arrays, or NumPy scalars where 0-d.

    Called on Tensors it is differentiable: the result has a `grad_fn`, and `.backward()` runs the
    compiled adjoint. Raises TraceError where the function does what can't be compiled, with the
    line. Calls use up to `threads` threads, without it as many as `get_num_threads` says. What a
    call on Tensors keeps for backward is chosen for speed; `memory_budget` limits it: a number of
    bytes (an int), or a part of what is kept without it (a float from 0.0 to 1.0). More is then
    computed again, and `explain` says what became of it.

    `donate` names arguments whose memory may be used for results: positions or names, one or a
    tuple of them, each any tree of arrays. Each result in turn takes the first donated array of its
    shape and dtype that is left, and is that array, updated in place: what it held before is gone.
    A donated array must be writeable, contiguous and share no memory with another argument.

    `fastmath` lets exp, expm1, log1p, sin, cos, tan, tanh and the logistic function be off by
    up to 4 ULP, for speed; nan, infinities and the signs of zeros stay right. It holds for all that
    is traced, functions compiled without it that are called inside included.

    >>> import numpy as np, fusegrad as fg
    >>> @fg.compile
    ... def rms(x):
    ...     return np.sqrt(np.mean(x**2))
    >>> float(rms(np.array([3.0, 4.0, 5.0, 0.0])))
    3.5355339059327378
    >>> @fg.compile(donate="weights")
    ... def step(weights, gradient):
    ...     return weights - 0.5 * gradient
    >>> weights = np.ones(2)
    >>> step(weights, np.array([2.0, 4.0])) is weights
    True
    >>> weights
    array([ 0., -1.])
    """
    return _made(
        "compile",
        function,
        threads=threads,
        memory_budget=memory_budget,
        donate=donate,
        fastmath=fastmath,
    )


def grad(
    function: Callable[..., Any] | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: bool = False,
    threads: int | None = None,
    memory_budget: float | None = None,
    donate: Argnums = (),
    fastmath: bool = False,
) -> Any:
    """The compiled gradient of a function that returns a scalar.

    `argnums` says with respect to what: positions or names of parameters, one or a tuple of them;
    each may be any tree of floating-point arrays, and its gradient has the same structure, shapes
    and dtypes. With `has_aux` the function returns (value, aux) and the gradient function returns
    (gradient, aux). For the other arguments see `compile`.

    >>> import numpy as np, fusegrad as fg
    >>> fg.grad(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
    array([ 3., 12.])
    """
    return _made("grad", function, argnums, has_aux, threads, memory_budget, donate, fastmath)


def value_and_grad(
    function: Callable[..., Any] | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: bool = False,
    threads: int | None = None,
    memory_budget: float | None = None,
    donate: Argnums = (),
    fastmath: bool = False,
) -> Any:
    """The value of a function and its gradient, computed together: (value, gradient).

    Takes the arguments of `grad`. With `has_aux` it returns ((value, aux), gradient). The result is
    what `scipy.optimize.minimize(f, x0, jac=True)` expects.

    >>> import numpy as np, fusegrad as fg
    >>> value, gradient = fg.value_and_grad(lambda x: np.sum(np.sin(x)))(np.zeros(2))
    >>> float(value), gradient
    (0.0, array([1., 1.]))
    """
    return _made(
        "value_and_grad", function, argnums, has_aux, threads, memory_budget, donate, fastmath
    )


def _made(
    kind: str,
    function: Callable[..., Any] | None,
    argnums: Argnums | list[int | str] = 0,
    has_aux: bool = False,
    threads: int | None = None,
    memory_budget: Any = None,
    donate: Argnums | list[int | str] = (),
    fastmath: bool = False,
) -> Any:
    """A CompiledFunction of `function`; without one, a decorator."""
    argnums = tuple(argnums) if isinstance(argnums, list) else argnums
    given = (donate,) if isinstance(donate, int | str) else tuple(donate)
    most = 0 if threads is None else checked(kind, threads)
    budget = checked_budget(kind, memory_budget)
    how = (budget, given, checked_flag(kind, fastmath))
    transform = Transform(kind, argnums, has_aux, most, *how)
    if function is None:
        return lambda f: CompiledFunction(f, transform)
    if not callable(function):
        raise TypeError(f"{kind} takes a function, got {type(function).__name__}")
    return CompiledFunction(function, transform)
