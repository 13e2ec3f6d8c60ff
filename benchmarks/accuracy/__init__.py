"""How far compiled mathematics is from the truth: `python -m benchmarks.accuracy`.

Every elementary and special function of the op table (and those of NumPy that are short programs of
ops) runs as the code that kernels contain. Errors are in ULP: units of the last place that the exact
value has in the result's format; an infinity counts as the next power of two, and a zero with the
wrong sign or a nan in the wrong place as an infinite error.

**float64** is measured at N points: bit patterns of all exponents, regions where formulas are hardest
put, and special values. MPFR takes microseconds a point, so the points go through a sieve first: the
C library's `long double` functions, in one compiled loop, whose own errors are a few units of 2**-64,
that is some thousandths of an ULP of float64. The points with the largest errors there, and a random
sample, are then measured against MPFR; the table shows what MPFR says. A point that the sieve passes
over can't be worse than the worst one shown by more than those thousandths. Where there is no such
function (digamma, scaled and modified Bessel functions …) a formula in `long double` takes its place;
`reference` says so.

**float32** functions of one operand are measured at all 2**32 arguments, in a compiled loop that
evaluates the float32 and the float64 function side by side and keeps the worst of each lane. The
float64 function has been measured by then: its 2 ULP are 4e-9 ULP of float32, and the worst points
are measured again against MPFR. This holds as well for functions that are computed in float64 in both
cases, since the float64 result is held to MPFR by itself.
"""
