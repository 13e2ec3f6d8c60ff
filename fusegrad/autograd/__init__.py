"""Automatic differentiation of eager tensors: `backward`, `grad`, custom functions, checks."""

from __future__ import annotations

from ..runtime.eager.anomaly import detect_anomaly, is_anomaly_enabled, set_detect_anomaly
from ..runtime.eager.autograd import backward, grad
from ..runtime.eager.creation import variable as Variable  # noqa: N812
from ..runtime.eager.function import Function
from ..runtime.eager.gradcheck import GradcheckError, gradcheck, gradgradcheck
from ..runtime.eager.inference import inference_mode, is_inference_mode_enabled
from ..runtime.eager.modes import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from ..runtime.eager.node import Node
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
