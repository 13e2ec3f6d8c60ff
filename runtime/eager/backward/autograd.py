"""`backward` and `grad`: what is asked of the engine, checked first."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core import make
from ..graph.graph import GradientEdge, edge_to
from ..graph.node import OUTPUT
from ..operators.shaping import stack
from ..tensor import Tensor
from .engine import Place, run

__all__ = ["backward", "grad"]

Tensors = Tensor | GradientEdge | Sequence[Tensor | GradientEdge]


def backward(
    tensors: Tensors,
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    *,
    inputs: Tensors | None = None,
) -> None:
    """Add the gradients of `tensors` with respect to the leaves to their `.grad`.

    `grad_tensors` are the gradients to start from, 1 for scalars. With `inputs` only these receive
    theirs.
    """
    outputs = _sequence(tensors)
    chosen = None if inputs is None else _sequence(inputs)
    if chosen is not None and not chosen:
        raise RuntimeError("the inputs argument to backward() is empty: nothing to accumulate into")
    roots = _roots(outputs, _gradients(grad_tensors, len(outputs)), create_graph)
    if create_graph:
        warnings.warn(
            "backward() with create_graph=True makes a reference cycle between a leaf and its "
            "gradient: use autograd.grad(), or set .grad to None afterwards",
            UserWarning,
            stacklevel=3,
        )
    retain = create_graph if retain_graph is None else retain_graph
    if chosen is None:
        run(roots, retain_graph=retain, create_graph=create_graph)
        return
    captures: dict[Place, Any] = {_place(x, i): None for i, x in enumerate(chosen)}
    for x in chosen:
        if isinstance(x, Tensor) and not x.is_leaf:
            x.retain_grad()  # from now on, as in PyTorch
    run(roots, retain_graph=retain, create_graph=create_graph, captures=captures)


def grad(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of `outputs` with respect to `inputs`; no `.grad` is touched.

    An input that was not used is an error, unless `allow_unused` (None in its place) or
    `materialize_grads` (zeros). With `is_grads_batched` each of `grad_outputs` has one axis more,
    the first, and so have the results: a gradient for each entry.
    """
    if not only_inputs:
        warnings.warn("only_inputs is ignored, as in PyTorch", FutureWarning, stacklevel=2)
    if is_grads_batched:
        words = (create_graph, allow_unused, materialize_grads)
        return _batched(outputs, inputs, grad_outputs, retain_graph, *words)
    ends, starts = _sequence(outputs), _sequence(inputs)
    if not starts:
        raise RuntimeError("`inputs` argument to grad() cannot be empty")
    if allow_unused is False and materialize_grads:
        raise ValueError("materialize_grads=True goes with allow_unused=True or None, not False")
    places = [_place(x, i) for i, x in enumerate(starts)]
    roots = _roots(ends, _gradients(grad_outputs, len(ends)), create_graph)
    captures: dict[Place, Any] = dict.fromkeys(places)
    retain = create_graph if retain_graph is None else retain_graph
    run(
        roots,
        retain_graph=retain,
        create_graph=create_graph,
        captures=captures,
        only_captures=True,
    )
    unused = allow_unused or materialize_grads
    return tuple(
        _result(captures[place], x, i, bool(unused), materialize_grads)
        for i, (place, x) in enumerate(zip(places, starts, strict=True))
    )


def _batched(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: Any,
    retain_graph: bool | None,
    create_graph: bool,
    allow_unused: bool | None,
    materialize_grads: bool,
) -> tuple[Tensor | None, ...]:
    """`grad` for each entry of the gradients' first axis, the results stacked."""
    batches = _gradients(grad_outputs, len(_sequence(outputs)))
    sizes = {x.shape[0] if x.ndim else 0 for x in batches if x is not None}
    if len(sizes) != 1 or 0 in sizes:
        raise RuntimeError(
            "is_grads_batched=True needs grad_outputs with one first axis, of the batch"
        )
    count = sizes.pop()
    retain = create_graph if retain_graph is None else retain_graph
    rows = [
        grad(
            outputs,
            inputs,
            [None if x is None else x[i] for x in batches],
            retain or i < count - 1,
            create_graph,
            allow_unused=allow_unused,
            materialize_grads=materialize_grads,
        )
        for i in range(count)
    ]
    return tuple(
        None if any(x is None for x in column) else stack(column)
        for column in map(list, zip(*rows, strict=True))
    )


def _result(found: Any, x: Any, index: int, unused: bool, zeros: bool) -> Tensor | None:
    if found is None:
        if not unused:
            raise RuntimeError(
                f"the differentiated Tensor at index {index} appears to not have been used in the "
                "graph; set allow_unused=True if that is what you want"
            )
        return make(np.zeros(x.shape, x.dtype)) if zeros else None
    if isinstance(found, Tensor):
        return found
    if isinstance(x, GradientEdge):
        return make(np.array(found))
    return make(np.array(np.broadcast_to(found, x.shape), x.dtype))


def _sequence(tensors: Tensors) -> tuple[Any, ...]:
    return (tensors,) if isinstance(tensors, Tensor | GradientEdge) else tuple(tensors)


def _gradients(given: Any, count: int) -> tuple[Tensor | None, ...]:
    if given is None:
        return (None,) * count
    gradients = (given,) if isinstance(given, Tensor) else tuple(given)
    if len(gradients) != count:
        raise RuntimeError(f"got {count} tensors and {len(gradients)} gradients")
    return gradients


def _place(x: Any, index: int) -> Place:
    edge = edge_to(x)
    if edge is None:
        raise RuntimeError(
            f"one of the differentiated Tensors does not require grad: the one at index {index}, "
            f"of shape {list(getattr(x, 'shape', ()))}"
        )
    return (edge.node, edge.number) if edge.edge_kind == OUTPUT else (edge, 0)


def _roots(
    outputs: Sequence[Any], gradients: Sequence[Tensor | None], recorded: bool
) -> list[tuple[Any, Any]]:
    """The edges to start from, with the cotangents that go in there."""
    roots = []
    for i, (output, gradient) in enumerate(zip(outputs, gradients, strict=True)):
        edge = edge_to(output)
        if edge is None:
            raise RuntimeError(
                f"element {i} of tensors does not require grad and does not have a grad_fn"
            )
        start = _seed(output) if gradient is None else _checked(output, gradient, i)
        roots.append((edge, start if recorded else start._data))
    return roots


def _seed(output: Any) -> Tensor:
    if isinstance(output, GradientEdge):
        raise RuntimeError("a GradientEdge as output needs its gradient in grad_outputs")
    if output._data.size != 1:
        raise RuntimeError(
            "grad can be implicitly created only for scalar outputs; this one has shape "
            f"{list(output.shape)}: pass gradient="
        )
    return make(np.ones(output.shape, output.dtype))


def _checked(output: Any, gradient: Tensor, index: int) -> Tensor:
    if not isinstance(gradient, Tensor):
        raise TypeError(f"gradients can be Tensors or None, got {type(gradient).__name__}")
    if isinstance(output, GradientEdge):
        return gradient
    if gradient.shape != output.shape:
        raise RuntimeError(
            f"Mismatch in shape: the gradient at index {index} has shape {list(gradient.shape)}, "
            f"its output {list(output.shape)}"
        )
    return gradient.to(output.dtype)
