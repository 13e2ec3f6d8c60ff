"""`autograd.Function`: operations with a derivative that the user writes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..core import make, make_view, shared_counter
from ..graph.function_node import fitted
from ..graph.modes import STATE
from ..graph.node import LEAF, NEXT_SEQUENCE, Node, Output, edge_of, modified, released, version_of
from ..graph.opnode import seen
from ..graph.packing import Packed, pack_tensor
from ..graph.views import rebase, set_node, source_of, start
from ..tensor import Tensor

if TYPE_CHECKING:
    from ....ir import Builder

__all__ = ["Function", "FunctionContext", "once_differentiable"]


class FunctionContext(Node):
    """The node of a custom Function; `forward` and `backward` get it as `ctx`."""

    # `__dict__` is for what the user puts there.
    __slots__ = (
        "__dict__",
        "_dirty",
        "_fixed",
        "_inputs",
        "_materialize",
        "_saved",
        "_types",
        "count",
    )

    function: ClassVar[type[Function]]

    _saved: tuple[Any, ...] | None
    _inputs: list[Any]  # shape and dtype of each input, None for what is no tensor
    _types: list[Any]  # the same of the outputs
    needs_input_grad: tuple[bool, ...] = ()

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep inputs and outputs (or other tensors) for backward; changes of them are noticed."""
        for x in tensors:
            if x is not None and not isinstance(x, Tensor):
                raise TypeError(
                    f"save_for_backward can only save tensors, not {type(x).__name__}; set an "
                    "attribute of ctx for other objects"
                )
        self._saved = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say that `forward` changes these inputs in place; it must return them."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say that these outputs have no gradient."""
        self._fixed = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether `backward` gets zeros (as is usual) or None for an output without gradient."""
        self._materialize = value

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What `save_for_backward` kept, as it was."""
        if self._saved is None:
            raise released(self.title)
        return tuple([None if x is None else self._restored(x) for x in self._saved])

    def _restored(self, kept: Any) -> Tensor:
        if isinstance(kept, Packed):
            tensor: Tensor = kept.get()
            return tensor
        x, version, output = kept
        found = version_of(x)
        if found != version:
            raise modified(self.title, "a saved tensor", x.shape, found, version)
        if output is None:
            original: Tensor = x
            return original
        result = make(x._data, Output(self, output) if output else self)
        result._counter = shared_counter(x)
        return result

    def propagate(self, ct: Any, builder: Builder, tensors: bool) -> Sequence[Any]:
        if self._saved is None:
            raise released(self.title)
        given = [ct] if self.count == 1 else ct
        cts = [self._cotangent(i, value) for i, value in enumerate(given)]
        parts = self.function.backward(self, *cts)
        parts = tuple(parts) if isinstance(parts, tuple | list) else (parts,)
        count = len(self.edges)
        while len(parts) > count and parts[-1] is None:
            parts = parts[:-1]
        if len(parts) != count:
            raise RuntimeError(
                f"{self.title} returned an incorrect number of gradients (expected {count}, "
                f"got {len(parts)})"
            )
        return [self._part(i, part, tensors) for i, part in enumerate(parts)]

    def _cotangent(self, index: int, value: Any) -> Tensor | None:
        kind = self._types[index]
        if value is not None:
            return value if isinstance(value, Tensor) else make(np.asarray(value))
        return make(np.zeros(*kind)) if self._materialize and kind is not None else None

    def _part(self, index: int, part: Any, tensors: bool) -> Any:
        if part is not None and not isinstance(part, Tensor):
            raise RuntimeError(f"{self.title}: expected Tensor or None (got {type(part).__name__})")
        if part is None or self.edges[index] is None:
            return None
        shape, dtype = self._inputs[index]
        part = fitted(self.title, index, part, shape).to(dtype)
        return part if tensors else part._data

    def release(self) -> None:
        self._saved = None

    def pack(self, pack: Any, unpack: Any) -> None:
        kept: list[Any] = []
        for entry in self._saved or ():
            packable = entry is not None and entry[2] is None
            kept.append(pack_tensor(entry[0], (pack, unpack)) if packable else entry)
        self._saved = tuple(kept)


def _context(function: type[Function], args: Sequence[Any]) -> FunctionContext:
    ctx: FunctionContext = object.__new__(_context_class(function))
    inputs = [x if isinstance(x, Tensor) else None for x in args]
    ctx.needs_input_grad = tuple([x is not None and x._node is not None for x in inputs])
    ctx._inputs = [None if x is None else (x._data.shape, x._data.dtype) for x in inputs]
    ctx._saved = ctx._dirty = ctx._fixed = ()
    ctx._materialize = True
    ctx.hooks = None
    recorded = STATE.enabled and any(ctx.needs_input_grad)
    ctx.edges = tuple([edge_of(x) if x is not None and recorded else None for x in inputs])
    return ctx


def _context_class(function: type[Function]) -> type[FunctionContext]:
    """The class of the nodes of a custom Function, which keeps it."""
    found = function.__dict__.get("_context_class")
    if found is None:
        title = f"{function.__name__}Backward"
        members = {"__slots__": (), "title": title, "function": function, "__module__": __name__}
        found = type(title, (FunctionContext,), members)
        function._context_class = found
    made: type[FunctionContext] = found
    return made


class Function:
    """The base of operations with derivatives of their own.

    >>> class Double(Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         return x * 2
    ...     @staticmethod
    ...     def backward(ctx, gradient):
    ...         return gradient * 2
    >>> x = Tensor(np.ones(2), requires_grad=True)
    >>> Double.apply(x)
    tensor([2., 2.], dtype=float64, grad_fn=<DoubleBackward>)

    `forward` may also come without `ctx`; then `setup_context(ctx, inputs, output)` saves.
    """

    _context_class: ClassVar[type[FunctionContext] | None] = None

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the outputs, a Tensor or a tuple."""
        raise NotImplementedError("a custom autograd.Function must implement forward")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Save for backward, where `forward` does not take `ctx`."""
        raise NotImplementedError

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """The gradient of each input, None for what is no Tensor, given those of the outputs."""
        raise NotImplementedError(
            "you must implement the backward method for your custom autograd.Function to use it "
            "with backward()"
        )

    vjp = backward

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Call the operation, and record it."""
        ctx = _context(cls, args)
        recorded = any(edge is not None for edge in ctx.edges)
        before = STATE.enabled
        STATE.enabled = False
        try:
            output = _forward(cls, ctx, args, kwargs)
        finally:
            STATE.enabled = before
        outputs = output if isinstance(output, tuple) else (output,)
        results = _linked(ctx, args, outputs, recorded)
        return tuple(results) if isinstance(output, tuple) else results[0]


def _forward(cls: type[Function], ctx: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    if cls.setup_context is Function.setup_context:
        return cls.forward(ctx, *args, **kwargs)
    output = cls.forward(*args, **kwargs)
    cls.setup_context(ctx, tuple(args), output)
    return output


def _linked(
    ctx: FunctionContext, args: Sequence[Any], outputs: Sequence[Any], recorded: bool
) -> list[Any]:
    """The outputs with their places in the graph, the node complete."""
    dirty, fixed = _identities(ctx._dirty), _identities(ctx._fixed)
    _check_dirty(ctx, outputs, recorded)
    ctx._dirty = ctx._fixed = ()
    ctx.sequence = NEXT_SEQUENCE()
    ctx.count = len(outputs)
    given = _identities(args)
    results = []
    for i, x in enumerate(outputs):
        if not isinstance(x, Tensor) or id(x) in fixed:
            results.append(x.detach() if id(x) in given else x)
        elif id(x) in dirty:
            results.append(_changed(ctx, i, x, recorded))
        else:
            results.append(_output(ctx, i, x, id(x) in given, recorded))
    ctx._types = [(x.shape, x.dtype) if isinstance(x, Tensor) else None for x in outputs]
    if recorded:
        _save(ctx, outputs, results)
    else:
        ctx._saved = ()
    return results


def _identities(values: Sequence[Any]) -> set[int]:
    return {id(x) for x in values if isinstance(x, Tensor)}


def _check_dirty(ctx: FunctionContext, outputs: Sequence[Any], recorded: bool) -> None:
    returned = _identities(outputs)
    for x in ctx._dirty:
        if recorded and (x._node is LEAF or (x._base is not None and x._base._node is LEAF)):
            raise RuntimeError(
                "a leaf Variable that requires grad (or a view of one) has been used in an "
                "in-place operation"
            )
        if id(x) not in returned:
            raise RuntimeError(
                "some elements marked as dirty during the forward method were not returned as "
                "output: inputs that are modified inplace must all be outputs of the Function"
            )


def _edge_to(ctx: FunctionContext, index: int) -> Any:
    return Output(ctx, index) if index else ctx


def _changed(ctx: FunctionContext, index: int, x: Tensor, recorded: bool) -> Tensor:
    """An input that forward has changed in place: the same object, elsewhere in the graph."""
    shared_counter(x)[0] += 1
    if recorded:
        if x._base is not None:
            ctx.edges = tuple([source_of(x) if edge is x._node else edge for edge in ctx.edges])
            ctx.sequence = NEXT_SEQUENCE()
        rebase(x, _edge_to(ctx, index))
    return x


def _output(ctx: FunctionContext, index: int, x: Tensor, is_input: bool, recorded: bool) -> Tensor:
    link = _edge_to(ctx, index) if recorded and x._data.dtype.kind in "fc" else None
    if is_input:
        return make_view(x._data, link, x, "function") if recorded else x
    if x._base is not None:
        x._origin = "function"
    if link is not None:
        set_node(x, link)
    return x


def _save(ctx: FunctionContext, outputs: Sequence[Any], results: Sequence[Any]) -> None:
    """Keep what `save_for_backward` marked; of outputs the elements, since they hold the node."""
    places = {id(x): i for i, x in enumerate(outputs) if isinstance(x, Tensor)}
    kept: list[Any] = []
    for x in ctx._saved or ():
        place = None if x is None else places.get(id(x))
        if x is None:
            kept.append(None)
        elif place is None or results[place]._node is None:
            kept.append((x, version_of(x), None))
        else:
            shared = make(x._data)
            shared._counter = shared_counter(results[place])
            kept.append((shared, version_of(shared), place))
    ctx._saved = tuple(kept)
    if STATE.enabled is not True:
        seen(ctx)


class DelayedErrorBackward0(Node):
    """Stands where a second derivative would begin."""

    __slots__ = ()

    title = "DelayedErrorBackward0"

    def propagate(self, ct: Any, builder: Builder, tensors: bool) -> Sequence[Any]:
        raise RuntimeError(
            "trying to differentiate twice a function that was marked with @once_differentiable"
        )


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a `backward` that can't be differentiated: a second derivative raises."""

    @functools.wraps(backward)
    def wrapped(ctx: Any, *cts: Any) -> Any:
        before = STATE.enabled
        STATE.enabled = False
        try:
            parts = backward(ctx, *cts)
        finally:
            STATE.enabled = before
        sources = [x for x in cts if isinstance(x, Tensor) and x._node is not None]
        if not before or not sources:
            return parts
        several = isinstance(parts, tuple | list)
        marked = [_marked(x, sources) for x in (parts if several else (parts,))]
        return tuple(marked) if several else marked[0]

    return wrapped


def _marked(x: Any, sources: list[Tensor]) -> Any:
    if not isinstance(x, Tensor):
        return x
    node = start(DelayedErrorBackward0(), tuple([edge_of(source) for source in sources]))
    return make(x._data, node)
