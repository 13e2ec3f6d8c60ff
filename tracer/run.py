"""Runs a Python function once on traced arrays, and gives back the graph of what it did."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ir.errors import FusegradError
from ..ir.graph import Graph
from ..ir.types import TensorType
from .errors import TraceError
from .functions import scipy_calls
from .names import argument_paths, sanitise, unique_names
from .paths import Answer, Condition
from .promotion import supported_dtype
from .pytree import Treedef, flatten, unflatten
from .shown import Shown, shown_results
from .source import locate, locate_error, location_of
from .surroundings.foreign import check_array, not_an_array, short, too_deep, too_large
from .trace import Trace, is_traced, no_method

if TYPE_CHECKING:
    from .array import TracedArray


@dataclass(frozen=True, slots=True)
class Aval:
    """What is known of an argument while tracing: its type, whether it is a Python number, whether
    it is an array although it has no axes (`+=` changes it then), and whether what is made in this
    call is of Tensors, which always are; and whether it is `own`, a Tensor itself.
    """

    type: TensorType
    weak: bool = False
    boxed: bool = False
    tensor: bool = False
    own: bool = False

    def __str__(self) -> str:
        return f"{self.type}{' (Python number)' if self.weak else ''}"


@dataclass(frozen=True, slots=True)
class Traced:
    """What a trace found out.

    graph        its inputs are the leaves of (args, kwargs), then one for each captured object
    in_tree      structure of (args, kwargs)
    out_tree     structure of the result, whose leaves are the graph's outputs
    captured     arrays of the user's, read at each call (or arrays of an outer trace)
    baked        (object, copy): values written into the graph; it holds while they are equal
    output_weak  for each output, whether it is a Python number
    scalars      NumPy scalars and arrays, perhaps computed from others outside, in the graph
    fresh        arrays made while tracing, from numbers alone
    written      leaves of the arguments that it stored into; the tree of the result is then that of
                 (result, list of their last values)
    changes      how often it stored into each of them
    returned     (output, leaf): results that are one of these arguments, which NumPy hands back
    watched      arrays from outside of which it is known what read them
    read         those of them that NumPy or Python read while tracing, and not only compiled code
    conditions   what the graph is valid for; their values are its last outputs
    shown        for each output of the function's own what it shares memory with, or None
    versions     how often it stored into each of the results
    eagerly      why its gradients would not be those of eager mode, or ""
    records      whether it switches the recording of gradients on
    """

    graph: Graph
    in_tree: Treedef
    out_tree: Treedef
    captured: tuple[Any, ...]
    baked: tuple[tuple[Any, np.ndarray[Any, Any]], ...]
    output_weak: tuple[bool, ...]
    scalars: tuple[Any, ...] = ()
    conditions: tuple[Condition, ...] = ()
    watched: tuple[np.ndarray[Any, Any], ...] = ()
    read: tuple[np.ndarray[Any, Any], ...] = ()
    fresh: tuple[np.ndarray[Any, Any], ...] = ()
    written: tuple[int, ...] = ()
    changes: tuple[int, ...] = ()
    returned: tuple[tuple[int, int], ...] = ()
    shown: tuple[Shown | None, ...] = ()
    versions: tuple[int, ...] = ()
    eagerly: str = ""
    records: bool = False


def aval_of(x: Any, path: str = "the argument") -> Aval:
    """What a trace needs to know of the argument `x`; an error names it by `path`."""
    if isinstance(x, bool | int | float) and not isinstance(x, np.generic):
        dtype = "bool" if isinstance(x, bool) else "i64" if isinstance(x, int) else "f64"
        if isinstance(x, int) and not -(2**63) <= x < 2**63:
            raise too_large(x, path)
        return Aval(TensorType(dtype), weak=True)
    if isinstance(x, np.generic):
        return Aval(TensorType(supported_dtype(x.dtype, path)))
    if isinstance(x, np.ndarray):
        check_array(x, path)
        type = TensorType(supported_dtype(x.dtype, path), x.shape)
        return Aval(type, boxed=not x.shape)
    if is_traced(x):
        return Aval(x.value.type, x.weak, x.boxed, x.tracer.boxes, x.tracer.is_tensor(x))
    raise not_an_array(x, path)


def trace(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], name: str = ""
) -> Traced:
    """Trace `function` for arguments like these: of their structure, dtypes and shapes."""
    leaves, in_tree = flatten((args, kwargs))
    paths = argument_paths(function, in_tree)
    avals = [aval_of(leaf, path) for leaf, path in zip(leaves, paths, strict=True)]
    return trace_flat(function, in_tree, avals, name)


def trace_flat(
    function: Callable[..., Any],
    in_tree: Treedef,
    avals: Sequence[Aval],
    name: str = "",
    arguments: Sequence[Any] | None = None,
    answers: Sequence[Answer] = (),
    stores: bool = False,
    switched_off: Callable[[], str] = str,
    method_of: Callable[[str], Any] = no_method,
) -> Traced:
    """Trace `function`, called with the tree (args, kwargs) of arrays as described by `avals`.

    With `arguments`, arrays and numbers for the leaves, Python may ask for values: that gives the
    trace of the path that these take. `answers` are what the first questions are answered with.
    With `stores` what is stored into arguments is a result; without it only the function sees it.
    For `switched_off` and `method_of` see `Trace`.
    """
    name = name or sanitise(getattr(function, "__name__", "")) or "main"
    with Trace(name, location_of(function), arguments, answers, switched_off, method_of) as tracing:
        tracing.boxes = any(aval.tensor for aval in avals)
        names = unique_names(argument_paths(function, in_tree))
        arrays = [
            tracing.input(aval, leaf, place)
            for place, (aval, leaf) in enumerate(zip(avals, names, strict=True))
        ]
        args, kwargs = unflatten(in_tree, arrays)
        result = _run(tracing, function, args, kwargs)
        results = flatten(result)[0]
        written = tuple(i for i, x in enumerate(arrays) if stores and _stores(x))
        changes = tuple(_stores(arrays[i]) for i in written)
        returned = tuple(
            (number, i) for number, x in enumerate(results) for i in written if x is arrays[i]
        )
        shown = shown_results(arrays, results)
        versions = tuple(map(_stores, results))
        if written:
            result = (result, [arrays[i] for i in written])
        outputs, out_tree = _outputs(tracing, result)
    return Traced(
        graph=_graph(tracing, outputs),
        in_tree=in_tree,
        out_tree=out_tree,
        captured=tuple(tracing.captured),
        baked=tuple(tracing.baked),
        output_weak=tuple(x.weak for x in outputs),
        scalars=tuple(tracing.scalars),
        conditions=tuple(tracing.conditions),
        watched=tuple(tracing.watched),
        read=tuple(tracing.read),
        fresh=tuple(tracing.fresh),
        written=written,
        changes=changes,
        returned=returned,
        shown=shown,
        versions=versions,
        eagerly=tracing.eagerly,
    )


def _graph(tracing: Trace, outputs: Sequence[TracedArray]) -> Graph:
    graph = tracing.builder.build(
        [*(x.value for x in outputs), *(c.value for c in tracing.conditions)]
    )
    if not tracing.spans:
        return graph
    from ..ir.outline import outline

    return outline(graph, tracing.spans)


def _run(
    tracing: Trace, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    from .surroundings.rebind import Rebinder

    rebinder = Rebinder()
    try:
        seen = rebinder.version(function)
        return seen(*map(rebinder.version, args), **kwargs)
    except FusegradError as error:
        error.at = error.at or locate_error(error) or locate()
        named = scipy_calls.renamed(error)
        if named is error:
            raise
        raise named from error
    except RecursionError as error:
        raise too_deep(tracing.name, locate_error(error)) from error
    except (TypeError, ValueError) as error:
        refused = tracing.refused
        if refused is None or not _hides(error, refused):
            raise
        if isinstance(error, ValueError):
            refused.hint = (
                "np.stack or np.concatenate the parts: a NumPy array stores no traced one"
            )
        name = scipy_calls.passed(error)
        raise (scipy_calls.refusal(name, refused.at) if name else refused) from error
    finally:
        rebinder.close()


def _stores(x: Any) -> int:
    """How often something was stored into an array, or into what it is a view of."""
    return x.memory.version if is_traced(x) and x.memory is not None else 0


def _hides(error: Exception, refused: TraceError) -> bool:
    """Whether NumPy put `error` in the place of ours, as np.zeros(x) and array[0] = x do."""
    return error.__cause__ is refused or "traced array" in str(error)


def _outputs(tracing: Trace, result: Any) -> tuple[list[TracedArray], Treedef]:
    leaves, out_tree = flatten(result)
    outputs = []
    for number, leaf in enumerate(leaves):
        try:
            outputs.append(tracing.lift(leaf))
        except FusegradError as error:
            path = out_tree.paths("result")[number]
            raise TraceError(
                f"@{tracing.name} returns something that is not an array or a number: "
                f"{path} is {short(leaf)} ({error.what})",
                at=tracing.at,
                hint="return arrays, numbers, None, and containers of those",
            ) from None
    return outputs, out_tree
