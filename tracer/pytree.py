"""Nested containers taken apart into leaves and put together again.

    tree ::= leaf | None | static
           | tuple | list | dict | namedtuple | dataclass | registered class, of trees

The leaves of a dict stand in the order of its sorted keys: the order of insertion is of no matter.
What is static (strings, functions, types, dtypes, members of enumerations, slices of integers) is
part of the structure: another value makes another structure.
"""

from __future__ import annotations

import dataclasses
import types
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from functools import partial
from typing import Any

import numpy as np

from ..ir.record import record

Leaves = list[Any]


class Treedef:
    """The structure of a tree without its leaves.

    kind       "leaf", "none", "static", "tuple", "list", "dict" or "custom"
    type       the class of the container (None for a leaf)
    keys       keys of a dict in the order of `children`; names of fields; None where counted
    children   one structure for each child
    metadata   what else a registered class needs to be put together again; the static value
    statics    the static values in it
    """

    __slots__ = ("_hash", "children", "keys", "kind", "metadata", "num_leaves", "statics", "type")

    def __init__(
        self,
        kind: str,
        type: type[Any] | None,
        keys: tuple[Any, ...] | None,
        children: tuple[Treedef, ...],
        metadata: Any = None,
    ) -> None:
        self.kind = kind
        self.type = type
        self.keys = keys
        self.children = children
        self.metadata = metadata
        self.num_leaves: int = 1 if kind == "leaf" else sum(c.num_leaves for c in children)
        own = (metadata,) if kind == "static" else ()
        self.statics: tuple[Any, ...] = own + tuple(x for c in children for x in c.statics)
        self._hash = hash((kind, type, keys, children))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Treedef):
            return NotImplemented
        return (
            self._hash == other._hash
            and self.kind == other.kind
            and self.type is other.type
            and self.keys == other.keys
            and self.children == other.children
            and bool(self.metadata == other.metadata)
        )

    def __str__(self) -> str:
        return _print(self)

    def __repr__(self) -> str:
        return f"Treedef({self})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Treedef, (self.kind, self.type, self.keys, self.children, self.metadata)

    def paths(self, root: str = "") -> list[str]:
        """How each leaf is reached from `root`: ``params['w1'][0]``.

        >>> flatten({"w": [1, 2], "b": 3})[1].paths("params")
        ["params['b']", "params['w'][0]", "params['w'][1]"]
        """
        found: list[str] = []
        _collect_paths(self, root, found)
        return found


@record
class _Registration:
    """How a registered class is taken apart: flatten(node) -> (children, metadata[, entries])."""

    flatten: Callable[[Any], tuple[Any, ...]]
    unflatten: Callable[[Any, Sequence[Any]], Any]


LEAF = Treedef("leaf", None, None, ())
NONE = Treedef("none", type(None), None, ())

_registered: dict[type[Any], _Registration] = {}


# --- apart ---


def flatten(tree: Any) -> tuple[Leaves, Treedef]:
    """The leaves of `tree` from left to right, and its structure.

    >>> flatten(({"b": 1, "a": 2}, None, [3]))
    ([2, 1, 3], Treedef(({'a': *, 'b': *}, None, [*])))
    """
    leaves: Leaves = []
    return leaves, _walk(tree, leaves)


def _walk(node: Any, leaves: Leaves) -> Treedef:
    handler = _handlers[type(node)]
    if handler is None:
        leaves.append(node)
        return LEAF
    return handler(node, leaves)


def _flatten_none(node: None, leaves: Leaves) -> Treedef:
    return NONE


def _flatten_static(node: Any, leaves: Leaves) -> Treedef:
    return Treedef("static", type(node), None, (), node)


def _flatten_slice(node: slice, leaves: Leaves) -> Treedef:
    """A slice of integers is static, one of arrays is a leaf (and then an error)."""
    if all(part is None or type(part) is int for part in (node.start, node.stop, node.step)):
        return _flatten_static(node, leaves)
    leaves.append(node)
    return LEAF


def _flatten_tuple(node: tuple[Any, ...], leaves: Leaves) -> Treedef:
    children = tuple([_walk(child, leaves) for child in node])
    return _tuples.get(children) or _remember(_tuples, children, "tuple", tuple, None, children)


def _flatten_list(node: list[Any], leaves: Leaves) -> Treedef:
    children = tuple([_walk(child, leaves) for child in node])
    return _lists.get(children) or _remember(_lists, children, "list", list, None, children)


def _flatten_dict(node: dict[Any, Any], leaves: Leaves) -> Treedef:
    keys = _sorted_keys(node)
    children = tuple([_walk(node[key], leaves) for key in keys])
    both = (keys, children)
    return _dicts.get(both) or _remember(_dicts, both, "dict", dict, keys, children)


def _flatten_ordered(node: OrderedDict[Any, Any], leaves: Leaves) -> Treedef:
    children = tuple([_walk(child, leaves) for child in node.values()])
    return Treedef("custom", OrderedDict, tuple(node), children)


def _flatten_defaultdict(node: defaultdict[Any, Any], leaves: Leaves) -> Treedef:
    keys = _sorted_keys(node)
    children = tuple([_walk(node[key], leaves) for key in keys])
    return Treedef("custom", defaultdict, keys, children, node.default_factory)


def _flatten_namedtuple(node: Any, leaves: Leaves) -> Treedef:
    children = tuple([_walk(child, leaves) for child in node])
    return Treedef("custom", type(node), tuple(node._fields), children)


def _flatten_dataclass(node: Any, leaves: Leaves) -> Treedef:
    names = tuple(field.name for field in dataclasses.fields(node))
    children = tuple([_walk(getattr(node, name), leaves) for name in names])
    return Treedef("custom", _class_of(node), names, children)


def _flatten_registered(node: Any, leaves: Leaves) -> Treedef:
    parts = _registered[_class_of(node)].flatten(node)
    children = tuple([_walk(child, leaves) for child in parts[0]])
    entries = tuple(parts[2]) if len(parts) > 2 and parts[2] is not None else None
    return Treedef("custom", _class_of(node), entries, children, parts[1])


def _class_of(node: Any) -> type[Any]:
    """The user's class, also of an object that has a version of it for tracing."""
    cls = type(node)
    found: type[Any] = vars(cls).get("__fusegrad_original__", cls)
    return found


def _sorted_keys(node: dict[Any, Any]) -> tuple[Any, ...]:
    """The keys in an order that does not depend on insertion."""
    try:
        return tuple(sorted(node))
    except TypeError:  # keys of several classes: by class, then by how they print
        return tuple(sorted(node, key=lambda key: (type(key).__qualname__, repr(key))))


# --- together ---


def unflatten(treedef: Treedef, leaves: Iterable[Any]) -> Any:
    """The tree of structure `treedef` with these leaves: the reverse of `flatten`.

    >>> unflatten(flatten({"w": 1, "b": (2,)})[1], [20, 10])
    {'b': (20,), 'w': 10}
    """
    given = list(leaves)
    if len(given) != treedef.num_leaves:
        raise ValueError(f"the tree {treedef} has {treedef.num_leaves} leaves, got {len(given)}")
    return _build(treedef, iter(given))


def _build(treedef: Treedef, leaves: Any) -> Any:
    kind = treedef.kind
    if kind == "leaf":
        return next(leaves)
    if kind == "none":
        return None
    if kind == "static":
        return treedef.metadata
    children = [_build(child, leaves) for child in treedef.children]
    if kind == "tuple":
        return tuple(children)
    if kind == "list":
        return children
    if kind == "dict":
        return dict(zip(treedef.keys or (), children, strict=True))
    return _build_custom(treedef, children)


def _build_custom(treedef: Treedef, children: list[Any]) -> Any:
    cls: Any = treedef.type
    if cls in _registered:
        return _registered[cls].unflatten(treedef.metadata, children)
    keys = treedef.keys or ()
    if cls is OrderedDict:
        return OrderedDict(zip(keys, children, strict=True))
    if cls is defaultdict:
        return defaultdict(treedef.metadata, zip(keys, children, strict=True))
    if issubclass(cls, tuple):
        return cls._make(children)
    node = object.__new__(cls)  # without __init__, which may look at the values
    for name, child in zip(keys, children, strict=True):
        object.__setattr__(node, name, child)
    return node


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """`tree` with `function` applied to each leaf."""
    leaves, treedef = flatten(tree)
    return unflatten(treedef, [function(leaf) for leaf in leaves])


# --- classes ---


def register_pytree_node(
    type: type[Any],
    flatten: Callable[[Any], tuple[Any, ...]],
    unflatten: Callable[[Any, Sequence[Any]], Any],
) -> None:
    """Let trees have nodes of `type`.

    flatten(node) gives (children, metadata), or (children, metadata, names of the children);
    unflatten(metadata, children) puts a node together again. The metadata are compared with ==.
    """
    if type in _BUILTIN:
        raise ValueError(f"{type.__name__} is a node already")
    _registered[type] = _Registration(flatten, unflatten)
    _handlers[type] = _flatten_registered


_Handler = Callable[[Any, Leaves], Treedef] | None


class _Handlers(dict[type[Any], _Handler]):
    """Class -> how its instances are taken apart; None for a leaf. Each is looked at once."""

    def __missing__(self, cls: type[Any]) -> _Handler:
        handler = _classify(cls)
        if len(self) < _MOST_REMEMBERED:
            self[cls] = handler
        return handler


def _classify(cls: type[Any]) -> _Handler:
    original = vars(cls).get("__fusegrad_original__")
    if original is not None:
        return _handlers[original]
    if issubclass(cls, tuple) and hasattr(cls, "_fields") and hasattr(cls, "_make"):
        return _flatten_namedtuple
    if issubclass(cls, _STATIC):
        return _flatten_static
    return _flatten_dataclass if dataclasses.is_dataclass(cls) else None


_STATIC: tuple[type[Any], ...] = (
    *(str, bytes, type, Enum, np.dtype, np.ufunc, range, frozenset, type(Ellipsis), partial),
    *(types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType),
)
_MOST_REMEMBERED = 4096
_BUILTIN: dict[type[Any], _Handler] = {
    type(None): _flatten_none,
    tuple: _flatten_tuple,
    list: _flatten_list,
    dict: _flatten_dict,
    OrderedDict: _flatten_ordered,
    defaultdict: _flatten_defaultdict,
    slice: _flatten_slice,
}
_handlers = _Handlers(_BUILTIN)

# Structures met before, so that the next call of the same function builds none.
_Remembered = dict[Any, Treedef]
_tuples: _Remembered = {}
_lists: _Remembered = {}
_dicts: _Remembered = {}


def _remember(
    table: _Remembered,
    key: Any,
    kind: str,
    cls: type[Any],
    keys: tuple[Any, ...] | None,
    children: tuple[Treedef, ...],
) -> Treedef:
    made = Treedef(kind, cls, keys, children)
    if made.statics:  # functions shall not live on here
        return made
    if len(table) >= _MOST_REMEMBERED:
        table.clear()
    table[key] = made
    return made


# --- print ---


def _print(treedef: Treedef) -> str:
    inner = [_print(child) for child in treedef.children]
    if treedef.kind == "leaf":
        return "*"
    if treedef.kind == "none":
        return "None"
    if treedef.kind == "static":
        return getattr(treedef.metadata, "__name__", repr(treedef.metadata))
    if treedef.kind == "tuple":
        return f"({inner[0]},)" if len(inner) == 1 else f"({', '.join(inner)})"
    if treedef.kind == "list":
        return f"[{', '.join(inner)}]"
    if treedef.kind == "dict":
        return "{" + ", ".join(_pairs(treedef, inner, "{!r}: {}")) + "}"
    name = treedef.type.__name__ if treedef.type else ""
    return f"{name}({', '.join(_pairs(treedef, inner, '{}={}'))})"


def _pairs(treedef: Treedef, inner: list[str], form: str) -> list[str]:
    if treedef.keys is None:
        return inner
    return [form.format(key, text) for key, text in zip(treedef.keys, inner, strict=True)]


def _collect_paths(treedef: Treedef, path: str, found: list[str]) -> None:
    if treedef.kind == "leaf":
        found.append(path)
        return
    for step, child in zip(_steps(treedef), treedef.children, strict=True):
        _collect_paths(child, path + step, found)


def _steps(treedef: Treedef) -> list[str]:
    """What to write behind a tree to reach each of its children."""
    if treedef.keys is None:
        return [f"[{i}]" for i in range(len(treedef.children))]
    if treedef.kind == "dict" or treedef.type in (OrderedDict, defaultdict):
        return [f"[{key!r}]" for key in treedef.keys]
    return [f".{key}" for key in treedef.keys]
