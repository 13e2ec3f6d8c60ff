"""The graph in the user's hands: edges, hooks of nodes and of several tensors."""

from __future__ import annotations

from typing import Any

import pytest

from .backends import Backend, numbers


def test_a_multi_grad_hook_is_called_once_with_all(lib: Backend) -> None:
    a, b = lib.leaf(1.0, 1.0), lib.leaf(2.0, 2.0)
    seen: list[Any] = []

    def note(gradients: Any) -> None:
        seen.append([None if g is None else numbers(g) for g in gradients])

    handle = lib.graph.register_multi_grad_hook([a, b], note)
    lib.function(lambda x: (x * 2).sum())(a).backward()
    lib.function(lambda x, y: (x * y).sum())(a, b).backward()
    assert seen == [[[2.0, 2.0], None], [[2.0, 2.0], [1.0, 1.0]]]
    handle.remove()
    lib.function(lambda x: (x * 2).sum())(a).backward()
    assert len(seen) == 2


def test_a_multi_grad_hook_of_results(lib: Backend) -> None:
    a = lib.leaf(1.0, 1.0)
    first, second = lib.function(lambda x: (x * 2, x * 3))(a)
    seen: list[Any] = []
    lib.graph.register_multi_grad_hook([first, second], seen.append, mode="any")
    (first * second).sum().backward()
    assert len(seen) == 1


def test_gradient_edges(lib: Backend) -> None:
    w = lib.leaf(1.0, 2.0)
    y = lib.function(lambda x: x * 2)(w)
    edge = lib.graph.get_gradient_edge(y)
    assert (edge.node, edge.output_nr) == (y.grad_fn, 0)
    leaf = lib.graph.get_gradient_edge(w)
    assert type(leaf.node).__name__ == "AccumulateGrad"
    gradients = lib.autograd.grad((y * y).sum(), [edge, leaf])
    assert [numbers(g) for g in gradients] == [[4.0, 8.0], [8.0, 16.0]]
    with pytest.raises(RuntimeError, match="does not require grad"):
        lib.graph.get_gradient_edge(w.detach())


def test_nodes_are_nodes(lib: Backend) -> None:
    y = lib.function(lambda x: x * 2)(lib.leaf(1.0))
    assert isinstance(y.grad_fn, lib.graph.Node)


def test_increment_version(lib: Backend) -> None:
    x = lib.leaf(1.0) * 1
    y = lib.function(lambda x: (x * x).sum())(x)
    lib.graph.increment_version([x])
    with pytest.raises(RuntimeError, match="inplace operation"):
        y.backward()


def test_a_hook_of_the_accumulation(lib: Backend) -> None:
    w = lib.leaf(1.0, 2.0)
    y = lib.function(lambda x: x * 2)(w)
    node = y.grad_fn.next_functions[0][0]
    node.register_prehook(lambda grads: (grads[0] * 10,))
    y.sum().backward()
    assert numbers(w.grad) == [20.0, 20.0]
