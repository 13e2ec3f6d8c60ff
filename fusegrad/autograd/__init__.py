"""Automatic differentiation of eager tensors: `backward`, `grad`, custom functions, checks."""

from __future__ import annotations

from ..runtime.eager.backward.autograd import backward, grad
from ..runtime.eager.backward.function import Function
from ..runtime.eager.backward.gradcheck import GradcheckError, gradcheck, gradgradcheck
from ..runtime.eager.graph.anomaly import detect_anomaly, is_anomaly_enabled, set_detect_anomaly
from ..runtime.eager.graph.inference import inference_mode, is_inference_mode_enabled
from ..runtime.eager.graph.modes import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from ..runtime.eager.graph.node import Node
from ..runtime.eager.operators.creation import variable as Variable  # noqa: N812
from . import function, functional, graph

__all__ = [
    "Function",
    "GradcheckError",
    "Node",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "function",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "is_anomaly_enabled",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]
