"""The eager tensor: a NumPy array that remembers how it was made.

Arithmetic, shapes and reductions stand in the modules beside this one; here is what makes a tensor
one, and its side of automatic differentiation.
"""

from __future__ import annotations

import copy
import warnings
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from .array_api.exchange import Exchange
from .backward.plain import run_plain
from .core import InferenceCounter, Views, bind, make, new_counter, shared_counter
from .display import represent
from .graph.hooks import HookTable, NodeHooks, RemovableHandle
from .graph.modes import STATE
from .graph.node import LEAF, LEAF_EDGE, OUTPUT, AccumulateGrad, edge_of, tensor_hooks
from .methods import Methods
from .operators import arithmetic, indexing
from .promotion import FLOATING

__all__ = ["Tensor"]

ONES = {np.dtype(kind): np.ones((), kind) for kind in (np.float32, np.float64)}


class Tensor(Exchange, Methods):
    """An array that remembers how it was made: `backward` adds gradients to `.grad` of leaves.

    >>> x = Tensor(np.array([1.0, 2.0]), requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.], dtype=float64)
    """

    # _node is None where no gradient is required, LEAF at a leaf that requires one, else a Node (or
    # an Output of a node with several). _counter counts changes in place: None is 0, not shared.
    __slots__ = ("__dict__", "__weakref__", "_counter", "_data", "_node")

    _data: np.ndarray
    _node: Any
    _counter: list[int] | None

    # What few tensors have is kept in `__dict__`.
    _grad: Tensor | None = None
    _base: Tensor | None = None
    _views: Views | None = None
    _origin: str | None = None
    _hooks: HookTable | None = None
    _post_accumulate_hooks: HookTable | None = None
    _accumulator_hooks: NodeHooks | None = None
    _accumulator: weakref.ref[AccumulateGrad] | None = None
    _retains: bool = False

    edge_kind: ClassVar[int] = LEAF_EDGE
    __fusegrad_tensor__: ClassVar[bool] = True
    __array_priority__: ClassVar[int] = 1000

    def __init__(self, data: Any, *, requires_grad: bool = False) -> None:
        self._data = np.asarray(data)
        self._node = None
        self._counter = new_counter()
        if requires_grad:
            self.requires_grad = True

    # --- what it is ---

    @property
    def shape(self) -> tuple[int, ...]:
        return self._data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._data.dtype

    @property
    def ndim(self) -> int:
        return self._data.ndim

    @property
    def itemsize(self) -> int:
        return self._data.itemsize

    @property
    def nbytes(self) -> int:
        return self._data.nbytes

    @property
    def device(self) -> str:
        return "cpu"

    def size(self, dim: int | None = None) -> Any:
        """The shape, or its extent along `dim`."""
        return self._data.shape if dim is None else self._data.shape[dim]

    def dim(self) -> int:
        return self._data.ndim

    def numel(self) -> int:
        """The number of elements."""
        return self._data.size

    def is_floating_point(self) -> bool:
        return self._data.dtype.kind == "f"

    def is_contiguous(self) -> bool:
        return self._data.flags.c_contiguous

    def contiguous(self) -> Tensor:
        """x itself, or a copy whose elements stand in C order."""
        return self if self.is_contiguous() else arithmetic.clone(self)

    def __repr__(self) -> str:
        return represent(self)

    def __len__(self) -> int:
        if not self._data.ndim:
            raise TypeError("len() of a 0-d tensor")
        return len(self._data)

    def __iter__(self) -> Iterator[Tensor]:
        if not self._data.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return iter(indexing.unbind(self))

    __hash__ = object.__hash__

    # --- its elements ---

    def item(self) -> Any:
        """The only element, as a Python number."""
        if self._data.size != 1:
            count = self._data.size
            raise RuntimeError(f"a Tensor with {count} elements cannot be converted to a number")
        return self._data.item()

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers."""
        return self._data.tolist()

    def _number(self, to: Callable[[Any], Any]) -> Any:
        if self._data.size != 1:
            raise ValueError(
                "only one element tensors can be converted to Python scalars, not one of shape "
                f"{list(self._data.shape)}"
            )
        return to(self._data.item())

    def __float__(self) -> float:
        number: float = self._number(float)
        return number

    def __int__(self) -> int:
        number: int = self._number(int)
        return number

    def __complex__(self) -> complex:
        number: complex = self._number(complex)
        return number

    def __bool__(self) -> bool:
        if self._data.size != 1:
            raise RuntimeError(
                "the truth of a Tensor with more than one value is ambiguous (or with none); use "
                "any() or all()"
            )
        return bool(self._data.item())

    def __index__(self) -> int:
        if self._data.size != 1 or self._data.dtype.kind not in "iub":
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._data.item())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if not self._data.ndim else object.__format__(self, spec)

    # --- its place in the graph ---

    @property
    def requires_grad(self) -> bool:
        """Whether operations on it are recorded."""
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not self.is_leaf:
            if value:
                return
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables; for a result that is "
                "not differentiated take result.detach()"
            )
        if value and self._data.dtype.kind not in FLOATING:
            raise RuntimeError(
                "only Tensors of floating point (and complex) dtype can require gradients, "
                f"not {self._data.dtype}"
            )
        if value and self.is_inference() and not STATE.inference:
            raise RuntimeError(
                "setting requires_grad=True on an inference tensor outside InferenceMode is not "
                "allowed; clone() gives a normal tensor"
            )
        self._node = LEAF if value else None

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set `requires_grad`; returns the tensor."""
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether the user made it, or no gradient is required."""
        return self._node is None or self._node is LEAF

    @property
    def grad_fn(self) -> Any:
        """The node that made it; None at a leaf."""
        if self.is_leaf:
            return None
        return self._node.node if self._node.edge_kind == OUTPUT else self._node

    @property
    def output_nr(self) -> int:
        """Which output of `grad_fn` it is."""
        number: int = getattr(self._node, "number", 0)
        return number

    @property
    def grad(self) -> Tensor | None:
        """What `backward` has accumulated; None before."""
        found = self._grad
        if found is not None:
            return found
        if not self.is_leaf and not self._retains:
            warnings.warn(
                "the .grad of a Tensor that is not a leaf is not kept by backward(): call "
                "retain_grad() on it before, or look at the leaf",
                UserWarning,
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"grad must be a Tensor or None, not {type(value).__name__}")
            if value.shape != self.shape:
                raise RuntimeError(
                    f"a gradient of shape {list(value.shape)} can't be assigned to a tensor of "
                    f"shape {list(self.shape)}: they must have the same size"
                )
            if value.dtype != self.dtype:
                raise RuntimeError(
                    f"a gradient of dtype {value.dtype} can't be assigned to a tensor of dtype "
                    f"{self.dtype}"
                )
            self._grad = value
        else:
            self.__dict__.pop("_grad", None)  # `accumulate.keep` relies on it

    @grad.deleter
    def grad(self) -> None:
        self.grad = None

    @property
    def data(self) -> Tensor:
        """The same elements, detached, with a version counter of their own."""
        return make(self._data)

    @data.setter
    def data(self, value: Tensor) -> None:
        self._data = value._data

    @property
    def _version(self) -> int:
        if self.is_inference():
            raise RuntimeError("inference tensors do not track a version counter")
        return 0 if self._counter is None else self._counter[0]

    def _bump(self) -> None:
        shared_counter(self)[0] += 1

    def is_inference(self) -> bool:
        """Whether it was made in inference mode."""
        return isinstance(self._counter, InferenceCounter)

    def is_view(self) -> bool:
        """Whether it is a view of another tensor, by which its gradient goes."""
        return self._base is not None

    _is_view = is_view

    def accumulator(self) -> AccumulateGrad:
        """What `next_functions` shows for this leaf: one object as long as someone holds it."""
        found = None if self._accumulator is None else self._accumulator()
        if found is None:
            found = AccumulateGrad(self)
            self._accumulator = weakref.ref(found)
        return found

    def detach(self) -> Tensor:
        """The same elements outside the graph; the two share memory and count versions together."""
        result = make(self._data)
        result._counter = shared_counter(self)
        return result

    def detach_(self) -> Tensor:
        """Take it out of the graph: it becomes a leaf that requires no grad."""
        if self._base is not None:
            raise RuntimeError("a view can't be detached in place; use detach()")
        self._node = None
        return self

    def retain_grad(self) -> None:
        """Let `backward` keep `.grad` here, though it is not a leaf."""
        if self._node is None:
            raise RuntimeError("can't retain_grad on a Tensor that has requires_grad=False")
        if self.is_leaf or self._retains:
            return
        edge = self._node
        node, number = (edge.node, edge.number) if edge.edge_kind == OUTPUT else (edge, 0)
        node._own_hooks().retained[number] = weakref.ref(self)
        self._retains = True

    @property
    def retains_grad(self) -> bool:
        """Whether `.grad` is kept though it is not a leaf."""
        return self._retains

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call `hook(gradient)` when the gradient is known; it may return another in its place."""
        if self._node is None:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if not self.is_leaf:
            return RemovableHandle(tensor_hooks(edge_of(self)), hook)
        if self._hooks is None:
            self._hooks = {}
        return RemovableHandle(self._hooks, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Call `hook(leaf)` after a gradient was added to its `.grad`."""
        if self._node is not LEAF:
            raise RuntimeError(
                "post accumulate grad hooks cannot be registered on non-leaf tensors, or on those "
                "that don't require grad"
            )
        if self._post_accumulate_hooks is None:
            self._post_accumulate_hooks = {}
        return RemovableHandle(self._post_accumulate_hooks, hook)

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Tensor | Sequence[Tensor] | None = None,
    ) -> None:
        """Add the gradients of this tensor with respect to the leaves to their `.grad`."""
        data, node = self._data, self._node
        if gradient is None and inputs is None and not create_graph and data.ndim == 0:
            one = None if node is None or node is LEAF else ONES.get(data.dtype)
            if one is not None and run_plain([(node, one.copy())], bool(retain_graph)):
                return
        from .backward.autograd import backward

        backward(self, gradient, retain_graph, create_graph, inputs=inputs)

    # --- copies ---

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError(
                "only Tensors created explicitly by the user (graph leaves) support the deepcopy "
                "protocol; detach() it first"
            )
        result = make(self._data.copy())
        memo[id(self)] = result
        result._node = self._node
        result.grad = copy.deepcopy(self._grad, memo)
        result.__dict__.update(copy.deepcopy(_attributes(self), memo))
        return result

    def __copy__(self) -> Tensor:
        return Tensor(self._data, requires_grad=self._node is not None)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (self._data, self._node is not None, _attributes(self)))


def _rebuild(data: np.ndarray, requires_grad: bool, attributes: dict[str, Any]) -> Tensor:
    result = Tensor(data, requires_grad=requires_grad)
    result.__dict__.update(attributes)
    return result


def _attributes(tensor: Tensor) -> dict[str, Any]:
    """What the user has hung on a tensor."""
    return {name: x for name, x in tensor.__dict__.items() if not name.startswith("_")}


bind(Tensor)
