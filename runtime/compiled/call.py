"""One call of a compiled function, taken apart: which parameters were given, which leaves, of which kinds."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...ir.types import NUMPY_DTYPE, TensorType
from ...tracer.pytree import Treedef, flatten, unflatten
from ...tracer.trace import Aval, aval_of

_NATIVE_KINDS = {float: "python_float", int: "python_int", bool: "python_bool"}


class Parameters:
    """The parameters of a user's function, and how calls bind to them.

    `signature` is None where the function does not tell (some builtins); then arguments are positional.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        try:
            self.signature: inspect.Signature | None = inspect.signature(function)
        except (TypeError, ValueError):
            self.signature = None
        kinds = [p.kind for p in self._all()]
        self.variadic = self.signature is None or any(
            kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD) for kind in kinds
        )

    def _all(self) -> list[inspect.Parameter]:
        return list(self.signature.parameters.values()) if self.signature else []

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[str, ...], list[Any]]:
        """Names and values of the given arguments, in the order of the parameters.

        Raises TypeError as the function itself would. Variadic functions bind by position only.
        """
        if self.variadic or self.signature is None:
            if kwargs:
                names = tuple(f"argument{i}" for i in range(len(args))) + tuple(sorted(kwargs))
                return names, [*args, *(kwargs[k] for k in sorted(kwargs))]
            return tuple(f"argument{i}" for i in range(len(args))), list(args)
        bound = self.signature.bind(*args, **kwargs).arguments
        return tuple(bound), list(bound.values())

    def split(self, names: tuple[str, ...], values: list[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """(args, kwargs) of the function for values bound to `names`: as few keywords as possible."""
        if self.variadic:
            count = sum(name.startswith("argument") for name in names)
            return tuple(values[:count]), dict(zip(names[count:], values[count:], strict=True))
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        parameters = self._all()
        for position, (name, value) in enumerate(zip(names, values, strict=True)):
            parameter = parameters[position] if position < len(parameters) else None
            aligned = parameter is not None and parameter.name == name and len(args) == position
            if aligned and parameter is not None and parameter.kind is not parameter.KEYWORD_ONLY:
                args.append(value)
            else:
                kwargs[name] = value
        return tuple(args), kwargs

    def kinds(self, names: tuple[str, ...]) -> tuple[int, int]:
        """How many of `names` are positional-only, and how many keyword-only."""
        if self.signature is None or self.variadic:
            return len(names), 0
        parameters = self.signature.parameters
        given = [parameters[name].kind for name in names]
        return (
            sum(kind is inspect.Parameter.POSITIONAL_ONLY for kind in given),
            sum(kind is inspect.Parameter.KEYWORD_ONLY for kind in given),
        )


@dataclass(slots=True)
class Call:
    """The arguments of one call: `names` of parameters, the tree of their values, its leaves."""

    names: tuple[str, ...]
    tree: Treedef  # of the list of values
    leaves: list[Any]

    @property
    def paths(self) -> list[str]:
        """How the user would write each leaf."""
        paths: list[str] = []
        for name, child in zip(self.names, self.tree.children, strict=True):
            paths += child.paths(name)
        return paths

    def avals(self) -> tuple[Aval, ...]:
        """Type and weakness of each leaf. Raises TraceError for a leaf that is no array or number."""
        try:
            return tuple([_quick_aval(leaf) for leaf in self.leaves])
        except LookupError:
            return tuple(aval_of(x, path) for x, path in zip(self.leaves, self.paths, strict=True))

    def kinds(self) -> tuple[str, ...]:
        """How a native entry would read each leaf; "other" where it can't."""
        return tuple([_kind(leaf) for leaf in self.leaves])


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


def _quick_aval(leaf: Any) -> Aval:
    """The usual cases; LookupError sends the rest to the tracer, which explains itself."""
    cls = leaf.__class__
    if cls is np.ndarray:
        dtype = leaf.dtype
        return Aval(TensorType(_NAME[dtype.num, dtype.byteorder], leaf.shape))
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
    return np.ascontiguousarray(leaf, NUMPY_DTYPE[type.dtype]).reshape(type.shape)
