"""Runs a Python call and writes down what it did."""

from .array import TracedArray
from .errors import AxisError, BoundsError, TraceError, UnsupportedError
from .functions import library
from .pytree import Treedef, flatten, register_pytree_node, unflatten
from .run import Aval, Traced, aval_of, trace, trace_flat
from .trace import Trace, current_trace, is_tracing

__all__ = [
    "AxisError",
    "Aval",
    "BoundsError",
    "Trace",
    "TraceError",
    "Traced",
    "TracedArray",
    "Treedef",
    "UnsupportedError",
    "aval_of",
    "current_trace",
    "flatten",
    "is_tracing",
    "library",
    "register_pytree_node",
    "trace",
    "trace_flat",
    "unflatten",
]
