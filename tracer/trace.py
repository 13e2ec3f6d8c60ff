"""Runs a Python function once on traced arrays, and gives back the graph of what it did.

Each thread has a stack of traces: an inner one (a gradient taken inside a traced function) may use
the arrays of an outer one, which become hidden inputs of its graph as foreign NumPy arrays do.
"""

from __future__ import annotations

import inspect
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard, cast

import numpy as np

from ..ir.builder import GraphBuilder
from ..ir.errors import FusegradError
from ..ir.graph import Graph, Location, Value
from ..ir.op import ArrayConstant
from ..ir.types import TensorType
from .errors import TraceError
from .promotion import supported_dtype
from .pytree import Treedef, flatten, unflatten
from .source import Locator, locate, locate_error, location_of

if TYPE_CHECKING:
    from .array import TracedArray

# A constant array is written into the graph up to this size; a larger one becomes a hidden input.
LARGEST_DENSE = 64


@dataclass(frozen=True, slots=True)
class Aval:
    """What is known of an argument while tracing: its type, and whether it is a Python number."""

    type: TensorType
    weak: bool = False

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
    scalars      NumPy scalars from outside that were written into the graph
    """

    graph: Graph
    in_tree: Treedef
    out_tree: Treedef
    captured: tuple[Any, ...]
    baked: tuple[tuple[Any, np.ndarray[Any, Any]], ...]
    output_weak: tuple[bool, ...]
    scalars: tuple[np.generic, ...] = ()


# --- the stack ---


class _State(threading.local):
    def __init__(self) -> None:
        self.stack: list[Trace] = []


_state = _State()


def is_tracing() -> bool:
    """Whether a trace runs in this thread."""
    return bool(_state.stack)


def current_trace() -> Trace:
    """The innermost trace of this thread."""
    if not _state.stack:
        raise TraceError(
            "a traced array is used after its trace ended, or in another thread", at=locate()
        )
    return _state.stack[-1]


# Class -> how the current array of an instance is read, for objects of ours that hold one.
_capturable: dict[type[Any], Callable[[Any], np.ndarray[Any, Any]]] = {}


def register_capturable(type: type[Any], array_of: Callable[[Any], np.ndarray[Any, Any]]) -> None:
    """Let traced functions use instances of `type` as they use foreign NumPy arrays."""
    _capturable[type] = array_of


# --- a trace ---


class Trace:
    """A graph in the making, with what it took from outside."""

    def __init__(self, name: str, at: Location | None = None) -> None:
        self.name = name
        self.at = at
        self.alive = True
        self.builder = GraphBuilder(name)
        self.builder.locate = Locator()
        self.captured: list[Any] = []
        self.baked: list[tuple[Any, np.ndarray[Any, Any]]] = []
        self.scalars: list[np.generic] = []
        self.refused: TraceError | None = None  # the last error about a value that is not known
        self._captured_as: dict[int, TracedArray] = {}

    def __enter__(self) -> Trace:
        _state.stack.append(self)
        return self

    def __exit__(self, *exception: object) -> None:
        self.alive = False
        _state.stack.remove(self)

    def wrap(self, value: Value, *, weak: bool = False, shared: bool = False) -> TracedArray:
        """The traced array of a value of this trace's graph."""
        return _array_class()(value, self, weak=weak, shared=shared)

    # --- things from outside ---

    def lift(self, x: Any, who: str = "") -> TracedArray:
        """`x` (a number, a list, an array from outside or of an outer trace) as our array."""
        array_class = _array_class()
        if type(x) is array_class:
            return x if x.tracer is self else self._adopt(x)
        if isinstance(x, bool | int | float | complex | np.generic):
            return self._scalar(x)
        if isinstance(x, np.ndarray):
            return self.capture(x, _check_array(x))
        if isinstance(x, list | tuple):
            return self._sequence(x, who)
        array_of = _capturable.get(type(x))
        if array_of is not None:
            return self.capture(x, _check_array(array_of(x)))
        raise _not_an_array(x, who)

    def _adopt(self, x: TracedArray) -> TracedArray:
        """An array of an outer trace, as a hidden input of this one."""
        if x.tracer.alive and x.tracer in _state.stack:
            return self._hidden(x.tracer.wrap(x.value), id(x.value), x.value.type, x.weak)
        raise leaked(x)

    def capture(self, x: Any, array: np.ndarray[Any, Any]) -> TracedArray:
        """A hidden input, that is read from the object `x` at each call."""
        type = TensorType(supported_dtype(array.dtype), array.shape)
        return self._hidden(x, id(x), type, False)

    def _hidden(self, x: Any, key: int, type: TensorType, weak: bool) -> TracedArray:
        found = self._captured_as.get(key)
        if found is None:
            value = self.builder.input(type, f"captured{len(self.captured)}")
            found = self._captured_as[key] = self.wrap(value, weak=weak, shared=True)
            self.captured.append(x)  # kept, so that its id is not given to another object
        return found

    def bake(self, x: Any, array: np.ndarray[Any, Any]) -> None:
        """Note that the value of `x`, which is `array` now, is written into the graph."""
        self.baked.append((x, np.array(array)))

    def constant_array(self, array: np.ndarray[Any, Any]) -> TracedArray:
        """An array whose values are fixed for good."""
        if array.size > LARGEST_DENSE:
            return self.capture(array, array)
        return self.wrap(self.builder("dense", data=ArrayConstant(array)))

    def note_scalar(self, x: Any) -> None:
        """Note a number that is written into the graph, if NumPy may have computed it just now."""
        if isinstance(x, np.generic):
            self.scalars.append(x)

    def _scalar(self, x: complex | np.generic) -> TracedArray:
        weak = type(x) in (bool, int, float)
        self.note_scalar(x)
        dtype = supported_dtype(np.asarray(x).dtype, f"{x!r}")
        return self.wrap(self.builder.constant(cast(float, x), TensorType(dtype, ())), weak=weak)

    def _sequence(self, x: list[Any] | tuple[Any, ...], who: str) -> TracedArray:
        leaves, _ = flatten(x)
        if any(type(leaf) is _array_class() for leaf in leaves):
            from .joins import stack_nested

            return stack_nested(x)
        try:
            array = np.asarray(x)
        except ValueError:
            raise TraceError(f"{who or 'an operation'} got a ragged list", at=locate()) from None
        supported_dtype(array.dtype, f"the list {_short(x)}")
        self.bake(x, array)
        return self.constant_array(array)

    # --- values that are asked for ---

    def concretise(self, x: TracedArray, wanted: str) -> Any:
        """The value of `x` for Python's sake (`wanted`: "bool", "int", "array" …).

        Only a constant has one; a guard on the value of other arrays would be made here.
        """
        producer = x.value.producer
        if producer is not None and producer.op.name == "constant" and not x.value.shape:
            return producer.attributes["value"]
        self.refused = _unknown_value(x, wanted)
        raise self.refused


_array_classes: list[type[TracedArray]] = []


def _array_class() -> type[TracedArray]:
    """`TracedArray`, whose module imports this one."""
    if not _array_classes:
        from .array import TracedArray

        _array_classes.append(TracedArray)
    return _array_classes[0]


def is_traced(x: Any) -> TypeGuard[TracedArray]:
    """Whether `x` is a traced array, of whatever trace."""
    return type(x) is _array_class()


def can_lift(x: Any) -> bool:
    """Whether an operator takes `x` beside a traced array, be it only to refuse it with reasons."""
    if isinstance(x, bool | int | float | complex | np.generic | np.ndarray | list | tuple):
        return True
    return type(x) in _capturable


# --- errors ---

_WANTED = {
    "bool": (
        "the truth value of a {x} is not known while tracing",
        "np.where(condition, x, y) instead of if; & and | instead of and, or",
    ),
    "index": (
        "the value of a {x} is not known while tracing, an integer is needed",
        "a Python int from outside, or x.shape and len(x), which are known",
    ),
    "array": (
        "a {x} has no values while tracing, it cannot become a NumPy array",
        "leave out np.asarray and np.array (np.stack for a list); store into no NumPy array",
    ),
    "item": (
        "the value of a {x} is not known while tracing",
        "leave out .item() and .tolist(): go on with the array, and read the result of the call",
    ),
}
_INDEX_HINT = "let that array be an argument of the function too"
_WANTED_NUMBER = (
    "the value of a {x} is not known while tracing, it cannot become a Python {wanted}",
    "go on with the array: np functions and operators take it as they take a number",
)


def _unknown_value(x: TracedArray, wanted: str) -> TraceError:
    what, hint = _WANTED.get(wanted, _WANTED_NUMBER)
    if wanted == "array" and not x.value.type.is_float:
        hint = f"{hint}; as an index into an array from outside: {_INDEX_HINT}"
    producer = x.value.producer
    since = producer.location if producer is not None else None
    at = locate()
    return TraceError(
        what.format(x=repr(x), wanted=wanted),
        at=at,
        since=since if since != at else None,
        hint=hint,
    )


def leaked(x: TracedArray) -> TraceError:
    """The error for an array that outlived its trace, or came to another thread."""
    trace = x.tracer
    came = f"leaked from @{trace.name}" if not trace.alive else f"belongs to @{trace.name}"
    return TraceError(
        f"a {x!r} {came}, which is traced in another call or thread",
        at=locate(),
        since=trace.at,
        hint="return it from the function instead of storing it in a global or an attribute",
    )


def _not_an_array(x: Any, who: str) -> TraceError:
    name = type(x).__name__
    return TraceError(
        f"{who or 'an operation on traced arrays'} got {_short(x)} of class {name}, "
        "which is neither an array nor a number",
        at=locate(),
        hint=_hint_for(x),
    )


def _hint_for(x: Any) -> str:
    """What to do with an object that is no array."""
    if hasattr(x, "toarray"):
        return "x.toarray(), or its data and indices as arrays of their own"
    if isinstance(x, complex):
        return "complex numbers are not supported: keep the real and the imaginary part apart"
    if isinstance(x, set | frozenset | range) or hasattr(x, "__next__"):
        return "a list, or np.array(list(x))"
    return (
        "arguments are arrays, numbers, None, and containers of those; whatever else a function "
        "needs it can read from outside, or be given by functools.partial"
    )


def _short(x: Any) -> str:
    text = re.sub(r" at 0x[0-9a-fA-F]+", "", repr(x)).partition("\n")[0]
    return text if len(text) <= 40 else f"{text[:37]}..."


def _check_array(array: np.ndarray[Any, Any], who: str = "") -> np.ndarray[Any, Any]:
    """Refuse subclasses whose operations mean something else than those of plain arrays."""
    if type(array) is np.ndarray or type(array) is np.memmap:
        return array
    name = type(array).__name__
    hint = "np.asarray(x) before the call, if its values are all that counts"
    if isinstance(array, np.ma.MaskedArray):
        hint = "pass x.filled(value), or the data and the mask as two arrays"
    what = f"{who} is an array of class {name}, which is" if who else f"arrays of class {name} are"
    raise TraceError(f"{what} not supported", at=locate(), hint=hint)


def aval_of(x: Any, path: str = "the argument") -> Aval:
    """What a trace needs to know of the argument `x`; an error names it by `path`."""
    if isinstance(x, bool | int | float) and not isinstance(x, np.generic):
        dtype = "bool" if isinstance(x, bool) else "i64" if isinstance(x, int) else "f64"
        return Aval(TensorType(dtype), weak=True)
    if isinstance(x, np.generic):
        return Aval(TensorType(supported_dtype(x.dtype, path)))
    if isinstance(x, np.ndarray):
        _check_array(x, path)
        return Aval(TensorType(supported_dtype(x.dtype, path), x.shape))
    if type(x) is _array_class():
        return Aval(x.value.type, x.weak)
    raise _not_an_array(x, path)


# --- running a function ---


def trace(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], name: str = ""
) -> Traced:
    """Trace `function` for arguments like these: of their structure, dtypes and shapes."""
    leaves, in_tree = flatten((args, kwargs))
    paths = argument_paths(function, in_tree)
    avals = [aval_of(leaf, path) for leaf, path in zip(leaves, paths, strict=True)]
    return trace_flat(function, in_tree, avals, name)


def trace_flat(
    function: Callable[..., Any], in_tree: Treedef, avals: Sequence[Aval], name: str = ""
) -> Traced:
    """Trace `function`, called with the tree (args, kwargs) of arrays as described by `avals`."""
    name = name or sanitise(getattr(function, "__name__", "")) or "main"
    with Trace(name, location_of(function)) as tracing:
        names = _unique_names(argument_paths(function, in_tree))
        arrays = [
            tracing.wrap(tracing.builder.input(aval.type, leaf), weak=aval.weak, shared=True)
            for aval, leaf in zip(avals, names, strict=True)
        ]
        args, kwargs = unflatten(in_tree, arrays)
        result = _run(tracing, function, args, kwargs)
        outputs, out_tree = _outputs(tracing, result)
    return Traced(
        graph=tracing.builder.build([x.value for x in outputs]),
        in_tree=in_tree,
        out_tree=out_tree,
        captured=tuple(tracing.captured),
        baked=tuple(tracing.baked),
        output_weak=tuple(x.weak for x in outputs),
        scalars=tuple(tracing.scalars),
    )


def _run(
    tracing: Trace, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    try:
        return function(*args, **kwargs)
    except FusegradError as error:
        error.at = error.at or locate_error(error) or locate()
        raise
    except (TypeError, ValueError) as error:
        refused = tracing.refused
        if refused is None or not _hides(error, refused):
            raise
        if isinstance(error, ValueError):
            refused.hint = (
                "np.stack or np.concatenate the parts: a NumPy array stores no traced one"
            )
        raise refused from error


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
                f"{path} is {_short(leaf)} ({error.what})",
                at=tracing.at,
                hint="return arrays, numbers, None, and containers of those",
            ) from None
    return outputs, out_tree


# --- names ---


def argument_paths(function: Callable[..., Any], in_tree: Treedef) -> list[str]:
    """How the user would write each leaf of (args, kwargs): ``params['w1']``."""
    positional, keywords = in_tree.children
    roots = _parameter_names(function, len(positional.children))
    paths = []
    for root, child in zip(roots, positional.children, strict=True):
        paths += child.paths(root)
    for key, child in zip(keywords.keys or (), keywords.children, strict=True):
        paths += child.paths(str(key))
    return paths


def _parameter_names(function: Callable[..., Any], count: int) -> list[str]:
    """The names of the first `count` positional arguments."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None)
    while len(names) < count:
        extra = len(names)
        names.append(f"{rest}[{extra}]" if rest else f"argument{extra}")
    return names[:count]


def sanitise(path: str) -> str:
    """`path` as a name of the text form: ``params['w1'][0]`` -> ``params_w1_0``."""
    name = re.sub(r"\W+", "_", path, flags=re.ASCII).strip("_")
    return f"_{name}" if name[:1].isdigit() else name


def _unique_names(paths: Sequence[str]) -> list[str]:
    names: list[str] = []
    seen: set[str] = set()
    for path in paths:
        stem = name = sanitise(path) or "x"
        number = 1
        while name in seen:
            number += 1
            name = f"{stem}_{number}"
        seen.add(name)
        names.append(name)
    return names
