"""Special functions beside those of `elementary`: inverses of distributions, gamma functions."""

from __future__ import annotations

from typing import Any

from ....ir.functions import normal
from ....ir.functions import special as functions
from ..apply.adapters import aligned
from ..apply.operands import call, floating, promoted
from ..errors import EagerError
from .elementary import _of_one, _op

__all__ = [
    "bessel_j0",
    "bessel_j1",
    "bessel_y0",
    "bessel_y1",
    "erfcx",
    "erfinv",
    "gammainc",
    "gammaincc",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "igamma",
    "igammac",
    "modified_bessel_i0",
    "modified_bessel_i1",
    "modified_bessel_k0",
    "modified_bessel_k1",
    "multigammaln",
    "mvlgamma",
    "ndtri",
    "scaled_modified_bessel_k0",
    "scaled_modified_bessel_k1",
]

erfinv = _of_one("erfinv", normal.erfinv)
ndtri = _of_one("ndtri", normal.ndtri, "SpecialNdtriBackward0")
erfcx = _of_one("erfcx", functions.erfcx, "SpecialErfcxBackward0")

# --- Bessel functions; PyTorch has derivatives of the first four only ---

i0 = modified_bessel_i0 = _of_one("i0", _op("i0"), "I0Backward0")
i0e = _of_one("i0e", _op("i0e"), "SpecialI0EBackward0")
i1 = modified_bessel_i1 = _of_one("i1", _op("i1"), "SpecialI1Backward0")
i1e = _of_one("i1e", _op("i1e"), "SpecialI1EBackward0")
bessel_j0 = _of_one("bessel_j0", _op("j0"), "SpecialBesselJ0Backward0")
bessel_j1 = _of_one("bessel_j1", _op("j1"), "SpecialBesselJ1Backward0")
bessel_y0 = _of_one("bessel_y0", _op("y0"), "SpecialBesselY0Backward0")
bessel_y1 = _of_one("bessel_y1", _op("y1"), "SpecialBesselY1Backward0")
modified_bessel_k0 = _of_one("modified_bessel_k0", _op("k0"), "SpecialModifiedBesselK0Backward0")
modified_bessel_k1 = _of_one("modified_bessel_k1", _op("k1"), "SpecialModifiedBesselK1Backward0")
scaled_modified_bessel_k0 = _of_one("scaled_k0", _op("k0e"), "SpecialScaledBesselK0Backward0")
scaled_modified_bessel_k1 = _of_one("scaled_k1", _op("k1e"), "SpecialScaledBesselK1Backward0")


# --- incomplete gamma functions, differentiated with respect to x ---


def _incomplete(b: Any, a: Any, x: Any, *, upper: bool) -> Any:
    return b("gammainc", a, x, upper=upper)


def igamma(a: Any, x: Any) -> Any:
    """The lower incomplete gamma function P(a, x): ∫ t^(a-1) e^-t dt from 0 to x, over Γ(a)."""
    return call("igamma", aligned, *promoted(a, x, floats=True), of=_incomplete, upper=False)


def igammac(a: Any, x: Any) -> Any:
    """1 - P(a, x), with all digits where it is small."""
    return call("igammac", aligned, *promoted(a, x, floats=True), of=_incomplete, upper=True)


gammainc, gammaincc = igamma, igammac


def multigammaln(x: Any, p: int) -> Any:
    """The logarithm of the multivariate gamma function of dimension p, for x > (p - 1) / 2."""
    (x,) = floating(x)
    if p < 1:
        raise EagerError("p has to be greater than or equal to 1")
    return call("mvlgamma", functions.multigammaln, x, dimension=int(p))


mvlgamma = multigammaln
