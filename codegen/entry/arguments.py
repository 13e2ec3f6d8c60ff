"""Emits the checks of a call: each argument tree, each guard, and the pointers they yield.

A check that fails branches to the label ``miss``. Whatever is taken out of a list or a dict is
held until the call ends: while the core runs, another thread or a signal handler may change the
container.
"""

from __future__ import annotations

from collections.abc import Sequence, Set

from . import layout
from .spec import (
    ABSENT,
    CellGuard,
    Container,
    DictNode,
    FunctionGuard,
    Guard,
    HiddenArray,
    Leaf,
    ListGuard,
    ListNode,
    NoneNode,
    SizeGuard,
    Tree,
    TupleNode,
    ValueGuard,
    dtype_name,
)
from .writer import POINTER, Writer

MISS = "miss"
_READ = layout.C_CONTIGUOUS | layout.ALIGNED

_TYPE_NAME = {TupleNode: "tuple", ListNode: "list", DictNode: "dict"}


class ArgumentChecks:
    """Writes checks with `writer`; they fill ``%inputs``, ``%values`` and ``%held``, the caller's.

    ``%values`` has eight bytes for each input, where a Python number is kept once converted.
    """

    def __init__(self, writer: Writer, prefix: str, donated: Set[int] = frozenset()) -> None:
        self.writer = writer
        self.donated = donated
        self.items: dict[int, str] = {}  # the donated arrays, by input
        self.symbols = writer.references
        self.prefix = prefix
        self.held = 0
        self.shapes: list[str] = []

    def guard(self, guard: Guard, place: int) -> None:
        name = f"guard.{place}"
        if isinstance(guard, SizeGuard):
            self._require_size(self.symbols[f"{name}.dict"], guard.size)
        elif isinstance(guard, ListGuard):
            self._list_guard(guard, name)
        elif isinstance(guard, ValueGuard):
            self._value_guard(guard, name)
        elif isinstance(guard, FunctionGuard):
            self._function_guard(guard, name)
        elif isinstance(guard, CellGuard):
            found = self.writer.load("ptr", self.symbols[f"{name}.cell"], layout.CELL_CONTENT)
            self.writer.require_same(found, self.symbols[f"{name}.expected"], MISS)
        else:
            found = self._look_up(self.symbols[f"{name}.dict"], f"{name}.key")
            absent = guard.expected is ABSENT
            expected = "null" if absent else self.symbols[f"{name}.expected"]
            self.writer.require_same(found, expected, MISS)

    def _list_guard(self, guard: ListGuard, name: str) -> None:
        sequence, count = self.symbols[f"{name}.list"], len(guard.expected)
        self._require_size(sequence, count)
        items = self.writer.load("ptr", sequence, layout.LIST_ITEMS) if count else sequence
        for place in range(count):
            found = self.writer.load_item(items, place)
            self.writer.require_same(found, self.symbols[f"{name}.expected.{place}"], MISS)

    def _function_guard(self, guard: FunctionGuard, name: str) -> None:
        function = self.symbols[f"{name}.function"]
        code = self.writer.load("ptr", function, layout.FUNCTION_CODE)
        self.writer.require_same(code, self.symbols[f"{name}.code"], MISS)
        defaults = self.writer.load("ptr", function, layout.FUNCTION_DEFAULTS)
        none = guard.defaults is None
        expected = "null" if none else self.symbols[f"{name}.defaults"]
        self.writer.require_same(defaults, expected, MISS)

    def _value_guard(self, guard: ValueGuard, name: str) -> None:
        shape = "null"
        if guard.copy.shape:
            shape = f'@"{self.prefix}.{name}.shape"'
            self.shapes.append(shape_constant(shape, guard.copy.shape))
        descr = self.symbols[f"descr.{dtype_name(guard.copy)}"]
        data = self._data(self.symbols[f"{name}.array"], descr, guard.copy.ndim, shape, _READ)
        then = self.writer.load("ptr", self.symbols[f"{name}.copy"], layout.ARRAY_DATA)
        memcmp, size = self.symbols["memcmp"], guard.copy.nbytes
        differ = self.writer.call("i32", memcmp, f"ptr {data}", f"ptr {then}", f"i64 {size}")
        self.writer.require(self.writer.value(f"icmp eq i32 {differ}, 0"), MISS)

    def _require_size(self, item: str, count: int) -> None:
        size = self.writer.load("i64", item, layout.SIZE)
        self.writer.require(self.writer.value(f"icmp eq i64 {size}, {count}"), MISS)

    def hidden(self, hidden: HiddenArray, place: int) -> None:
        self._array(hidden.leaf, self.symbols[f"hidden.{place}"])

    def apart(self, sizes: Sequence[int]) -> None:
        """The donated arrays must share no memory with other inputs, whose bytes are `sizes`."""
        names = (f'@"{self.prefix}.sizes"', f'@"{self.prefix}.donated"')
        numbers = sorted(self.donated)
        self.shapes += [
            shape_constant(name, values)
            for name, values in zip(names, (tuple(sizes), tuple(numbers)), strict=True)
        ]
        operands = (
            f"ptr %inputs, ptr {names[0]}, i64 {len(sizes)}, ptr {names[1]}, i64 {len(numbers)}"
        )
        self.writer.require(self.writer.call("i1", f'@"{self.prefix}.apart"', operands), MISS)

    def tree(self, tree: Tree, item: str, path: str) -> None:
        """Check the object in register `item` against `tree`."""
        if isinstance(tree, Leaf):
            self._leaf(tree, item)
        elif isinstance(tree, NoneNode):
            self.writer.require_same(item, self.symbols["None"], MISS)
        elif isinstance(tree, Container):
            for place, child in enumerate(self._children(tree, item, path)):
                self.tree(tree.children[place], child, f"{path}.{place}")

    def _children(self, tree: Container, item: str, path: str) -> list[str]:
        kind = _TYPE_NAME[type(tree)]
        count = len(tree.children)
        self._require_type(item, kind)
        self._require_size(item, count)
        if isinstance(tree, DictNode):
            return [self._dict_item(item, f"{path}.key{place}") for place in range(count)]
        if isinstance(tree, TupleNode):
            offsets = [layout.TUPLE_ITEMS + POINTER * place for place in range(count)]
            return [self.writer.load("ptr", item, offset) for offset in offsets]
        items = self.writer.load("ptr", item, layout.LIST_ITEMS) if count else item
        return [self._hold(self.writer.load_item(items, place)) for place in range(count)]

    def _dict_item(self, mapping: str, key: str) -> str:
        found = self._look_up(mapping, key)
        self.writer.require_object(found, MISS)
        return self._hold(found)

    def _look_up(self, mapping: str, key: str) -> str:
        function = self.symbols["PyDict_GetItemWithError"]
        return self.writer.call("ptr", function, f"ptr {mapping}", f"ptr {self.symbols[key]}")

    def _hold(self, item: str) -> str:
        self.writer.run(self.symbols["Py_IncRef"], f"ptr {item}")
        self.writer.store_item(item, "%held", self.held)
        self.held += 1
        return item

    def _require_type(self, item: str, name: str) -> None:
        self.writer.require_same(
            self.writer.load("ptr", item, layout.TYPE), self.symbols[name], MISS
        )

    def _leaf(self, leaf: Leaf, item: str) -> None:
        if leaf.kind == "array":
            self._array(leaf, item)
        elif leaf.kind == "numpy_scalar":
            self._require_type(item, f"scalar.{leaf.dtype}")
            self._point(leaf, self.writer.address(item, layout.SCALAR_VALUE))
        elif leaf.kind == "python_float":
            self._python_float(leaf, item)
        elif leaf.kind == "python_int":
            self._python_int(leaf, item)
        else:
            self._python_bool(leaf, item)

    def _array(self, leaf: Leaf, item: str) -> None:
        descr = self.symbols[f"descr.{leaf.dtype}"]
        flags = _READ
        if leaf.index in self.donated:
            flags, self.items[leaf.index] = _READ | layout.WRITEABLE, item
        shape = self.writer.shape("input", leaf.index, len(leaf.shape))
        self._point(leaf, self._data(item, descr, len(leaf.shape), shape, flags))

    def _data(self, item: str, descr: str, ndim: int, shape: str, flags: int) -> str:
        """The data pointer of an array that must have this dtype and shape, and these flags."""
        of_type = (f"ptr {item}", f"ptr {descr}", f"i32 {ndim}", f"ptr {shape}")
        operands = (*of_type, f"i32 {flags}")
        data = self.writer.call("ptr", f'@"{self.prefix}.array"', *operands)
        self.writer.require_object(data, MISS)
        return data

    def _point(self, leaf: Leaf, pointer: str) -> None:
        self.writer.store_item(pointer, "%inputs", leaf.index)

    def _python_float(self, leaf: Leaf, item: str) -> None:
        self._require_type(item, "float")
        if leaf.dtype == "f64":
            self._point(leaf, self.writer.address(item, layout.FLOAT_VALUE))
            return
        value = self.writer.load("double", item, layout.FLOAT_VALUE)
        self._keep(leaf, "float", self.writer.value(f"fptrunc double {value} to float"))

    def _python_int(self, leaf: Leaf, item: str) -> None:
        write = self.writer
        self._require_type(item, "int")
        function = self.symbols["PyLong_AsLongLongAndOverflow"]
        value = write.call("i64", function, f"ptr {item}", "ptr %overflow")
        overflow = write.load("i32", "%overflow")
        write.require(write.value(f"icmp eq i32 {overflow}, 0"), MISS)
        if leaf.dtype == "i64":
            self._keep(leaf, "i64", value)
        elif leaf.dtype == "i32":
            self._keep(leaf, "i32", self._narrow(value))
        else:
            self._keep_as_float(leaf, write.value(f"sitofp i64 {value} to double"))

    def _narrow(self, value: str) -> str:
        write = self.writer
        narrow = write.value(f"trunc i64 {value} to i32")
        back = write.value(f"sext i32 {narrow} to i64")
        write.require(write.value(f"icmp eq i64 {back}, {value}"), MISS)
        return narrow

    def _keep_as_float(self, leaf: Leaf, value: str) -> None:
        if leaf.dtype == "f64":
            self._keep(leaf, "double", value)
        else:  # rounded twice, as NumPy does
            self._keep(leaf, "float", self.writer.value(f"fptrunc double {value} to float"))

    def _python_bool(self, leaf: Leaf, item: str) -> None:
        write = self.writer
        true = write.value(f"icmp eq ptr {item}, {self.symbols['True']}")
        false = write.value(f"icmp eq ptr {item}, {self.symbols['False']}")
        write.require(write.value(f"or i1 {true}, {false}"), MISS)
        self._keep(leaf, "i8", write.value(f"zext i1 {true} to i8"))

    def _keep(self, leaf: Leaf, kind: str, value: str) -> None:
        place = self.writer.address("%values", POINTER * leaf.index)
        self.writer.store(kind, value, place)
        self._point(leaf, place)


def shape_constant(name: str, shape: tuple[int, ...]) -> str:
    """The line that defines an array of dimensions."""
    sizes = ", ".join(f"i64 {size}" for size in shape)
    return f"{name} = private unnamed_addr constant [{len(shape)} x i64] [{sizes}]"
