"""The graph that backward walks: nodes, edges, what they save, hooks on several gradients."""

from __future__ import annotations

from ..runtime.eager.graph.graph import (
    GradientEdge,
    get_gradient_edge,
    increment_version,
    register_multi_grad_hook,
)
from ..runtime.eager.graph.node import Node
from ..runtime.eager.graph.saved import disable_saved_tensors_hooks, saved_tensors_hooks

__all__ = [
    "GradientEdge",
    "Node",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "saved_tensors_hooks",
]
