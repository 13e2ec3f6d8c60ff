"""The SSA language: types, graphs, the op table, the text form, and maps from graph to graph."""

from . import ops as ops  # fills TABLE
from .batching import batch_graph
from .builder import Builder, GraphBuilder, NumpyBuilder
from .errors import DTypeError, FusegradError, IRError, ShapeError
from .graph import Graph, Location, Operation, Value
from .interpret import interpret
from .loaded import LOADED as LOADED
from .op import TABLE, Op, Sample
from .parse import parse
from .types import TensorType, tensor_type
from .verify import verify

__all__ = [
    "TABLE",
    "Builder",
    "DTypeError",
    "FusegradError",
    "Graph",
    "GraphBuilder",
    "IRError",
    "Location",
    "NumpyBuilder",
    "Op",
    "Operation",
    "Sample",
    "ShapeError",
    "TensorType",
    "Value",
    "batch_graph",
    "interpret",
    "parse",
    "tensor_type",
    "verify",
]
