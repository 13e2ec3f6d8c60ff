"""Traces: graphs in the making, with what they took from outside.

Each thread has a stack of traces: an inner one (a gradient taken inside a traced function) may use
the arrays of an outer one, which become hidden inputs of its graph as foreign NumPy arrays do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from ..ir.builder import GraphBuilder
from ..ir.graph import Location, Value
from ..ir.op import ArrayConstant
from ..ir.types import TensorType
from .asking import ask
from .errors import TraceError
from .paths import Answer, Condition, UnknownInputError, Values
from .promotion import supported_dtype
from .pytree import flatten
from .source import Locator, locate
from .surroundings.foreign import check_array, leaked, not_an_array, short
from .surroundings.outside import MANY, geometry, owner_of, slice_of

if TYPE_CHECKING:
    from ..ir.outline import Span
    from .array import TracedArray
    from .run import Aval

# A constant array is written into the graph up to this size; a larger one becomes a hidden input.
LARGEST_DENSE = 64


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


def _reader(cls: type[Any]) -> Callable[[Any], np.ndarray[Any, Any]] | None:
    """How the array of an instance is read; None where the class is none that holds one."""
    found = _capturable.get(cls)
    return _data_of if found is None and is_tensor_class(cls) else found


def is_tensor_class(cls: type[Any]) -> bool:
    """Is it that of Tensors? Functions that compute with arrays see theirs as captured arrays."""
    return hasattr(cls, "__fusegrad_tensor__")


def _data_of(x: Any) -> np.ndarray[Any, Any]:
    data: np.ndarray[Any, Any] = x._data
    return data


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


def no_method(name: str) -> Any:
    """Of arrays that are not Tensors: none beside NumPy's."""
    return None


class Trace:
    """A graph in the making, with what it took from outside. `switched_off()` is the name of the
    mode, if any, in which the traced function keeps gradients from being recorded just now.
    `method_of(name)` is the method of that name which Tensors have, None where they have none.
    """

    def __init__(
        self,
        name: str,
        at: Location | None = None,
        arguments: Sequence[Any] | None = None,
        answers: Sequence[Answer] = (),
        switched_off: Callable[[], str] = str,
        method_of: Callable[[str], Any] = no_method,
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
        self.spans: list[Span] = []  # what is to become checkpoints
        self.switched_off = switched_off
        self.method_of = method_of
        self.boxes = False  # whether what has no axes is an array all the same
        self.eagerly = ""  # why gradients of this trace would not be those of eager mode
        self.refused: TraceError | None = None  # the last error about a value that is not known
        self._captured_as: dict[int, TracedArray] = {}
        self._views: dict[int, dict[Any, TracedArray]] = {}  # of captured arrays, by their owners
        self._constants: dict[tuple[str, str], Value] = {}
        self._sources: dict[Value, Any] = {}  # what stands behind the inputs
        self._tensors: dict[Value, bool] = {}  # whether eager mode has Tensors there

    def __enter__(self) -> Trace:
        _state.stack.append(self)
        return self

    def checkpointed(self, call: Callable[[], Any]) -> Any:
        """What `call()` gives; what it records becomes a checkpoint."""
        from ..ir.outline import Span

        at, start = locate(), len(self.builder.operations)
        result = call()
        self.spans.append(Span(start, len(self.builder.operations), at))
        return result

    def __exit__(self, *exception: object) -> None:
        self.alive = False
        _state.stack.remove(self)

    def wrap(self, value: Value, *, weak: bool = False) -> TracedArray:
        """The traced array of a value of this trace's graph, in memory of its own. No gradient goes
        through it where the function has switched that off.
        """
        if value.type.is_float and self.switched_off():
            value = self.builder("stop_gradient", value)
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
            return self.capture(x, check_array(x))
        if isinstance(x, list | tuple):
            return self._sequence(x, who)
        array_of = _reader(type(x))
        if array_of is not None:
            return self.capture(x, check_array(array_of(x)))
        raise not_an_array(x, who)

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
            from .functions.joins import stack_nested

            return stack_nested(x)
        try:
            array = np.asarray(x)
        except ValueError:
            raise TraceError(f"{who or 'an operation'} got a ragged list", at=locate()) from None
        supported_dtype(array.dtype, f"the list {short(x)}")
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
        array.boxed = aval.boxed
        self._tensors[value] = aval.own
        return array

    def is_tensor(self, x: TracedArray) -> bool:
        """Does `x` stand for a Tensor of eager mode? What has one among its operands does."""
        if not self.boxes or x.weak:
            return False
        known, waiting = self._tensors, [x.value]
        while waiting:
            value = waiting[-1]
            operands = () if value.producer is None else value.producer.operands
            unknown = [y for y in operands if y not in known]
            if unknown:
                waiting += unknown
                continue
            source = self._sources.get(value)
            own = known.get(value, hasattr(source, "__fusegrad_tensor__"))
            known[value] = own or any(known[y] for y in operands)
            waiting.pop()
        return known[x.value]

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
    array_of = _reader(type(source))
    return source if array_of is None else array_of(source)


_array_classes: list[type[TracedArray]] = []


def _array_class() -> type[TracedArray]:
    """`TracedArray`, whose module imports this one."""
    if not _array_classes:
        from .array import TracedArray

        _array_classes.append(TracedArray)
    return _array_classes[0]


def _lift_known(x: Any) -> TracedArray:
    from .surroundings.known import lifted

    return lifted(x)


def known_values(x: Any) -> np.ndarray[Any, Any] | None:
    """The values of an array that are known while tracing; None where `x` is no such array."""
    from .surroundings.known import KnownArray, snapshot

    return snapshot(x) if type(x) is KnownArray else None


def is_outside(x: Any) -> bool:
    """Is an array of known values one from outside of the function?"""
    from .surroundings.known import contents

    return contents(x).outside


def is_capturable(cls: type[Any]) -> bool:
    """Do traced functions use instances of the class as arrays from outside?"""
    return _reader(cls) is not None


def is_traced(x: Any) -> TypeGuard[TracedArray]:
    """Whether `x` is a traced array, of whatever trace."""
    return type(x) is _array_class()


def can_lift(x: Any) -> bool:
    """Whether an operator takes `x` beside a traced array, be it only to refuse it with reasons."""
    if isinstance(x, bool | int | float | complex | np.generic | np.ndarray | list | tuple):
        return True
    return _reader(type(x)) is not None or isinstance(x, _array_class())


# --- errors ---


# --- running a function ---


# --- names ---
