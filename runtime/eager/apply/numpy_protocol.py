"""NumPy functions of Tensors: `np.tanh(t)`, `np.sum(t, axis=0)`.

The tracer knows how each NumPy function is composed of ops. Called on Tensors, a function is traced
once for arguments like these, and then it is a composition like any other: one node in the graph.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from ....ir import Graph, TensorType, tensor_type
from ....tracer.errors import TraceError
from ....tracer.pytree import Treedef, flatten, unflatten
from ....tracer.run import Aval, Traced, trace_flat
from ..graph.names import of_function
from .composite import Composite, run_composite

__all__ = ["apply_function", "apply_keyed", "apply_named", "apply_ufunc"]

# Names that differ from PyTorch's.
_NAMES = {
    "subtract": "sub",
    "multiply": "mul",
    "divide": "div",
    "true_divide": "div",
    "power": "pow",
    "negative": "neg",
    "absolute": "abs",
    "matmul": "mm",
    "concatenate": "cat",
    "arctan2": "atan2",
}

# The composition, the structure of its result, what it reads beside the operands, and which results
# are copies.
Plan = tuple[Composite, Treedef, tuple[Any, ...], tuple[int, ...]]

_plans: dict[Any, Plan] = {}
_LARGEST = 4096


def apply_ufunc(
    ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """`Tensor.__array_ufunc__`. `out=` is refused: tensors change by their own methods."""
    if kwargs.get("out") is not None:
        raise TypeError(f"np.{ufunc.__name__}: out= can't be given together with tensors")
    call = ufunc if method == "__call__" else getattr(ufunc, method)
    return _apply((ufunc, method), call, ufunc.__name__, inputs, kwargs)


def apply_function(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """`Tensor.__array_function__`."""
    return _apply(function, function, function.__name__, args, kwargs)


def apply_named(
    name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """A NumPy function of Tensors, under PyTorch's name."""
    return _apply((function, name), function, name, args, kwargs)


def apply_keyed(
    key: Any, function: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Any function of traced arrays, of which `key` tells what it does beside its arguments."""
    return _apply(key, function, name, args, kwargs)


def _apply(
    key: Any, function: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    leaves, tree = flatten((args, kwargs))
    places = [i for i, leaf in enumerate(leaves) if _is_operand(leaf)]
    try:
        return _run(key, function, name, leaves, tree, places)
    except TraceError:  # perhaps the values of arrays are asked for, which are known here
        return _run_once(function, name, leaves, tree, places)


def _run_once(
    function: Callable[..., Any], name: str, leaves: list[Any], tree: Treedef, places: list[int]
) -> Any:
    """A function whose composition depends on values, as for the size of its result: not kept."""
    operands = [leaves[i] for i in places]
    arrays = [getattr(x, "_data", x) for x in operands]
    static = [None if i in places else leaf for i, leaf in enumerate(leaves)]
    traced = _traced(function, name, tree, places, tuple(map(tensor_type, arrays)), static, arrays)
    graph = traced.graph
    outputs = graph.outputs[: len(graph.outputs) - len(traced.conditions)]
    composite = Composite(Graph(graph.name, graph.inputs, graph.operations, outputs))
    given = [*operands, *traced.captured]
    results = run_composite(composite, given, of_function(_NAMES.get(name, name)))
    return unflatten(traced.out_tree, _copied(results, _copies(composite, traced)))


def _run(
    key: Any,
    function: Callable[..., Any],
    name: str,
    leaves: list[Any],
    tree: Treedef,
    places: list[int],
) -> Any:
    operands = [leaves[i] for i in places]
    types = tuple(tensor_type(getattr(x, "_data", x)) for x in operands)
    static = [None if i in places else leaf for i, leaf in enumerate(leaves)]
    plan = _plan(key, function, name, tree, places, types, static)
    composite, out_tree, captured, copies = plan
    results = run_composite(composite, [*operands, *captured], of_function(_NAMES.get(name, name)))
    return unflatten(out_tree, _copied(results, copies) if copies else results)


def _copies(composite: Composite, traced: Traced) -> tuple[int, ...]:
    """The results that NumPy copies (as those of `np.copy`): in the graph these are what they are
    copies of.
    """
    pairs = zip(composite.views, traced.shown, strict=False)
    return tuple([i for i, (view, shown) in enumerate(pairs) if view is not None and shown is None])


def _copied(results: list[Any], copies: tuple[int, ...]) -> list[Any]:
    """The results, of which `copies` get memory of their own."""
    return [x.clone() if i in copies and x._base is not None else x for i, x in enumerate(results)]


def _is_operand(leaf: Any) -> bool:
    if isinstance(leaf, np.ndarray | np.generic):
        return leaf.dtype.kind != "c"  # complex numbers are known when the function is traced
    return hasattr(leaf, "__fusegrad_tensor__")


def _plan(
    key: Any,
    function: Callable[..., Any],
    name: str,
    tree: Treedef,
    places: list[int],
    types: tuple[TensorType, ...],
    static: list[Any],
) -> Plan:
    """The composition for a call like this one; kept where the call can be described by a key.

    A function of the user's among the arguments can't: what it reads may have changed.
    """
    if any(isinstance(x, FunctionType | MethodType | partial) for x in tree.statics):
        return _trace(function, name, tree, places, types, static)
    try:
        described = (key, tree, tuple(places), types, tuple((type(x), x) for x in static))
        known = _plans.get(described)
    except TypeError:  # something that does not hash
        return _trace(function, name, tree, places, types, static)
    if known is None:
        if len(_plans) >= _LARGEST:
            _plans.clear()
        known = _plans[described] = _trace(function, name, tree, places, types, static)
    return known


def _trace(
    function: Callable[..., Any],
    name: str,
    tree: Treedef,
    places: list[int],
    types: tuple[TensorType, ...],
    static: list[Any],
) -> Plan:
    traced = _traced(function, name, tree, places, types, static, None)
    composite = Composite(traced.graph)
    return composite, traced.out_tree, traced.captured, _copies(composite, traced)


def _traced(
    function: Callable[..., Any],
    name: str,
    tree: Treedef,
    places: list[int],
    types: tuple[TensorType, ...],
    static: list[Any],
    values: list[Any] | None,
) -> Traced:
    """The trace of a call; with `values` of the operands it may ask for them."""

    def call(*arrays: Any) -> Any:
        leaves = list(static)
        for place, array in zip(places, arrays, strict=True):
            leaves[place] = array
        args, kwargs = unflatten(tree, leaves)
        return function(*args, **kwargs)

    _, in_tree = flatten((tuple(places), {}))
    return trace_flat(call, in_tree, [Aval(type) for type in types], name, values)
