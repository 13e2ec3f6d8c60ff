"""The methods of a tensor that are functions of the families beside this module, also in place.

Each is the public function of its name: the tables below say which there are.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from . import functions
from .graph import changes
from .operators import (
    complexes,
    conversion,
    cutting,
    drawing,
    elementary,
    inplace,
    layout,
    reseeing,
)
from .operators.inplace import updating

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = ["FamilyMethods"]

# Functions whose first operand is the tensor.
_METHODS = """
    acosh addbmm addcdiv addcmul addmm addmv addr adjoint allclose aminmax angle arccosh arcsinh
    arctanh argsort argwhere as_strided as_strided_scatter asinh atanh baddbmm bernoulli bincount
    bitwise_left_shift bitwise_right_shift cholesky cholesky_inverse cholesky_solve chunk clamp
    clamp_max clamp_min clip copysign corrcoef count_nonzero cov cross cummax cummin cumprod deg2rad
    det diag diag_embed diagflat diagonal diagonal_scatter diff dist dsplit equal erfinv fix fliplr
    flipud float_power floor_divide fmax fmin fmod frac frexp gather gcd ger heaviside histc
    histogram hsplit hypot i0 igamma igammac index_add index_copy index_fill index_put index_reduce
    index_select inner inverse is_complex is_nonzero is_same_size isclose isinf isnan isneginf
    isposinf isreal kron kthvalue lcm ldexp lerp logaddexp logaddexp2 logcumsumexp logdet
    logical_and logical_or logical_xor logit lu_solve masked_fill masked_scatter masked_select
    matrix_exp matrix_power median mode moveaxis movedim msort multinomial mvlgamma nan_to_num
    nanmean nanmedian nanquantile nansum narrow narrow_copy nextafter nonzero pinverse positive put
    qr quantile rad2deg reciprocal relu renorm repeat_interleave roll rot90 scatter scatter_add
    scatter_reduce select select_scatter sgn sigmoid signbit sinc slice_scatter slogdet sort split
    svd swapdims take take_along_dim tensor_split tile topk trace tril triu trunc unbind unflatten
    unique unique_consecutive vdot vsplit xlogy
"""

# Functions whose in-place form is a method, `name_`.
_IN_PLACE = """
    abs absolute acos acosh addbmm addcdiv addcmul addmm addmv addr arccos arccosh arcsin arcsinh
    arctan arctan2 arctanh asin asinh atan atan2 atanh baddbmm bitwise_and bitwise_left_shift
    bitwise_not bitwise_or bitwise_right_shift bitwise_xor ceil clamp_max clamp_min clip copysign
    cos cosh cumprod cumsum deg2rad digamma divide eq erf erfc erfinv exp2 expm1 fix float_power
    floor floor_divide fmod frac gcd ge greater greater_equal gt heaviside hypot i0 index_add
    index_copy index_fill index_put index_reduce lcm ldexp le lerp less less_equal lgamma log log10
    log1p log2 logical_and logical_not logical_or logical_xor logit lt masked_fill masked_scatter
    multiply mvlgamma nan_to_num ne negative nextafter not_equal put rad2deg reciprocal relu
    remainder renorm round rsqrt scatter scatter_add scatter_reduce sgn sigmoid sign sin sinc sinh
    square subtract tan tanh tril triu true_divide trunc xlogy
"""


class _Facts:
    """What can be asked of a tensor's memory and kind."""

    __slots__ = ()

    if TYPE_CHECKING:
        # the names of the tables, which are bound below
        def __getattr__(self, name: str) -> Any: ...

    def stride(self, dim: int | None = None) -> Any:
        """How many elements apart neighbours along each axis stand, or along `dim`."""
        steps = tuple(step // self._data.itemsize for step in self._data.strides)
        return steps if dim is None else steps[dim]

    def storage_offset(self) -> int:
        """How many elements its first one stands behind the first one of its base."""
        root = self if self._base is None else self._base
        gap: int = (self.data_ptr() - root.data_ptr()) // self._data.itemsize
        return gap

    def data_ptr(self) -> int:
        """The address of its first element."""
        address: int = self._data.__array_interface__["data"][0]
        return address

    def element_size(self) -> int:
        """The bytes of an element."""
        size: int = self._data.itemsize
        return size

    def nelement(self) -> int:
        """The number of elements."""
        size: int = self._data.size
        return size

    def ndimension(self) -> int:
        """The number of axes."""
        ndim: int = self._data.ndim
        return ndim

    is_cpu = property(lambda self: True)
    is_cuda = is_sparse = is_quantized = is_meta = property(lambda self: False)
    is_mps = is_xpu = is_mkldnn = is_nested = is_xla = property(lambda self: False)
    name = property(lambda self: None)

    def get_device(self) -> int:
        """-1: it is on the CPU."""
        return -1

    def is_pinned(self) -> bool:
        """False: there is no device to copy to."""
        return False

    is_shared = is_pinned

    def to_dense(self) -> Any:
        """Itself, as there are no sparse tensors; nor is memory pinned, or shared."""
        return self

    pin_memory = share_memory_ = to_dense

    def dim_order(self) -> tuple[int, ...]:
        """The axes from the one whose neighbours stand farthest apart to the nearest."""
        steps = self._data.strides
        return tuple(sorted(range(len(steps)), key=lambda axis: -steps[axis]))

    def apply_(self, callable: Any) -> Any:
        """Each element replaced by what a Python function makes of it."""
        self._data[...] = np.vectorize(callable, otypes=[self._data.dtype])(self._data)
        changes.bump(cast("Tensor", self))
        return self

    def map_(self, tensor: Any, callable: Any) -> Any:
        """The same, of a function of its elements and those of another tensor."""
        new = np.vectorize(callable, otypes=[self._data.dtype])
        self._data[...] = new(self._data, np.broadcast_to(tensor._data, self._data.shape))
        changes.bump(cast("Tensor", self))
        return self

    def __contains__(self, element: Any) -> bool:
        values = getattr(element, "_data", element)
        return bool((self._data == values).any())

    def __reversed__(self) -> Any:
        return self.flip(0) if self._data.ndim else self

    is_signed = complexes.is_signed
    is_conj = complexes.is_conj
    is_neg = complexes.is_neg


def _polygamma(x: Any, n: int) -> Any:
    """The n-th derivative of digamma, at x."""
    return elementary.polygamma(n, x)


def fill_diagonal_(x: Any, fill_value: Any, wrap: bool = False) -> Any:
    """The elements of equal indices set to `fill_value`; `wrap`: also below, in a tall matrix."""
    shape = x._data.shape
    if len(shape) < 2 or (len(shape) > 2 and len(set(shape)) > 1):
        raise RuntimeError(
            "all dimensions of input must be of equal length, and there are 2 or more"
        )
    size = min(shape) if not wrap or len(shape) > 2 else shape[1]
    step = sum(math.prod(shape[i + 1 :]) for i in range(len(shape)))
    last = x._data.size if wrap and len(shape) == 2 else (size - 1) * step + 1
    places = np.unravel_index(np.arange(0, last, step), shape)
    inplace.setitem(x, tuple(places), fill_value)
    return x


class FamilyMethods(_Facts):
    """Methods of Tensors, bound by name below."""

    __slots__ = ()

    # --- other names, and methods that are no functions ---
    expit = elementary.sigmoid
    __floordiv__ = elementary.floor_divide
    __lshift__ = functions.bitwise_left_shift
    __rshift__ = functions.bitwise_right_shift
    repeat = layout.repeat
    expand_as = layout.expand_as
    view_as = reshape_as = layout.view_as
    unfold = cutting.unfold
    split_with_sizes = cutting.split
    sum_to_size = layout.sum_to_size

    def __rfloordiv__(self, other: Any) -> Any:
        return elementary.floor_divide(other, self)

    def __rlshift__(self, other: Any) -> Any:
        return functions.bitwise_left_shift(other, self)

    def __rrshift__(self, other: Any) -> Any:
        return functions.bitwise_right_shift(other, self)

    fill_diagonal_ = fill_diagonal_
    real = property(complexes.real)
    imag = property(complexes.imag)
    conj = conj_physical = complexes.conj
    resolve_conj = resolve_neg = complexes.resolve_conj
    conj_physical_ = updating("conj_physical_", complexes.conj)
    hardshrink = elementary.hardshrink

    polygamma = _polygamma
    polygamma_ = updating("polygamma_", _polygamma)
    igamma_ = updating("igamma_", functions.igamma)
    igammac_ = updating("igammac_", functions.igammac)

    # --- conversions, and new tensors ---
    cpu = conversion.cpu
    type = conversion.type_
    type_as = conversion.type_as
    new_zeros = conversion.new_zeros
    new_ones = conversion.new_ones
    new_empty = conversion.new_empty
    new_full = conversion.new_full
    new_tensor = conversion.new_tensor

    # --- elements drawn anew ---
    uniform_ = drawing.uniform_
    normal_ = drawing.normal_
    log_normal_ = drawing.log_normal_
    exponential_ = drawing.exponential_
    cauchy_ = drawing.cauchy_
    geometric_ = drawing.geometric_
    bernoulli_ = drawing.bernoulli_
    random_ = drawing.random_

    # --- other views of the same elements ---
    as_strided_ = reseeing.as_strided_
    unsqueeze_ = reseeing.unsqueeze_
    squeeze_ = reseeing.squeeze_
    t_ = reseeing.t_
    transpose_ = reseeing.transpose_
    swapaxes_ = reseeing.swapaxes_
    swapdims_ = reseeing.swapdims_


def _plain(name: str) -> Any:
    """The public function of that name, without its options for calls as a function."""
    function = getattr(functions, name)
    return getattr(function, "plain", function)


def _bind() -> None:
    for name in _METHODS.split():
        setattr(FamilyMethods, name, _plain(name))
    for name, method in conversion.CAST_METHODS.items():
        setattr(FamilyMethods, name, method)
    for name in _IN_PLACE.split():
        setattr(FamilyMethods, f"{name}_", updating(f"{name}_", _plain(name)))
    for operator, name in _OPERATORS.items():
        setattr(FamilyMethods, operator, getattr(FamilyMethods, f"{name}_"))


_OPERATORS = {
    "__iand__": "bitwise_and",
    "__ior__": "bitwise_or",
    "__ixor__": "bitwise_xor",
    "__imod__": "remainder",
    "__ifloordiv__": "floor_divide",
    "__ilshift__": "bitwise_left_shift",
    "__irshift__": "bitwise_right_shift",
}

_bind()
