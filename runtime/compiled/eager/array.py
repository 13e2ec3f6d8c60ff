"""The array that a NumPy function sees in eager mode: an ndarray on the outside, a Tensor inside.

A Tensor's own methods are PyTorch's (`std` divides by n−1, `max(0)` gives indices too), but the
user's function is written for NumPy. What a traced array can do, this one does as well: each method
is traced once, and then replayed as one node of the eager graph. Values are known, so `if`, `float`
and `int` work.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import numpy as np

from ....tracer.array import TracedArray, no_shape_setter
from ....tracer.asking import cut_off, in_text
from ....tracer.assignment import Flat
from ....tracer.errors import StoreError, TraceError, UnsupportedError
from ....tracer.functions.scipy_calls import caller
from ....tracer.pytree import flatten, map_leaves
from ....tracer.registry import named_out
from ....tracer.source import locate
from ....tracer.surroundings.known import WRITERS
from ....tracer.trace import register_capturable
from ...eager import Tensor
from ...eager.apply.composite import composite
from ...eager.apply.numpy_protocol import apply_function, apply_ufunc
from ...eager.graph.modes import STATE
from .callbacks import CALLBACKS
from .memory import VIEWS, Memory, Step, Steps, is_basic, plain_index, show
from .memory import step as as_step
from .numpy import as_eager, operands, requires_grad, values


class EagerArray(np.lib.mixins.NDArrayOperatorsMixin):
    """An eager Tensor with the methods, operators and promotion of an ndarray."""

    __slots__ = ("_tensor", "boxed", "layout", "memory", "seen", "steps", "weak")
    __array_priority__ = 1001
    __fusegrad_eager__ = True
    __fusegrad_trace__ = True  # functions of `fusegrad.nn` call `__fusegrad_apply__`

    def __init__(self, tensor: Tensor, *, boxed: bool = False) -> None:
        self.boxed = boxed  # an array although it has no axes: += changes it
        self.weak = False  # stands for a Python number
        self.memory = Memory(tensor)
        self.steps: Steps = ()
        self.layout: np.ndarray | None = None  # shares memory as NumPy's array would
        self.seen = 0
        self._tensor = tensor

    @property
    def tensor(self) -> Tensor:
        """The Tensor that it is now."""
        if self.seen != self.memory.version:
            self._tensor = self.memory.shown(self.steps)
            self.seen = self.memory.version
        return self._tensor

    # --- views and stores ---

    def view(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """The view that a call makes, or the parts of np.split; None where NumPy makes a copy."""
        step = as_step(name, values(args), values(kwargs))
        shown = show(self.layout_now(), (step,))
        if isinstance(shown, np.ndarray):
            return self._viewed(shown, step)
        parts = [self._viewed(x, step, as_step("[]", (i,))) for i, x in enumerate(shown)]
        return None if any(part is None for part in parts) else type(shown)(parts)

    def _viewed(self, shown: np.ndarray, *steps: Step) -> EagerArray | None:
        if not np.may_share_memory(shown, self.layout_now()):
            return None
        made = object.__new__(EagerArray)
        made.boxed, made.weak = not shown.ndim, False
        made.memory, made.layout = self.memory, shown
        made.steps = (*self.steps, *steps)
        made.seen = -1
        if not STATE.enabled:  # a view that is recorded, or not, as it is made
            _ = made.tensor
        return made

    def layout_now(self) -> np.ndarray:
        if self.layout is None:
            self.layout = np.empty(self.shape, self.dtype)
        return self.layout

    def _change(self, store: Callable[..., Any], key: Any, *args: Any, **kwargs: Any) -> None:
        if not (self.shape or self.boxed):
            raise TypeError("a scalar does not support item assignment")
        self.memory.change(key, store, self.steps, operands(args), operands(kwargs))

    def __setitem__(self, index: Any, value: Any) -> None:
        index = values(index)
        if is_basic(index):
            index = plain_index(index)

            def put(x: Any, value: Any) -> None:
                x[index] = value

            self._change(put, ("[]=", repr(index)), value)
        else:
            self._change(operator.setitem, "[]=", index, value)

    # --- NumPy's protocols, and fusegrad's ---

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        out = kwargs.get("out")
        if method == "at":
            target, *rest = inputs
            return target._change(ufunc.at, (ufunc, "at"), *rest)
        if out is not None and any(x is not None for x in out):
            call = ufunc if method == "__call__" else getattr(ufunc, method)
            return _into(call, (ufunc, method), inputs, kwargs)
        return wrap(apply_ufunc(ufunc, method, unwrap(inputs), unwrap(kwargs)))

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Any, kwargs: dict[str, Any]
    ) -> Any:
        if function in CALLBACKS:
            return CALLBACKS[function](*args, **kwargs)
        if function in WRITERS:
            return args[0]._change(function, function, *args[1:], **kwargs)
        args, kwargs = named_out(function, args, kwargs)
        if kwargs.get("out") is not None:
            return _into(function, function, args, {**kwargs, "out": (kwargs["out"],)})
        if function in VIEWS:
            found = _shown(function, args, kwargs)
            if found is not None:
                return found
        if not requires_grad(flatten((args, kwargs))[0]):
            return as_eager(function(*values(args), **values(kwargs)))
        return wrap(apply_function(function, unwrap(args), unwrap(kwargs)))

    def __fusegrad_apply__(
        self, function: Callable[..., Any], operands: Sequence[Any], static: dict[str, Any]
    ) -> Any:
        inside = [x if isinstance(x, Tensor) else np.asarray(x) for x in unwrap(list(operands))]
        return wrap(composite(function.__name__, function, inside, **static))

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        if self.tensor.requires_grad:
            raise TraceError(
                "a value that is differentiated becomes a plain NumPy array, through which no "
                "gradient flows",
                at=locate(),
                hint="an np or scipy.special function that has a rule, or a formula in those",
            )
        return np.array(self.tensor._data, *args, **kwargs)

    # --- what is known of it ---

    @property
    def shape(self) -> tuple[int, ...]:
        return self.tensor.shape

    @shape.setter
    def shape(self, shape: Any) -> None:
        raise no_shape_setter()

    @property
    def ndim(self) -> int:
        return len(self.tensor.shape)

    @property
    def size(self) -> int:
        return int(self._values.size)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._values.dtype

    @property
    def _values(self) -> np.ndarray:
        return self.tensor._data

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        return bool(self._values)

    def __int__(self) -> int:
        return int(self._values)

    def __float__(self) -> float:
        if self.tensor.requires_grad and not in_text():
            raise cut_off(locate(), caller() or "float")
        return float(self._values)

    def __index__(self) -> int:
        return operator.index(self._values[()])

    def __round__(self, digits: int | None = None) -> Any:
        return round(self._values.item()) if digits is None else self.round(digits)

    def __trunc__(self) -> int:
        return int(self._values)

    def __floor__(self) -> int:
        return int(np.floor(self._values))

    def __ceil__(self) -> int:
        return int(np.ceil(self._values))

    def __contains__(self, x: Any) -> bool:
        return x in self._values

    def __hash__(self) -> int:
        if self.shape or self.boxed:
            raise TypeError("unhashable type: 'numpy.ndarray'")
        return hash(self._values[()])

    def __format__(self, spec: str) -> str:
        return format(self._values[()], spec)

    def __repr__(self) -> str:
        return f"EagerArray({self._values!r})"

    # --- the rest of ndarray, as traced arrays have it ---

    def __getitem__(self, index: Any) -> Any:
        index = values(index)
        if not is_basic(index):
            return self._run(operator.getitem, index)
        found = self.layout_now()[index]
        if isinstance(found, np.ndarray):
            view = self.view("[]", plain_index(index))
            if view is not None:
                return view
        return self._run(operator.getitem, plain_index(index))  # a scalar shares no memory

    def copy(self, order: str = "C") -> EagerArray:
        return EagerArray(self.tensor.clone(), boxed=not self.shape)

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> EagerArray:
        return self.copy()

    def sort(self, *args: Any, **kwargs: Any) -> None:
        self[...] = self._run(np.sort, *args, **kwargs)

    def partition(self, *args: Any, **kwargs: Any) -> None:
        self[...] = self._run(np.partition, *args, **kwargs)

    def fill(self, value: Any) -> None:
        self[...] = value

    def put(self, *args: Any) -> None:
        self._change(np.put, np.put, *args)

    @property
    def flat(self) -> Flat:
        return Flat(self)

    @flat.setter
    def flat(self, value: Any) -> None:
        Flat(self)[:] = value

    def reshape(self, *shape: Any, **kwargs: Any) -> Any:
        wanted: Any = shape[0] if len(shape) == 1 else shape
        return np.reshape(cast(Any, self), wanted, **kwargs)

    def ravel(self, *order: Any) -> Any:
        return np.ravel(cast(Any, self), *order)

    def transpose(self, *axes: Any) -> Any:
        wanted = (axes[0] if len(axes) == 1 else axes) or None
        return np.transpose(cast(Any, self), wanted)

    def swapaxes(self, axis1: int, axis2: int) -> Any:
        return np.swapaxes(cast(Any, self), axis1, axis2)

    def squeeze(self, *axis: Any) -> Any:
        return np.squeeze(cast(Any, self), *axis)

    def diagonal(self, *args: Any, **kwargs: Any) -> Any:
        return np.diagonal(cast(Any, self), *args, **kwargs)

    def astype(self, dtype: Any, *args: Any, copy: bool = True, **kwargs: Any) -> Any:
        if not copy and not self.weak and self.dtype == dtype:
            return self
        return self._run(TracedArray.astype, dtype)

    def item(self, *index: Any) -> Any:
        number = self._run(TracedArray.item, *index)
        number.weak = True
        return number

    @property
    def T(self) -> Any:
        return self.transpose()

    @property
    def mT(self) -> Any:
        return self.swapaxes(-1, -2)

    @property
    def real(self) -> EagerArray:
        return self

    def __getattr__(self, name: str) -> Any:
        member = None if name.startswith("_") else getattr(TracedArray, name, None)
        if member is None:
            raise AttributeError(f"'ndarray' in eager mode has no attribute {name!r}")
        if isinstance(member, property):
            return self._run(member.fget)

        def method(*args: Any, **kwargs: Any) -> Any:
            if kwargs.get("out") is not None:
                options = {**kwargs, "out": (kwargs["out"],)}
                return _into(member, ("method", name), (self, *args), options)
            return self._run(member, *args, **kwargs)

        return method

    def _run(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """`function(self, *args, **kwargs)` of traced arrays, as one node."""
        return wrap(apply_function(function, (self.tensor, *unwrap(args)), unwrap(kwargs)))


def array_first(args: Any, kwargs: Any) -> tuple[Any, Any]:
    """The arguments with the array at their head: np.ravel(a=x), np.einsum("ii->i", x)."""
    if len(args) > 1 and isinstance(args[0], str):
        return (args[1], args[0], *args[2:]), kwargs
    name = next((key for key, x in kwargs.items() if isinstance(x, EagerArray)), None)
    if args or name is None:
        return args, kwargs
    return (kwargs[name],), {key: x for key, x in kwargs.items() if key != name}


def _shown(function: Any, args: Any, kwargs: Any) -> Any:
    """What a function of one array shows of it; None where it makes a copy."""
    args, kwargs = array_first(args, kwargs)
    alone = not any(isinstance(x, EagerArray) for x in (*args[1:], *kwargs.values()))
    if not args or not alone or not isinstance(args[0], EagerArray):
        return None
    if function is np.einsum and (kwargs or len(args) > 3):
        return None
    return args[0].view(VIEWS[function], *args[1:], **kwargs)


register_capturable(EagerArray, lambda x: np.asarray(x.tensor._data))


def _into(function: Any, key: Any, inputs: Any, kwargs: dict[str, Any]) -> Any:
    """``function(…, out=target)``."""
    targets = kwargs.pop("out")
    if len(targets) > 1:
        raise UnsupportedError(
            "out= of several results is not supported in eager mode", hint="assign the results"
        )
    (target,) = targets
    if not isinstance(target, EagerArray):
        raise StoreError(
            "an eager array would be stored into a NumPy array from outside",
            hint="x = x + y instead of x += y or out=x: the result becomes an array of its own",
        )

    def run(x: Any, *args: Any, **options: Any) -> Any:
        function(*args, out=x, **options)

    target._change(run, ("out", key), *inputs, **kwargs)
    return target


_OPERATORS = (
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "matmul",
    "and",
    "or",
    "xor",
)


def _in_place(name: str) -> Callable[..., Any]:
    """An operator in place; of a scalar it makes a new one."""
    changes = getattr(np.lib.mixins.NDArrayOperatorsMixin, f"__i{name}__")
    computes = getattr(np.lib.mixins.NDArrayOperatorsMixin, f"__{name}__")

    def operate(self: EagerArray, other: Any) -> Any:
        return changes(self, other) if self.shape or self.boxed else computes(self, other)

    return operate


for _name in _OPERATORS:
    setattr(EagerArray, f"__i{_name}__", _in_place(_name))


def wrap(x: Any) -> Any:
    """Tensors anywhere in `x` as eager arrays."""
    return map_leaves(lambda leaf: EagerArray(leaf) if isinstance(leaf, Tensor) else leaf, x)


def unwrap(x: Any) -> Any:
    """Eager arrays anywhere in `x` as their Tensors."""
    return map_leaves(lambda leaf: leaf.tensor if isinstance(leaf, EagerArray) else leaf, x)
