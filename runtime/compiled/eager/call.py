"""The same call without compiling: the user's function runs on eager arrays, operation by
operation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ....ir import FusegradError, ShapeError
from ....tracer.functions.scipy_calls import hidden, renamed
from ....tracer.pytree import map_leaves, unflatten
from ...eager import Tensor
from ...eager.backward.autograd import grad as eager_grad
from ..call import Call, Parameters, put_together
from ..donation import store_eagerly
from ..transform import Transform, differentiated
from .array import EagerArray, unwrap, wrap
from .numpy import seen_eagerly


def run_eagerly(
    function: Callable[..., Any], transform: Transform, parameters: Parameters, call: Call
) -> Any:
    """What the compiled call returns, computed in eager mode. Tensors in, Tensors out."""
    given_tensors = any(_is_tensor(leaf) for leaf in call.leaves)
    chosen = _differentiated_leaves(transform, call)
    leaves = [_operand(leaf, i in chosen) for i, leaf in enumerate(call.leaves)]
    seen = leaves if given_tensors else list(map(_as_numpys, leaves, call.leaves))
    args, kwargs = put_together(parameters, call, seen)
    with seen_eagerly(function, given_tensors) as version:
        versions = [_version(x) for x in seen] if transform.donate else []
        result = unwrap(_with_arguments(_called(version, args, kwargs), call.leaves, seen))
    changed = [i for i, before in enumerate(versions) if _version(seen[i]) != before]
    if not transform.differentiates:
        _write_back(call.leaves, seen)
    if transform.differentiates:
        result = _with_gradient(transform, call, result, leaves, given_tensors)
    result = result if given_tensors else map_leaves(_as_numpy, result)
    return store_eagerly(transform, call, result, () if transform.differentiates else changed)


def _version(x: Any) -> int:
    """How often the memory of an argument was stored into."""
    if isinstance(x, EagerArray):
        return x.memory.version
    return x._version if _is_tensor(x) else 0


def _with_arguments(result: Any, leaves: list[Any], seen: list[Any]) -> Any:
    """The result, with arguments that the function has changed as what they are for its caller."""
    changed = {
        id(x): leaf
        for leaf, x in zip(leaves, seen, strict=True)
        if isinstance(leaf, np.ndarray) and isinstance(x, EagerArray) and x.memory.version
    }
    return map_leaves(lambda x: changed.get(id(x), x), result) if changed else result


def _called(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    try:
        return function(*args, **kwargs)
    except FusegradError as error:
        named = renamed(error)
        if named is error:
            raise
        raise named from error
    except (TypeError, ValueError) as error:
        ours = hidden(error)
        if ours is None:
            raise
        raise ours from error


def _as_numpys(leaf: Any, original: Any) -> Any:
    """A leaf with the semantics of what NumPy, or Python, would have in its place."""
    array = wrap(leaf)
    if isinstance(array, EagerArray):
        array.weak = type(original) in (bool, int, float)
        array.boxed = isinstance(original, np.ndarray) and not original.ndim
    return array


def _write_back(leaves: list[Any], seen: list[Any]) -> None:
    """What the function has stored into its arguments."""
    for leaf, array in zip(leaves, seen, strict=True):
        if isinstance(array, EagerArray) and array.memory.version:
            leaf[...] = array.tensor._data


def _is_tensor(x: Any) -> bool:
    return isinstance(x, Tensor)


def _differentiated_leaves(transform: Transform, call: Call) -> set[int]:
    if not transform.differentiates:
        return set()
    arguments, start, chosen = set(differentiated(transform, call)), 0, set()
    for number, child in enumerate(call.tree.children):
        if number in arguments:
            chosen |= set(range(start, start + child.num_leaves))
        start += child.num_leaves
    return chosen


def _operand(leaf: Any, differentiate: bool) -> Any:
    """A leaf as the user's function gets it: a Tensor that requires grad where that is wanted."""
    if _is_tensor(leaf):
        return leaf if leaf.requires_grad or not differentiate else leaf.detach().requires_grad_()
    if differentiate:
        return Tensor(np.array(leaf), requires_grad=True)
    return Tensor(leaf) if isinstance(leaf, np.ndarray) else leaf


def _with_gradient(
    transform: Transform, call: Call, result: Any, leaves: list[Any], create_graph: bool
) -> Any:
    value, aux = result if transform.has_aux else (result, None)
    if isinstance(value, float | np.floating):  # it depends on nothing that is differentiated
        value = Tensor(np.asarray(value))
    if not _is_tensor(value) or value.shape != ():
        raise ShapeError(
            f"grad needs a scalar output, the function returned {type(value).__name__}"
        )
    inputs = [leaves[i] for i in sorted(_differentiated_leaves(transform, call))]
    gradients = iter(_gradients(value, inputs, create_graph))
    trees = [
        unflatten(child, [next(gradients) for _ in range(child.num_leaves)])
        for child in (call.tree.children[i] for i in differentiated(transform, call))
    ]
    tree = tuple(trees) if isinstance(transform.argnums, tuple) else trees[0]
    if transform.kind == "grad":
        return (tree, aux) if transform.has_aux else tree
    return ((value, aux), tree) if transform.has_aux else (value, tree)


def _gradients(value: Any, inputs: list[Any], create_graph: bool) -> Any:
    """The gradient of each input: zeros where the value does not depend on it."""
    if not value.requires_grad:
        return [Tensor(np.zeros_like(x._data)) for x in inputs]
    return eager_grad(
        value, inputs, allow_unused=True, materialize_grads=True, create_graph=create_graph
    )


def _as_numpy(x: Any) -> Any:
    array = x.detach().numpy() if _is_tensor(x) else x
    return array[()] if isinstance(array, np.ndarray) and array.ndim == 0 else array
