"""Custom functions: their base, their context, and the mark of those that have one derivative."""

from __future__ import annotations

from ..runtime.eager.backward.function import Function, FunctionContext, once_differentiable

__all__ = ["Function", "FunctionContext", "once_differentiable"]
