"""Loads and stores of vectors: contiguous, repeated, reversed or strided, whole or masked.

In memory a truth value is a byte; every other type is as in registers. A mask of None means all
lanes.
"""

from __future__ import annotations

import hashlib

import numpy as np

from ..emitter import LLVM_SCALAR, Emitter, Reg, mangle
from .masked import ELEMENT_BYTES as ELEMENT_BYTES
from .masked import load_masked, store_masked

LARGEST_BLOCK = 64  # bytes that one instruction copies


def stored_dtype(dtype: str) -> str:
    return "i8" if dtype == "bool" else dtype


def address(e: Emitter, base: str, dtype: str, index: Reg) -> str:
    """The pointer to element `index` (a scalar i64) of the array at `base`."""
    kind = LLVM_SCALAR[stored_dtype(dtype)]
    return e.emit(f"getelementptr inbounds {kind}, ptr {base}, i64 {index.name}", "ptr").name


def load_scalar(e: Emitter, pointer: str, dtype: str) -> Reg:
    """One element; `e` is scalar."""
    kind = stored_dtype(dtype)
    x = e.emit(f"load {LLVM_SCALAR[kind]}, ptr {pointer}, align {ELEMENT_BYTES[dtype]}", kind)
    return _from_memory(e, x, dtype)


def store_scalar(e: Emitter, pointer: str, x: Reg) -> None:
    stored = _to_memory(e, x)
    e.write(f"store {e.typed(stored)}, ptr {pointer}, align {ELEMENT_BYTES[x.dtype]}")


def load(e: Emitter, pointer: str, dtype: str, stride: int, mask: Reg | None) -> Reg:
    """`e.lanes` elements from `pointer` on, `stride` elements apart; lanes outside `mask` are 0."""
    kind = stored_dtype(dtype)
    if e.lanes == 1:
        return _load_one(e, pointer, dtype, mask)
    if stride == 1:
        x = _load_contiguous(e, pointer, kind, mask)
    elif stride == -1 and mask is None:
        last = e.sibling(1).emit(
            f"getelementptr {LLVM_SCALAR[kind]}, ptr {pointer}, i64 {1 - e.lanes}", "ptr"
        )
        x = _reversed(e, _load_contiguous(e, last.name, kind, None))
    else:
        x = _gather(e, _lane_addresses(e, pointer, kind, stride), kind, mask)
    return _from_memory(e, x, dtype)


def load_at(e: Emitter, base: str, dtype: str, index: Reg, mask: Reg | None) -> Reg:
    """The elements at the lanes of `index` (i64); lanes outside `mask` are 0, and not read."""
    kind = stored_dtype(dtype)
    if e.lanes == 1:
        return _load_one(e, address(e, base, dtype, index), dtype, mask)
    text = f"getelementptr inbounds {LLVM_SCALAR[kind]}, ptr {base}, {e.typed(index)}"
    return _from_memory(e, _gather(e, e.emit(text, "ptr").name, kind, mask), dtype)


def store(e: Emitter, pointer: str, x: Reg, stride: int, mask: Reg | None) -> None:
    """The lanes of x to `pointer` on, `stride` elements apart; only those of `mask`."""
    x = _to_memory(e, x)
    bytes_ = ELEMENT_BYTES[x.dtype]
    if e.lanes == 1:
        store_scalar(e, pointer, x)  # the only lane is there: its loop ends before the last element
    elif stride != 1:
        addresses = _lane_addresses(e, pointer, x.dtype, stride)
        _scatter(e, addresses, x, mask)
    elif mask is None:
        e.write(f"store {e.typed(x)}, ptr {pointer}, align {bytes_}")
    else:
        store_masked(e, pointer, x, mask)


def _load_one(e: Emitter, pointer: str, dtype: str, mask: Reg | None) -> Reg:
    if mask is None:
        return load_scalar(e, pointer, dtype)
    load_label, join, before = e.new_label("load"), e.new_label("join"), e.block
    e.write(f"br i1 {mask.name}, label %{load_label}, label %{join}")
    e.start_block(load_label)
    x = load_scalar(e, pointer, dtype)
    after = e.block
    e.write(f"br label %{join}")
    e.start_block(join)
    zero = e.const(0, dtype).name
    return e.emit(f"phi {e.type(dtype)} [ {x.name}, %{after} ], [ {zero}, %{before} ]", dtype)


def _load_contiguous(e: Emitter, pointer: str, kind: str, mask: Reg | None) -> Reg:
    vector, bytes_ = e.type(kind), ELEMENT_BYTES[kind]
    if mask is None:
        return e.emit(f"load {vector}, ptr {pointer}, align {bytes_}", kind)
    return load_masked(e, pointer, kind, mask)


def _lane_addresses(e: Emitter, pointer: str, kind: str, stride: int) -> str:
    steps = e.lane_constants(tuple(stride * lane for lane in range(e.lanes)), "i64")
    return e.emit(f"getelementptr {LLVM_SCALAR[kind]}, ptr {pointer}, {e.typed(steps)}", "ptr").name


def _gather(e: Emitter, addresses: str, kind: str, mask: Reg | None) -> Reg:
    vector, bools = e.type(kind), e.type("bool")
    name = f"llvm.masked.gather.{mangle(e.lanes, kind)}.v{e.lanes}p0"
    e.declarations[name] = f"declare {vector} @{name}(<{e.lanes} x ptr>, i32, {bools}, {vector})"
    mask, zero = mask or e.const(True, "bool"), e.const(0, kind)
    return e.emit(
        f"call {vector} @{name}(<{e.lanes} x ptr> {addresses}, i32 {ELEMENT_BYTES[kind]}, "
        f"{e.typed(mask)}, {e.typed(zero)})",
        kind,
    )


def _scatter(e: Emitter, addresses: str, x: Reg, mask: Reg | None) -> None:
    name = f"llvm.masked.scatter.{mangle(e.lanes, x.dtype)}.v{e.lanes}p0"
    bools = e.type("bool")
    e.declarations[name] = (
        f"declare void @{name}({e.type(x.dtype)}, <{e.lanes} x ptr>, i32, {bools})"
    )
    mask = mask or e.const(True, "bool")
    e.write(
        f"call void @{name}({e.typed(x)}, <{e.lanes} x ptr> {addresses}, "
        f"i32 {ELEMENT_BYTES[x.dtype]}, {e.typed(mask)})"
    )


def _reversed(e: Emitter, x: Reg) -> Reg:
    order = ", ".join(f"i32 {lane}" for lane in reversed(range(e.lanes)))
    vector = e.type(x.dtype)
    return e.emit(
        f"shufflevector {e.typed(x)}, {vector} poison, <{e.lanes} x i32> <{order}>", x.dtype
    )


def _from_memory(e: Emitter, x: Reg, dtype: str) -> Reg:
    return e.compare("ne", x, e.const(0, "i8")) if dtype == "bool" else x


def _to_memory(e: Emitter, x: Reg) -> Reg:
    return e.extend_unsigned(x, "i8") if x.dtype == "bool" else x


def clear(e: Emitter, pointer: str, size: int) -> None:
    """Set `size` bytes to zero."""
    e.declarations["llvm.memset.p0.i64"] = "declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)"
    e.write(f"call void @llvm.memset.p0.i64(ptr {pointer}, i8 0, i64 {size}, i1 false)")


def copy(e: Emitter, target: str, source: str, size: int) -> None:
    """Copy `size` bytes between blocks that do not overlap: one load and store, if that will do."""
    if size <= LARGEST_BLOCK and size.bit_count() == 1:
        block = f"<{size} x i8>"
        value = e.emit(f"load {block}, ptr {source}, align 1", "bytes")
        e.write(f"store {block} {value.name}, ptr {target}, align 1")
        return
    e.declarations["llvm.memcpy.p0.p0.i64"] = (
        "declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)"
    )
    e.write(f"call void @llvm.memcpy.p0.p0.i64(ptr {target}, ptr {source}, i64 {size}, i1 false)")


def constant_array(e: Emitter, array: np.ndarray) -> str:
    """The pointer to a constant of the module with the bytes of `array`: equal ones are one."""
    data = array.tobytes()
    name = f"fg.array.{hashlib.sha256(data).hexdigest()[:32]}"
    text = "".join(f"\\{byte:02x}" for byte in data)
    e.declarations[name] = (
        f'@{name} = private unnamed_addr constant [{len(data)} x i8] c"{text}", align 64'
    )
    return f"@{name}"
