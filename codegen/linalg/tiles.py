"""The inner loops of small matrix products: functions for tiles, which a module's products share.

Their sums are stack slots that LLVM turns into registers.
"""

from __future__ import annotations

from collections.abc import Callable

from ...ir.record import record
from ..control import for_loop, integer, unless_rare
from ..emitter import BITS, Emitter, Reg
from ..kernels import memory
from ..kernels.loops import VECTOR_BITS
from ..maths import TARGET_ATTRIBUTES
from .ahead import fetch
from .subnormals import is_subnormal, scaled


class _Kernel:
    """A function under construction: scalars `e`, vectors `v`, and slots for sums."""

    def __init__(self, dtype: str) -> None:
        self.dtype, self.lanes = dtype, VECTOR_BITS // BITS[dtype]
        self.e = Emitter(1)
        self.e.lines.append("entry:")
        self.v = self.e.sibling(self.lanes)

    def define(self, name: str, parameters: str, caller: Emitter) -> None:
        """Put the function, and what it calls, among what the module needs."""
        self.e.write("ret void")
        attributes = " ".join(["noinline nounwind", *TARGET_ATTRIBUTES])
        head = f'define internal void @"{name}"({parameters}) {attributes} {{'
        caller.declarations |= self.e.declarations
        caller.declarations[name] = "\n".join([head, *self.e.lines, "}"])

    def slots(self, count: int) -> list[str]:
        kind = self.v.type(self.dtype)
        found = [self.e.emit(f"alloca {kind}", "ptr").name for _ in range(count)]
        for slot in found:
            self.set(slot, self.v.const(0, self.dtype))
        return found

    def get(self, slot: str) -> Reg:
        return self.e.emit(f"load {self.v.type(self.dtype)}, ptr {slot}", self.dtype)

    def set(self, slot: str, x: Reg) -> None:
        self.e.write(f"store {self.v.typed(x)}, ptr {slot}")

    def add_product(self, slot: str, x: Reg, y: Reg) -> None:
        self.set(slot, self.v.muladd(x, y, self.get(slot)))

    def loop_if_any(self, low: Reg, high: Reg, step: int, body: Callable[[Reg], None]) -> None:
        """A loop that may have no steps."""
        loop, done = self.e.new_label("some"), self.e.new_label("none")
        some = self.e.compare("lt", low, high)
        self.e.write(f"br i1 {some.name}, label %{loop}, label %{done}")
        self.e.start_block(loop)
        for_loop(self.e, low, high, step, body)
        self.e.write(f"br label %{done}")
        self.e.start_block(done)

    def choose(self, condition: Reg, x: Reg, y: Reg) -> Reg:
        """One vector or the other, by a scalar."""
        typed = f"{self.v.typed(x)}, {self.v.typed(y)}"
        return self.e.emit(f"select i1 {condition.name}, {typed}", x.dtype)

    def first_lanes(self, count: Reg) -> Reg:
        """The mask of the first `count` lanes."""
        numbers = self.v.lane_constants(tuple(range(self.lanes)), "i64")
        return self.v.compare("lt", numbers, self.v.splat(count))

    def fetch(self, vector: str) -> None:
        """Fetch what lies the distance %ahead behind a vector."""
        fetch(self.e, self.e.emit(f"getelementptr i8, ptr {vector}, i64 %ahead", "ptr").name)

    def at(self, base: str, *terms: tuple[Reg, Reg]) -> str:
        """The pointer Σ index · step elements behind `base`."""
        for index, step in terms:
            if index.name != "0":
                base = memory.address(self.e, base, self.dtype, self.e.mul(index, step))
        return base


@record
class TileKernel:
    """c = a b or c += a b for `high` rows and `wide` vectors along the columns, where the last of
    these may be `masked`. Copy q of the sums takes every term of number q modulo `copies`. With
    every `ahead`-th vector of b, what lies a distance behind it is fetched; with 0 nothing is. A
    `careful` one is not slowed down by subnormal factors, and is for a whose rows are neighbours.
    """

    dtype: str
    high: int
    wide: int
    copies: int
    masked: bool
    ahead: int = 0
    careful: bool = False

    def declare(self, caller: Emitter) -> str:
        """The function's symbol, to be called with the pointers a, b and c, the distances of their
        rows and of a's columns, the lanes of the last vector, the count of terms, whether to add to
        what is there, and the bytes to what is fetched; for a careful one last a pointer to the
        byte that becomes 1 where it meets subnormal numbers.
        """
        ahead = f"f{self.ahead}" if self.ahead else ""
        parts = [self.dtype, self.high, self.wide, self.copies]
        parts += ["m" * self.masked, ahead, "s" * self.careful]
        name = "fg.tile." + ".".join(str(part) for part in parts if part)
        if name not in caller.declarations:
            parameters = (
                "ptr noalias readonly %a, i64 %a.row, i64 %a.column, ptr noalias readonly %b, "
                "i64 %b.row, ptr noalias %c, i64 %c.row, i64 %last, i64 %count, i1 %adds"
            )
            parameters += ", i64 %ahead" * bool(ahead) + ", ptr noalias %met" * self.careful
            tile = _CarefulTile(self) if self.careful else _Tile(self)
            tile.write().define(name, parameters, caller)
        return f'@"{name}"'


class _Tile(_Kernel):
    def __init__(self, kernel: TileKernel) -> None:
        super().__init__(kernel.dtype)
        self.kernel, self.size = kernel, kernel.high * kernel.wide
        self.sums = self.slots(self.size * kernel.copies)
        self.masks: list[Reg | None] = [None] * kernel.wide
        if kernel.masked:
            self.masks[-1] = self.first_lanes(_argument("last"))

    def write(self) -> _Tile:
        copies, count = self.kernel.copies, _argument("count")
        if copies == 1:
            for_loop(self.e, integer(0), count, 1, lambda p: self._term(p, 0))
        else:
            rest = self.e.emit(f"urem i64 %count, {copies}", "i64")
            whole = self.e.sub(count, rest)
            self.loop_if_any(integer(0), whole, copies, self._terms)
            self.loop_if_any(whole, count, 1, lambda p: self._term(p, 0))
        for number in range(self.size):
            self._put(*divmod(number, self.kernel.wide), self._total(number))
        return self

    def _terms(self, p: Reg) -> None:
        for copy in range(self.kernel.copies):
            self._term(self.e.add(p, integer(copy)), copy)

    def _term(self, p: Reg, copy: int) -> None:
        """Term p of all sums of a copy."""
        vectors, across = self._factors(p)
        for row in range(self.kernel.high):
            pointer = self.at(across, (integer(row), _argument("a.row")))
            x = self.v.splat(memory.load_scalar(self.e, pointer, self.dtype))
            first = copy * self.size + row * self.kernel.wide
            for column, vector in enumerate(vectors):
                self.add_product(self.sums[first + column], x, vector)

    def _factors(self, p: Reg) -> tuple[list[Reg], str]:
        """Row p of b, and where column p of a is."""
        start = self.at("%b", (p, _argument("b.row")))
        vectors = [
            memory.load(self.v, self._vector(start, column), self.dtype, 1, mask)
            for column, mask in enumerate(self.masks)
        ]
        if self.kernel.ahead:
            for column in range(0, self.kernel.wide, self.kernel.ahead):
                self.fetch(self._vector(start, column))
        return vectors, self.at("%a", (p, _argument("a.column")))

    def _vector(self, row: str, number: int) -> str:
        return memory.address(self.e, row, self.dtype, integer(number * self.lanes))

    def _total(self, number: int) -> Reg:
        total = self.get(self.sums[number])
        for copy in range(1, self.kernel.copies):
            total = self.v.add(total, self.get(self.sums[number + copy * self.size]))
        return total

    def _put(self, row: int, column: int, total: Reg) -> None:
        target = self._vector(self.at("%c", (integer(row), _argument("c.row"))), column)
        mask = self.masks[column]
        more = self.v.add(memory.load(self.v, target, self.dtype, 1, mask), total)
        memory.store(self.v, target, self.choose(_argument("adds"), more, total), 1, mask)


class _CarefulTile(_Tile):
    """As a tile, with the same bits; terms with subnormal factors are scaled first."""

    def __init__(self, kernel: TileKernel) -> None:
        super().__init__(kernel)
        self.column = self.e.sibling(kernel.high)  # vectors of a's rows
        kind = self.column.type(self.dtype)
        self.scaled = [self.e.emit(f"alloca {kind}", "ptr").name for _ in range(2)]

    def _term(self, p: Reg, copy: int) -> None:
        vectors, across = self._factors(p)
        xs = memory.load(self.column, across, self.dtype, 1, None)
        found = self.column.any_lane(is_subnormal(self.column, xs))
        for vector in vectors:
            found = self.e.or_(found, self.v.any_lane(is_subnormal(self.v, vector)))
        ones = [self.v.const(1.0, self.dtype)] * len(vectors)

        def rare() -> None:
            self.e.write("store i8 1, ptr %met")
            for slot, part in zip(self.scaled, scaled(self.column, xs), strict=True):
                self.e.write(f"store {self.column.typed(part)}, ptr {slot}")
            pairs = [scaled(self.v, vector) for vector in vectors]
            self._add(copy, self.scaled, [y for y, _ in pairs], [z for _, z in pairs])

        unless_rare(self.e, found, lambda: self._add(copy, [across], vectors, ones), rare)

    def _add(self, copy: int, column: list[str], vectors: list[Reg], scales: list[Reg]) -> None:
        """Add (x · scale) · (vector · x's scale), where x, and its scale, are in a `column`."""
        for row in range(self.kernel.high):
            first = copy * self.size + row * self.kernel.wide
            pointers = [memory.address(self.e, base, self.dtype, integer(row)) for base in column]
            x, *more = (
                self.v.splat(memory.load_scalar(self.e, pointer, self.dtype))
                for pointer in pointers
            )
            for number, (vector, scale) in enumerate(zip(vectors, scales, strict=True), first):
                y = self.v.mul(vector, more[0]) if more else vector
                self.add_product(self.sums[number], self.v.mul(x, scale) if more else x, y)


@record
class RowKernel:
    """c = a b or c += a b for some `rows` of a (a power of two) and a vector b. With every
    `ahead`-th of these rows, what lies a distance behind is fetched; with 0 nothing is.
    """

    dtype: str
    rows: int
    ahead: int = 0

    def declare(self, caller: Emitter) -> str:
        """The function's symbol, to be called with the pointers a, b and c, the distances of a's
        rows and of c's, the count of terms, whether to add to what is there, and the bytes to what
        is fetched.
        """
        name = f"fg.rows.{self.dtype}.{self.rows}" + f".f{self.ahead}" * bool(self.ahead)
        if name not in caller.declarations:
            parameters = (
                "ptr noalias readonly %a, i64 %a.row, ptr noalias readonly %b, "
                "ptr noalias %c, i64 %c.row, i64 %count, i1 %adds"
            )
            ahead = ", i64 %ahead" * bool(self.ahead)
            _Rows(self).write().define(name, parameters + ahead, caller)
        return f'@"{name}"'


class _Rows(_Kernel):
    def __init__(self, kernel: RowKernel) -> None:
        super().__init__(kernel.dtype)
        self.kernel = kernel
        self.sums = self.slots(kernel.rows)

    def write(self) -> _Rows:
        count = _argument("count")
        rest = self.e.emit(f"urem i64 %count, {self.lanes}", "i64")
        whole = self.e.sub(count, rest)
        self.loop_if_any(integer(0), whole, self.lanes, lambda p: self._terms(p, None))
        self.loop_if_any(whole, count, self.lanes, lambda p: self._terms(p, self.first_lanes(rest)))
        for row, total in enumerate(self._folded([self.get(slot) for slot in self.sums])):
            target = self.at("%c", (integer(row), _argument("c.row")))
            more = self.e.add(memory.load_scalar(self.e, target, self.dtype), total)
            memory.store_scalar(self.e, target, self.e.select(_argument("adds"), more, total))
        return self

    def _terms(self, p: Reg, mask: Reg | None) -> None:
        one = integer(1)
        vector = memory.load(self.v, self.at("%b", (p, one)), self.dtype, 1, mask)
        for row, slot in enumerate(self.sums):
            start = self.at("%a", (integer(row), _argument("a.row")), (p, one))
            if self.kernel.ahead and row % self.kernel.ahead == 0:
                self.fetch(start)
            self.add_product(slot, memory.load(self.v, start, self.dtype, 1, mask), vector)

    def _folded(self, vectors: list[Reg]) -> list[Reg]:
        """The sum of the lanes of each vector: two are folded into one by halves, again and
        again.
        """
        group = lanes = self.lanes
        while len(vectors) > 1:
            pairs = zip(vectors[::2], vectors[1::2], strict=True)
            vectors = [self._fold(x, y, lanes, group, lanes) for x, y in pairs]
            group //= 2
        while group > 1:
            vectors = [self._fold(vectors[0], vectors[0], lanes, group, lanes // 2)]
            group, lanes = group // 2, lanes // 2
        return [self._lane(vectors[0], lanes, lane) for lane in range(lanes)]

    def _fold(self, x: Reg, y: Reg, lanes: int, group: int, kept: int) -> Reg:
        """Of each group of lanes of x, then y, the first half plus the second; `kept` of these."""
        half = group // 2
        lower = [i for i in range(2 * lanes) if i % group < half][:kept]
        if kept == 1:
            return self.e.add(self._lane(x, lanes, 0), self._lane(x, lanes, 1))
        wide, narrow = self.e.sibling(lanes), self.e.sibling(kept)
        parts = []
        for offset in (0, half):
            order = ", ".join(f"i32 {i + offset}" for i in lower)
            text = f"shufflevector {wide.typed(x)}, {wide.typed(y)}, <{kept} x i32> <{order}>"
            parts.append(self.e.emit(text, x.dtype))
        return narrow.add(*parts)

    def _lane(self, x: Reg, lanes: int, lane: int) -> Reg:
        if lanes == 1:
            return x
        return self.e.emit(f"extractelement {self.e.sibling(lanes).typed(x)}, i64 {lane}", x.dtype)


def _argument(name: str) -> Reg:
    return Reg(f"%{name}", "bool" if name == "adds" else "i64")
