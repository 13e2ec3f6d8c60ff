"""One call of a compiled function, taken apart: which parameters were given, which leaves, of which
kinds.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...ir.types import NUMPY_DTYPE, TensorType
from ...tracer.errors import ArgumentError
from ...tracer.pytree import Treedef, flatten, unflatten
from ...tracer.run import Aval, aval_of
from ...tracer.source import locate
from ...tracer.trace import is_traced

_NATIVE_KINDS = {float: "python_float", int: "python_int", bool: "python_bool"}


class Parameters:
    """The parameters of a user's function, and how calls bind to them.

    Each argument has a name: of its parameter, ``rest[0]`` in a ``*rest``, its keyword in a
    ``**more``. `signature` is None where the function does not tell (some builtins):
    ``argument[0]`` then, and keywords.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        try:
            self.signature: inspect.Signature | None = inspect.signature(function)
        except (TypeError, ValueError):
            self.signature = None
        self._name = str(getattr(function, "__name__", "the function"))
        self._all = list(self.signature.parameters.values()) if self.signature else [_ARGUMENTS]
        self._plain = not any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in self._all)

    def bind(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[str, ...], list[Any]]:
        """Names and values of the given arguments, in the order of the parameters.

        Raises TypeError as the function itself would.
        """
        if self.signature is None:
            given: dict[str, Any] = {_ARGUMENTS.name: args, **kwargs}
        else:
            given = self._bound(self.signature, args, kwargs)
        if self._plain:
            return tuple(given), list(given.values())
        named = [pair for p in self._all if p.name in given for pair in _named(p, given[p.name])]
        if self.signature is None:
            named += sorted(kwargs.items())
        return tuple(name for name, _ in named), [value for _, value in named]

    def _bound(
        self, signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        try:
            return signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            names = [p.name for p in self._all if p.kind is not p.POSITIONAL_ONLY]
            unknown = [name for name in kwargs if name not in names]
            near = difflib.get_close_matches(unknown[0], names, 1) if unknown else []
            raise ArgumentError(
                f"{self._name}(): {error}",
                at=locate(),
                hint=f"{near[0]}=" if near else f"its parameters are {signature}",
            ) from None

    def split(
        self, names: tuple[str, ...], values: list[Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """(args, kwargs) of the function for values bound to `names`, with few keywords."""
        count = self._positional(names)
        return tuple(values[:count]), dict(zip(names[count:], values[count:], strict=True))

    def kinds(self, names: tuple[str, ...]) -> tuple[int, int]:
        """How many of `names` can only be given by position, and how many only by keyword."""
        count = self._positional(names)
        unnamed = [i for i in range(count) if not names[i].isidentifier()]
        fixed = sum(p.kind is p.POSITIONAL_ONLY for p in self._all)
        least = unnamed[-1] + 1 if unnamed else min(fixed, count)
        return least, len(names) - count

    def _positional(self, names: tuple[str, ...]) -> int:
        """How many of `names` go by position: those before the first parameter that is left out."""
        count = 0
        for parameter in self._all:
            if parameter.kind is parameter.VAR_POSITIONAL:
                first = count
                while names[count : count + 1] == (f"{parameter.name}[{count - first}]",):
                    count += 1
                break
            by_position = parameter.kind is not parameter.KEYWORD_ONLY
            if not by_position or names[count : count + 1] != (parameter.name,):
                break
            count += 1
        return count


_ARGUMENTS = inspect.Parameter("argument", inspect.Parameter.VAR_POSITIONAL)


def _named(parameter: inspect.Parameter, value: Any) -> list[tuple[str, Any]]:
    """The arguments that a parameter stands for."""
    if parameter.kind is parameter.VAR_POSITIONAL:
        return [(f"{parameter.name}[{i}]", x) for i, x in enumerate(value)]
    if parameter.kind is parameter.VAR_KEYWORD:
        return sorted(value.items())
    return [(parameter.name, value)]


@dataclass(slots=True)
class Call:
    """The arguments of one call: `names` of parameters, the tree of their values, its leaves."""

    names: tuple[str, ...]
    tree: Treedef  # of the list of values
    leaves: list[Any]
    tensors: tuple[bool, ...] = ()  # of a call on Tensors: which leaves are the arrays of one

    @property
    def paths(self) -> list[str]:
        """How the user would write each leaf."""
        paths: list[str] = []
        for name, child in zip(self.names, self.tree.children, strict=True):
            paths += child.paths(name)
        return paths

    def on_arrays(self) -> Call:
        """The same call with the arrays of Tensors."""
        arrays = [getattr(leaf, "_data", leaf) for leaf in self.leaves]
        return Call(self.names, self.tree, arrays, which_tensors(self.leaves))

    def avals(self) -> tuple[Aval, ...]:
        """Type and weakness of each leaf; TraceError for one that is no array or number."""
        try:
            if not self.tensors:
                return tuple([_quick_aval(leaf, False, False) for leaf in self.leaves])
            pairs = zip(self.leaves, self.tensors, strict=True)
            return tuple([_quick_aval(leaf, True, own) for leaf, own in pairs])
        except LookupError:
            found = tuple(map(aval_of, self.leaves, self.paths))
        if not self.tensors:
            return found
        owned = zip(found, self.tensors, strict=True)
        return tuple([replace(x, tensor=True, own=own) for x, own in owned])

    def kinds(self) -> tuple[str, ...]:
        """How a native entry would read each leaf; "other" where it can't."""
        return tuple([_kind(leaf) for leaf in self.leaves])


def which_tensors(leaves: Sequence[Any]) -> tuple[bool, ...]:
    """Which leaves are Tensors; nothing where none is."""
    found = tuple([hasattr(leaf, "_data") for leaf in leaves])
    return found if any(found) else ()


def take_apart(parameters: Parameters, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
    names, values = parameters.bind(args, kwargs)
    leaves, tree = flatten(values)
    return Call(names, tree, leaves)


def put_together(
    parameters: Parameters, call: Call, leaves: list[Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """(args, kwargs) with other leaves in the places of the call's."""
    return parameters.split(call.names, unflatten(call.tree, leaves))


_NAME = {(dtype.num, dtype.byteorder): name for name, dtype in NUMPY_DTYPE.items()}


def _quick_aval(leaf: Any, tensors: bool, own: bool) -> Aval:
    """The usual cases; LookupError sends the rest to the tracer, which explains itself."""
    cls = leaf.__class__
    if cls is np.ndarray:
        dtype = leaf.dtype
        shape = leaf.shape
        type = TensorType(_NAME[dtype.num, dtype.byteorder], shape)
        return Aval(type, False, not shape, tensors, own)
    raise LookupError


def _kind(leaf: Any) -> str:
    cls = leaf.__class__
    if cls is np.ndarray:
        flags = leaf.flags
        native = flags.c_contiguous and flags.aligned and leaf.dtype.isnative
        return "array" if native else "other"
    if isinstance(leaf, np.generic):
        return "numpy_scalar"
    return _NATIVE_KINDS.get(cls, "other")


def as_array(leaf: Any, type: TensorType) -> np.ndarray:
    """A leaf as the dense native array that compiled code reads; a copy only where it must be."""
    array = np.ascontiguousarray(leaf, NUMPY_DTYPE[type.dtype]).reshape(type.shape)
    return array if array.flags.aligned else array.copy()


def special_kind(leaves: list[Any]) -> str:
    """Do the leaves hold something beside arrays and numbers: traced arrays, or Tensors?"""
    found = ""
    for leaf in leaves:
        if is_traced(leaf):
            return "traced"
        if getattr(leaf, "__fusegrad_eager__", False):
            return "eager"
        if getattr(leaf, "__fusegrad_tensor__", False):
            found = "tensor"
    return found
