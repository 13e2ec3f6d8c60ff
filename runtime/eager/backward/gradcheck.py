"""`gradcheck`: gradients held against differences of function values."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core import make
from ..tensor import Tensor
from .autograd import grad

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]

Function = Callable[..., Any]


class GradcheckError(RuntimeError):
    """Analytical and numerical gradients differ: both are in the message, and held as arrays."""

    def __init__(self, message: str, numerical: Any = None, analytical: Any = None) -> None:
        super().__init__(message)
        self.numerical = numerical
        self.analytical = analytical


def gradcheck(
    func: Function,
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_forward_ad: bool = False,
    fast_mode: bool = False,
) -> bool:
    """Whether the gradients of `func` are those that central differences of step `eps` show.

    Checked are all inputs that require grad, all outputs, and that a second run gives the same
    gradients (up to `nondet_tol`). float64 is what the tolerances are made for. Raises
    GradcheckError, or with `raise_exception=False` returns False. Every element is checked, with
    `fast_mode` too; gradients always have the dtype of their inputs (`check_grad_dtypes`); there is
    no forward mode to check.

    >>> x = Tensor(np.array([0.5, 2.0]), requires_grad=True)
    >>> gradcheck(lambda x: x.sin(), x)
    True
    """
    if check_forward_ad:
        raise NotImplementedError("gradcheck: check_forward_ad=True is not supported")
    given = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    chosen = _differentiable(given)
    try:
        _check(func, given, chosen, (eps, atol, rtol), nondet_tol)
        if check_undefined_grad:
            _check_undefined(func, given, chosen)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Function,
    inputs: Tensor | Sequence[Any],
    grad_outputs: Tensor | Sequence[Tensor] | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_grad_dtypes: bool = False,
    fast_mode: bool = False,
) -> bool:
    """`gradcheck` of the gradient of `func`: whether its second derivatives are right.

    Checked with respect to the inputs and to `grad_outputs`, random ones if none are given.
    """
    given = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    chosen = _differentiable(given)
    starts = _starts(func, given, grad_outputs)

    def gradient(*args: Any) -> tuple[Tensor, ...]:
        xs, vs = args[: len(given)], args[len(given) :]
        outputs = _outputs(func, xs)
        wanted = [xs[i] for i in chosen]
        found = grad(outputs, wanted, vs, create_graph=True, allow_unused=True)
        return tuple(x for x in found if x is not None and x.requires_grad)

    return gradcheck(
        gradient,
        (*given, *starts),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=False,
    )


def _differentiable(inputs: Sequence[Any]) -> list[int]:
    chosen = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
    if not chosen:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them "
            "has requires_grad=True"
        )
    for i in chosen:
        x = inputs[i]
        if x.dtype != np.float64:
            warnings.warn(
                f"input #{i} requires gradient and is not of double precision but {x.dtype}: this "
                "check will likely fail",
                UserWarning,
                stacklevel=3,
            )
        if any(n > 1 and not step for n, step in zip(x.shape, x._data.strides, strict=True)):
            raise RuntimeError(f"input #{i} was expanded: its elements share memory; clone() it")
    return chosen


def _starts(func: Function, inputs: Sequence[Any], given: Any) -> list[Tensor]:
    if given is not None:
        return [given] if isinstance(given, Tensor) else list(given)
    random = np.random.default_rng(0)
    starts = [make(random.standard_normal(y.shape).astype(y.dtype)) for y in _outputs(func, inputs)]
    return [x.requires_grad_() for x in starts]


def _outputs(func: Function, inputs: Sequence[Any]) -> list[Tensor]:
    """The results that can be differentiated."""
    result = func(*inputs)
    results = result if isinstance(result, tuple | list) else (result,)
    return [y for y in results if isinstance(y, Tensor) and y.requires_grad]


def _check(
    func: Function,
    inputs: Sequence[Any],
    chosen: Sequence[int],
    limits: tuple[float, float, float],
    nondet_tol: float,
) -> None:
    eps, atol, rtol = limits
    outputs = _outputs(func, inputs)
    if not outputs:
        _check_constant(func, inputs, chosen, eps)
        return
    xs = [inputs[i] for i in chosen]
    for number, output in enumerate(outputs):
        analytical = _analytical(output, xs)
        again = _analytical(output, xs)
        for i, one, two in zip(chosen, analytical, again, strict=True):
            where = f"for output {number} with respect to input {i}"
            numerical = _numerical(func, inputs, i, number, eps)
            if not np.allclose(one, numerical, rtol, atol):
                raise GradcheckError(_mismatch(where, numerical, one), numerical, one)
            if not np.allclose(one, two, 0, nondet_tol):
                raise GradcheckError(f"backward is not reentrant {where}: it gave {one} and {two}")


def _mismatch(where: str, numerical: np.ndarray, analytical: np.ndarray) -> str:
    return (
        f"Jacobian mismatch {where} (rows are elements of the input):\n"
        f"numerical: {numerical}\nanalytical: {analytical}"
    )


def _check_constant(
    func: Function, inputs: Sequence[Any], chosen: Sequence[int], eps: float
) -> None:
    """No output requires grad: then none may depend on the inputs."""
    result = func(*inputs)
    for number, y in enumerate(result if isinstance(result, tuple | list) else (result,)):
        for i in chosen:
            if isinstance(y, Tensor) and y.is_floating_point():
                numerical = _numerical(func, inputs, i, number, eps, every=True)
                if numerical.any():
                    where = f"output {number} does not require grad, but depends on input {i}"
                    raise GradcheckError(f"numerical gradient expected to be zero: {where}")


def _analytical(output: Tensor, xs: Sequence[Tensor]) -> list[np.ndarray]:
    """The Jacobian by each input, a column for each element of the output."""
    count = output.numel()
    columns: list[np.ndarray] = [np.zeros((x.numel(), count), x.dtype) for x in xs]
    for j in range(count):
        seed = np.zeros(count, output.dtype)
        seed[j] = 1
        start = make(seed.reshape(output.shape))
        found = grad(output, xs, start, retain_graph=True, allow_unused=True)
        for column, gradient in zip(columns, found, strict=True):
            if gradient is not None:
                column[:, j] = gradient._data.reshape(-1)
    return columns


def _numerical(
    func: Function, inputs: Sequence[Any], index: int, number: int, eps: float, every: bool = False
) -> np.ndarray:
    """The Jacobian of one output by one input, by central differences."""
    x = inputs[index]

    def value(shifted: np.ndarray) -> np.ndarray:
        moved = make(shifted).requires_grad_()
        result = func(*[moved if y is x else _apart(y) for y in inputs])
        results = result if isinstance(result, tuple | list) else (result,)
        floats = [y for y in results if isinstance(y, Tensor) and (every or y.requires_grad)]
        return np.array(floats[number]._data, dtype=np.float64).reshape(-1)

    rows = []
    for place in np.ndindex(*x.shape):
        up, down = x._data.copy(), x._data.copy()
        up[place] += eps
        down[place] -= eps
        step = float(up[place]) - float(down[place])
        rows.append((value(up) - value(down)) / (step or 1.0))
    count = len(rows[0]) if rows else 0
    return np.array(rows).reshape(len(rows), count)


def _apart(x: Any) -> Any:
    """An argument that may be changed in place without harm."""
    if not isinstance(x, Tensor):
        return x
    copy = make(x._data.copy())
    return copy.requires_grad_() if x.requires_grad else copy


def _check_undefined(func: Function, inputs: Sequence[Any], chosen: Sequence[int]) -> None:
    """Outputs that get no gradient must not disturb those that get one."""
    outputs = _outputs(func, inputs)
    xs = [inputs[i] for i in chosen]
    for output in outputs if len(outputs) > 1 else ():
        ones = make(np.ones(output.shape, output.dtype))
        try:
            grad(output, xs, ones, retain_graph=True, allow_unused=True)
        except (TypeError, AttributeError) as error:
            raise GradcheckError(
                "expected backward function to handle undefined output grads (None); "
                f"set_materialize_grads(True) gives zeros instead: {error}"
            ) from error
