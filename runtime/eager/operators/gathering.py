"""Elements by index tensors: gather and scatter, index_* and masked_*."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....ir.functions import order as functions
from ..apply.axes import normalise
from ..apply.dispatch import is_tensor_like, traced
from ..apply.operands import as_numbers, as_operand, call, shape_of
from ..core import make
from ..errors import EagerError, OutOfRangeError, explain
from .elementwise import lift

__all__ = [
    "argwhere",
    "gather",
    "index_add",
    "index_copy",
    "index_fill",
    "index_select",
    "masked_fill",
    "masked_scatter",
    "masked_select",
    "nonzero",
    "scatter",
    "scatter_add",
    "take",
    "take_along_dim",
]


def _elements(x: Any) -> Any:
    return x._data if is_tensor_like(x) else x


def _positions(name: str, index: Any) -> Any:
    """Indices as an array of integers, without a graph of their own."""
    index = as_operand(index)
    if np.dtype(index.dtype).kind not in "iu":
        raise EagerError(f"{name}(): Expected dtype int32 or int64 for index, not {index.dtype}")
    return index


def _same_rank(x: Any, *others: Any) -> tuple[Any, ...]:
    """0-d operands as vectors of one element, as PyTorch takes them."""
    return tuple(y if shape_of(y) else y.reshape((1,)) for y in (x, *others))


def _in_range(name: str, function: Any, *operands: Any, **static: Any) -> Any:
    """The composition; an index out of range is a RuntimeError too, as in PyTorch."""
    try:
        return call(name, function, *operands, **static)
    except IndexError as error:
        if isinstance(error, EagerError):
            raise
        axis = static["axis"]
        raise OutOfRangeError(
            f"{name}(): an index is out of bounds for dimension {axis} with size "
            f"{shape_of(operands[0])[axis]}"
        ) from None


def gather(x: Any, dim: int, index: Any) -> Any:
    """out[i][j] = x[index[i][j]][j] for dim 0, and so on; `index` has the shape of the result."""
    x, index = as_operand(x), _positions("gather", index)
    at = normalise(dim, len(shape_of(x)))
    if index.size and len(shape_of(x) or (1,)) != len(shape_of(index) or (1,)):
        raise EagerError(
            "gather(): Index tensor must have the same number of dimensions as input tensor, got "
            f"{list(shape_of(index))} for {list(shape_of(x))}"
        )
    return _in_range(
        "gather", _in_shape, x, index, of=functions.take_along, shape=shape_of(index), axis=at
    )


def _in_shape(b: Any, x: Any, *others: Any, of: Any, shape: tuple[int, ...], **static: Any) -> Any:
    """The function `of` operands of which those without axes have one element along one axis."""
    rows = [y if b.type_of(y).ndim else b.reshape(y, (1,)) for y in (x, *others)]
    return b.reshape(of(b, *rows, **static), shape)


def take_along_dim(x: Any, indices: Any, dim: int | None = None) -> Any:
    """x at `indices` along `dim`; elsewhere the two broadcast. Without `dim`, x flattened."""
    x, indices = as_operand(x), _positions("take_along_dim", indices)
    if dim is None:
        x, indices, dim = x.reshape((-1,)), indices.reshape((-1,)), 0
    at = normalise(dim, len(shape_of(x)))
    return _in_range("gather", _take_along_broadcast, x, indices, axis=at)


def _take_along_broadcast(b: Any, x: Any, indices: Any, *, axis: int) -> Any:
    have, want = b.type_of(x).shape, b.type_of(indices).shape
    common = np.broadcast_shapes(
        (*have[:axis], 1, *have[axis + 1 :]), (*want[:axis], 1, *want[axis + 1 :])
    )
    x = b.broadcast(x, (*common[:axis], have[axis], *common[axis + 1 :]))
    behind = b.add(indices, b.full_like(indices, have[axis]))
    indices = b.select(b.compare("lt", indices, b.zeros_like(indices)), behind, indices)
    indices = b.broadcast(indices, (*common[:axis], want[axis], *common[axis + 1 :]))
    return functions.take_along(b, x, indices, axis=axis)


def take(x: Any, index: Any) -> Any:
    """x, flattened, at `index`."""
    flat = as_operand(x).reshape((-1,))
    return call("take", _take, flat, _positions("take", index))


def _take(b: Any, x: Any, index: Any) -> Any:
    size = b.type_of(x).size
    wrapped = b.add(index, b.full_like(index, size))
    index = b.select(b.compare("lt", index, b.zeros_like(index)), wrapped, index)
    return b("gather", x, index, axis=0)


@as_numbers
def scatter(
    x: Any,
    dim: int,
    index: Any,
    src: Any = None,
    *,
    value: Any = None,
    reduce: str | None = None,
) -> Any:
    """x with elements of `src` (or one number) put where `gather` with `index` would read.

    Of several that go to one place the last one stays, as in PyTorch on a CPU, and it alone has
    the gradient. (PyTorch hands it to all of them.)
    """
    x, index = as_operand(x), _positions("scatter", index)
    src = value if src is None else src
    if reduce is not None:
        return _scattered_into(x, dim, index, src, reduce)
    title = "ScatterBackward0"
    if not shape_of(src) and (not is_tensor_like(src) or shape_of(index)):
        src, title = _spread(np.asarray(_elements(src), x.dtype), index), "ScatterBackward1"
    return _scattered("scatter", functions.scatter, x, dim, index, src, title)


def _scattered_into(x: Any, dim: int, index: Any, src: Any, reduce: str) -> Any:
    """What is there already added to, or multiplied."""
    from .placing import scatter_reduce

    words = {"add": "sum", "multiply": "prod"}
    if reduce not in words:
        raise EagerError(f"scatter: reduce argument must be either add or multiply, not {reduce!r}")
    src = src if shape_of(src) else _spread(np.asarray(_elements(src), x.dtype), index)
    return scatter_reduce(x, dim, index, src, words[reduce])


def _spread(value: Any, index: Any) -> Any:
    return np.broadcast_to(value, shape_of(index))


@as_numbers
def scatter_add(x: Any, dim: int, index: Any, src: Any) -> Any:
    """x with elements of `src` added where `gather` with `index` would read."""
    x, index = as_operand(x), _positions("scatter_add", index)
    return _scattered("scatter_add", functions.scatter_add, x, dim, index, src)


def _scattered(
    name: str, function: Any, x: Any, dim: int, index: Any, src: Any, title: str = ""
) -> Any:
    if np.dtype(src.dtype) != np.dtype(x.dtype):
        raise EagerError(f"{name}(): Expected self.dtype to be equal to src.dtype")
    static: dict[str, Any] = {"of": function, "shape": shape_of(x), "title": title}
    static["axis"] = normalise(dim, len(shape_of(x)))
    return _in_range(name, _in_shape, x, index, src, **static)


def index_select(x: Any, dim: int, index: Any) -> Any:
    """The entries of x along `dim` that a vector of integers names."""
    x, index = as_operand(x), _positions("index_select", index)
    if len(shape_of(index)) > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    at = normalise(dim, len(shape_of(x)))
    if not shape_of(x):
        size = int(np.prod(shape_of(index)))
        if size != 1:
            raise IndexError(f"index_select(): Index to scalar can have only 1 value, got {size}")
        static: dict[str, Any] = {"of": _index_select, "shape": ()}
        return call("index_select", _in_shape, x, index, axis=at, **static)
    return call("index_select", _index_select, *_same_rank(x, index), axis=at)


def _index_select(b: Any, x: Any, index: Any, *, axis: int) -> Any:
    return b("gather", x, index, axis=axis)


@as_numbers
def index_add(x: Any, dim: int, index: Any, source: Any, *, alpha: float = 1) -> Any:
    """x with the entries of alpha · `source` added to those along `dim` that `index` names."""
    return _indexed("index_add", functions.index_add, x, dim, index, source, alpha=float(alpha))


@as_numbers
def index_copy(x: Any, dim: int, index: Any, source: Any) -> Any:
    """x with the entries of `source` in place of those along `dim` that `index` names."""
    have = shape_of(source)
    if have:
        at, count = normalise(dim, len(have)), int(np.prod(shape_of(index)))
        if have[at] != count:
            raise IndexError(
                f"index_copy(): Number of indices ({count}) should be equal to source.size(dim) "
                f"({have[at]})"
            )
    return _indexed("index_copy", functions.index_copy, x, dim, index, source)


def index_fill(x: Any, dim: int, index: Any, value: Any) -> Any:
    """x with `value` in the entries along `dim` that `index` names."""
    x = as_operand(x)
    value = value if shape_of(value) == () and hasattr(value, "dtype") else np.asarray(value)
    static = {"title": "IndexFillBackward1"} if is_tensor_like(value) else {}
    value = value.to(x.dtype) if is_tensor_like(value) else value.astype(x.dtype)
    return _indexed("index_fill", functions.index_fill, x, dim, index, value, **static)


def _indexed(
    name: str, function: Any, x: Any, dim: int, index: Any, source: Any, **static: Any
) -> Any:
    x, index = as_operand(x), _positions(name, index)
    at = normalise(dim, len(shape_of(x)))
    static["shape"] = shape_of(x)
    if not static["shape"] and name != "index_fill":
        source = source.reshape((1,)) if not shape_of(source) else source
    return call(name, _in_shape, x, *_same_rank(index), source, of=function, axis=at, **static)


def masked_fill(x: Any, mask: Any, value: Any) -> Any:
    """`value` where `mask` is true, else x; the two broadcast."""
    x = as_operand(x)
    if np.dtype(mask.dtype).kind != "b":
        raise EagerError(f"masked_fill only supports boolean masks, but got mask of {mask.dtype}")
    value = value if hasattr(value, "shape") else np.asarray(value, x.dtype)
    if shape_of(value):
        raise EagerError("masked_fill only supports a 0-dimensional value tensor")
    title = f"MaskedFillBackward{int(is_tensor_like(value))}"
    value = value.to(x.dtype) if is_tensor_like(value) else value.astype(x.dtype)
    return call("masked_fill", _masked_fill, x, as_operand(mask), value, title=title)


def _masked_fill(b: Any, x: Any, mask: Any, value: Any) -> Any:
    shape = np.broadcast_shapes(b.type_of(x).shape, b.type_of(mask).shape)
    return b.select(b.broadcast(mask, shape), b.broadcast(value, shape), b.broadcast(x, shape))


def masked_select(x: Any, mask: Any) -> Any:
    """The elements of x where `mask` is true, as a vector; the two broadcast."""
    if traced((x, mask)) is not None:  # it asks for the mask's values
        x, mask = np.broadcast_arrays(x, mask)
        return x[mask]
    x, places = _selected("masked_select", x, mask)
    return call("masked_select", _index_select, x.reshape((-1,)), places, axis=0)


def _selected(name: str, x: Any, mask: Any) -> tuple[Any, np.ndarray]:
    """x broadcast against `mask`, and the flat positions where that is true."""
    truth = np.asarray(_elements(mask))
    if truth.dtype.kind != "b":
        raise EagerError(f"{name}: expected BoolTensor for mask, not {truth.dtype}")
    x = lift(as_operand(x))
    try:
        shape = np.broadcast_shapes(x.shape, truth.shape)
    except ValueError as error:
        raise explain(name, (x, truth), error) from None
    x = x if x.shape == shape else x.expand(shape)
    return x, np.flatnonzero(np.broadcast_to(truth, shape))


def masked_scatter(x: Any, mask: Any, source: Any) -> Any:
    """x with the elements of `source`, in order, where `mask` is true."""
    if traced((x, mask, source)) is not None:
        return _masked_scatter_traced(x, mask, source)
    x, places = _selected("masked_scatter", x, mask)
    if np.size(_elements(source)) < places.size:
        raise EagerError("masked_scatter: source has fewer elements than the mask has ones")
    first = source.reshape((-1,))[: places.size]
    return _masked_scatter(x, places, first)


def _masked_scatter_traced(x: Any, mask: Any, source: Any) -> Any:
    """The same by the number of ones before each place, which needs no values."""
    x, mask = np.broadcast_arrays(x, mask)
    before = np.cumsum(mask.reshape(-1).astype(np.int64)) - 1
    flat = as_operand(source).reshape(-1)
    places = np.clip(before, 0, flat.shape[0] - 1).reshape(x.shape)
    return np.where(mask, flat[places], x)


@as_numbers
def _masked_scatter(x: Any, places: Any, source: Any) -> Any:
    return call("masked_scatter", _copied_flat, x, places, source)


def _copied_flat(b: Any, x: Any, places: Any, source: Any) -> Any:
    """x with `source` at flat `places`."""
    type = b.type_of(x)
    flat = functions.index_copy(b, b.reshape(x, (type.size,)), places, source, axis=0)
    return b.reshape(flat, type.shape)


def nonzero(x: Any, *, as_tuple: bool = False) -> Any:
    """Where the elements stand that are not 0: a row for each, or a vector for each axis."""
    if traced((x,)) is not None:  # it asks for the values
        return np.nonzero(x) if as_tuple else np.argwhere(x)
    places = np.nonzero(np.atleast_1d(_elements(as_operand(x))))
    if as_tuple:
        return tuple(make(place) for place in places)
    return make(np.stack(places, 1)[:, : len(shape_of(x))])


def argwhere(x: Any) -> Any:
    """The same, a row for each."""
    return nonzero(x)
