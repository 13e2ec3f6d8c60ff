"""What traced arrays refuse on purpose: for each function the reason, and what to do instead.

A function of NumPy's is either implemented, or it stands here: `tests/tracer/test_coverage.py`
keeps it so.
"""

from __future__ import annotations

_SIZE = "the size of its result depends on the values"
_OUTSIDE = "call it before the compiled function, and pass in what it gives"
_AFTER = "return the array, and call it on the result"

# names, reason, cure
_GROUPS: tuple[tuple[str, str, str], ...] = (
    (
        (
            "np.unique_all np.unique_counts np.unique_inverse np.unique_values np.union1d "
            "np.intersect1d np.setdiff1d np.setxor1d"
        ),
        _SIZE,
        "np.unique, which asks for the values, or call it before the compiled function",
    ),
    (
        (
            "np.array2string np.array_repr np.array_str np.save np.savez np.savez_compressed "
            "np.savetxt np.base_repr np.binary_repr np.format_float_positional "
            "np.format_float_scientific np.info np.ndarray.tofile np.ndarray.dump np.ndarray.dumps"
        ),
        "it writes values down, which are not known while tracing",
        _AFTER,
    ),
    (
        "np.shares_memory np.may_share_memory np.isfortran np.from_dlpack np.require",
        "a traced array has no memory",
        "leave it out: results are the same without it",
    ),
    (
        (
            "np.busday_count np.busday_offset np.is_busday np.datetime_as_string np.datetime_data "
            "np.isnat"
        ),
        "dates are no numbers",
        _OUTSIDE,
    ),
    (
        "np.packbits np.unpackbits np.bitwise_count",
        "bytes are no traced dtype",
        _OUTSIDE,
    ),
    (
        "np.nextafter np.spacing",
        "it is about the neighbours of a float, not about its value",
        "np.finfo(x.dtype).eps * np.abs(x) for the size of a rounding error",
    ),
    (
        "np.gcd np.lcm",
        "it is made of a loop whose length depends on the values",
        _OUTSIDE,
    ),
    (
        (
            "np.roots np.linalg.eig np.linalg.eigvals np.sort_complex "
            "np.polynomial.polynomial.polyroots"
        ),
        "its result is complex or not, according to the values",
        "np.linalg.eigh or np.linalg.eigvalsh of a symmetric matrix; for roots Newton's iteration",
    ),
    (
        "np.bmat np.asmatrix np.matrix",
        "np.matrix is not supported",
        "np.block, and arrays of two axes",
    ),
    (
        "np.einsum_path np.nested_iters np.frompyfunc np.fromfunction",
        "it does nothing for the arrays themselves",
        "leave it out; np.vectorize runs a function on each element",
    ),
    (
        "np.kaiser np.bartlett np.blackman np.hamming np.hanning",
        "the size of a window must be known",
        "a Python int, or the window's formula in np.cos",
    ),
    (
        (
            "np.polynomial.polynomial.polydiv np.polynomial.polynomial.polyfit "
            "np.polynomial.polynomial.polytrim np.polynomial.polynomial.polycompanion "
            "np.polynomial.polynomial.polyint np.polynomial.polynomial.polypow "
            "np.polynomial.polynomial.polyline np.polynomial.polynomial.polymulx "
            "np.polynomial.polynomial.polyfromroots np.polynomial.polynomial.polyvalfromroots "
            "np.polynomial.polynomial.polyval2d np.polynomial.polynomial.polyval3d "
            "np.polynomial.polynomial.polygrid2d np.polynomial.polynomial.polygrid3d "
            "np.polynomial.polynomial.polyvander2d np.polynomial.polynomial.polyvander3d"
        ),
        "it has no rule",
        "np.polyint, np.polyfit, np.poly, np.polydiv, or polyval of polyval",
    ),
)
_BY_NAME: dict[str, tuple[str, str]] = {
    name: (reason, cure) for names, reason, cure in _GROUPS for name in names.split()
}

# Functions of scipy.special that have no rule: by family, what does.
_SPECIAL: tuple[tuple[str, str], ...] = (
    (
        (
            "jn jv jve yn yv yve iv ive kn kv kve hankel1 hankel1e hankel2 hankel2e jvp yvp ivp "
            "kvp h1vp h2vp spherical_jn spherical_yn spherical_in spherical_kn riccati_jn "
            "riccati_yn"
        ),
        (
            "the orders 0 and 1 are there (j0, j1, y0, y1, i0, i1, k0, k1, i0e …); J of higher "
            "orders by the recurrence J(n+1) = 2n/x J(n) - J(n-1), where x > n"
        ),
    ),
    (
        (
            "gammaincinv gammainccinv betainc betaincc betaincinv betaincinv "
            "betainccinv chdtr chdtrc chdtri gdtr gdtrc pdtr pdtrc pdtri bdtr bdtrc bdtri fdtr "
            "fdtrc fdtri stdtr stdtrit nbdtr nbdtrc nbdtri"
        ),
        (
            "the density, whose logarithm is made of gammaln, xlogy and xlog1py; or ndtr and "
            "log_ndtr for a normal distribution"
        ),
    ),
    (
        "poch binom rgamma gammasgn comb perm factorial factorial2 factorialk stirling2",
        "np.exp of differences of gammaln, or beta; factorials of integers before the call",
    ),
    ("lambertw wrightomega", "Newton's iteration for w e^w = x"),
    (
        (
            "eval_chebyc eval_chebys eval_chebyt eval_chebyu eval_gegenbauer eval_genlaguerre "
            "eval_hermite eval_hermitenorm eval_jacobi eval_laguerre eval_legendre eval_sh_chebyt "
            "eval_sh_chebyu eval_sh_jacobi eval_sh_legendre"
        ),
        (
            "np.polynomial.chebyshev.chebval, legendre.legval, hermite.hermval, hermite_e.hermeval "
            "or laguerre.lagval with a 1 among zeros as coefficients"
        ),
    ),
    ("round", "np.round"),
    ("ndtri_exp", "ndtri(np.exp(y))"),
    ("agm", "np.pi / 4 * (a + b) / ellipkm1(4 * a * b / (a + b)**2)"),
)
_CURES = {f"scipy.special.{name}": cure for names, cure in _SPECIAL for name in names.split()}
_OTHERWISE = "a formula in NumPy; or compute it before the compiled function, as an array"


def reason_and_cure(name: str) -> tuple[str, str] | None:
    """Why the function is refused, and what to do instead; None where there is no such entry."""
    if name.startswith("scipy.special."):
        return "it has no rule", _CURES.get(name, _OTHERWISE)
    return _BY_NAME.get(name)
