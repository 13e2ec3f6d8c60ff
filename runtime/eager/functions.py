"""The functions of tensors that are public under `fg.`; they take traced and plain arrays too."""

from __future__ import annotations

from . import (
    activations,
    arithmetic,
    elementary,
    gathering,
    layout,
    linear_algebra,
    products,
    reductions,
    shaping,
    sorting,
)
from .dispatch import public

__all__ = [
    "abs",
    "absolute",
    "acos",
    "acosh",
    "add",
    "addbmm",
    "addcdiv",
    "addcmul",
    "addmm",
    "addmv",
    "addr",
    "adjoint",
    "all",
    "allclose",
    "amax",
    "amin",
    "aminmax",
    "any",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "argmax",
    "argmin",
    "argsort",
    "argwhere",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "baddbmm",
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "block_diag",
    "bmm",
    "broadcast_tensors",
    "broadcast_to",
    "cat",
    "cdist",
    "ceil",
    "cholesky",
    "cholesky_solve",
    "chunk",
    "clamp",
    "clamp_max",
    "clamp_min",
    "clip",
    "clone",
    "column_stack",
    "concat",
    "concatenate",
    "copysign",
    "cos",
    "cosh",
    "count_nonzero",
    "cross",
    "cummax",
    "cummin",
    "cumprod",
    "cumsum",
    "deg2rad",
    "det",
    "diag",
    "diag_embed",
    "diagflat",
    "diagonal",
    "diff",
    "digamma",
    "dist",
    "div",
    "divide",
    "dot",
    "dsplit",
    "dstack",
    "einsum",
    "eq",
    "equal",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "expm1",
    "flatten",
    "flip",
    "fliplr",
    "flipud",
    "float_power",
    "floor",
    "floor_divide",
    "fmax",
    "fmin",
    "fmod",
    "frac",
    "gather",
    "ge",
    "ger",
    "greater",
    "greater_equal",
    "gt",
    "heaviside",
    "hsplit",
    "hstack",
    "hypot",
    "index_add",
    "index_copy",
    "index_fill",
    "index_select",
    "inner",
    "inverse",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "kron",
    "kthvalue",
    "ldexp",
    "le",
    "lerp",
    "less",
    "less_equal",
    "lgamma",
    "log",
    "log10",
    "log1p",
    "log2",
    "log_softmax",
    "logaddexp",
    "logaddexp2",
    "logcumsumexp",
    "logdet",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "logit",
    "logsumexp",
    "lt",
    "masked_fill",
    "masked_scatter",
    "masked_select",
    "matmul",
    "matrix_power",
    "max",
    "maximum",
    "mean",
    "median",
    "meshgrid",
    "min",
    "minimum",
    "mm",
    "moveaxis",
    "movedim",
    "msort",
    "mul",
    "multiply",
    "mv",
    "nan_to_num",
    "nanmean",
    "nanmedian",
    "nansum",
    "narrow",
    "ndtr",
    "ne",
    "neg",
    "negative",
    "nonzero",
    "norm",
    "not_equal",
    "outer",
    "permute",
    "polygamma",
    "positive",
    "pow",
    "prod",
    "rad2deg",
    "ravel",
    "reciprocal",
    "relu",
    "remainder",
    "repeat_interleave",
    "reshape",
    "roll",
    "rot90",
    "round",
    "row_stack",
    "rsqrt",
    "scatter",
    "scatter_add",
    "select",
    "sgn",
    "sigmoid",
    "sign",
    "signbit",
    "sin",
    "sinc",
    "sinh",
    "slogdet",
    "softmax",
    "sort",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "std_mean",
    "sub",
    "subtract",
    "sum",
    "swapaxes",
    "swapdims",
    "t",
    "take",
    "take_along_dim",
    "tan",
    "tanh",
    "tensor_split",
    "tensordot",
    "tile",
    "topk",
    "trace",
    "transpose",
    "tril",
    "triu",
    "true_divide",
    "trunc",
    "unbind",
    "unflatten",
    "unsqueeze",
    "var",
    "var_mean",
    "vdot",
    "vsplit",
    "vstack",
    "where",
    "xlogy",
]

# --- arithmetic ---

add = public(arithmetic.add)
sub = subtract = public(arithmetic.sub, "subtract")
mul = multiply = public(arithmetic.mul, "multiply")
div = divide = public(arithmetic.div, "divide")
remainder = public(arithmetic.remainder)
pow = public(arithmetic.pow, "power")
maximum = public(arithmetic.maximum)
minimum = public(arithmetic.minimum)
atan2 = arctan2 = public(arithmetic.atan2, "arctan2")
logaddexp = elementary.logaddexp
hypot = elementary.hypot
neg = negative = public(arithmetic.neg, "negative")
abs = absolute = public(arithmetic.abs, "absolute")
sign = public(arithmetic.sign)
floor = public(arithmetic.floor)
ceil = public(arithmetic.ceil)
round = public(arithmetic.round, "rint")
trunc = elementary.trunc
square = public(arithmetic.square)
sqrt = public(arithmetic.sqrt)
rsqrt = elementary.rsqrt
reciprocal = elementary.reciprocal
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
asinh = arcsinh = elementary.asinh
acosh = arccosh = elementary.acosh
atanh = arctanh = elementary.atanh
sigmoid = elementary.sigmoid
relu = elementary.relu
clamp = clip = elementary.clamp
where = public(arithmetic.where)
isnan = elementary.isnan
isfinite = public(arithmetic.isfinite)
clone = not_equal = public(arithmetic.clone, "copy")
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
bitwise_not = public(arithmetic.logical_not, "bitwise_not")
sgn = public(arithmetic.sgn, "sign")
positive = public(arithmetic.positive)
signbit = public(arithmetic.signbit)
true_divide = public(arithmetic.div, "divide")

# --- elementary ---

sinc = elementary.sinc
erf = elementary.erf
erfc = elementary.erfc
lgamma = elementary.lgamma
digamma = elementary.digamma
ndtr = elementary.ndtr
frac = elementary.frac
logit = elementary.logit
polygamma = elementary.polygamma
deg2rad = elementary.deg2rad
rad2deg = elementary.rad2deg
nan_to_num = elementary.nan_to_num
clamp_min = elementary.clamp_min
clamp_max = elementary.clamp_max
logaddexp2 = elementary.logaddexp2
fmax = elementary.fmax
fmin = elementary.fmin
fmod = elementary.fmod
xlogy = elementary.xlogy
copysign = elementary.copysign
floor_divide = elementary.floor_divide
float_power = elementary.float_power
lerp = elementary.lerp
addcmul = elementary.addcmul
addcdiv = elementary.addcdiv
isinf = elementary.isinf
isclose = elementary.isclose
allclose = elementary.allclose
heaviside = elementary.heaviside

# --- reductions ---

sum = reductions.sum
prod = reductions.prod
mean = reductions.mean
var = reductions.var
std = reductions.std
var_mean = reductions.var_mean
std_mean = reductions.std_mean
norm = reductions.norm
dist = reductions.dist
logsumexp = reductions.logsumexp
amax = reductions.amax
amin = reductions.amin
aminmax = reductions.aminmax
max = reductions.max
min = reductions.min
argmax = reductions.argmax
argmin = reductions.argmin
nansum = reductions.nansum
nanmean = reductions.nanmean
count_nonzero = reductions.count_nonzero
cumsum = reductions.cumsum
diff = reductions.diff
all = reductions.all
any = reductions.any

# --- sorting ---

sort = sorting.sort
argsort = sorting.argsort
msort = sorting.msort
topk = sorting.topk
kthvalue = sorting.kthvalue
median = sorting.median
cumprod = sorting.cumprod
logcumsumexp = sorting.logcumsumexp

# --- activations ---

softmax = activations.softmax
log_softmax = activations.log_softmax

# --- shaping ---

reshape = shaping.reshape
flatten = shaping.flatten
ravel = shaping.ravel
squeeze = shaping.squeeze
unsqueeze = shaping.unsqueeze
broadcast_to = shaping.broadcast_to
transpose = swapaxes = swapdims = shaping.transpose
t = shaping.t
permute = shaping.permute
flip = shaping.flip
cat = concat = concatenate = shaping.cat
stack = shaping.stack

# --- layout ---

narrow = layout.narrow
select = layout.select
split = layout.split
chunk = layout.chunk
tensor_split = layout.tensor_split
movedim = layout.movedim
moveaxis = layout.movedim
adjoint = layout.adjoint
roll = layout.roll
rot90 = layout.rot90
fliplr = layout.fliplr
flipud = layout.flipud
tile = layout.tile
repeat_interleave = layout.repeat_interleave
unflatten = layout.unflatten
broadcast_tensors = layout.broadcast_tensors
meshgrid = layout.meshgrid
tril = layout.tril
triu = layout.triu
diagonal = layout.diagonal
diag = layout.diag
diag_embed = layout.diag_embed
diagflat = layout.diagflat
trace = layout.trace
hstack = layout.hstack
vstack = row_stack = layout.vstack
dstack = layout.dstack
column_stack = layout.column_stack
unbind = layout.unbind

# --- gathering ---

gather = gathering.gather
take = gathering.take
take_along_dim = gathering.take_along_dim
scatter = gathering.scatter
scatter_add = gathering.scatter_add
index_select = gathering.index_select
index_add = gathering.index_add
index_copy = gathering.index_copy
index_fill = gathering.index_fill
masked_fill = gathering.masked_fill
masked_select = gathering.masked_select
masked_scatter = gathering.masked_scatter

# --- products ---

matmul = public(products.matmul, "matmul")
mm = public(products.mm, "matmul")
mv = public(products.mv, "matmul")
bmm = public(products.bmm, "matmul")
dot = vdot = public(products.dot, "dot")
outer = ger = public(products.outer, "outer")
addmm = products.addmm
addmv = products.addmv
baddbmm = products.baddbmm
addbmm = products.addbmm
addr = products.addr
einsum = products.einsum
tensordot = products.tensordot
inner = products.inner
kron = products.kron
cross = products.cross
cdist = products.cdist

# --- linear algebra ---

det = linear_algebra.det
slogdet = linear_algebra.slogdet
logdet = linear_algebra.logdet
matrix_power = linear_algebra.matrix_power
cholesky = linear_algebra.cholesky
cholesky_solve = linear_algebra.cholesky_solve
inverse = linear_algebra.inv

isposinf = elementary.isposinf
isneginf = elementary.isneginf
ldexp = elementary.ldexp
logical_and = elementary.logical_and
logical_or = elementary.logical_or
logical_xor = elementary.logical_xor
equal = elementary.equal

cummax = sorting.cummax
cummin = sorting.cummin
nanmedian = sorting.nanmedian

hsplit = layout.hsplit
vsplit = layout.vsplit
dsplit = layout.dsplit
block_diag = layout.block_diag

nonzero = gathering.nonzero
argwhere = gathering.argwhere
