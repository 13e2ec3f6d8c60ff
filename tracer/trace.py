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
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from ..ir.builder import GraphBuilder
from ..ir.errors import FusegradError
from ..ir.graph import Graph, Location, Value
from ..ir.op import ArrayConstant
from ..ir.types import TensorType
from .asking import ask
from .errors import TraceError
from .outside import MANY, geometry, owner_of, slice_of
from .paths import Answer, Condition, UnknownInputError, Values
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
    scalars      NumPy scalars and arrays, perhaps computed from others outside, in the graph
    fresh        arrays made while tracing, from numbers alone
    written      leaves of the arguments that it stored into; the tree of the result is then that of
                 (result, list of their last values)
    watched      arrays from outside of which it is known what read them
    read         those of them that NumPy or Python read while tracing, and not only compiled code
    conditions   what the graph is valid for; their values are its last outputs
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


class Memory:
    """What arrays that are views of each other have in common: a block of memory, as in NumPy.

    value     of all its elements, but for those that wait in `pending`
    pending   elements stored one by one since then, by their number in row-major order
    elements  single elements of `value` that somebody has read
    version   counts the stores
    frozen    why nothing may be stored into it, or ""
    """

    __slots__ = ("elements", "frozen", "pending", "value", "version")

    def __init__(self, value: Value, frozen: str = "") -> None:
        self.value = value
        self.pending: dict[int, Value] = {}
        self.elements: dict[int, Value] = {}
        self.version = 0
        self.frozen = frozen


# --- a trace ---


class Trace:
    """A graph in the making, with what it took from outside."""

    def __init__(
        self,
        name: str,
        at: Location | None = None,
        arguments: Sequence[Any] | None = None,
        answers: Sequence[Answer] = (),
    ) -> None:
        self.name = name
        self.at = at
        self.alive = True
        self.arguments = arguments
        self.answers = answers
        self.conditions: list[Condition] = []
        self.asked: dict[Value, Answer] = {}
        self.values = Values(self._array_of)
        self.builder = GraphBuilder(name)
        self.builder.locate = Locator()
        self.captured: list[Any] = []
        self.baked: list[tuple[Any, np.ndarray[Any, Any]]] = []
        self.scalars: list[Any] = []
        self.fresh: list[np.ndarray[Any, Any]] = []
        self.watched: list[np.ndarray[Any, Any]] = []
        self.read: list[np.ndarray[Any, Any]] = []
        self.refused: TraceError | None = None  # the last error about a value that is not known
        self._captured_as: dict[int, TracedArray] = {}
        self._views: dict[int, dict[Any, TracedArray]] = {}  # of captured arrays, by their owners
        self._constants: dict[tuple[str, str], Value] = {}
        self._sources: dict[Value, Any] = {}  # what stands behind the inputs

    def __enter__(self) -> Trace:
        _state.stack.append(self)
        return self

    def __exit__(self, *exception: object) -> None:
        self.alive = False
        _state.stack.remove(self)

    def wrap(self, value: Value, *, weak: bool = False) -> TracedArray:
        """The traced array of a value of this trace's graph, in memory of its own."""
        return _array_class()(value, self, weak=weak)

    # --- things from outside ---

    def lift(self, x: Any, who: str = "") -> TracedArray:
        """`x` (a number, a list, an array from outside or of an outer trace) as our array."""
        array_class = _array_class()
        if type(x) is array_class:
            return x if x.tracer is self else self._adopt(x)
        if isinstance(x, array_class):
            return _lift_known(x)
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
        owner = owner_of(array) if x is array else None
        if owner is None:
            return self._hidden(x, id(x), type, False)
        views = self._views.setdefault(id(owner), {})
        key = geometry(array)
        if key not in views:
            part = self._part_of(owner, array) if len(views) >= MANY else None
            views[key] = self._hidden(x, id(x), type, False) if part is None else part
        return views[key]

    def _part_of(self, owner: np.ndarray[Any, Any], array: Any) -> TracedArray | None:
        """One of many views of an array from outside, as a slice of that array."""
        whole = self.capture(owner, owner)
        value = slice_of(self.builder, whole.value, owner, array)
        if value is None:
            return None
        part = self.wrap(value)
        part.memory = Memory(value, frozen="an array from outside")
        return part

    def _hidden(self, x: Any, key: int, type: TensorType, weak: bool) -> TracedArray:
        found = self._captured_as.get(key)
        if found is None:
            value = self.builder.input(type, f"captured{len(self.captured)}")
            found = self._captured_as[key] = self.wrap(value, weak=weak)
            found.memory = Memory(value, frozen="an array from outside")
            self.captured.append(x)  # kept, so that its id is not given to another object
            self._sources[value] = x
        return found

    def bake(self, x: Any, array: np.ndarray[Any, Any]) -> None:
        """Note that the value of `x`, which is `array` now, is written into the graph."""
        self.baked.append((x, np.array(array)))

    def constant_array(self, array: np.ndarray[Any, Any]) -> TracedArray:
        """An array whose values are fixed for good."""
        if array.size > LARGEST_DENSE:
            return self.capture(array, array)
        return self.wrap(self.builder("dense", data=ArrayConstant(array)))

    def constant(self, number: Any, type: TensorType) -> Value:
        """A number in every element; a scalar that was met before is the same value."""
        if type.shape:
            return self.builder.constant(number, type)
        key = (repr(number), type.dtype)
        found = self._constants.get(key)
        if found is None:
            found = self._constants[key] = self.builder.constant(number, type)
        return found

    def note_scalar(self, x: Any) -> None:
        """Note a number that is written into the graph, if NumPy may have computed it just now."""
        if isinstance(x, np.generic):
            self.scalars.append(x)

    def _scalar(self, x: complex | np.generic) -> TracedArray:
        weak = type(x) in (bool, int, float)
        self.note_scalar(x)
        dtype = supported_dtype(np.asarray(x).dtype, f"{x!r}")
        return self.wrap(self.constant(x, TensorType(dtype, ())), weak=weak)

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

    def input(self, aval: Aval, name: str, place: int) -> TracedArray:
        """The argument number `place`."""
        value = self.builder.input(aval.type, name)
        if self.arguments is not None:
            self._sources[value] = self.arguments[place]
        array = self.wrap(value, weak=aval.weak)
        array.memory = Memory(value)
        return array

    def concretise(self, x: TracedArray, wanted: str) -> Any:
        """The value of `x` for Python's sake (`wanted`: "bool", "int", "array" …), see `asking`."""
        trace = current_trace()
        return ask(trace, x if trace is self else trace.lift(x), wanted)

    def _array_of(self, value: Value) -> Any:
        """The array behind an input; UnknownInputError where only its type is known."""
        if self.arguments is None:
            raise UnknownInputError
        return array_behind(self._sources[value])


def array_behind(source: Any) -> Any:
    """The array of an argument, of a captured object, or of an array of an outer trace."""
    if type(source) is _array_class():
        return source.tracer.values.of(source.value)
    array_of = _capturable.get(type(source))
    return source if array_of is None else array_of(source)


_array_classes: list[type[TracedArray]] = []


def _array_class() -> type[TracedArray]:
    """`TracedArray`, whose module imports this one."""
    if not _array_classes:
        from .array import TracedArray

        _array_classes.append(TracedArray)
    return _array_classes[0]


def _lift_known(x: Any) -> TracedArray:
    from .known import lifted

    return lifted(x)


def known_values(x: Any) -> np.ndarray[Any, Any] | None:
    """The values of an array that are known while tracing; None where `x` is no such array."""
    from .known import KnownArray, snapshot

    return snapshot(x) if type(x) is KnownArray else None


def is_outside(x: Any) -> bool:
    """Is an array of known values one from outside of the function?"""
    from .known import contents

    return contents(x).outside


def is_capturable(cls: type[Any]) -> bool:
    """Do traced functions use instances of the class as arrays from outside?"""
    return cls in _capturable


def is_traced(x: Any) -> TypeGuard[TracedArray]:
    """Whether `x` is a traced array, of whatever trace."""
    return type(x) is _array_class()


def can_lift(x: Any) -> bool:
    """Whether an operator takes `x` beside a traced array, be it only to refuse it with reasons."""
    if isinstance(x, bool | int | float | complex | np.generic | np.ndarray | list | tuple):
        return True
    return type(x) in _capturable or isinstance(x, _array_class())


# --- errors ---


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
    function: Callable[..., Any],
    in_tree: Treedef,
    avals: Sequence[Aval],
    name: str = "",
    arguments: Sequence[Any] | None = None,
    answers: Sequence[Answer] = (),
    stores: bool = False,
) -> Traced:
    """Trace `function`, called with the tree (args, kwargs) of arrays as described by `avals`.

    With `arguments`, arrays and numbers for the leaves, Python may ask for values: that gives the
    trace of the path that these take. `answers` are what the first questions are answered with.
    With `stores` what is stored into arguments is a result; without it only the function sees it.
    """
    name = name or sanitise(getattr(function, "__name__", "")) or "main"
    with Trace(name, location_of(function), arguments, answers) as tracing:
        names = _unique_names(argument_paths(function, in_tree))
        arrays = [
            tracing.input(aval, leaf, place)
            for place, (aval, leaf) in enumerate(zip(avals, names, strict=True))
        ]
        args, kwargs = unflatten(in_tree, arrays)
        result = _run(tracing, function, args, kwargs)
        written = tuple(i for i, x in enumerate(arrays) if stores and _is_written(x))
        if written:
            result = (result, [arrays[i] for i in written])
        outputs, out_tree = _outputs(tracing, result)
    return Traced(
        graph=tracing.builder.build(
            [*(x.value for x in outputs), *(c.value for c in tracing.conditions)]
        ),
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
    )


def _run(
    tracing: Trace, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    from .rebind import Rebinder

    rebinder = Rebinder()
    try:
        seen = rebinder.version(function)
        return seen(*map(rebinder.version, args), **kwargs)
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
    finally:
        rebinder.close()


def _is_written(x: TracedArray) -> bool:
    return x.memory is not None and x.memory.version > 0


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
