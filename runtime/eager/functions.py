"""The functions of tensors that are public under `fg.`; they take traced and plain arrays too."""

from __future__ import annotations

from . import activations, arithmetic, indexing, products, reductions, shaping
from .dispatch import public

add = public(arithmetic.add)
sub = subtract = public(arithmetic.sub, "subtract")
mul = multiply = public(arithmetic.mul, "multiply")
div = divide = public(arithmetic.div, "divide")
remainder = public(arithmetic.remainder)
pow = public(arithmetic.pow, "power")
maximum = public(arithmetic.maximum)
minimum = public(arithmetic.minimum)
atan2 = arctan2 = public(arithmetic.atan2, "arctan2")
logaddexp = public(arithmetic.logaddexp)
hypot = public(arithmetic.hypot)

neg = negative = public(arithmetic.neg, "negative")
abs = absolute = public(arithmetic.abs, "absolute")
sign = public(arithmetic.sign)
floor = public(arithmetic.floor)
ceil = public(arithmetic.ceil)
round = public(arithmetic.round, "rint")
trunc = public(arithmetic.trunc)
square = public(arithmetic.square)
sqrt = public(arithmetic.sqrt)
rsqrt = public(arithmetic.rsqrt)
reciprocal = public(arithmetic.reciprocal)
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
asinh = arcsinh = public(arithmetic.asinh, "arcsinh")
acosh = arccosh = public(arithmetic.acosh, "arccosh")
atanh = arctanh = public(arithmetic.atanh, "arctanh")
sigmoid = public(arithmetic.sigmoid)
relu = public(arithmetic.relu)
clamp = clip = public(arithmetic.clamp, "clip")
where = public(arithmetic.where)
isnan = public(arithmetic.isnan)
isfinite = public(arithmetic.isfinite)
clone = public(arithmetic.clone, "copy")

sum = public(reductions.sum)
prod = public(reductions.prod)
mean = public(reductions.mean)
var = public(reductions.var)
std = public(reductions.std)
norm = public(reductions.norm)
logsumexp = public(reductions.logsumexp)
amax = public(reductions.amax)
amin = public(reductions.amin)
max = public(reductions.max)
min = public(reductions.min)
argmax = public(reductions.argmax)
argmin = public(reductions.argmin)
cumsum = public(reductions.cumsum)
all = public(reductions.all)
any = public(reductions.any)
softmax = public(activations.softmax)
log_softmax = public(activations.log_softmax)

reshape = public(shaping.reshape)
flatten = public(shaping.flatten, "ravel")
squeeze = public(shaping.squeeze)
unsqueeze = public(shaping.unsqueeze, "expand_dims")
broadcast_to = public(shaping.broadcast_to)
transpose = public(shaping.transpose, "swapaxes")
t = public(shaping.t, "transpose")
permute = public(shaping.permute, "permute_dims")
flip = public(shaping.flip)
cat = concatenate = public(shaping.cat, "concatenate")
stack = public(shaping.stack)
unbind = public(indexing.unbind)

matmul = public(products.matmul)
mm = public(products.mm, "matmul")
mv = public(products.mv, "matmul")
bmm = public(products.bmm, "matmul")
dot = public(products.dot)
outer = public(products.outer)

__all__ = [
    "abs",
    "absolute",
    "acos",
    "acosh",
    "add",
    "all",
    "amax",
    "amin",
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
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "bmm",
    "broadcast_to",
    "cat",
    "ceil",
    "clamp",
    "clip",
    "clone",
    "concatenate",
    "cos",
    "cosh",
    "cumsum",
    "div",
    "divide",
    "dot",
    "exp",
    "exp2",
    "expm1",
    "flatten",
    "flip",
    "floor",
    "hypot",
    "isfinite",
    "isnan",
    "log",
    "log10",
    "log1p",
    "log2",
    "log_softmax",
    "logaddexp",
    "logsumexp",
    "matmul",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "mm",
    "mul",
    "multiply",
    "mv",
    "neg",
    "negative",
    "norm",
    "outer",
    "permute",
    "pow",
    "prod",
    "reciprocal",
    "relu",
    "remainder",
    "reshape",
    "round",
    "rsqrt",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "softmax",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "sub",
    "subtract",
    "sum",
    "t",
    "tan",
    "tanh",
    "transpose",
    "trunc",
    "unbind",
    "unsqueeze",
    "var",
    "where",
]
