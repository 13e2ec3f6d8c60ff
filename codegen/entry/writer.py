"""A small writer of LLVM IR with control flow: the door's code is loads, compares and calls."""

from __future__ import annotations

from collections.abc import Mapping

from .symbols import References

POINTER = 8  # bytes; `self_test` refuses other machines


class Writer:
    """Appends the lines of one function body. Methods that make a value return its register.

    `shapes` says where in the entry's table of shapes that of each array begins.
    """

    def __init__(
        self, references: References, shapes: Mapping[tuple[str, int], int] | None = None
    ) -> None:
        self.references = references
        self._shapes = shapes or {}
        self.lines: list[str] = []
        self._registers = 0
        self._labels = 0

    def write(self, line: str) -> None:
        self.lines.append("  " + line)

    def value(self, text: str) -> str:
        self._registers += 1
        name = f"%v{self._registers}"
        self.write(f"{name} = {text}")
        return name

    def address(self, base: str, offset: int) -> str:
        """`base` plus `offset` bytes."""
        if offset == 0:
            return base
        return self.value(f"getelementptr i8, ptr {base}, i64 {offset}")

    def shape(self, kind: str, index: int, ndim: int) -> str:
        """The pointer to the dimensions of an array of `ndim`, an "input" or an "output"."""
        if not ndim:
            return "null"
        return self.address(self.references["shapes"], POINTER * self._shapes[kind, index])

    def load(self, kind: str, base: str, offset: int = 0) -> str:
        return self.value(f"load {kind}, ptr {self.address(base, offset)}")

    def store(self, kind: str, item: str, base: str, offset: int = 0) -> None:
        self.write(f"store {kind} {item}, ptr {self.address(base, offset)}")

    def load_item(self, array: str, place: int) -> str:
        """The pointer at `place` of an array of pointers."""
        return self.load("ptr", array, POINTER * place)

    def store_item(self, item: str, array: str, place: int) -> None:
        self.store("ptr", item, array, POINTER * place)

    def clear_items(self, array: str, count: int, clear: str) -> None:
        """Fill an array of `count` pointers with null; long ones by the function `clear`."""
        if count > 8:
            self.run(clear, f"ptr {array}", f"i64 {count}")
            return
        for place in range(count):
            self.store_item("null", array, place)

    def call(self, kind: str, function: str, *operands: str) -> str:
        return self.value(f"call {kind} {function}({', '.join(operands)})")

    def run(self, function: str, *operands: str) -> None:
        """Call a function that returns nothing."""
        self.write(f"call void {function}({', '.join(operands)})")

    def new_label(self, hint: str) -> str:
        self._labels += 1
        return f"{hint}{self._labels}"

    def start(self, label: str) -> None:
        self.lines.append(f"{label}:")

    def go(self, label: str) -> None:
        self.write(f"br label %{label}")

    def branch(self, condition: str, then: str, otherwise: str) -> None:
        self.write(f"br i1 {condition}, label %{then}, label %{otherwise}")

    def require(self, condition: str, otherwise: str) -> None:
        """Go on if `condition` holds, else branch to the label `otherwise`."""
        then = self.new_label("ok")
        self.branch(condition, then, otherwise)
        self.start(then)

    def require_same(self, item: str, expected: str, otherwise: str) -> None:
        """Go on if two pointers are the same."""
        self.require(self.value(f"icmp eq ptr {item}, {expected}"), otherwise)

    def require_object(self, item: str, otherwise: str) -> None:
        """Go on if a pointer is not null."""
        self.require(self.value(f"icmp ne ptr {item}, null"), otherwise)
