"""Straight-line LLVM IR, written as text, over vectors of a fixed number of lanes.

One emitter call writes one instruction. The same Python code that describes a scalar formula
therefore describes its SIMD form: with ``lanes=1`` the instructions are scalar, with ``lanes=8``
they act on ``<8 x double>``. Loops, kernels and the maths functions in :mod:`codegen.maths` are all
written on this page's vocabulary, and nothing here knows about graphs.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

LLVM_SCALAR = {
    "f32": "float",
    "f64": "double",
    "bool": "i1",
    "i8": "i8",
    "i16": "i16",
    "i32": "i32",
    "i64": "i64",
    "i128": "i128",
    "ptr": "ptr",
}
BITS = {"f32": 32, "f64": 64, "bool": 1, "i8": 8, "i16": 16, "i32": 32, "i64": 64, "i128": 128}
FLOATS = ("f32", "f64")
INTEGER_OF = {"f32": "i32", "f64": "i64"}  # the integer type that holds a float's bits

_FLOAT_PREDICATE = {"lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge", "eq": "oeq", "ne": "une"}
_INTEGER_PREDICATE = {"lt": "slt", "le": "sle", "gt": "sgt", "ge": "sge", "eq": "eq", "ne": "ne"}


class Reg:
    """A value in emitted code: its LLVM spelling (register or constant) and its element type."""

    __slots__ = ("dtype", "name")

    def __init__(self, name: str, dtype: str) -> None:
        self.name = name
        self.dtype = dtype


def float_literal(value: float, dtype: str) -> str:
    """`value` rounded to `dtype`, spelled exactly as LLVM wants it."""
    if dtype == "f32":
        value = _round_to_f32(value)
    return "0x" + struct.pack(">d", value).hex().upper()


def _round_to_f32(value: float) -> float:
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def mangle(lanes: int, dtype: str) -> str:
    """The suffix of an overloaded intrinsic: ``v8f64``, ``f32``, ``v4i64``."""
    element = "i1" if dtype == "bool" else dtype
    return element if lanes == 1 else f"v{lanes}{element}"


class Emitter:
    """Appends instructions to `lines`; remembers which intrinsics and maths functions they need.

    `lanes` is the vector width (1 means scalars). All lane-wise methods take and return `Reg`s
    whose LLVM type is the vector (or scalar) of their `dtype`.
    """

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.lines: list[str] = []
        self.declarations: dict[str, str] = {}
        self.functions: dict[tuple[str, str, int], None] = {}  # (name, dtype, lanes), in order
        self._counts = {"register": 0, "label": 0}
        self._at = ["entry"]  # the label of the block being written; shared by siblings

    # --- plumbing ---

    def type(self, dtype: str) -> str:
        """The LLVM type of a lane-wise value."""
        scalar = LLVM_SCALAR[dtype]
        return scalar if self.lanes == 1 else f"<{self.lanes} x {scalar}>"

    def sibling(self, lanes: int) -> Emitter:
        """An emitter of another width that writes into the same code."""
        other = Emitter(lanes)
        other.lines, other.declarations, other.functions = (
            self.lines,
            self.declarations,
            self.functions,
        )
        other._counts, other._at = self._counts, self._at
        return other

    def fresh(self) -> str:
        self._counts["register"] += 1
        return f"%r{self._counts['register']}"

    def write(self, line: str) -> None:
        self.lines.append("  " + line)

    def emit(self, text: str, dtype: str) -> Reg:
        """Write ``%new = text`` and return the new register."""
        name = self.fresh()
        self.write(f"{name} = {text}")
        return Reg(name, dtype)

    def typed(self, x: Reg) -> str:
        return f"{self.type(x.dtype)} {x.name}"

    def intrinsic(self, base: str, dtype: str, *operands: Reg, mangled: str | None = None) -> Reg:
        """Call ``llvm.<base>`` overloaded on `mangled` (default: the first operand's type)."""
        name = f"llvm.{base}.{mangled or mangle(self.lanes, operands[0].dtype)}"
        types = ", ".join(self.type(x.dtype) for x in operands)
        self.declarations[name] = f"declare {self.type(dtype)} @{name}({types})"
        arguments = ", ".join(self.typed(x) for x in operands)
        return self.emit(f"call {self.type(dtype)} @{name}({arguments})", dtype)

    # --- blocks (only for the few places that branch) ---

    def new_label(self, hint: str) -> str:
        self._counts["label"] += 1
        return f"{hint}{self._counts['label']}"

    def start_block(self, label: str) -> None:
        self.lines.append(f"{label}:")
        self._at[0] = label

    @property
    def block(self) -> str:
        """The label of the block being written (for phi nodes)."""
        return self._at[0]

    # --- constants and conversions ---

    def const(self, value: float | int | bool, dtype: str) -> Reg:
        """The same constant in every lane."""
        if dtype in FLOATS:
            text = float_literal(float(value), dtype)
        elif dtype == "bool":
            text = "true" if value else "false"
        else:
            text = str(int(value))
        if self.lanes > 1:
            text = f"splat ({LLVM_SCALAR[dtype]} {text})"
        return Reg(text, dtype)

    def lane_constants(self, values: tuple[int, ...], dtype: str) -> Reg:
        """A different integer constant in each lane."""
        if self.lanes == 1:
            return self.const(values[0], dtype)
        scalar = LLVM_SCALAR[dtype]
        return Reg("<" + ", ".join(f"{scalar} {v}" for v in values) + ">", dtype)

    def bitcast(self, x: Reg, dtype: str) -> Reg:
        return self.emit(f"bitcast {self.typed(x)} to {self.type(dtype)}", dtype)

    def bits(self, x: Reg) -> Reg:
        """The bits of a float, as the integer of its size."""
        return self.bitcast(x, INTEGER_OF[x.dtype])

    def cast(self, x: Reg, dtype: str) -> Reg:
        """Numeric conversion of any value: nan, and a float beyond the integers, give the smallest
        one, as NumPy has it from the instruction of x86-64.
        """
        if x.dtype not in FLOATS or dtype not in ("i32", "i64"):
            return self.convert(x, dtype)
        bound = 2.0 ** (BITS[dtype] - 1)
        above = self.compare("ge", x, self.const(-bound, x.dtype))
        fits = self.and_(above, self.compare("lt", x, self.const(bound, x.dtype)))
        inside = self.convert(self.select(fits, x, self.const(0.0, x.dtype)), dtype)
        return self.select(fits, inside, self.const(-int(bound), dtype))

    def convert(self, x: Reg, dtype: str) -> Reg:
        """Numeric conversion; a float that becomes an integer is truncated, and must be in its
        range.
        """
        if x.dtype == dtype:
            return x
        if dtype == "bool":
            return self.compare("ne", x, self.const(0, x.dtype))
        return self.emit(
            f"{_conversion(x.dtype, dtype)} {self.typed(x)} to {self.type(dtype)}", dtype
        )

    def extend_unsigned(self, x: Reg, dtype: str) -> Reg:
        return self.emit(f"zext {self.typed(x)} to {self.type(dtype)}", dtype)

    def splat(self, scalar: Reg) -> Reg:
        """A scalar register in every lane."""
        if self.lanes == 1:
            return scalar
        vector, element = self.type(scalar.dtype), LLVM_SCALAR[scalar.dtype]
        first = self.emit(
            f"insertelement {vector} poison, {element} {scalar.name}, i64 0", scalar.dtype
        )
        return self.emit(
            f"shufflevector {vector} {first.name}, {vector} poison, "
            f"<{self.lanes} x i32> zeroinitializer",
            scalar.dtype,
        )

    # --- arithmetic: floats and integers by dtype ---

    def _binary(self, floating: str, integer: str, x: Reg, y: Reg) -> Reg:
        operation = floating if x.dtype in FLOATS else integer
        return self.emit(f"{operation} {self.typed(x)}, {y.name}", x.dtype)

    def add(self, x: Reg, y: Reg) -> Reg:
        return self._binary("fadd", "add", x, y)

    def sub(self, x: Reg, y: Reg) -> Reg:
        return self._binary("fsub", "sub", x, y)

    def mul(self, x: Reg, y: Reg) -> Reg:
        return self._binary("fmul", "mul", x, y)

    def div(self, x: Reg, y: Reg) -> Reg:
        return self._binary("fdiv", "sdiv", x, y)

    def frem(self, x: Reg, y: Reg) -> Reg:
        """x - y · trunc(x/y), exactly: C's fmod (a call for each lane: only for rare inputs)."""
        return self.emit(f"frem {self.typed(x)}, {y.name}", x.dtype)

    def neg(self, x: Reg) -> Reg:
        if x.dtype in FLOATS:
            return self.emit(f"fneg {self.typed(x)}", x.dtype)
        return self.sub(self.const(0, x.dtype), x)

    def fma(self, x: Reg, y: Reg, z: Reg) -> Reg:
        """x*y + z, rounded once (exact even where the CPU has no such instruction, then slowly)."""
        return self.intrinsic("fma", x.dtype, x, y, z)

    def muladd(self, x: Reg, y: Reg, z: Reg) -> Reg:
        """x*y + z, rounded once where the CPU can, twice where it can't."""
        return self.intrinsic("fmuladd", x.dtype, x, y, z)

    def absolute(self, x: Reg) -> Reg:
        if x.dtype in FLOATS:
            return self.intrinsic("fabs", x.dtype, x)
        return self.select(self.compare("lt", x, self.const(0, x.dtype)), self.neg(x), x)

    def sqrt(self, x: Reg) -> Reg:
        return self.intrinsic("sqrt", x.dtype, x)

    def floor(self, x: Reg) -> Reg:
        return self.intrinsic("floor", x.dtype, x) if x.dtype in FLOATS else x

    def ceil(self, x: Reg) -> Reg:
        return self.intrinsic("ceil", x.dtype, x) if x.dtype in FLOATS else x

    def rint(self, x: Reg) -> Reg:
        """Round to nearest, ties to even."""
        return self.intrinsic("roundeven", x.dtype, x) if x.dtype in FLOATS else x

    def copysign(self, x: Reg, sign: Reg) -> Reg:
        return self.intrinsic("copysign", x.dtype, x, sign)

    def maximum(self, x: Reg, y: Reg) -> Reg:
        """As NumPy's: a nan in either operand gives nan."""
        return self._extremum("gt", x, y)

    def minimum(self, x: Reg, y: Reg) -> Reg:
        return self._extremum("lt", x, y)

    def _extremum(self, predicate: str, x: Reg, y: Reg) -> Reg:
        chosen = self.select(self.compare(predicate, x, y), x, y)
        if x.dtype not in FLOATS:
            return chosen
        return self.select(self.is_nan(x), x, chosen)

    # --- bits and masks ---

    def and_(self, x: Reg, y: Reg) -> Reg:
        return self.emit(f"and {self.typed(x)}, {y.name}", x.dtype)

    def or_(self, x: Reg, y: Reg) -> Reg:
        return self.emit(f"or {self.typed(x)}, {y.name}", x.dtype)

    def xor(self, x: Reg, y: Reg) -> Reg:
        return self.emit(f"xor {self.typed(x)}, {y.name}", x.dtype)

    def not_(self, x: Reg) -> Reg:
        return self.xor(x, self.const(1 if x.dtype == "bool" else -1, x.dtype))

    def shift_left(self, x: Reg, count: Reg) -> Reg:
        return self.emit(f"shl {self.typed(x)}, {count.name}", x.dtype)

    def shift_right(self, x: Reg, count: Reg) -> Reg:
        """Logical: zeros come in."""
        return self.emit(f"lshr {self.typed(x)}, {count.name}", x.dtype)

    def shift_right_signed(self, x: Reg, count: Reg) -> Reg:
        return self.emit(f"ashr {self.typed(x)}, {count.name}", x.dtype)

    def compare(self, predicate: str, x: Reg, y: Reg) -> Reg:
        """`predicate` is lt, le, gt, ge, eq or ne; with a nan only `ne` holds."""
        if x.dtype in FLOATS:
            text = f"fcmp {_FLOAT_PREDICATE[predicate]} {self.typed(x)}, {y.name}"
        elif x.dtype == "bool":  # false < true
            text = (
                f"icmp {_INTEGER_PREDICATE[predicate].replace('s', 'u')} {self.typed(x)}, {y.name}"
            )
        else:
            text = f"icmp {_INTEGER_PREDICATE[predicate]} {self.typed(x)}, {y.name}"
        return self.emit(text, "bool")

    def is_nan(self, x: Reg) -> Reg:
        return self.emit(f"fcmp uno {self.typed(x)}, {x.name}", "bool")

    def select(self, condition: Reg, x: Reg, y: Reg) -> Reg:
        return self.emit(
            f"select {self.typed(condition)}, {self.typed(x)}, {self.typed(y)}", x.dtype
        )

    def any_lane(self, mask: Reg) -> Reg:
        """A scalar i1: does `mask` hold in some lane?"""
        if self.lanes == 1:
            return mask
        name = f"llvm.vector.reduce.or.v{self.lanes}i1"
        self.declarations[name] = f"declare i1 @{name}({self.type('bool')})"
        return self.emit(f"call i1 @{name}({self.typed(mask)})", "bool")

    # --- functions ---

    def call(self, function: str, *operands: Reg) -> Reg:
        """Call the maths function `function` of :mod:`codegen.maths`, same dtype in and out."""
        dtype = operands[0].dtype
        self.functions[(function, dtype, self.lanes)] = None
        arguments = ", ".join(self.typed(x) for x in operands)
        symbol = function_symbol(function, dtype, self.lanes)
        return self.emit(f"call {self.type(dtype)} {symbol}({arguments})", dtype)

    def rescue(self, mask: Reg, usual: Reg, slow: Callable[[], Reg]) -> Reg:
        """`usual`, but the lanes of `mask` take `slow()`, whose code runs only if some lane needs
        it.

        Only for rare inputs: a branch that is never taken costs next to nothing.
        """
        any_lane = self.any_lane(mask)
        rare, join, before = self.new_label("rare"), self.new_label("join"), self.block
        self.write(f"br i1 {any_lane.name}, label %{rare}, label %{join}, !prof !0")
        self.start_block(rare)
        rescued = self.select(mask, slow(), usual)
        after = self.block
        self.write(f"br label %{join}")
        self.start_block(join)
        return self.emit(
            f"phi {self.type(usual.dtype)} [ {usual.name}, %{before} ], "
            f"[ {rescued.name}, %{after} ]",
            usual.dtype,
        )


def function_symbol(function: str, dtype: str, lanes: int) -> str:
    return f'@"fg.{function}.{mangle(lanes, dtype)}"'


def _conversion(source: str, target: str) -> str:
    if source in FLOATS and target in FLOATS:
        return "fpext" if BITS[target] > BITS[source] else "fptrunc"
    if source in FLOATS:
        return "fptosi"
    if target in FLOATS:
        return "uitofp" if source == "bool" else "sitofp"
    if BITS[target] < BITS[source]:
        return "trunc"
    return "zext" if source == "bool" else "sext"
