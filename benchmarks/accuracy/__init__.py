"""How far compiled mathematics is from the truth: `python -m benchmarks.accuracy`.

Every elementary and special function of the op table (and those of NumPy that are short programs
of ops, with a * in the table) runs as the code that kernels contain. Errors are in ULP: units of
the last place that the exact value has in the result's format. An infinity counts as the next power
of two; a zero with the wrong sign, or a nan in the wrong place, as an infinite error.

**float64** is measured at N points: bit patterns of all exponents, regions where formulas are
hardest put, special values and what lies beside them. MPFR takes microseconds a point, so the
points go through a sieve first: the C library's `long double` functions, in one compiled loop,
whose own errors are a few units of 2**-64, some thousandths of an ULP of float64. The points with
the largest errors there, and a random sample, are then measured against MPFR, and the table shows
what MPFR says. A point that the sieve passes over can't be worse than that by more than those
thousandths. A function for which there is no such sieve goes to MPFR at every point, at fewer of
them; where MPFR has not the function either, a series or an integral is summed in MPFR's numbers.

**float32** functions of one operand are measured at all 2**32 arguments, in a compiled loop that
evaluates the float32 and the float64 function side by side and keeps the worst of each lane. Errors
of the float64 function, once it is held to 2 ULP, are 4e-9 ULP of float32; the worst points are
measured again against MPFR. Functions whose float32 code is the float64 code, rounded, are measured
at points, as float64.
"""
