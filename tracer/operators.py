"""Python's operators of traced arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import mutation
from .errors import TraceError
from .functions import ufuncs
from .source import locate


class Operators:
    """Each is the ufunc of that operator."""

    __slots__ = ()

    def __add__(self, other: Any) -> Any:
        return ufuncs.operate(np.add, self, other)

    def __radd__(self, other: Any) -> Any:
        return ufuncs.operate(np.add, other, self)

    def __sub__(self, other: Any) -> Any:
        return ufuncs.operate(np.subtract, self, other)

    def __rsub__(self, other: Any) -> Any:
        return ufuncs.operate(np.subtract, other, self)

    def __mul__(self, other: Any) -> Any:
        return ufuncs.operate(np.multiply, self, other)

    def __rmul__(self, other: Any) -> Any:
        return ufuncs.operate(np.multiply, other, self)

    def __truediv__(self, other: Any) -> Any:
        return ufuncs.operate(np.true_divide, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return ufuncs.operate(np.true_divide, other, self)

    def __floordiv__(self, other: Any) -> Any:
        return ufuncs.operate(np.floor_divide, self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return ufuncs.operate(np.floor_divide, other, self)

    def __mod__(self, other: Any) -> Any:
        return ufuncs.operate(np.remainder, self, other)

    def __rmod__(self, other: Any) -> Any:
        return ufuncs.operate(np.remainder, other, self)

    def __divmod__(self, other: Any) -> Any:
        return ufuncs.operate(np.divmod, self, other)

    def __rdivmod__(self, other: Any) -> Any:
        return ufuncs.operate(np.divmod, other, self)

    def __pow__(self: Any, other: Any) -> Any:
        return ufuncs.power_operator(self, other)

    def __rpow__(self, other: Any) -> Any:
        return ufuncs.operate(np.power, other, self)

    def __matmul__(self, other: Any) -> Any:
        return ufuncs.operate(np.matmul, self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return ufuncs.operate(np.matmul, other, self)

    def __and__(self, other: Any) -> Any:
        return ufuncs.operate(np.bitwise_and, self, other)

    def __rand__(self, other: Any) -> Any:
        return ufuncs.operate(np.bitwise_and, other, self)

    def __or__(self, other: Any) -> Any:
        return ufuncs.operate(np.bitwise_or, self, other)

    def __ror__(self, other: Any) -> Any:
        return ufuncs.operate(np.bitwise_or, other, self)

    def __xor__(self, other: Any) -> Any:
        return ufuncs.operate(np.bitwise_xor, self, other)

    def __rxor__(self, other: Any) -> Any:
        return ufuncs.operate(np.bitwise_xor, other, self)

    def __lshift__(self, other: Any) -> Any:
        return ufuncs.operate(np.left_shift, self, other)

    def __rlshift__(self, other: Any) -> Any:
        return ufuncs.operate(np.left_shift, other, self)

    def __rshift__(self, other: Any) -> Any:
        return ufuncs.operate(np.right_shift, self, other)

    def __rrshift__(self, other: Any) -> Any:
        return ufuncs.operate(np.right_shift, other, self)

    def __lt__(self, other: Any) -> Any:
        return ufuncs.operate(np.less, self, other)

    def __le__(self, other: Any) -> Any:
        return ufuncs.operate(np.less_equal, self, other)

    def __gt__(self, other: Any) -> Any:
        return ufuncs.operate(np.greater, self, other)

    def __ge__(self, other: Any) -> Any:
        return ufuncs.operate(np.greater_equal, self, other)

    def __eq__(self, other: object) -> Any:
        return ufuncs.equality(np.equal, self, other)

    def __ne__(self, other: object) -> Any:
        return ufuncs.equality(np.not_equal, self, other)

    def __hash__(self: Any) -> int:
        if self.shape or self.boxed:  # == compares elements
            raise TypeError("unhashable type: 'numpy.ndarray'")
        raise TraceError(
            f"a {self!r} has no value while tracing, it cannot be in a set or a key of a dict",
            at=locate(),
            hint="lists and indices instead of sets and dicts of values; np.unique for a set",
        )

    def __neg__(self) -> Any:
        return ufuncs.operate(np.negative, self)

    def __pos__(self) -> Any:
        return ufuncs.operate(np.positive, self)

    def __abs__(self) -> Any:
        return ufuncs.operate(np.absolute, self)

    def __invert__(self) -> Any:
        return ufuncs.operate(np.invert, self)

    def __round__(self: Any, digits: int | None = None) -> Any:
        if self.shape:
            raise TypeError(f"a {self!r} has no __round__: use np.round")
        return int(np.rint(self)) if digits is None else self.round(digits)

    # --- operators in place: a number is rebound, an array that nobody else sees is changed ---

    def __iadd__(self, other: Any) -> Any:
        return self._become("+", self + other)

    def __isub__(self, other: Any) -> Any:
        return self._become("-", self - other)

    def __imul__(self, other: Any) -> Any:
        return self._become("*", self * other)

    def __itruediv__(self, other: Any) -> Any:
        return self._become("/", self / other)

    def __ifloordiv__(self, other: Any) -> Any:
        return self._become("//", self // other)

    def __imod__(self, other: Any) -> Any:
        return self._become("%", self % other)

    def __ipow__(self, other: Any) -> Any:
        return self._become("**", self**other)

    def __imatmul__(self, other: Any) -> Any:
        return self._become("@", self @ other)

    def __iand__(self, other: Any) -> Any:
        return self._become("&", self & other)

    def __ior__(self, other: Any) -> Any:
        return self._become("|", self | other)

    def __ixor__(self, other: Any) -> Any:
        return self._become("^", self ^ other)

    def __ilshift__(self, other: Any) -> Any:
        return self._become("<<", self << other)

    def __irshift__(self, other: Any) -> Any:
        return self._become(">>", self >> other)

    def _become(self: Any, sign: str, result: Any) -> Any:
        """What `self` is after ``self {sign}= other``."""
        if result is NotImplemented or not (self.shape or self.boxed):
            return result
        return mutation.store_result(f"{sign}=", self, result)
