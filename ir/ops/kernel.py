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

An operand whose body input is a vector is a table: all of its buffer, in which the body looks
elements up. Where there are `packs`, one [count, size] for each yield, a yield takes `count` of the
body's outputs: "store" puts them side by side, on a last axis of the result. "scatter" takes an
index first; it adds the others to that row of a result with `size` rows, which starts as zeros.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import IRError
from ..types import NUMPY_DTYPE, TensorType
from ..view import View
from . import parts
from .late import late

PLAIN = (0, 0)  # the pack of a yield that takes one number of each point
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
    packs: tuple[tuple[int, int], ...] = (),
) -> tuple[TensorType, ...]:
    if len(views) != len(operands):
        raise IRError(f"kernel: {len(views)} views for {len(operands)} operands")
    if any(len(strides) != len(domain) for _, strides, _ in views):
        raise IRError(f"kernel: a view has not the {len(domain)} axes of the domain")
    for operand, entry in zip(operands, views, strict=True):
        read = view_of(entry, domain).reads()
        if read is not None and not 0 <= read[0] <= read[1] < operand.size:
            raise IRError(f"kernel: elements {read[0]} to {read[1]} of {operand} are read")
    return tuple(
        TensorType(dtype, _packed(kind, result_shape(domain, axes), pack))
        for (kind, dtype, axes), pack in zip(yields, all_packs(packs, yields), strict=True)
    )


def all_packs(packs: tuple[Any, ...], yields: tuple[Any, ...]) -> tuple[tuple[int, int], ...]:
    """The attribute `packs`, where it is left out as well."""
    return packs or (PLAIN,) * len(yields)


def taken(pack: tuple[int, int]) -> int:
    """How many of the body's outputs a yield takes."""
    return max(pack[0], 1)


def _packed(kind: str, shape: tuple[int, ...], pack: tuple[int, int]) -> tuple[int, ...]:
    if kind == "scatter":
        return (pack[1], pack[0] - 1)
    return (*shape, pack[0]) if pack[0] else shape


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
    packs: tuple[tuple[int, int], ...] = (),
) -> tuple[np.ndarray, ...]:
    from ..interpret import run_operations

    body = regions[0]
    inputs = [
        x.ravel() if value.type.ndim else read_through(x, view_of(v, domain))
        for x, v, value in zip(operands, views, body.inputs, strict=False)
    ]
    inputs += [np.indices(domain)[axis].astype(NUMPY_DTYPE[dtype]) for axis, dtype in indices]
    values = dict(zip(body.inputs, inputs, strict=True))
    run_operations(body, values)
    outputs = iter(np.broadcast_to(values[output], domain) for output in body.outputs)
    results = []
    for (kind, dtype, axes), pack in zip(yields, all_packs(packs, yields), strict=True):
        full = [next(outputs) for _ in range(taken(pack))]
        results.append(_end(kind, full, axes, pack).astype(NUMPY_DTYPE[dtype]))
    return tuple(results)


def _end(kind: str, full: list[np.ndarray], axes: tuple[int, ...], pack: tuple[int, int]) -> Any:
    if kind == "scatter":
        return parts.DEPOSIT.eval(*full, size=pack[1])
    if kind == "store":
        return parts.STACK.eval(*full) if pack[0] else full[0]
    return _REDUCE[kind](full[0], axes)


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
