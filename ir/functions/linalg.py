"""Linear algebra: the factorisations of `ir.ops`, taken apart, and what is made of them."""

from __future__ import annotations

import math

from ..builder import Builder, Handle
from ..errors import ShapeError
from ..matrix import (
    columns,
    diagonal,
    identity,
    multiply,
    rows,
    transposed,
    triangle,
    upper_triangle,
)
from .linear import broadcast_shapes, matmul
from .reduction import norm


def _squeezed(b: Builder, x: Handle, axis: int) -> Handle:
    shape = list(b.type_of(x).shape)
    del shape[axis]
    return b.reshape(x, tuple(shape))


# --- systems ---


def solve(b: Builder, a: Handle, c: Handle, *, vector: bool | None = None) -> Handle:
    """The x with a x = c; c is a vector (of each matrix), or a matrix of right-hand sides.

    Which of them, is told by the shapes unless `vector` says it.
    """
    left, right = b.type_of(a), b.type_of(c)
    if vector is None:
        vector = right.ndim == 1 or (left.ndim > 1 and right.shape == left.shape[:-1])
    if vector:
        return _squeezed(b, _solved(b, "solve", a, b.reshape(c, (*right.shape, 1))), -1)
    return _solved(b, "solve", a, c)


def _solved(b: Builder, op: str, a: Handle, c: Handle, **static: bool) -> Handle:
    """The solutions, for matrices of right-hand sides; the two stacks broadcast."""
    left, right = b.type_of(a), b.type_of(c)
    stack = broadcast_shapes(op, left, right, left.shape[:-2], right.shape[:-2])
    a = b.broadcast(a, (*stack, *left.shape[-2:]))
    return b(op, a, b.broadcast(c, (*stack, *right.shape[-2:])), **static)


def solve_triangular(
    b: Builder, a: Handle, c: Handle, *, upper: bool, left: bool, unit: bool
) -> Handle:
    """The x with a x = c, where only one triangle of `a` counts; c is a matrix or a stack.

    With `left` false the x with x a = c; with `unit` the diagonal of a is taken to be 1.
    """
    if unit:
        below = upper_triangle(b, a, 1) if upper else triangle(b, a, -1)
        a = b.add(below, identity(b, b.type_of(a)))
    if left:
        return _solved(b, "solve_triangular", a, c, upper=upper)
    turned = transposed(b, a), transposed(b, c)
    return transposed(b, _solved(b, "solve_triangular", *turned, upper=not upper))


def inverse(b: Builder, x: Handle) -> Handle:
    return b("solve", x, identity(b, b.type_of(x)))


def cholesky(b: Builder, x: Handle, *, upper: bool) -> Handle:
    """The lower triangular L with L Lᵀ = x, or its transpose."""
    low = b("cholesky", x)
    return transposed(b, low) if upper else low


def cholesky_solve(b: Builder, c: Handle, factor: Handle, *, upper: bool) -> Handle:
    """The solution of a x = c, given the Cholesky factor of a."""
    low = transposed(b, factor) if upper else factor
    half = _solved(b, "solve_triangular", low, c, upper=False)
    return _solved(b, "solve_triangular", transposed(b, low), half, upper=True)


# --- determinants ---


def slogdet(b: Builder, x: Handle) -> tuple[Handle, Handle]:
    """The determinant's sign, and the logarithm of its absolute value."""
    packed = b("slogdet", x)
    sign, size = columns(b, packed, 0, 1), columns(b, packed, 1, 2)
    return _squeezed(b, sign, -1), _squeezed(b, size, -1)


def det(b: Builder, x: Handle) -> Handle:
    """The determinant: up to 4 rows by its formula, which holds for singular matrices too."""
    type = b.type_of(x)
    if type.ndim < 2 or type.shape[-1] != type.shape[-2]:
        raise ShapeError(f"det: {type} must be batches of square matrices")
    n = type.shape[-1]
    if n > 4:
        sign, size = slogdet(b, x)
        return b.mul(sign, b("exp", size))
    if n == 0:
        one = b.broadcast(b.constant(1, type.with_shape(())), type.shape[:-2])
        return b.add(one, b.sum(x, (type.ndim - 2, type.ndim - 1)))
    return _expansion(b, x, tuple(range(n)), 0)


def _entry(b: Builder, x: Handle, row: int, column: int) -> Handle:
    cell = columns(b, rows(b, x, row, row + 1), column, column + 1)
    return b.reshape(cell, b.type_of(x).shape[:-2])


def _expansion(b: Builder, x: Handle, kept: tuple[int, ...], row: int) -> Handle:
    """The determinant of the rows from `row` on and the columns `kept`."""
    if len(kept) == 1:
        return _entry(b, x, row, kept[0])
    terms = []
    for i, column in enumerate(kept):
        minor = _expansion(b, x, (*kept[:i], *kept[i + 1 :]), row + 1)
        terms.append(b.mul(_entry(b, x, row, column), minor))
    total = terms[0]
    for i, term in enumerate(terms[1:]):
        total = b.add(total, term) if i % 2 else b.sub(total, term)
    return total


# --- factorisations ---


def qr(b: Builder, x: Handle) -> tuple[Handle, Handle]:
    """Q with orthonormal columns, and upper triangular R (trapezoidal for a wide matrix)."""
    m, n = b.type_of(x).shape[-2:]
    if m >= n:
        q, r = _qr(b, x)
        return q, r
    q, r = _qr(b, columns(b, x, 0, m))
    rest = multiply(b, transposed(b, q), columns(b, x, m, n))
    return q, b.concatenate([r, rest], b.type_of(x).ndim - 1)


def _qr(b: Builder, x: Handle) -> tuple[Handle, Handle]:
    m, n = b.type_of(x).shape[-2:]
    packed = b("qr", x)
    return transposed(b, columns(b, packed, 0, m)), columns(b, packed, m, m + n)


def eigh(b: Builder, x: Handle) -> tuple[Handle, Handle]:
    """Eigenvalues in rising order, and orthonormal eigenvectors as columns; x is symmetric."""
    packed = b("eigh", x)
    n = b.type_of(x).shape[-1]
    return _squeezed(b, rows(b, packed, 0, 1), -2), rows(b, packed, 1, n + 1)


def eigvalsh(b: Builder, x: Handle) -> Handle:
    return eigh(b, x)[0]


def svd(b: Builder, x: Handle) -> tuple[Handle, Handle, Handle]:
    """U, the singular values in falling order, and Vᵀ, with x = U diag(s) Vᵀ."""
    m, n = b.type_of(x).shape[-2:]
    packed = b("svd", x)
    u = transposed(b, columns(b, packed, 0, m))
    s = _squeezed(b, columns(b, packed, m, m + 1), -1)
    return u, s, columns(b, packed, m + 1, m + 1 + n)


def svdvals(b: Builder, x: Handle) -> Handle:
    return svd(b, x)[1]


def pinv(b: Builder, x: Handle, *, tolerance: float) -> Handle:
    """The Moore-Penrose inverse; singular values up to tolerance · the largest count as 0."""
    return b("pinv", x, tolerance=tolerance)


# --- norms, powers, traces ---


def matrix_norm(b: Builder, x: Handle, *, order: float | str, keep: bool) -> Handle:
    """A norm of each matrix of the last two axes."""
    type = b.type_of(x)
    row, column = type.ndim - 2, type.ndim - 1
    if order == "fro":
        result = norm(b, x, (row, column))
    elif order == "nuc":
        s = svdvals(b, x)
        result = b.sum(s, (b.type_of(s).ndim - 1,))
    elif abs(float(order)) == 2:
        s = svdvals(b, x)
        result = b(_extremum(float(order)), s, axes=(b.type_of(s).ndim - 1,))
    elif abs(float(order)) in (1, math.inf):
        over = row if abs(float(order)) == 1 else column
        sums = b.sum(b("abs", x), (over,))
        result = b(_extremum(float(order)), sums, axes=(row,))
    else:
        raise ShapeError(f"matrix_norm: order {order} is not supported")
    return b.reshape(result, (*type.shape[:-2], 1, 1)) if keep else result


def _extremum(order: float) -> str:
    return "reduce_max" if order > 0 else "reduce_min"


def chain(b: Builder, *factors: Handle) -> Handle:
    """The product of several matrices, in the order that takes the fewest multiplications.

    The first may be a row and the last a column, as vectors.
    """
    shapes = [b.type_of(x).shape for x in factors]
    edges = [shapes[0][-2] if len(shapes[0]) > 1 else 1, *(shape[-1] for shape in shapes)]
    edges[-1] = edges[-1] if len(shapes[-1]) > 1 else 1
    split = _cheapest_splits(edges)

    def product(first: int, last: int) -> Handle:
        if first == last:
            return factors[first]
        middle = split[first, last]
        return matmul(b, product(first, middle), product(middle + 1, last))

    return product(0, len(factors) - 1)


def _cheapest_splits(edges: list[int]) -> dict[tuple[int, int], int]:
    """After which factor to split each part of a product; factor i is edges[i] × edges[i + 1]."""
    count = len(edges) - 1
    costs = {(i, i): 0 for i in range(count)}
    split = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            costs[i, j], split[i, j] = min(
                (costs[i, k] + costs[k + 1, j] + edges[i] * edges[k + 1] * edges[j + 1], k)
                for k in range(i, j)
            )
    return split


def matrix_power(b: Builder, x: Handle, *, n: int) -> Handle:
    """x · x · … · x, by squaring; of the inverse for a negative n."""
    if n < 0:
        return matrix_power(b, inverse(b, x), n=-n)
    if n == 0:
        return b.select(
            b.constant(True, b.type_of(x).with_dtype("bool")), identity(b, b.type_of(x)), x
        )
    result: Handle = None
    while n:
        if n & 1:
            result = x if result is None else multiply(b, result, x)
        n >>= 1
        x = multiply(b, x, x) if n else x
    return result


def trace(b: Builder, x: Handle) -> Handle:
    n = min(b.type_of(x).shape)
    return b.sum(diagonal(b, columns(b, rows(b, x, 0, n), 0, n)), (0,))


def product_added(
    b: Builder, x: Handle, y: Handle, z: Handle, *, beta: float, alpha: float
) -> Handle:
    """beta · x + alpha · y @ z; with beta = 0 x is not read."""
    product = matmul(b, y, z)
    product = product if alpha == 1 else b.scale(product, alpha)
    if beta == 0:
        return product
    x = b.broadcast(x, b.type_of(product).shape)
    return b.add(x if beta == 1 else b.scale(x, beta), product)


def sum_of_products_added(
    b: Builder, x: Handle, y: Handle, z: Handle, *, beta: float, alpha: float
) -> Handle:
    """beta · x + alpha · Σ y_i @ z_i over a stack."""
    product = b("dot", y, z, contract=((0, 2), (0, 1)), batch=((), ()))
    product = product if alpha == 1 else b.scale(product, alpha)
    if beta == 0:
        return product
    x = b.broadcast(x, b.type_of(product).shape)
    return b.add(x if beta == 1 else b.scale(x, beta), product)


def bilinear(b: Builder, x: Handle, y: Handle, weight: Handle, *bias: Handle) -> Handle:
    """x W_o y for each output o; weight is [outputs, x features, y features]."""
    outputs, _, _ = b.type_of(weight).shape
    lead = b.type_of(x).shape[:-1]
    count = math.prod(lead)
    x = b.reshape(x, (count, b.type_of(x).shape[-1]))
    y = b.reshape(y, (count, b.type_of(y).shape[-1]))
    half = b("dot", x, weight, contract=((1,), (1,)), batch=((), ()))  # [count, outputs, y]
    result = b("dot", half, y, contract=((2,), (1,)), batch=((0,), (0,)))
    result = b.reshape(result, (*lead, outputs))
    return b.add(result, b.broadcast(bias[0], (*lead, outputs))) if bias else result


def pairwise_norms(b: Builder, x: Handle, y: Handle, *, order: float) -> Handle:
    """The distances of every row of x to every row of y."""
    *stack, m, d = b.type_of(x).shape
    n = b.type_of(y).shape[-2]
    left = b.broadcast(b.reshape(x, (*stack, m, 1, d)), (*stack, m, n, d))
    right = b.broadcast(b.reshape(y, (*b.type_of(y).shape[:-2], 1, n, d)), (*stack, m, n, d))
    return norm(b, b.sub(left, right), (len(stack) + 2,), order=order)
