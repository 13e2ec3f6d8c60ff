"""Emits the results of a call: their memory before the core runs, the Python objects after it.

``%results`` owns one reference for each result leaf and, in one more slot, the outermost container
while it is being filled; an error releases them all and nothing else. A leaf's last use takes its
reference out of the slot.
"""

from __future__ import annotations

from collections import Counter

from . import layout
from .spec import Container, DictNode, ListNode, OutputLeaf, Tree, leaves
from .writer import POINTER, Writer

FAIL = "fail"


class ResultObjects:
    """Writes with `writer`; uses ``%results``, ``%outputs`` and ``%bools``, the caller's."""

    def __init__(self, writer: Writer, prefix: str, output: Tree, count: int) -> None:
        self.writer = writer
        self.symbols = writer.references
        self.prefix = prefix
        self.output = output
        self.root_slot = count
        self.leftovers = False
        self._uses = Counter(leaf.index for leaf in leaves(output))

    def allocate(self, leaf: OutputLeaf) -> None:
        """Memory for one result; its data pointer goes to ``%outputs``."""
        if leaf.as_scalar and leaf.dtype == "bool":  # NumPy has just two of these objects
            data = self.writer.address("%bools", leaf.index)
        elif leaf.as_scalar:
            data = self.writer.address(self._new_scalar(leaf), layout.SCALAR_VALUE)
        else:
            data = self.writer.load("ptr", self._new_array(leaf), layout.ARRAY_DATA)
        self.writer.store_item(data, "%outputs", leaf.index)

    def take_argument(self, leaf: OutputLeaf, item: str, number: int) -> None:
        """Let a result be the argument `item`, the input of that number."""
        self._own(leaf, self._new_reference(item))
        self.writer.store_item(self.writer.load_item("%inputs", number), "%outputs", leaf.index)

    def _new_scalar(self, leaf: OutputLeaf) -> str:
        allocate, kind = self.symbols[f"alloc.{leaf.dtype}"], self.symbols[f"scalar.{leaf.dtype}"]
        return self._own(leaf, self.writer.call("ptr", allocate, f"ptr {kind}", "i64 0"))

    def _new_array(self, leaf: OutputLeaf) -> str:
        shape = self.writer.shape("output", leaf.index, len(leaf.shape))
        descr = self.symbols[f"descr.{leaf.dtype}"]
        operands = (f"ptr {descr}", f"i32 {len(leaf.shape)}", f"ptr {shape}")
        return self._own(leaf, self.writer.call("ptr", f'@"{self.prefix}.new_array"', *operands))

    def _own(self, leaf: OutputLeaf, item: str) -> str:
        self.writer.require_object(item, FAIL)
        self.writer.store_item(item, "%results", leaf.index)
        return item

    def choose_bool(self, leaf: OutputLeaf) -> None:
        """After the run: NumPy's True or False for a scalar bool."""
        write = self.writer
        value = write.load("i8", "%bools", leaf.index)
        true = write.value(f"icmp ne i8 {value}, 0")
        yes, no = self.symbols["np.True_"], self.symbols["np.False_"]
        item = write.value(f"select i1 {true}, ptr {yes}, ptr {no}")
        write.store_item(self._new_reference(item), "%results", leaf.index)

    def build(self) -> str:
        """The register of the finished result object, a new reference."""
        if not isinstance(self.output, Container):
            return self._take(self.output)
        root = self._new_container(self.output)
        self.writer.require_object(root, FAIL)
        self.writer.store_item(root, "%results", self.root_slot)
        self._fill(self.output, root, "output")
        return root

    def _fill(self, tree: Container, container: str, path: str) -> None:
        if isinstance(tree, DictNode):
            self._fill_dict(tree, container, path)
            return
        items, first = container, layout.TUPLE_ITEMS
        if isinstance(tree, ListNode) and tree.children:
            items, first = self.writer.load("ptr", container, layout.LIST_ITEMS), 0
        for place, child in enumerate(tree.children):
            item = self._item(child)
            self.writer.store("ptr", item, items, first + POINTER * place)
            if isinstance(child, Container):  # owned by its parent from here on
                self.writer.require_object(item, FAIL)
                self._fill(child, item, f"{path}.{place}")

    def _fill_dict(self, tree: DictNode, container: str, path: str) -> None:
        for place, child in enumerate(tree.children):
            key = f"{path}.key{place}"
            if isinstance(child, Container):
                item = self._new_container(child)
                self.writer.require_object(item, FAIL)
                status = self._set_item(container, key, item)
                self.writer.run(self.symbols["Py_DecRef"], f"ptr {item}")
                self.writer.require(status, FAIL)
                self._fill(child, item, f"{path}.{place}")
            else:
                status = self._set_item(container, key, self._borrow(child))
                self.writer.require(status, FAIL)

    def _set_item(self, container: str, key: str, item: str) -> str:
        operands = (f"ptr {container}", f"ptr {self.symbols[key]}", f"ptr {item}")
        status = self.writer.call("i32", self.symbols["PyDict_SetItem"], *operands)
        return self.writer.value(f"icmp eq i32 {status}, 0")

    def _item(self, tree: Tree) -> str:
        return self._new_container(tree) if isinstance(tree, Container) else self._take(tree)

    def _new_container(self, tree: Container) -> str:
        if isinstance(tree, DictNode):
            return self.writer.call("ptr", self.symbols["PyDict_New"])
        if isinstance(tree, ListNode):
            return self.writer.call("ptr", self.symbols["PyList_New"], f"i64 {len(tree.children)}")
        return self.writer.call("ptr", self.symbols["PyTuple_New"], f"i64 {len(tree.children)}")

    def _take(self, tree: Tree) -> str:
        """A reference of one's own to a leaf or None; the last use of a leaf empties its slot."""
        if not isinstance(tree, OutputLeaf):
            return self._new_reference(self.symbols["None"])
        item = self.writer.load_item("%results", tree.index)
        self._uses[tree.index] -= 1
        if self._uses[tree.index]:
            return self._new_reference(item)
        self.writer.store_item("null", "%results", tree.index)
        return item

    def _borrow(self, tree: Tree) -> str:
        """A leaf or None whose reference stays where it is."""
        if not isinstance(tree, OutputLeaf):
            return self.symbols["None"]
        self._uses[tree.index] -= 1
        self.leftovers = True
        return self.writer.load_item("%results", tree.index)

    def _new_reference(self, item: str) -> str:
        self.writer.run(self.symbols["Py_IncRef"], f"ptr {item}")
        return item
