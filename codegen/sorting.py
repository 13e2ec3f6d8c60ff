"""argsort: a stable merge sort of each row, on integers that are in order where the elements are.

Short runs are sorted in registers, and then merged two by two. All runs have one length, so that a
merge needs no test for its end: its first half is written from the front and its second half from
the back, two chains of instructions that the CPU works on side by side. Neither branches on the
order of two elements.
"""

from __future__ import annotations

from ..ir import Operation
from ..ir.record import record
from .control import integer
from .emitter import BITS, FLOATS, INTEGER_OF, Emitter, Reg
from .kernels import memory
from .routine import Routine, around, nest

_RUN = 8  # the most elements that are sorted in registers
_PASSES_INSIDE = 8  # merges of a block of some 2000 elements, one after the other, in cache


def argsort(f: Routine) -> None:
    x, axis = f.operation.operands[0], f.operation.attributes["axis"]
    outer, inner = around(x.shape, axis)
    sorter = _Sorter(f, x.shape[axis], inner)

    def row(o: Reg, i: Reg) -> None:
        sorter.sort(f.index((o, x.shape[axis] * inner), (i, 1)))

    nest(f, outer, inner, x.shape[axis] * (sorter.passes + 1), row)


def work_of_sort(operation: Operation) -> int:
    """A measure of how long it takes: scalar operations."""
    x = operation.operands[0]
    _, passes = runs(x.shape[operation.attributes["axis"]])
    return int(4 * x.type.size * (passes + 1))


def runs(n: int) -> tuple[int, int]:
    """How long the runs are that are sorted first, and how often their number is halved then."""
    passes = max((n - 1) // _RUN, 0).bit_length()
    return -(-n >> passes), passes


@record
class _Rows:
    """Keys and places of the elements of a row, in memory of the function."""

    keys: str
    places: str


@record
class _Fronts:
    """Where a merge stands in its left and in its right run: in memory, for LLVM to promote."""

    left: str
    right: str


class _Sorter:
    """Sorts rows of `n` elements, `stride` apart, one after the other."""

    def __init__(self, f: Routine, n: int, stride: int) -> None:
        self.f, self.e, self.n, self.stride = f, f.e, n, stride
        self.dtype = f.operation.operands[0].dtype
        self.descending = bool(f.operation.attributes["descending"])
        self.run, self.passes = runs(n)
        self.size = self.run << self.passes  # with what fills up the last runs
        self.key = INTEGER_OF.get(self.dtype, self.dtype)
        self.place = "i32" if self.size < 1 << 31 else "i64"
        self.rows = [self._reserve() for _ in range(2 if self.passes else 1)]
        self.front, self.back = self._fronts(), self._fronts()

    def _reserve(self) -> _Rows:
        f = self.f
        return _Rows(f.scratch(self.key, self.size), f.scratch(self.place, self.size))

    def _fronts(self) -> _Fronts:
        left, right = (self.e.emit("alloca i64", "ptr").name for _ in range(2))
        return _Fronts(left, right)

    def sort(self, start: Reg) -> None:
        """The order of the row that begins at `start`."""
        inside = min(self.passes, _PASSES_INSIDE)
        blocks = 1 << (self.passes - inside)

        def sort_block(block: Reg) -> None:
            first = self.f.index((block, 1 << inside))
            self.f.inner_loop(1 << inside, lambda k: self._sort_run(self.e.add(first, k)))
            for number in range(inside):
                self._merge_all(number, block, inside)

        self._read(start)
        self.f.loop(blocks, self.run << inside, sort_block)
        for number in range(inside, self.passes):
            self._merge_all(number, integer(0), self.passes)
        self._write(start)

    # --- from elements to keys, from places to the result ---

    def _read(self, start: Reg) -> None:
        def element(k: Reg) -> None:
            x = self.f.load("%p0", self.dtype, self.e.add(start, self.f.index((k, self.stride))))
            key = sort_key(self.e, x)
            put(k, self.e.not_(key) if self.descending else key)

        def filling(k: Reg) -> None:  # behind equal elements, as it comes later
            put(k, self.e.const(_largest(self.key), self.key))

        def put(k: Reg, key: Reg) -> None:
            self._store(self.rows[0], k, key, self.e.convert(k, self.place))

        self.f.long_loop(0, self.n, element)
        self.f.long_loop(self.n, self.size, filling)

    def _write(self, start: Reg) -> None:
        places = self.rows[self.passes % 2].places

        def one(k: Reg) -> None:
            place = self.f.load(places, self.place, k)
            index = self.e.add(start, self.f.index((k, self.stride)))
            self.f.store(index, self.e.convert(place, "i64"))

        self.f.long_loop(0, self.n, one)

    def _store(self, rows: _Rows, index: Reg, key: Reg, place: Reg) -> None:
        for base, x in ((rows.keys, key), (rows.places, place)):
            memory.store_scalar(self.e, memory.address(self.e, base, x.dtype, index), x)

    # --- runs: neighbours are swapped until none is out of order ---

    def _sort_run(self, number: Reg) -> None:
        rows, first = self.rows[0], self.f.index((number, self.run))
        at = [self.e.add(first, integer(k)) for k in range(self.run)]
        keys = [self.f.load(rows.keys, self.key, k) for k in at]
        places = [self.f.load(rows.places, self.place, k) for k in at]
        for end in range(1, self.run):
            for k in reversed(range(end)):
                self._order(keys, places, k)
        for index, key, place in zip(at, keys, places, strict=True):
            self._store(rows, index, key, place)

    def _order(self, keys: list[Reg], places: list[Reg], k: int) -> None:
        swap = self.e.compare("lt", keys[k + 1], keys[k])
        for column in (keys, places):
            x, y = column[k : k + 2]
            column[k], column[k + 1] = self.e.select(swap, y, x), self.e.select(swap, x, y)

    # --- merges ---

    def _merge_all(self, number: int, block: Reg, doublings: int) -> None:
        """Merge the runs of a block two by two, from one half of the memory into the other.

        A block is as long as a run after so many `doublings`; `number` of them are done.
        """
        source, target = self.rows[number % 2], self.rows[1 - number % 2]
        length, pairs = self.run << number, 1 << (doublings - number - 1)
        before = self.f.index((block, pairs))

        def merge(pair: Reg) -> None:
            first = self.f.index((self.e.add(before, pair), 2 * length))
            self._place(self.front, first, length)
            self._place(self.back, self.e.add(first, integer(length - 1)), length)
            last = self.e.add(first, integer(2 * length - 1))

            def step(k: Reg) -> None:
                self._take_first(source, target, self.e.add(first, k))
                self._take_last(source, target, self.e.sub(last, k))

            self.f.long_loop(0, length, step)

        self.f.loop(pairs, 2 * length, merge)

    def _place(self, fronts: _Fronts, left: Reg, length: int) -> None:
        memory.store_scalar(self.e, fronts.left, left)
        memory.store_scalar(self.e, fronts.right, self.e.add(left, integer(length)))

    def _take_first(self, source: _Rows, target: _Rows, to: Reg) -> None:
        """The smaller of the two next elements; of equal ones the left."""
        e, (left, right) = self.e, self._standing(self.front)
        x, y = (self.f.load(source.keys, self.key, k) for k in (left, right))
        from_right = e.compare("lt", y, x)
        self._move(source, target, to, e.select(from_right, right, left))
        step = e.extend_unsigned(from_right, "i64")
        memory.store_scalar(e, self.front.right, e.add(right, step))
        memory.store_scalar(e, self.front.left, e.sub(e.add(left, integer(1)), step))

    def _take_last(self, source: _Rows, target: _Rows, to: Reg) -> None:
        """The larger of the two last elements; of equal ones the right."""
        e, (left, right) = self.e, self._standing(self.back)
        x, y = (self.f.load(source.keys, self.key, k) for k in (left, right))
        from_left = e.compare("lt", y, x)
        self._move(source, target, to, e.select(from_left, left, right))
        step = e.extend_unsigned(from_left, "i64")
        memory.store_scalar(e, self.back.left, e.sub(left, step))
        memory.store_scalar(e, self.back.right, e.add(e.sub(right, integer(1)), step))

    def _standing(self, fronts: _Fronts) -> tuple[Reg, Reg]:
        left, right = (memory.load_scalar(self.e, x, "i64") for x in (fronts.left, fronts.right))
        return left, right

    def _move(self, source: _Rows, target: _Rows, to: Reg, k: Reg) -> None:
        key, place = (
            self.f.load(source.keys, self.key, k),
            self.f.load(source.places, self.place, k),
        )
        self._store(target, to, key, place)


def sort_key(e: Emitter, x: Reg) -> Reg:
    """An integer that is less where x is: both zeros have one, and every nan the largest."""
    if x.dtype not in FLOATS:
        return x
    bits = e.bits(e.add(x, e.const(0.0, x.dtype)))  # -0 + 0 is 0
    kind = bits.dtype
    negative = e.shift_right_signed(bits, e.const(BITS[kind] - 1, kind))
    key = e.xor(bits, e.shift_right(negative, e.const(1, kind)))
    return e.select(e.is_nan(x), e.const(_largest(kind), kind), key)


def _largest(kind: str) -> int:
    return (1 << (BITS[kind] - 1)) - 1
