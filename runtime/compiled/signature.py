"""The signature of a compiled variant as a native entry checks it: trees, kinds, guards, hidden
arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...codegen.entry import (
    DictNode,
    EntrySpec,
    Guard,
    HiddenArray,
    Leaf,
    ListNode,
    NoneNode,
    OutputLeaf,
    Tree,
    TupleNode,
)
from ...ir import TensorType, Value
from ...tracer.pytree import Treedef
from .call import Call, Parameters

_NODES: dict[str, Callable[[tuple[Tree, ...]], Tree]] = {"tuple": TupleNode, "list": ListNode}


class NotNativeError(Exception):
    """A native entry can't take (or give) this; the reason is the text."""


def entry_spec(
    parameters: Parameters,
    call: Call,
    kinds: tuple[str, ...],
    inputs: Sequence[Value],
    outputs: Sequence[TensorType],
    out_tree: Treedef,
    captured: tuple[Any, ...],
    guards: tuple[Guard, ...],
    release_gil: bool,
    threads: int = 0,
    donated: tuple[tuple[int, int], ...] = (),
) -> EntrySpec:
    """The entry for calls like `call`. Raises NotNativeError where Python must take them apart."""
    leaves = [_leaf(i, kind, inputs[i]) for i, kind in enumerate(kinds)]
    source = iter(leaves)
    trees = tuple(_tree(child, source) for child in call.tree.children)
    results = out_tree.num_leaves
    output = _tree(out_tree, iter(_output_leaves(outputs)[:results]))
    positional, keyword = parameters.kinds(call.names)
    hidden = tuple(_hidden(len(leaves) + i, x) for i, x in enumerate(captured))
    return EntrySpec(
        prefix="fg",
        parameters=call.names,
        inputs=trees,
        output=output,
        guards=guards,
        hidden=hidden,
        positional_only=positional,
        keyword_only=keyword,
        release_gil=release_gil,
        verdict=results if results < len(outputs) else None,
        threads=threads,
        donated=donated,
    )


def _leaf(index: int, kind: str, value: Value) -> Leaf:
    if kind == "other":
        raise NotNativeError(f"argument %{value.name} is no plain contiguous array")
    return Leaf(index, kind, value.dtype, value.shape)  # type: ignore[arg-type]


def _hidden(index: int, x: Any) -> HiddenArray:
    if type(x) is not np.ndarray or not (
        x.flags.c_contiguous and x.flags.aligned and x.dtype.isnative
    ):
        raise NotNativeError("a captured array is not contiguous, or no plain array")
    return HiddenArray(index, x)


def _output_leaves(outputs: Sequence[TensorType]) -> list[OutputLeaf]:
    return [
        OutputLeaf(i, type.dtype, type.shape, as_scalar=type.shape == ())
        for i, type in enumerate(outputs)
    ]


def _tree(tree: Treedef, leaves: Any) -> Tree:
    if tree.kind == "leaf":
        leaf: Tree = next(leaves)
        return leaf
    if tree.kind == "none":
        return NoneNode()
    if tree.kind == "static":
        raise NotNativeError(f"{tree} is compared in Python")
    children = tuple(_tree(child, leaves) for child in tree.children)
    if tree.kind in _NODES and tree.type in (tuple, list):
        return _NODES[tree.kind](children)
    if tree.kind == "dict" and tree.type is dict:
        return DictNode(tree.keys or (), children)
    raise NotNativeError(
        f"a {tree.type.__name__ if tree.type else tree.kind} is taken apart in Python"
    )
