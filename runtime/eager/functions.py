"""The functions of tensors that are public under `fg.`; they take traced and plain arrays too."""

from __future__ import annotations

from types import FunctionType
from typing import Any

from . import facts
from .apply.dispatch import call, is_tensor_like, public
from .apply.words import with_words
from .facts import *  # noqa: F403
from .operators import (
    activations,
    arithmetic,
    cells,
    complexes,
    cutting,
    diagonals,
    discrete,
    drawing,
    elementary,
    elimination,
    extrema,
    gathering,
    joining,
    layout,
    limits,
    linear_algebra,
    pieces,
    placing,
    products,
    reductions,
    shaping,
    sorting,
    special,
    spread,
    statistics,
    striding,
    systems,
    truth,
)
from .operators.activations import *  # noqa: F403
from .operators.cells import *  # noqa: F403
from .operators.cutting import *  # noqa: F403
from .operators.diagonals import *  # noqa: F403
from .operators.discrete import *  # noqa: F403
from .operators.drawing import *  # noqa: F403
from .operators.elementary import *  # noqa: F403
from .operators.extrema import *  # noqa: F403
from .operators.gathering import *  # noqa: F403
from .operators.joining import *  # noqa: F403
from .operators.layout import *  # noqa: F403
from .operators.limits import *  # noqa: F403
from .operators.pieces import *  # noqa: F403
from .operators.placing import *  # noqa: F403
from .operators.products import *  # noqa: F403
from .operators.reductions import *  # noqa: F403
from .operators.shaping import *  # noqa: F403
from .operators.sorting import *  # noqa: F403
from .operators.spread import *  # noqa: F403
from .operators.statistics import *  # noqa: F403
from .operators.truth import *  # noqa: F403

__all__ = [
    "abs",
    "absolute",
    "acos",
    "add",
    "angle",
    "arccos",
    "arcsin",
    "arctan",
    "arctan2",
    "as_strided",
    "as_strided_scatter",
    "asin",
    "atan",
    "atan2",
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "bmm",
    "ceil",
    "chain_matmul",
    "cholesky",
    "cholesky_inverse",
    "cholesky_solve",
    "clone",
    "conj",
    "conj_physical",
    "cos",
    "cosh",
    "det",
    "detach",
    "div",
    "divide",
    "dot",
    "eq",
    "erfinv",
    "exp",
    "exp2",
    "expm1",
    "floor",
    "frobenius_norm",
    "ge",
    "ger",
    "greater",
    "greater_equal",
    "gt",
    "i0",
    "igamma",
    "igammac",
    "imag",
    "inverse",
    "is_conj",
    "is_neg",
    "is_signed",
    "isfinite",
    "le",
    "less",
    "less_equal",
    "log",
    "log10",
    "log1p",
    "log2",
    "logdet",
    "logical_not",
    "lt",
    "lu_solve",
    "lu_unpack",
    "matmul",
    "matrix_exp",
    "matrix_power",
    "maximum",
    "minimum",
    "mm",
    "mul",
    "multiply",
    "mv",
    "mvlgamma",
    "ne",
    "neg",
    "negative",
    "norm_except_dim",
    "not_equal",
    "nuclear_norm",
    "orgqr",
    "outer",
    "pca_lowrank",
    "pinverse",
    "positive",
    "pow",
    "qr",
    "real",
    "remainder",
    "resolve_conj",
    "resolve_neg",
    "round",
    "rsub",
    "sgn",
    "sign",
    "signbit",
    "sin",
    "sinh",
    "slogdet",
    "split_with_sizes",
    "sqrt",
    "square",
    "sub",
    "subtract",
    "svd",
    "svd_lowrank",
    "tan",
    "tanh",
    "true_divide",
    "unsafe_chunk",
    "unsafe_split",
    "unsafe_split_with_sizes",
    "vdot",
    "where",
]
__all__ += activations.__all__
__all__ += cells.__all__
__all__ += cutting.__all__
__all__ += diagonals.__all__
__all__ += discrete.__all__
__all__ += drawing.__all__
__all__ += elementary.__all__
__all__ += extrema.__all__
__all__ += facts.__all__
__all__ += gathering.__all__
__all__ += joining.__all__
__all__ += layout.__all__
__all__ += limits.__all__
__all__ += pieces.__all__
__all__ += placing.__all__
__all__ += products.__all__
__all__ += reductions.__all__
__all__ += shaping.__all__
__all__ += sorting.__all__
__all__ += spread.__all__
__all__ += statistics.__all__
__all__ += truth.__all__

# --- arithmetic: of Tensors; other operands go to NumPy's function ---

add = public(arithmetic.add)
sub = subtract = public(arithmetic.sub, "subtract")
mul = multiply = public(arithmetic.mul, "multiply")
true_divide = _divide = public(arithmetic.div, "divide")
remainder = public(arithmetic.remainder)
pow = public(arithmetic.pow, "power")
maximum = public(arithmetic.maximum)
minimum = public(arithmetic.minimum)
atan2 = arctan2 = public(arithmetic.atan2, "arctan2")
neg = negative = public(arithmetic.neg, "negative")
abs = absolute = public(arithmetic.abs, "absolute")
sign = public(arithmetic.sign)
sgn = public(arithmetic.sgn, "sign")
floor = public(arithmetic.floor)
ceil = public(arithmetic.ceil)
_rint = public(arithmetic.round, "rint")
square = public(arithmetic.square)
sqrt = public(arithmetic.sqrt)
exp = public(arithmetic.exp)
expm1 = public(arithmetic.expm1)
exp2 = public(arithmetic.exp2)
log = public(arithmetic.log)
log1p = public(arithmetic.log1p)
log2 = public(arithmetic.log2)
log10 = public(arithmetic.log10)
sin = public(arithmetic.sin)
cos = public(arithmetic.cos)
tan = public(arithmetic.tan)
asin = arcsin = public(arithmetic.asin, "arcsin")
acos = arccos = public(arithmetic.acos, "arccos")
atan = arctan = public(arithmetic.atan, "arctan")
sinh = public(arithmetic.sinh)
cosh = public(arithmetic.cosh)
tanh = public(arithmetic.tanh)
positive = public(arithmetic.positive)
signbit = public(arithmetic.signbit)
_choose = public(arithmetic.where)
isfinite = public(arithmetic.isfinite)
clone = public(arithmetic.clone, "copy")
lt = less = public(arithmetic.lt, "less")
le = less_equal = public(arithmetic.le, "less_equal")
gt = greater = public(arithmetic.gt, "greater")
ge = greater_equal = public(arithmetic.ge, "greater_equal")
eq = public(arithmetic.eq, "equal")
ne = not_equal = public(arithmetic.ne, "not_equal")
logical_not = public(arithmetic.logical_not, "logical_not")
bitwise_and = public(arithmetic.bitwise_and, "bitwise_and")
bitwise_or = public(arithmetic.bitwise_or, "bitwise_or")
bitwise_xor = public(arithmetic.bitwise_xor, "bitwise_xor")
bitwise_not = public(arithmetic.bitwise_not)


def rsub(x: Any, other: Any, *, alpha: float = 1) -> Any:
    """other - alpha · x."""
    if is_tensor_like(x) or is_tensor_like(other):
        return arithmetic.reverse_sub(x, other, alpha=alpha)
    return other - (x if alpha == 1 else alpha * x)


def div(x: Any, y: Any, *, rounding_mode: str | None = None) -> Any:
    """x / y, elementwise; rounded where `rounding_mode` is "floor" or "trunc"."""
    if rounding_mode is None:
        return _divide(x, y)
    return elementary.rounded_quotient(x, y, rounding_mode)


divide = div


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """x where `condition`, else y, for where(condition, x, y).

    where(condition) says where it holds: a vector of places for each axis.
    """
    if input is None and other is None:
        return gathering.nonzero(condition, as_tuple=True)
    return _choose(condition, input, other)


def round(x: Any, *, decimals: int = 0) -> Any:
    """x rounded to whole numbers, halves to the even one; or to `decimals`."""
    if decimals and not is_tensor_like(x):
        return arithmetic.rounded(x, decimals)
    return _rint(x, decimals=decimals) if decimals else _rint(x)


def detach(x: Any) -> Any:
    """The same elements outside the graph."""
    return x.detach() if is_tensor_like(x) else call("detach", _held, x)


def _held(b: Any, x: Any) -> Any:
    return b("stop_gradient", x)


# --- products ---

matmul = public(products.matmul, "matmul")
mm = public(products.mm, "matmul")
mv = public(products.mv, "matmul")
bmm = public(products.bmm, "matmul")
dot = vdot = public(products.dot, "dot")
outer = ger = public(products.outer, "outer")

# --- special functions and linear algebra: those that PyTorch has here too ---

erfinv = special.erfinv
i0 = special.i0
igamma = special.igamma
igammac = special.igammac
mvlgamma = special.mvlgamma
det = linear_algebra.det
slogdet = linear_algebra.slogdet
logdet = linear_algebra.logdet
matrix_power = linear_algebra.matrix_power
matrix_exp = systems.matrix_exp
cholesky = linear_algebra.cholesky
cholesky_solve = linear_algebra.cholesky_solve
cholesky_inverse = systems.cholesky_inverse
inverse = linear_algebra.inv
pinverse = linear_algebra.pinv
qr = linear_algebra.qr
svd = systems.svd
chain_matmul = systems.chain_matmul
as_strided = striding.as_strided
as_strided_scatter = striding.as_strided_scatter
frobenius_norm = systems.frobenius_norm
norm_except_dim = systems.norm_except_dim
nuclear_norm = systems.nuclear_norm
orgqr = systems.householder_product
pca_lowrank = systems.pca_lowrank
svd_lowrank = systems.svd_lowrank
split_with_sizes = unsafe_split_with_sizes = unsafe_split = cutting.split
unsafe_chunk = cutting.chunk

# --- parts of complex numbers ---

angle = complexes.angle
conj = complexes.conj
conj_physical = complexes.conj_physical
imag = complexes.imag
is_conj = complexes.is_conj
is_neg = complexes.is_neg
is_signed = complexes.is_signed
real = complexes.real
resolve_conj = complexes.resolve_conj
resolve_neg = complexes.resolve_neg
lu_unpack = elimination.lu_unpack


def lu_solve(b: Any, LU_data: Any, LU_pivots: Any) -> Any:  # noqa: N803
    """The x with A x = b, given `linalg.lu_factor(A)`."""
    return elimination.lu_solve(LU_data, LU_pivots, b)


# PyTorch's words for operands, and `out`, for those that `public` has not given them. (Functions
# with an `evaluate` are the shortest way to an op: they stay as they are.)
for _name in __all__:
    _function = globals()[_name]
    if isinstance(_function, FunctionType) and not {"plain", "evaluate"} & {*vars(_function)}:
        globals()[_name] = with_words(_function)
