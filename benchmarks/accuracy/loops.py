"""Compiled loops: a function over arrays, over all float32, and the C library's long doubles."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from fusegrad.codegen import maths
from fusegrad.codegen.emitter import LLVM_SCALAR, Emitter, Reg
from fusegrad.codegen.objects.jit import compile_object
from fusegrad.codegen.objects.link import link

Formula = Callable[..., Any]  # of an emitter and registers: a register
DTYPES = {"f64": np.dtype(np.float64), "f32": np.dtype(np.float32)}
WIDE = np.longdouble


class Function:
    """An emitted function over whole arrays. The last lanes repeat the last element."""

    def __init__(
        self, formula: Formula, arity: int, dtype: str, lanes: int = 0, *, fast: bool = False
    ) -> None:
        self.dtype, self.arity = DTYPES[dtype], arity
        self.lanes = lanes or 64 // self.dtype.itemsize
        text = _over_arrays(formula, arity, dtype, self.lanes, fast)
        self._run, self._library = _linked(text, "loop", arity + 2)

    def __call__(self, *operands: np.ndarray) -> np.ndarray:
        count = operands[0].size
        padding = (0, -count % self.lanes)
        padded = [np.pad(np.asarray(x, self.dtype), padding, mode="edge") for x in operands]
        result = np.empty(count + padding[1], self.dtype)
        self._run(result.size, result.ctypes.data, *(x.ctypes.data for x in padded))
        return result[:count]


def _linked(text: str, name: str, parameters: int) -> tuple[Callable[..., Any], Any]:
    library = link([compile_object(text)], (), (name,))
    types = [ctypes.c_int64] + [ctypes.c_void_p] * (parameters - 1)
    return ctypes.CFUNCTYPE(None, *types)(library[name]), library


def _module(e: Emitter, head: str, lines: list[str], fast: bool) -> str:
    text, declarations = maths.definitions(e.functions, inline=True, fast=fast)
    declared = "\n".join({**declarations, **e.declarations}.values())
    attributes = " ".join(maths.TARGET_ATTRIBUTES)
    body = "\n".join([f"{head} {attributes} {{", *lines, "}"])
    return f"{text}\n{declared}\n{body}\n{maths.BRANCH_WEIGHTS}\n"


def _over_arrays(formula: Formula, arity: int, dtype: str, lanes: int, fast: bool) -> str:
    e = Emitter(lanes)
    element, align = LLVM_SCALAR[dtype], DTYPES[dtype].itemsize
    e.lines += ["entry:", "  br label %body"]
    e.start_block("body")
    e.write("%i = phi i64 [ 0, %entry ], [ %next, %last ]")
    operands = []
    for k in range(arity):
        e.write(f"%a{k} = getelementptr {element}, ptr %p{k}, i64 %i")
        operands.append(e.emit(f"load {e.type(dtype)}, ptr %a{k}, align {align}", dtype))
    result = formula(e, *operands)
    e.write(f"%o = getelementptr {element}, ptr %out, i64 %i")
    e.write(f"store {e.typed(result)}, ptr %o, align {align}")
    _end_of_loop(e)
    pointers = "".join(f", ptr noalias %p{k}" for k in range(arity))
    return _module(e, f"define void @loop(i64 %n, ptr noalias %out{pointers})", e.lines, fast)


def _end_of_loop(e: Emitter) -> None:
    e.write("br label %last")
    e.start_block("last")
    e.write(f"%next = add i64 %i, {e.lanes}")
    e.write("%more = icmp slt i64 %next, %n")
    e.write("br i1 %more, label %body, label %exit")
    e.start_block("exit")
    e.write("ret void")


# --- the C library's functions ---


class LongDouble:
    """A function of the C library's, of arrays of long doubles."""

    def __init__(self, name: str, arity: int = 1) -> None:
        if np.finfo(WIDE).nmant != 63:
            raise RuntimeError("long double has no 64 bits here: run this on x86-64 with glibc")
        self._run, self._library = _linked(_long_double_loop(name, arity), "loop", arity + 2)

    def __call__(self, *operands: np.ndarray) -> np.ndarray:
        arrays = [np.ascontiguousarray(x, WIDE) for x in operands]
        result = np.empty(arrays[0].shape, WIDE)
        if result.size:
            self._run(result.size, result.ctypes.data, *(x.ctypes.data for x in arrays))
        return result


def _long_double_loop(name: str, arity: int) -> str:
    pointers = "".join(f", ptr %p{k}" for k in range(arity))
    loads = "\n".join(
        f"  %a{k} = getelementptr x86_fp80, ptr %p{k}, i64 %i\n"
        f"  %x{k} = load x86_fp80, ptr %a{k}, align 16"
        for k in range(arity)
    )
    types = ", ".join(["x86_fp80"] * arity)
    operands = ", ".join(f"x86_fp80 %x{k}" for k in range(arity))
    return f"""declare x86_fp80 @{name}({types})
define void @loop(i64 %n, ptr %out{pointers}) {{
entry:
  br label %body
body:
  %i = phi i64 [ 0, %entry ], [ %next, %body ]
{loads}
  %y = call x86_fp80 @{name}({operands})
  %o = getelementptr x86_fp80, ptr %out, i64 %i
  store x86_fp80 %y, ptr %o, align 16
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %n
  br i1 %more, label %body, label %exit
exit:
  ret void
}}
"""


@cache
def long_double(name: str, arity: int = 1) -> LongDouble:
    return LongDouble(name, arity)


# --- all float32 ---

_SWEEP_LANES = 8


class Sweep:
    """A float32 function against its float64 one, at all float32 whose bits are in a range.

    A call gives the largest error in ULP of each lane, and the bits of the argument there.
    """

    def __init__(self, formula: Formula, *, fast: bool = False) -> None:
        self._run, self._library = _linked(_sweep(formula, fast), "loop", 3)

    def __call__(self, first: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        if count % _SWEEP_LANES:
            raise ValueError(f"count {count} is no multiple of {_SWEEP_LANES}")
        worst, where = np.full(_SWEEP_LANES, -1.0), np.zeros(_SWEEP_LANES, np.int64)
        start = np.array([first], np.int64)
        pointers = np.array([worst.ctypes.data, where.ctypes.data], np.int64)
        self._run(count, start.ctypes.data, pointers.ctypes.data)
        return worst, where.astype(np.uint32)


def _sweep(formula: Formula, fast: bool) -> str:
    e = Emitter(_SWEEP_LANES)
    e.start_block("entry")
    e.write("%start = load i64, ptr %first")
    e.write("%p0 = load ptr, ptr %results")
    e.write("%second = getelementptr ptr, ptr %results, i64 1")
    e.write("%p1 = load ptr, ptr %second")
    e.write("br label %body")
    e.start_block("body")
    e.write("%i = phi i64 [ 0, %entry ], [ %next, %last ]")
    worst = e.emit("phi <8 x double> [ splat (double -1.0), %entry ], [ %worst, %last ]", "f64")
    where = e.emit("phi <8 x i64> [ zeroinitializer, %entry ], [ %where, %last ]", "i64")
    scalar = Reg("%number", "i64")
    e.write("%number = add i64 %start, %i")
    lanes = e.lane_constants(tuple(range(_SWEEP_LANES)), "i64")
    number = e.add(e.splat(scalar), lanes)
    x = e.bitcast(e.emit(f"trunc {e.typed(number)} to {e.type('i32')}", "i32"), "f32")
    error = _emit_error(e, formula(e, x), formula(e, e.convert(x, "f64")))
    larger = e.compare("gt", error, worst)
    e.write(f"%worst = select {e.typed(larger)}, {e.typed(error)}, {e.typed(worst)}")
    e.write(f"%where = select {e.typed(larger)}, {e.typed(number)}, {e.typed(where)}")
    _end_of_loop(e)
    e.lines.pop()
    e.write("store <8 x double> %worst, ptr %p0, align 8")
    e.write("store <8 x i64> %where, ptr %p1, align 8")
    e.write("ret void")
    return _module(e, "define void @loop(i64 %n, ptr %first, ptr %results)", e.lines, fast)


def _emit_error(e: Emitter, found: Reg, exact: Reg) -> Reg:
    """The distance of a float32 from an exact value, in ULP (see the package's docstring)."""
    zero, infinity = e.const(0.0, "f64"), e.const(float("inf"), "f64")
    beyond = e.const(2.0**128, "f64")
    rounded = e.convert(exact, "f32")
    same = e.compare("eq", e.bits(found), e.bits(rounded))
    same = e.or_(same, e.and_(e.is_nan(found), e.is_nan(exact)))
    same = e.and_(same, e.not_(e.compare("lt", e.absolute(found), e.const(float("inf"), "f32"))))
    exponent = e.and_(e.bits(exact), e.const(0x7FF << 52, "i64"))
    least = e.const((1023 - 126) << 52, "i64")
    exponent = e.select(e.compare("lt", exponent, least), least, exponent)
    scale = e.sub(e.const((2046 + 23) << 52, "i64"), exponent)  # 1 over the unit
    wide = e.convert(found, "f64")
    infinite = e.compare("eq", e.absolute(wide), infinity)
    wide = e.select(infinite, e.copysign(beyond, wide), wide)
    error = e.mul(e.absolute(e.sub(wide, exact)), e.bitcast(scale, "f64"))
    signs = e.xor(e.bits(wide), e.bits(exact))
    wrong = e.and_(e.compare("lt", signs, e.const(0, "i64")), e.compare("eq", wide, zero))
    error = e.select(e.or_(wrong, e.is_nan(error)), infinity, error)
    return e.select(same, zero, error)
