"""Functions of matrices beyond factors and solutions: least squares, exponentials."""

from __future__ import annotations

from ..builder import Builder, Handle
from ..matrix import columns, identity, multiply, transposed, triangle
from .linalg import inverse, pinv
from .linear import matmul


def least_squares(b: Builder, a: Handle, c: Handle, *, tolerance: float) -> Handle:
    """The shortest x that makes a x - c shortest."""
    return matmul(b, pinv(b, a, tolerance=tolerance), c)


def residuals(b: Builder, a: Handle, c: Handle, x: Handle) -> Handle:
    """The squared lengths of the columns of a x - c."""
    gap = b.sub(matmul(b, a, x), c)
    return b.sum(b.mul(gap, gap), (b.type_of(gap).ndim - 2,))


def cholesky_inverse(b: Builder, factor: Handle, *, upper: bool) -> Handle:
    """The inverse of a, given its Cholesky factor."""
    low = triangle(b, transposed(b, factor) if upper else factor, 0)
    half = b("solve_triangular", low, identity(b, b.type_of(low)), upper=False)
    return multiply(b, transposed(b, half), half)


# --- the exponential ---

# The Padé approximant of degree 13 is exact to double precision up to this 1-norm (Higham 2005).
EXP_RANGE = 5.371920351148152
# fmt: off
_PADE = (
    64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0,
    129060195264000.0, 10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0,
    40840800.0, 960960.0, 16380.0, 182.0, 1.0,
)
# fmt: on


def exponential(b: Builder, x: Handle, *, halvings: int) -> Handle:
    """e^x, by the approximant at x / 2^halvings, squared as often."""
    x = b.scale(x, 0.5**halvings)
    square = multiply(b, x, x)
    odd, even = (_powers_of(b, square, _PADE[start::2]) for start in (1, 0))
    odd = multiply(b, x, odd)
    result = multiply(b, inverse(b, b.sub(even, odd)), b.add(even, odd))
    for _ in range(halvings):
        result = multiply(b, result, result)
    return result


def _powers_of(b: Builder, x: Handle, coefficients: tuple[float, ...]) -> Handle:
    """Σ coefficient_i · x^i, by Horner's rule."""
    one = identity(b, b.type_of(x))
    total = b.scale(one, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = b.add(multiply(b, total, x), b.scale(one, coefficient))
    return total


def householder_product(b: Builder, x: Handle, tau: Handle) -> Handle:
    """The first columns of the product of the reflections I - tau v vᵀ, the last one first."""
    type = b.type_of(x)
    stack = type.shape[:-2]
    below = b.add(triangle(b, x, -1), identity(b, type))
    result = identity(b, type)
    # (x is an operand of the result, also where there is no reflection)
    result = b.select(b.constant(True, type.with_dtype("bool")), result, x)
    for k in reversed(range(b.type_of(tau).shape[-1])):
        v = columns(b, below, k, k + 1)
        factor = b.reshape(columns(b, tau, k, k + 1), (*stack, 1, 1))
        change = multiply(b, v, multiply(b, transposed(b, v), result))
        result = b.sub(result, b.mul(b.broadcast(factor, type.shape), change))
    return result
