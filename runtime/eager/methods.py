"""The methods and operators of a tensor: the functions of the modules beside this one, by name."""

from __future__ import annotations

from typing import Any

import numpy as np

from .family_methods import FamilyMethods
from .operators import (
    activations,
    arithmetic,
    conversion,
    extrema,
    indexing,
    inplace,
    products,
    reductions,
    shaping,
    spread,
)

__all__ = ["Methods"]


def _cast_to(dtype: Any) -> Any:
    """The method that casts to `dtype`."""
    target = np.dtype(dtype)

    def call(x: Any) -> Any:
        return arithmetic.to(x, target)

    return call


class Methods(FamilyMethods):
    """The base of `Tensor` that holds what is defined as a function elsewhere."""

    __slots__ = ()

    # --- operators ---
    __add__ = __radd__ = arithmetic._add
    __sub__ = arithmetic._sub
    __rsub__ = arithmetic.rsub
    __mul__ = __rmul__ = arithmetic._mul
    __truediv__ = arithmetic._div
    __rtruediv__ = arithmetic.rdiv
    __mod__ = arithmetic._remainder
    __rmod__ = arithmetic.rremainder
    __pow__ = arithmetic.power
    __rpow__ = arithmetic.rpow
    __matmul__ = products.operator_matmul
    __rmatmul__ = products.rmatmul
    __neg__ = arithmetic.neg
    __abs__ = arithmetic.abs
    __lt__ = arithmetic.lt
    __le__ = arithmetic.le
    __gt__ = arithmetic.gt
    __ge__ = arithmetic.ge
    __eq__ = arithmetic.eq
    __ne__ = arithmetic.ne
    __and__ = __rand__ = arithmetic.bitwise_and
    __or__ = __ror__ = arithmetic.bitwise_or
    __xor__ = __rxor__ = arithmetic.bitwise_xor
    __invert__ = arithmetic.bitwise_not
    __getitem__ = indexing.getitem
    __setitem__ = inplace.setitem

    def __pos__(self) -> Any:
        return self

    # --- arithmetic ---
    add = arithmetic.add
    sub = subtract = arithmetic.sub
    mul = multiply = arithmetic.mul
    div = divide = true_divide = arithmetic.div
    remainder = arithmetic.remainder
    pow = arithmetic.pow
    maximum = arithmetic.maximum
    minimum = arithmetic.minimum
    atan2 = arctan2 = arithmetic.atan2
    lt = less = arithmetic.lt
    le = less_equal = arithmetic.le
    gt = greater = arithmetic.gt
    ge = greater_equal = arithmetic.ge
    eq = arithmetic.eq
    ne = not_equal = arithmetic.ne
    logical_not = arithmetic.logical_not
    bitwise_not = arithmetic.bitwise_not
    bitwise_and = arithmetic.bitwise_and
    bitwise_or = arithmetic.bitwise_or
    bitwise_xor = arithmetic.bitwise_xor
    neg = negative = arithmetic.neg
    abs = absolute = arithmetic.abs
    sign = arithmetic.sign
    floor = arithmetic.floor
    ceil = arithmetic.ceil
    round = arithmetic.round
    square = arithmetic.square
    sqrt = arithmetic.sqrt
    rsqrt = arithmetic.rsqrt
    exp = arithmetic.exp
    expm1 = arithmetic.expm1
    exp2 = arithmetic.exp2
    log = arithmetic.log
    log1p = arithmetic.log1p
    log2 = arithmetic.log2
    log10 = arithmetic.log10
    sin = arithmetic.sin
    cos = arithmetic.cos
    tan = arithmetic.tan
    asin = arcsin = arithmetic.asin
    acos = arccos = arithmetic.acos
    atan = arctan = arithmetic.atan
    sinh = arithmetic.sinh
    cosh = arithmetic.cosh
    tanh = arithmetic.tanh
    erf = arithmetic.erf
    erfc = arithmetic.erfc
    lgamma = arithmetic.lgamma
    digamma = arithmetic.digamma
    isfinite = arithmetic.isfinite
    clone = arithmetic.clone
    to = conversion.to

    def where(self, condition: Any, other: Any) -> Any:
        """It where `condition`, else `other`."""
        return arithmetic.where(condition, self, other)

    # --- activations ---
    softmax = activations.softmax
    log_softmax = activations.log_softmax

    # --- reductions ---
    sum = reductions.sum
    prod = reductions.prod
    mean = reductions.mean
    var = spread.var
    std = spread.std
    norm = reductions.norm
    logsumexp = reductions.logsumexp
    amax = extrema.amax
    amin = extrema.amin
    max = extrema.max
    min = extrema.min
    argmax = extrema.argmax
    argmin = extrema.argmin
    cumsum = reductions.cumsum
    all = reductions.all
    any = reductions.any

    # --- shapes ---
    reshape = shaping.reshape
    view = shaping.view
    flatten = shaping.flatten
    ravel = shaping.ravel
    squeeze = shaping.squeeze
    unsqueeze = shaping.unsqueeze
    expand = shaping.expand
    broadcast_to = shaping.broadcast_to
    transpose = swapaxes = shaping.transpose
    t = shaping.t
    permute = shaping.permute
    flip = shaping.flip
    T = property(shaping.reverse_axes)
    mT = mH = property(shaping.matrix_transpose)  # noqa: N815
    H = property(shaping.hermitian_transpose)

    # --- products ---
    matmul = products.matmul
    mm = products.mm
    mv = products.mv
    dot = products.dot
    bmm = products.bmm
    outer = products.outer

    # --- in place ---
    __iadd__ = inplace.iadd
    __isub__ = inplace.isub
    __imul__ = inplace.imul
    __itruediv__ = inplace.itruediv
    add_ = inplace.add_
    sub_ = inplace.sub_
    mul_ = inplace.mul_
    div_ = inplace.div_
    __ipow__ = pow_ = inplace.pow_
    neg_ = inplace.neg_
    exp_ = inplace.exp_
    sqrt_ = inplace.sqrt_
    clamp_ = inplace.clamp_
    copy_ = inplace.copy_
    fill_ = inplace.fill_
    zero_ = inplace.zero_

    # --- dtypes; they come last, since they hide the builtins from what follows in this body ---
    long = _cast_to(np.int64)
    double = _cast_to(np.float64)
    int = _cast_to(np.int32)
    float = _cast_to(np.float32)
    bool = _cast_to(np.bool_)
