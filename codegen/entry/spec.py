"""What one compiled signature accepts, watches and returns: plain data.

Grammar, with the classes below::

    EntrySpec   = parameter names, one InputTree each, guards, hidden arrays, one OutputTree
    InputTree   = Leaf | NoneNode | TupleNode | ListNode | DictNode     (of InputTree)
    OutputTree  = OutputLeaf | NoneNode | TupleNode | ListNode | DictNode  (of OutputTree)
    Guard       = CellGuard | DictGuard | ListGuard | SizeGuard | ValueGuard | FunctionGuard

Every leaf names the place of its pointer in the `inputs` or `outputs` array of the compiled core.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import field
from types import CellType, CodeType, FunctionType
from typing import Any, Literal

import numpy as np

from ...ir.record import identity_record, record

LeafKind = Literal["array", "numpy_scalar", "python_float", "python_int", "python_bool"]

NUMPY_NAME = {"f32": "float32", "f64": "float64", "i32": "int32", "i64": "int64", "bool": "bool"}
_NAME_OF_DTYPE = {np.dtype(name): dtype for dtype, name in NUMPY_NAME.items()}

_DTYPES_OF_KIND: dict[str, tuple[str, ...]] = {
    "array": tuple(NUMPY_NAME),
    "numpy_scalar": tuple(NUMPY_NAME),
    "python_float": ("f64", "f32"),
    "python_int": ("i64", "i32", "f64", "f32"),
    "python_bool": ("bool",),
}


@record
class ArrayType:
    """A dtype and a shape: what one pointer of the core points at."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * np.dtype(NUMPY_NAME[self.dtype]).itemsize


@record
class Leaf:
    """An argument (or part of one) whose value the core reads through ``inputs[index]``.

    `dtype` is what the core reads; a Python number may be converted on the way (an int read as
    f64).
    """

    index: int
    kind: LeafKind
    dtype: str
    shape: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.dtype not in _DTYPES_OF_KIND[self.kind]:
            raise ValueError(f"a {self.kind} leaf can't be read as {self.dtype}")
        if self.kind != "array" and self.shape:
            raise ValueError(f"a {self.kind} leaf has no shape, got {self.shape}")


@record
class OutputLeaf:
    """A result that the core writes through ``outputs[index]``: an array or a NumPy scalar."""

    index: int
    dtype: str
    shape: tuple[int, ...] = ()
    as_scalar: bool = False

    def __post_init__(self) -> None:
        if self.dtype not in NUMPY_NAME:
            raise ValueError(f"unknown dtype {self.dtype}")
        if self.as_scalar and self.shape:
            raise ValueError(f"a scalar result has no shape, got {self.shape}")


@record
class NoneNode:
    """Python's None."""


@record
class TupleNode:
    """An exact tuple."""

    children: tuple[Tree, ...]


@record
class ListNode:
    """An exact list."""

    children: tuple[Tree, ...]


@record
class DictNode:
    """An exact dict with exactly these keys, in any order (results are built in this order)."""

    keys: tuple[object, ...]
    children: tuple[Tree, ...]

    def __post_init__(self) -> None:
        if len(self.keys) != len(self.children):
            raise ValueError(f"{len(self.keys)} keys for {len(self.children)} children")


Container = TupleNode | ListNode | DictNode
Tree = Leaf | OutputLeaf | NoneNode | Container


@identity_record
class CellGuard:
    """The closure cell still holds the very object that it held when the function was traced."""

    cell: CellType
    expected: object


ABSENT: Any = type("Absent", (), {"__repr__": lambda _: "ABSENT"})()  # what a missing key holds


@identity_record
class DictGuard:
    """``mapping[key]`` is still the same object (a module global, a builtin), or still ABSENT."""

    mapping: dict[Any, Any]
    key: object
    expected: object


@identity_record
class ListGuard:
    """The list still holds these very objects, and no others."""

    sequence: list[Any]
    expected: tuple[object, ...]


@identity_record
class SizeGuard:
    """The dict still has as many items."""

    mapping: dict[Any, Any]
    size: int


@identity_record
class ValueGuard:
    """The array, contiguous, still has the bytes of `copy`: something was computed from them."""

    array: np.ndarray[Any, Any]
    copy: np.ndarray[Any, Any]


@identity_record
class FunctionGuard:
    """The function still has this code and these defaults (autoreload replaces them in place)."""

    function: FunctionType
    code: CodeType
    defaults: tuple[object, ...] | None


Guard = CellGuard | DictGuard | ListGuard | SizeGuard | ValueGuard | FunctionGuard


@identity_record
class HiddenArray:
    """An array that the traced function captured: read at call time through ``inputs[index]``.

    Its dtype and shape as they are now are part of the signature.
    """

    index: int
    array: np.ndarray[Any, Any]
    leaf: Leaf = field(init=False)

    def __post_init__(self) -> None:
        leaf = Leaf(self.index, "array", dtype_name(self.array), self.array.shape)
        object.__setattr__(self, "leaf", leaf)  # the class is frozen


@identity_record
class EntrySpec:
    """One signature of a compiled function.

    `prefix` starts the name of everything emitted for it; `run` is the core's symbol. The first
    `positional_only` parameters can't be named, the last `keyword_only` ones must be. With a
    `verdict` the core has two more outputs from that place on, an i64 and an f64: where the first
    is not 0, or the core fails, the call is not this one's after all, and goes to the fallback. A
    call uses up to `threads` threads; 0: as many as is usual. `donated` are pairs of an output and
    an input: that result is the argument itself, in whose memory the core computes it. Such
    arguments are writeable arrays whose memory no other argument has. A core that is `shared` with
    other programs finds this one's numbers in the symbol "table".
    """

    prefix: str
    parameters: tuple[str, ...]
    inputs: tuple[Tree, ...]
    output: Tree
    guards: tuple[Guard, ...] = ()
    hidden: tuple[HiddenArray, ...] = ()
    positional_only: int = 0
    keyword_only: int = 0
    release_gil: bool = False
    run: str = "run"
    verdict: int | None = None
    threads: int = 0
    donated: tuple[tuple[int, int], ...] = ()
    shared: bool = False

    def __post_init__(self) -> None:
        if len(self.parameters) != len(self.inputs):
            raise ValueError(f"{len(self.parameters)} parameters, {len(self.inputs)} input trees")
        if self.positional_only + self.keyword_only > len(self.parameters):
            raise ValueError("more positional-only and keyword-only parameters than parameters")
        inputs, outputs = self.input_types(), self.output_types()
        if any(outputs[output] != inputs[number] for output, number in self.donated):
            raise ValueError("an argument is donated to a result of another type")

    def input_types(self) -> tuple[ArrayType, ...]:
        """What each pointer of `inputs` points at, by index."""
        found = [leaf for tree in self.inputs for leaf in leaves(tree)]
        found += [hidden.leaf for hidden in self.hidden]
        if any(isinstance(leaf, OutputLeaf) for leaf in found):
            raise ValueError("an input tree holds an OutputLeaf")
        if len({leaf.index for leaf in found}) != len(found):
            raise ValueError("two input leaves have the same index")
        return _by_index(found)

    def output_types(self) -> tuple[ArrayType, ...]:
        """What each pointer of `outputs` points at, by index."""
        return tuple(ArrayType(leaf.dtype, leaf.shape) for leaf in self.output_leaves())

    def of_shared(self, core: str) -> EntrySpec:
        """The same signature in front of a core that programs share, by its symbol."""
        fields = {name: getattr(self, name) for name in self.__match_args__}
        return EntrySpec(**{**fields, "run": core, "shared": True})

    def shapes(self) -> tuple[dict[tuple[str, int], int], list[int]]:
        """Where in the table of shapes that of each "input" and "output" begins, by index; and the
        table, which the entry's text leaves out: entries for other sizes are equal texts.
        """
        places, sizes = {}, [0]
        for kind, types in (("input", self.input_types()), ("output", self.output_types())):
            for index, type in enumerate(types):
                places[kind, index] = len(sizes)
                sizes += type.shape
        return places, sizes

    def output_leaves(self) -> tuple[OutputLeaf, ...]:
        """The distinct result leaves by index; one that appears twice in the tree counts once."""
        found = list(dict.fromkeys(leaves(self.output)))
        results = [leaf for leaf in found if isinstance(leaf, OutputLeaf)]
        if len(results) != len(found):
            raise ValueError("the output tree holds a Leaf")
        _by_index(found)
        return tuple(sorted(results, key=lambda leaf: leaf.index))


def dtype_name(array: np.ndarray[Any, Any]) -> str:
    """The short name of an array's dtype; ValueError if compiled code has no such type."""
    name = _NAME_OF_DTYPE.get(array.dtype)
    if name is None:
        raise ValueError(f"a captured array can't be read as {array.dtype}")
    return name


def leaves(tree: Tree) -> Iterator[Leaf | OutputLeaf]:
    """The leaves of a tree, left to right."""
    if isinstance(tree, Leaf | OutputLeaf):
        yield tree
    elif not isinstance(tree, NoneNode):
        for child in tree.children:
            yield from leaves(child)


def _by_index(found: list[Leaf | OutputLeaf]) -> tuple[ArrayType, ...]:
    ordered = sorted(found, key=lambda leaf: leaf.index)
    if [leaf.index for leaf in ordered] != list(range(len(ordered))):
        raise ValueError(f"leaf indices must be 0..{len(ordered) - 1}, each once, in any order")
    return tuple(ArrayType(leaf.dtype, leaf.shape) for leaf in ordered)
