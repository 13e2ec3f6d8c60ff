"""Loads and stores of neighbouring elements under a mask.

LLVM's own `masked.load` serves where a mask is a register of its own (AVX-512) and where it becomes
branches (without AVX). Between them, on AVX and AVX2, LLVM 20 to 22 mistake some masks that they
find to be constant: lanes that the mask leaves out were read all the same, or an assertion failed.
There the instructions are named, `vmaskmov`: a lane takes part where the sign of its mask is set.
"""

from __future__ import annotations

from ..emitter import LLVM_SCALAR, Emitter, Reg, mangle

ELEMENT_BYTES = {"f32": 4, "f64": 8, "i32": 4, "i64": 8, "bool": 1, "i8": 1}
_SUFFIX = {(4, 16): "ps", (4, 32): "ps.256", (8, 16): "pd", (8, 32): "pd.256"}


def load_masked(e: Emitter, pointer: str, kind: str, mask: Reg) -> Reg:
    """`e.lanes` elements from `pointer` on; lanes outside `mask` are 0, and not read."""
    if not _by_sign(kind):
        vector, zero = e.type(kind), e.const(0, kind)
        name = f"llvm.masked.load.{mangle(e.lanes, kind)}.p0"
        e.declarations[name] = f"declare {vector} @{name}(ptr, i32, {e.type('bool')}, {vector})"
        return e.emit(
            f"call {vector} @{name}(ptr {pointer}, i32 {ELEMENT_BYTES[kind]}, "
            f"{e.typed(mask)}, {e.typed(zero)})",
            kind,
        )
    loaded = [_load(e, pointer, kind, mask, first, width) for first, width in _parts(e, kind)]
    return _joined(e, loaded, kind)


def store_masked(e: Emitter, pointer: str, x: Reg, mask: Reg) -> None:
    """The lanes of x in `mask` to `pointer` on."""
    if not _by_sign(x.dtype):
        name = f"llvm.masked.store.{mangle(e.lanes, x.dtype)}.p0"
        vector, bools = e.type(x.dtype), e.type("bool")
        e.declarations[name] = f"declare void @{name}({vector}, ptr, i32, {bools})"
        bytes_ = ELEMENT_BYTES[x.dtype]
        e.write(f"call void @{name}({e.typed(x)}, ptr {pointer}, i32 {bytes_}, {e.typed(mask)})")
        return
    for first, width in _parts(e, x.dtype):
        _store(e, pointer, x, mask, first, width)


def _by_sign(kind: str) -> bool:
    from ..objects.jit import has  # not before there is something to emit: it loads LLVM

    return ELEMENT_BYTES[kind] >= 4 and has("avx") and not has("avx512f")


def _parts(e: Emitter, kind: str) -> list[tuple[int, int]]:
    """First lane and number of lanes of each access: registers of 32 bytes, or one of 16.

    Two elements of four bytes fill half of the smallest register: its other lanes are masked.
    """
    width = min(32, max(16, e.lanes * ELEMENT_BYTES[kind])) // ELEMENT_BYTES[kind]
    return [(first, width) for first in range(0, e.lanes, width)]


def _load(e: Emitter, pointer: str, kind: str, mask: Reg, first: int, width: int) -> Reg:
    part = e.sibling(width)
    signs, suffix = _signs(e, kind, mask, first, width), _suffix(kind, width)
    floats, name = _floats(part, kind), f"llvm.x86.avx.maskload.{suffix}"
    e.declarations[name] = f"declare {floats} @{name}(ptr, {_integers(part, kind)})"
    at = _element(e, pointer, kind, first)
    x = part.emit(f"call {floats} @{name}(ptr {at}, {signs})", kind)
    if floats == part.type(kind):
        return x
    return part.emit(f"bitcast {floats} {x.name} to {part.type(kind)}", kind)


def _store(e: Emitter, pointer: str, x: Reg, mask: Reg, first: int, width: int) -> None:
    kind = x.dtype
    part = e.sibling(width)
    signs, suffix = _signs(e, kind, mask, first, width), _suffix(kind, width)
    floats, name = _floats(part, kind), f"llvm.x86.avx.maskstore.{suffix}"
    e.declarations[name] = f"declare void @{name}(ptr, {_integers(part, kind)}, {floats})"
    piece = _lanes(e, x, e.type(kind), first, part)
    if floats != part.type(kind):
        piece = part.emit(f"bitcast {part.type(kind)} {piece.name} to {floats}", kind)
    at = _element(e, pointer, kind, first)
    e.write(f"call void @{name}(ptr {at}, {signs}, {floats} {piece.name})")


def _suffix(kind: str, width: int) -> str:
    return _SUFFIX[ELEMENT_BYTES[kind], ELEMENT_BYTES[kind] * width]


def _floats(part: Emitter, kind: str) -> str:
    return part.type("f32" if ELEMENT_BYTES[kind] == 4 else "f64")


def _integers(part: Emitter, kind: str) -> str:
    return part.type("i32" if ELEMENT_BYTES[kind] == 4 else "i64")


def _signs(e: Emitter, kind: str, mask: Reg, first: int, width: int) -> str:
    """A part of the mask as integers: -1 in its lanes, else 0."""
    part = e.sibling(width)
    piece = _lanes(e, mask, e.type("bool"), first, part)
    integers = _integers(part, kind)
    x = part.emit(f"sext {part.typed(piece)} to {integers}", kind)
    return f"{integers} {x.name}"


def _element(e: Emitter, pointer: str, kind: str, lane: int) -> str:
    """The pointer to the element of `lane`, in elements that lie side by side from `pointer` on."""
    if lane == 0:
        return pointer
    return e.emit(f"getelementptr {LLVM_SCALAR[kind]}, ptr {pointer}, i64 {lane}", "ptr").name


def _lanes(e: Emitter, x: Reg, vector: str, first: int, part: Emitter) -> Reg:
    """The lanes of x from `first` on, as many as `part` has; beyond the last zeros."""
    if part.lanes == e.lanes:
        return x
    order = ", ".join(f"i32 {min(lane, e.lanes)}" for lane in range(first, first + part.lanes))
    return part.emit(
        f"shufflevector {vector} {x.name}, {vector} zeroinitializer, "
        f"<{part.lanes} x i32> <{order}>",
        x.dtype,
    )


def _joined(e: Emitter, parts: list[Reg], kind: str) -> Reg:
    """The lanes of all parts in order, as many as `e` has: a power of 2 of parts, two by two."""
    width = max(e.lanes, 16 // ELEMENT_BYTES[kind]) // len(parts)
    while len(parts) > 1:
        parts = [
            _concatenated(e.sibling(width), low, high)
            for low, high in zip(parts[::2], parts[1::2], strict=True)
        ]
        width *= 2
    return _lanes(e.sibling(width), parts[0], e.sibling(width).type(kind), 0, e)


def _concatenated(half: Emitter, low: Reg, high: Reg) -> Reg:
    whole = half.sibling(2 * half.lanes)
    order = ", ".join(f"i32 {lane}" for lane in range(whole.lanes))
    return whole.emit(
        f"shufflevector {half.typed(low)}, {half.typed(high)}, <{whole.lanes} x i32> <{order}>",
        low.dtype,
    )
