"""What the formulas need to know of binary64 and binary32."""

from __future__ import annotations

import math

from ...ir.record import record


@record
class Format:
    """A floating-point format: its sizes, and the constants that follow from them."""

    integer: str
    bits: int
    mantissa: int  # bits stored of the significand
    bias: int

    @property
    def shifter(self) -> float:
        """1.5 * 2**mantissa: adding it rounds to an integer and leaves that in the low bits."""
        return math.ldexp(1.5, self.mantissa)

    @property
    def smallest_normal(self) -> float:
        return math.ldexp(1.0, 1 - self.bias)


FORMATS = {"f64": Format("i64", 64, 52, 1023), "f32": Format("i32", 32, 23, 127)}

# Constants as unevaluated sums, most significant part first.
LN2 = {
    "f64": (0.6931471805599453, 2.3190468138462996e-17),
    "f32": (0.6931471824645996, -1.9046542121259336e-09),
}
LOG2E = {
    "f64": (1.4426950408889634, 2.0355273740931033e-17),
    "f32": (1.4426950216293335, 1.925963033500011e-08),
}
LOG10E = {
    "f64": (0.4342944819032518, 1.098319650216765e-17),
    "f32": (0.4342944920063019, -1.0103049952192578e-08),
}
HALF_PI = {
    "f64": (1.5707963267948966, 6.123233995736766e-17),
    "f32": (1.5707963705062866, -4.371138828673793e-08),
}
