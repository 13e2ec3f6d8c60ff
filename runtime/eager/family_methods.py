"""The methods of a tensor that come from the families beside this module, also in place."""

from __future__ import annotations

from typing import Any

from . import (
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
from .inplace import updating

__all__ = ["FamilyMethods"]


class FamilyMethods:
    """Methods of Tensors, one line each."""

    __slots__ = ()

    # --- elementary functions ---
    logaddexp = elementary.logaddexp
    hypot = elementary.hypot
    reciprocal = elementary.reciprocal
    asinh = arcsinh = elementary.asinh
    acosh = arccosh = elementary.acosh
    atanh = arctanh = elementary.atanh
    sigmoid = elementary.sigmoid
    relu = elementary.relu
    isnan = elementary.isnan
    trunc = fix = elementary.trunc
    sinc = elementary.sinc
    logit = elementary.logit
    polygamma = elementary.polygamma
    frac = elementary.frac
    deg2rad = elementary.deg2rad
    rad2deg = elementary.rad2deg
    nan_to_num = elementary.nan_to_num
    clamp = clip = elementary.clamp
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
    expit = elementary.sigmoid
    sgn = arithmetic.sgn
    positive = arithmetic.positive
    signbit = arithmetic.signbit
    __floordiv__ = elementary.floor_divide

    def __rfloordiv__(self, other: Any) -> Any:
        return elementary.floor_divide(other, self)

    # --- order and reductions ---
    dist = reductions.dist
    aminmax = reductions.aminmax
    nansum = reductions.nansum
    nanmean = reductions.nanmean
    count_nonzero = reductions.count_nonzero
    diff = reductions.diff
    sort = sorting.sort
    argsort = sorting.argsort
    msort = sorting.msort
    topk = sorting.topk
    kthvalue = sorting.kthvalue
    median = sorting.median
    cumprod = sorting.cumprod
    logcumsumexp = sorting.logcumsumexp

    # --- elements by index ---
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

    # --- rearranging and cutting ---
    narrow = layout.narrow
    unbind = layout.unbind
    select = layout.select
    split = layout.split
    chunk = layout.chunk
    tensor_split = layout.tensor_split
    movedim = moveaxis = layout.movedim
    adjoint = layout.adjoint
    roll = layout.roll
    rot90 = layout.rot90
    fliplr = layout.fliplr
    flipud = layout.flipud
    repeat = layout.repeat
    tile = layout.tile
    repeat_interleave = layout.repeat_interleave
    expand_as = layout.expand_as
    view_as = reshape_as = layout.view_as
    unflatten = layout.unflatten
    unfold = layout.unfold
    tril = layout.tril
    triu = layout.triu
    diagonal = layout.diagonal
    diag = layout.diag
    diag_embed = layout.diag_embed
    diagflat = layout.diagflat
    trace = layout.trace
    swapdims = shaping.transpose

    # --- products and matrices ---
    addmm = products.addmm
    addmv = products.addmv
    baddbmm = products.baddbmm
    addbmm = products.addbmm
    addr = products.addr
    inner = products.inner
    cross = products.cross
    vdot = products.dot
    ger = products.outer
    det = linear_algebra.det
    slogdet = linear_algebra.slogdet
    logdet = linear_algebra.logdet
    matrix_power = linear_algebra.matrix_power
    cholesky = linear_algebra.cholesky
    pinverse = linear_algebra.pinv
    qr = linear_algebra.qr
    cholesky_solve = linear_algebra.cholesky_solve
    inverse = linear_algebra.inv

    # --- more of each ---
    isposinf = elementary.isposinf
    isneginf = elementary.isneginf
    ldexp = elementary.ldexp
    logical_and = elementary.logical_and
    logical_or = elementary.logical_or
    logical_xor = elementary.logical_xor
    cummax = sorting.cummax
    cummin = sorting.cummin
    nanmedian = sorting.nanmedian
    hsplit = layout.hsplit
    vsplit = layout.vsplit
    dsplit = layout.dsplit
    nonzero = gathering.nonzero
    argwhere = gathering.argwhere
    equal = elementary.equal
    sum_to_size = layout.sum_to_size
    kron = products.kron
    split_with_sizes = layout.split
    svd = linear_algebra.svd

    # --- in place ---
    abs_ = updating("abs_", arithmetic.abs)
    sign_ = updating("sign_", arithmetic.sign)
    floor_ = updating("floor_", arithmetic.floor)
    ceil_ = updating("ceil_", arithmetic.ceil)
    round_ = updating("round_", arithmetic.round)
    rsqrt_ = updating("rsqrt_", arithmetic.rsqrt)
    expm1_ = updating("expm1_", arithmetic.expm1)
    exp2_ = updating("exp2_", arithmetic.exp2)
    log_ = updating("log_", arithmetic.log)
    log1p_ = updating("log1p_", arithmetic.log1p)
    log2_ = updating("log2_", arithmetic.log2)
    log10_ = updating("log10_", arithmetic.log10)
    sin_ = updating("sin_", arithmetic.sin)
    cos_ = updating("cos_", arithmetic.cos)
    tan_ = updating("tan_", arithmetic.tan)
    asin_ = updating("asin_", arithmetic.asin)
    acos_ = updating("acos_", arithmetic.acos)
    atan_ = updating("atan_", arithmetic.atan)
    sinh_ = updating("sinh_", arithmetic.sinh)
    cosh_ = updating("cosh_", arithmetic.cosh)
    tanh_ = updating("tanh_", arithmetic.tanh)
    erf_ = updating("erf_", arithmetic.erf)
    erfc_ = updating("erfc_", arithmetic.erfc)
    lgamma_ = updating("lgamma_", arithmetic.lgamma)
    digamma_ = updating("digamma_", arithmetic.digamma)
    square_ = updating("square_", arithmetic.square)
    remainder_ = updating("remainder_", arithmetic.remainder)
    atan2_ = updating("atan2_", arithmetic.atan2)
    reciprocal_ = updating("reciprocal_", elementary.reciprocal)
    sigmoid_ = updating("sigmoid_", elementary.sigmoid)
    relu_ = updating("relu_", elementary.relu)
    asinh_ = updating("asinh_", elementary.asinh)
    acosh_ = updating("acosh_", elementary.acosh)
    atanh_ = updating("atanh_", elementary.atanh)
    trunc_ = updating("trunc_", elementary.trunc)
    sinc_ = updating("sinc_", elementary.sinc)
    logit_ = updating("logit_", elementary.logit)
    frac_ = updating("frac_", elementary.frac)
    nan_to_num_ = updating("nan_to_num_", elementary.nan_to_num)
    clamp_min_ = updating("clamp_min_", elementary.clamp_min)
    clamp_max_ = updating("clamp_max_", elementary.clamp_max)
    fmod_ = updating("fmod_", elementary.fmod)
    xlogy_ = updating("xlogy_", elementary.xlogy)
    hypot_ = updating("hypot_", elementary.hypot)
    copysign_ = updating("copysign_", elementary.copysign)
    floor_divide_ = updating("floor_divide_", elementary.floor_divide)
    lerp_ = updating("lerp_", elementary.lerp)
    addcmul_ = updating("addcmul_", elementary.addcmul)
    addcdiv_ = updating("addcdiv_", elementary.addcdiv)
    deg2rad_ = updating("deg2rad_", elementary.deg2rad)
    rad2deg_ = updating("rad2deg_", elementary.rad2deg)
    scatter_ = updating("scatter_", gathering.scatter)
    scatter_add_ = updating("scatter_add_", gathering.scatter_add)
    index_add_ = updating("index_add_", gathering.index_add)
    index_copy_ = updating("index_copy_", gathering.index_copy)
    index_fill_ = updating("index_fill_", gathering.index_fill)
    masked_fill_ = updating("masked_fill_", gathering.masked_fill)
    masked_scatter_ = updating("masked_scatter_", gathering.masked_scatter)
    cumprod_ = updating("cumprod_", sorting.cumprod)
    cumsum_ = updating("cumsum_", reductions.cumsum)
    tril_ = updating("tril_", layout.tril)
    triu_ = updating("triu_", layout.triu)
    addmm_ = updating("addmm_", products.addmm)
    addmv_ = updating("addmv_", products.addmv)
    baddbmm_ = updating("baddbmm_", products.baddbmm)
    addbmm_ = updating("addbmm_", products.addbmm)
    addr_ = updating("addr_", products.addr)
    absolute_ = abs_
    arccos_ = acos_
    arcsin_ = asin_
    arctan_ = atan_
    arccosh_ = acosh_
    arcsinh_ = asinh_
    arctanh_ = atanh_
    arctan2_ = atan2_
    fix_ = trunc_
    logical_not_ = updating("logical_not_", arithmetic.logical_not)
    lt_ = updating("lt_", arithmetic.lt)
    le_ = updating("le_", arithmetic.le)
    gt_ = updating("gt_", arithmetic.gt)
    ge_ = updating("ge_", arithmetic.ge)
    eq_ = updating("eq_", arithmetic.eq)
    ne_ = updating("ne_", arithmetic.ne)
    logical_and_ = updating("logical_and_", elementary.logical_and)
    logical_or_ = updating("logical_or_", elementary.logical_or)
    logical_xor_ = updating("logical_xor_", elementary.logical_xor)
    sgn_ = updating("sgn_", arithmetic.sgn)
    ldexp_ = updating("ldexp_", elementary.ldexp)
