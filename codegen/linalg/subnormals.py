"""Subnormal factors in products: met, and scaled out of the way.

x86 processors take more than a hundred cycles for a multiplication with a subnormal operand. The
tails of a softmax are full of them: of a Gaussian mixture in 64 dimensions half of the time. They
are not to be flushed to zero, but need no slow instruction either: 2**s x is made of x's bits as an
integer, and what it is multiplied by is scaled by 2**-s. Both are exact, so that the product is the
same.

The processor notes that it met one, in a flag, so that looking costs nothing where there are none.
"""

from __future__ import annotations

import platform
from collections.abc import Callable

from ..control import only_if
from ..emitter import BITS, INTEGER_OF, Emitter, Reg

FRACTION_BITS = {"f64": 52, "f32": 23}
LEAST_EXPONENT = {"f64": -1074, "f32": -149}  # of the smallest number
SCALE = {"f64": 64, "f32": 32}  # s: 2**s x is normal, as are all 2**-s y of which x y is no zero
_DENORMAL = 2  # the flag, in the control word


def are_watched() -> bool:
    """Does this processor have the flag, and the need for it?"""
    return platform.machine().lower() in ("x86_64", "amd64")


def is_subnormal(e: Emitter, x: Reg) -> Reg:
    """Which lanes are subnormal, and not 0."""
    kind, fraction = INTEGER_OF[x.dtype], FRACTION_BITS[x.dtype]
    size = e.and_(e.bits(x), e.const(2 ** (BITS[x.dtype] - 1) - 1, kind))
    below = e.sub(size, e.const(1, kind))
    return e.emit(f"icmp ult {e.typed(below)}, {e.const(2**fraction - 1, kind).name}", "bool")


def scaled(e: Emitter, x: Reg) -> tuple[Reg, Reg]:
    """y and z, lane by lane, with x = y z: 2**s x and 2**-s where x is subnormal, else x and 1."""
    dtype, kind, fraction = x.dtype, INTEGER_OF[x.dtype], FRACTION_BITS[x.dtype]
    number = e.convert(e.and_(e.bits(x), e.const(2**fraction - 1, kind)), dtype)
    large = e.mul(number, e.const(2.0 ** (LEAST_EXPONENT[dtype] + SCALE[dtype]), dtype))
    small, one = e.const(2.0 ** -SCALE[dtype], dtype), e.const(1.0, dtype)
    mask = is_subnormal(e, x)
    return e.select(mask, e.copysign(large, x), x), e.select(mask, small, one)


class Watch:
    """Whether the products of a function have met subnormal numbers lately: two of its slots."""

    def __init__(self, e: Emitter) -> None:
        self.e = e
        for name in ("stmxcsr", "ldmxcsr"):
            e.declarations[f"llvm.x86.sse.{name}"] = f"declare void @llvm.x86.sse.{name}(ptr)"
        self.met = e.emit("alloca i8", "ptr").name
        self.mode = e.emit("alloca i32", "ptr").name
        e.write(f"store i8 0, ptr {self.met}")
        self._clear(self._mode())

    def run(self, usual: Callable[[], None], careful: Callable[[str], None]) -> None:
        """`careful`, with the slot in which to note that it met some, or `usual`."""
        e = self.e
        lately = e.emit(f"load i8, ptr {self.met}", "i8")
        some = e.compare("ne", lately, e.const(0, "i8"))

        def slow() -> None:
            e.write(f"store i8 0, ptr {self.met}")
            careful(self.met)

        only_if(e, some, slow)

        def quick() -> None:
            usual()
            self._look()

        only_if(e, e.not_(some), quick)

    def _look(self) -> None:
        e, mode = self.e, self._mode()
        flag = e.and_(mode, e.const(_DENORMAL, "i32"))

        def note() -> None:
            e.write(f"store i8 1, ptr {self.met}")
            self._clear(mode)

        only_if(e, e.compare("ne", flag, e.const(0, "i32")), note)

    def _mode(self) -> Reg:
        self.e.write(f"call void @llvm.x86.sse.stmxcsr(ptr {self.mode})")
        return self.e.emit(f"load i32, ptr {self.mode}", "i32")

    def _clear(self, mode: Reg) -> None:
        e = self.e
        e.write(f"store {e.typed(e.and_(mode, e.const(~_DENORMAL, 'i32')))}, ptr {self.mode}")
        e.write(f"call void @llvm.x86.sse.ldmxcsr(ptr {self.mode})")
