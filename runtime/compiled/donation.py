"""Arguments that are given away: results take their memory.

Each result in turn takes the first donated array of its shape and dtype that is left. That result
then is this array, updated in place. Whether it is computed there or copied there is a matter of
time alone (`ir.passes.sharing`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from ...ir.types import NUMPY_DTYPE, TensorType
from ...tracer.errors import ArgumentError
from ...tracer.pytree import flatten, unflatten
from ...tracer.source import locate
from ..eager.operators.inplace import copy_
from .call import Call
from .transform import Transform, positions

Pairs = Mapping[int, int]  # results, by number, to the leaves whose memory they take

_COPY = "pass an array of its own: np.array({})"


def donated_leaves(transform: Transform, call: Call) -> list[int]:
    """The numbers of the leaves of donated arguments, in order."""
    arguments = set(positions("donate", transform.donate, call))
    found: list[int] = []
    start = 0
    for position, child in enumerate(call.tree.children):
        if position in arguments:
            found += range(start, start + child.num_leaves)
        start += child.num_leaves
    return found


def pair_up(
    donated: Sequence[int], arguments: Sequence[Any], results: Sequence[Any]
) -> dict[int, int]:
    """Which result takes the memory of which of the leaves `donated`. `arguments` and `results` are
    types with dtype and shape, None for what takes no part; results without axes are numbers.
    """
    free: dict[Any, list[int]] = {}
    for leaf in donated:
        if arguments[leaf] is not None:
            free.setdefault(_kind(arguments[leaf]), []).append(leaf)
    found = {}
    for number, result in enumerate(results):
        left = free.get(_kind(result)) if result is not None and result.shape else None
        if left:
            found[number] = left.pop(0)
    return found


def _kind(x: Any) -> tuple[Any, ...]:
    dtype = NUMPY_DTYPE[x.dtype] if isinstance(x, TensorType) else x.dtype
    return dtype, tuple(x.shape)


def pair_types(
    transform: Transform,
    call: Call,
    arguments: Sequence[TensorType],
    results: Sequence[TensorType],
    written: Collection[int] = (),
    returned: Collection[int] = (),
) -> dict[int, int]:
    """The same for a trace: what the function itself stores into (the leaves `written`), and the
    results `returned` which are these, take no part.
    """
    if not transform.donate:
        return {}
    donated = [leaf for leaf in donated_leaves(transform, call) if leaf not in written]
    own = [None if i in returned else x for i, x in enumerate(results)]
    return pair_up(donated, arguments, own)


# --- what may be donated ---


def check_donated(transform: Transform, call: Call) -> None:
    """Raise ArgumentError for a donated argument that has no memory to give."""
    if not transform.donate:
        return
    paths = call.paths
    for position in positions("donate", transform.donate, call):
        child = call.tree.children[position]
        if child.kind == "static":
            raise _error(f"{call.names[position]} is {child}, which has no memory", "arrays only")
    for leaf in donated_leaves(transform, call):
        x = getattr(call.leaves[leaf], "_data", call.leaves[leaf])
        if isinstance(x, np.ndarray):
            _check_array(x, paths[leaf])
        elif paths[leaf] in call.names and isinstance(x, bool | int | float | np.generic):
            what = f"{paths[leaf]} is a {type(x).__name__}, which has no memory to give"
            raise _error(what, "leave it out of donate=, which is for arrays")


def _check_array(x: np.ndarray, path: str) -> None:
    flags = x.flags
    wrong = {
        "read-only": not flags.writeable,
        "not C-contiguous": not flags.c_contiguous,
        "not aligned": not flags.aligned,
        "not in the byte order of this machine": not x.dtype.isnative,
    }
    for what, holds in wrong.items():
        if holds:
            raise _error(f"{path} is {what}: no result can take its memory", _COPY.format(path))


def check_apart(donated: Collection[int], arrays: Sequence[Any], paths: Sequence[str]) -> None:
    """Raise ArgumentError where one of the leaves `donated` shares memory with another array."""
    spans = []
    for number, x in enumerate(arrays):
        if isinstance(x, np.ndarray) and x.size:
            low, high = np.lib.array_utils.byte_bounds(x)
            spans.append((low, high, number))
    reach: dict[bool, tuple[int, int]] = {}  # of those before: the farthest end, and whose it is
    for low, high, number in sorted(spans):
        given = number in donated
        for other_given, (end, other) in reach.items():
            if low < end and (given or other_given):
                first, second = (paths[other], paths[number])
                raise _error(
                    f"{first} and {second} share memory, and a result would overwrite both",
                    _COPY.format(second if given else first),
                )
        reach[given] = max(reach.get(given, (0, 0)), (high, number))


def _error(what: str, hint: str) -> ArgumentError:
    return ArgumentError(f"donate: {what}", at=locate(), hint=hint)


# --- results that are copied into their memory ---


def store(pairs: Pairs, values: list[Any], leaves: Sequence[Any]) -> list[Any]:
    """`values` with the arguments in the places of the results that take their memory."""
    for number, leaf in pairs.items():
        target, value = leaves[leaf], values[number]
        if hasattr(target, "_counter"):
            copy_(target, value)
        elif value is not target:
            target[...] = value
        values[number] = target
    return values


def store_eagerly(
    transform: Transform, call: Call, result: Any, changed: Collection[int] = ()
) -> Any:
    """`result` of a call in eager mode, handed over as a compiled function does; the leaves
    `changed` are those that the function has stored into.
    """
    if not transform.donate:
        return result
    values, tree = flatten(result)
    given = {id(call.leaves[i]) for i in changed}
    arguments = [getattr(x, "_data", x) for x in call.leaves]
    kinds = [None if id(x) in given else getattr(x, "_data", x) for x in values]
    donated = [leaf for leaf in donated_leaves(transform, call) if leaf not in changed]
    arrays = [x if isinstance(x, np.ndarray) else None for x in arguments]
    pairs = pair_up(donated, arrays, [x if hasattr(x, "shape") else None for x in kinds])
    pairs = tensors_only(pairs, call.leaves) if _are_tensors(values) else pairs
    check_apart(pairs.values(), arguments, call.paths)
    for number in pairs:  # an argument that is handed back: others may be written over it
        values[number] = values[number].clone() if _are_tensors(values) else values[number].copy()
    return unflatten(tree, store(pairs, values, call.leaves))


def _are_tensors(values: Sequence[Any]) -> bool:
    return any(hasattr(x, "_counter") for x in values)


def tensors_only(pairs: Pairs, leaves: Sequence[Any]) -> dict[int, int]:
    """The pairs of a call on Tensors: a Tensor can't take the memory of an array."""
    return {number: leaf for number, leaf in pairs.items() if hasattr(leaves[leaf], "_counter")}


def copied(x: Any) -> Any:
    """A donated leaf that a call may have in the place of `x`."""
    if hasattr(x, "_counter"):
        return x.detach().clone().requires_grad_(x.requires_grad)
    return x.copy() if isinstance(x, np.ndarray) else x
