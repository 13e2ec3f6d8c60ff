"""The kernel: elementwise code over a domain, with reductions at its end. Fusion makes them,
codegen emits loops.

    %0, %1 = kernel %x, %w {domain = [64, 32], indices = [], views = [...], yields = [...]} (
      ^body(%x0: f64[], %w0: f64[]) { %2 = mul %x0, %w0 : f64[]  yield %2, %2 }
    ) : f64[64], f64[64, 32]

The body is scalar code, run once for each point of the domain. Operand k is read at the point
through views[k] = [offset, strides, bounds] (see `ir.view`); one more body input for each of
`indices` = [[axis, dtype], …] is the point's index along that axis. yields[j] = [kind, dtype,
axes]: "store" keeps the value of every point, "sum", "prod", "reduce_max", "reduce_min" combine
them over `axes`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import IRError
from ..types import NUMPY_DTYPE, TensorType
from ..view import View
from .late import late

REDUCTIONS = ("sum", "prod", "reduce_max", "reduce_min")


def view_of(entry: tuple[Any, ...], domain: tuple[int, ...]) -> View:
    """The `View` that an entry of the attribute `views` spells."""
    offset, strides, bounds = entry
    return View(domain, offset, strides, bounds)


def result_shape(domain: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for i, n in enumerate(domain) if i not in axes)


def _infer(
    *operands: TensorType,
    domain: tuple[int, ...],
    views: tuple[Any, ...],
    yields: tuple[Any, ...],
    indices: tuple[Any, ...] = (),
) -> tuple[TensorType, ...]:
    if len(views) != len(operands):
        raise IRError(f"kernel: {len(views)} views for {len(operands)} operands")
    if any(len(strides) != len(domain) for _, strides, _ in views):
        raise IRError(f"kernel: a view has not the {len(domain)} axes of the domain")
    for operand, entry in zip(operands, views, strict=True):
        read = view_of(entry, domain).reads()
        if read is not None and not 0 <= read[0] <= read[1] < operand.size:
            raise IRError(f"kernel: elements {read[0]} to {read[1]} of {operand} are read")
    return tuple(TensorType(dtype, result_shape(domain, axes)) for _, dtype, axes in yields)


def read_through(array: np.ndarray, view: View) -> np.ndarray:
    """The tensor that `view` shows in the dense buffer of `array`."""
    index = np.full(view.shape, view.offset, np.int64)
    inside = np.ones(view.shape, np.bool_)
    for axis, stride in enumerate(view.strides):
        along = np.arange(view.shape[axis]).reshape(
            [-1 if i == axis else 1 for i in range(len(view.shape))]
        )
        index = index + stride * along
        if view.bounds is not None:
            low, high = view.bounds[axis]
            inside = inside & (along >= low) & (along < high)
    flat = array.ravel()
    if flat.size == 0 or not inside.any():
        return np.zeros(view.shape, array.dtype)
    return np.where(inside, flat[np.where(inside, index, 0)], array.dtype.type(0))


def _eval(
    *operands: np.ndarray,
    domain: tuple[int, ...],
    views: tuple[Any, ...],
    yields: tuple[Any, ...],
    regions: tuple[Any, ...],
    indices: tuple[Any, ...] = (),
) -> tuple[np.ndarray, ...]:
    from ..interpret import run_operations

    body = regions[0]
    inputs = [read_through(x, view_of(v, domain)) for x, v in zip(operands, views, strict=True)]
    inputs += [np.indices(domain)[axis].astype(NUMPY_DTYPE[dtype]) for axis, dtype in indices]
    values = dict(zip(body.inputs, inputs, strict=True))
    run_operations(body, values)
    results = []
    for output, (kind, dtype, axes) in zip(body.outputs, yields, strict=True):
        full = np.broadcast_to(values[output], domain)
        results.append(
            full if kind == "store" else _REDUCE[kind](full, axes).astype(NUMPY_DTYPE[dtype])
        )
    return tuple(results)


def _extreme(reduce: Any, of_integers: str) -> Any:
    def run(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
        if x.size or x.dtype.kind != "f":
            return reduce(x, axis=axes)
        return reduce(x, axis=axes, initial=-np.inf if of_integers == "min" else np.inf)

    return run


_REDUCE = {
    "sum": lambda x, axes: np.sum(x, axis=axes, dtype=x.dtype),
    "prod": lambda x, axes: np.prod(x, axis=axes, dtype=x.dtype),
    "reduce_max": _extreme(np.max, "min"),
    "reduce_min": _extreme(np.min, "max"),
}

KERNEL = late("kernel", None, ("kernel", "regions"), _infer, _eval, "before fusion")
