"""Universal functions: NumPy's table of them, in terms of ops, and the operators made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ...ir.errors import FusegradError
from .. import complexes
from ..errors import CastError, StoreError, UnsupportedError
from ..mutation import store_result
from ..operands import is_number, kind_of, lift, lift_unless_number, materialise, shape_of
from ..promotion import broadcast_shapes, resolve_ufunc, supported_dtype, ufunc_name
from ..registry import FUNCTIONS, is_idle, unsupported, unsupported_keyword
from ..surroundings.foreign import refuse_operand
from ..trace import can_lift, current_trace, is_traced
from . import elementwise, special

if TYPE_CHECKING:
    from ..array import TracedArray

# Ufuncs that are no elementwise functions of broadcast operands; other modules register theirs.
GENERALISED: dict[np.ufunc, Callable[..., Any]] = {}

# Methods of ufuncs besides calls, by name: METHODS["reduce"](ufunc, x, axis=…).
METHODS: dict[str, Callable[..., Any]] = {}

# ufunc.reduce(x, axis=0) is this function of it.
_REDUCTIONS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
    np.logical_and: np.all,
    np.logical_or: np.any,
}


# --- from the protocol ---


def dispatch_ufunc(
    ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """What `__array_ufunc__` is asked for."""
    if complexes.any_complex(inputs):
        return complexes.call_ufunc(ufunc, method, inputs, kwargs)
    if method == "__call__":
        return _call(ufunc, inputs, kwargs)
    if method == "reduce" and ufunc in _REDUCTIONS:
        out = kwargs.pop("out", None)
        return _into(ufunc, _reduce(_REDUCTIONS[ufunc], *inputs, **kwargs), out)
    if method == "outer" and not ufunc.signature:
        return _outer(ufunc, inputs, kwargs)
    if method in METHODS and ufunc.nin == 2 and ufunc.nout == 1 and not ufunc.signature:
        out = kwargs.pop("out", None)
        return _into(ufunc, METHODS[method](ufunc, *inputs, **kwargs), out)
    raise unsupported(f"{ufunc_name(ufunc)}.{method}")


def _call(ufunc: np.ufunc, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if not kwargs:
        return _plain_call(ufunc, inputs, None)
    options = dict(kwargs)
    dtype, out = options.pop("dtype", None), options.pop("out", None)
    where = options.pop("where", True)
    for name, value in options.items():
        if not is_idle(name, value):
            raise _keyword_error(ufunc, name)
    if where is not True:
        return _call_where(ufunc, inputs, dtype, out, where)
    return _into(ufunc, _plain_call(ufunc, inputs, dtype), out)


def _call_where(ufunc: np.ufunc, inputs: tuple[Any, ...], dtype: Any, out: Any, where: Any) -> Any:
    """The result where `where` is true, what `out` held elsewhere; without `out` that is nothing.

    Elsewhere the ufunc sees ones, so that no derivative is infinite there and nan after all.
    """
    if ufunc.nout != 1 or ufunc.signature:
        raise _keyword_error(ufunc, "where")
    safe = tuple(_choose(where, x, 1) if _is_float(x) else x for x in inputs)
    result = _plain_call(ufunc, safe, dtype)
    target = out[0] if isinstance(out, tuple) else out
    chosen = _choose(where, result, 0 if target is None else target)
    return _into(ufunc, chosen, out)


def _choose(where: Any, x: Any, y: Any) -> Any:
    return FUNCTIONS[np.where].call(where, x, y)


def _is_float(x: Any) -> bool:
    if is_number(x):
        return False
    array = lift(x)
    return array.value_type.is_float and not array.weak


def _into(ufunc: np.ufunc, result: Any, out: Any) -> Any:
    """`result`, stored into `out=` if that is given."""
    targets = out if isinstance(out, tuple) else (out,)
    if all(target is None for target in targets):
        return result
    results = result if isinstance(result, tuple) else (result,)
    stored = []
    for target, each in zip(targets, results, strict=True):
        if target is not None and not is_traced(target):
            raise _out_error(ufunc)
        stored.append(each if target is None else store_result("out=", target, each))
    return tuple(stored) if isinstance(result, tuple) else stored[0]


def _plain_call(ufunc: np.ufunc, inputs: tuple[Any, ...], dtype: Any) -> Any:
    if ufunc in GENERALISED:
        result = GENERALISED[ufunc](*inputs)
        return result if dtype is None else result.astype(dtype)
    forced = None if dtype is None else supported_dtype(dtype, f"the result of {ufunc_name(ufunc)}")
    return call_ufunc(ufunc, inputs, forced)


def _keyword_error(ufunc: np.ufunc, name: str) -> UnsupportedError:
    return unsupported_keyword(ufunc_name(ufunc), name)


def _out_error(ufunc: np.ufunc) -> FusegradError:
    return StoreError(
        f"{ufunc_name(ufunc)} would store a traced array into a NumPy array from outside",
        hint="x = x + y instead of x += y or out=x: the result becomes an array of its own",
    )


def _reduce(function: Callable[..., Any], x: Any, axis: Any = 0, **kwargs: Any) -> Any:
    known = FUNCTIONS[function].keywords
    for name, value in kwargs.items():
        if name not in known and not (name == "out" and value == (None,)):
            raise unsupported_keyword(f"np.{function.__name__}", name)
    kept = {name: value for name, value in kwargs.items() if name in known}
    return FUNCTIONS[function].call(x, axis=axis, **kept)


def _outer(ufunc: np.ufunc, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    left, right = (lift(x, ufunc_name(ufunc)) for x in inputs)
    return _call(ufunc, (left.reshape(left.shape + (1,) * right.ndim), right), kwargs)


# --- elementwise ---


def call_ufunc(ufunc: np.ufunc, inputs: tuple[Any, ...], dtype: str | None = None) -> Any:
    """`ufunc` of these operands: promoted and broadcast as NumPy does, then the ops."""
    rule = elementwise.RULES.get(ufunc) or special.rule_of(ufunc)
    if rule is None:
        raise unsupported(_full_name(ufunc))
    if ufunc is np.power:
        found = static_power(*inputs)
        if found is not None and dtype is None:
            return found
    name = ufunc.__name__
    operands = [lift_unless_number(x, f"np.{name}") for x in inputs]
    dtypes = resolve_ufunc(ufunc, tuple([kind_of(x) for x in operands]), dtype)
    shape = broadcast_shapes(f"np.{name}", [shape_of(x) for x in operands])
    values = [materialise(x, d, shape) for x, d in zip(operands, dtypes, strict=False)]
    trace = current_trace()
    results = rule(trace.builder, *values)
    outputs = dtypes[ufunc.nin :]
    if ufunc.nout == 1:
        return trace.wrap(trace.builder.cast(results, outputs[0]))
    pairs = zip(results, outputs, strict=True)
    return tuple(trace.wrap(trace.builder.cast(value, output)) for value, output in pairs)


def _full_name(ufunc: np.ufunc) -> str:
    name = ufunc_name(ufunc)
    if name.startswith("np."):
        return name
    return f"scipy.special.{name}" if special.is_special(ufunc) else f"the ufunc {name}"


# --- operators ---


def operate(ufunc: np.ufunc, *inputs: Any) -> Any:
    """An operator of Python's. Of Python numbers alone it gives a Python number."""
    if complexes.any_complex(inputs):
        return complexes.call_ufunc(ufunc, "__call__", inputs, {})
    for x in inputs:
        if not (is_traced(x) or can_lift(x)):
            refuse_operand(x, ufunc_name(ufunc))
            return NotImplemented
    generalised = GENERALISED.get(ufunc)
    if generalised is not None:
        return generalised(*inputs)
    if not all(map(_is_weak, inputs)):
        return call_ufunc(ufunc, inputs)
    result = call_ufunc(ufunc, tuple(map(_counted, inputs)) if ufunc in _COUNTING else inputs)
    _weaken(result)
    return result


# For these Python takes its truth values as 0 and 1, NumPy does not: True + True is 2 there.
_COUNTING = {np.add, np.subtract, np.multiply, np.negative, np.positive, np.absolute, np.power}
_COUNTING |= {np.true_divide, np.floor_divide, np.remainder, np.divmod}


def _counted(x: Any) -> Any:
    """A Python number, truth values as integers."""
    if not is_traced(x):
        return int(x) if type(x) is bool else x
    if x.value.type.dtype != "bool":
        return x
    return current_trace().wrap(materialise(lift(x), "i64", ()), weak=True)


def _is_weak(x: Any) -> bool:
    return x.weak if is_traced(x) else type(x) in (int, float, bool)


def _weaken(result: Any) -> None:
    for each in result if isinstance(result, tuple) else (result,):
        each.weak = True


def equality(ufunc: np.ufunc, x: Any, y: Any) -> Any:
    """`==` and `!=`, which Python also asks for objects that are no arrays at all."""
    if y is None or isinstance(y, str):
        return current_trace().wrap(
            materialise(ufunc is np.not_equal, "bool", lift(x).shape),
        )
    return operate(ufunc, x, y)


def power_operator(x: TracedArray, y: Any) -> Any:
    """``x ** y``: as ndarray's, a square root where y is 0.5."""
    if type(y) is float and y == 0.5 and x.value.type.is_float:
        return operate(np.sqrt, x)
    return operate(np.power, x, y)


def static_power(x: Any, y: Any) -> TracedArray | None:
    """x to a known power that is cheaper than `pow`; None where it is not."""
    if not is_traced(x) or type(y) not in (int, float):
        return None
    array = lift(x)
    dtype = array.value.type.dtype
    if dtype in ("i32", "i64") and type(y) is int:
        return _integer_power(array, y)
    if not array.value.type.is_float or y not in (0, 1, 2):
        return None
    b = current_trace().builder
    value = array.value
    if y == 0:
        return current_trace().wrap(b.full_like(value, 1))
    return current_trace().wrap(b.mul(value, value) if y == 2 else value)


def _integer_power(x: TracedArray, exponent: int) -> TracedArray:
    """By repeated squaring; it wraps around as NumPy's."""
    if exponent < 0:
        raise CastError(
            "Integers to negative integer powers are not allowed",
            hint="a float exponent, or x.astype(float)",
        )
    b = current_trace().builder
    result, square = None, x.value
    while exponent:
        if exponent & 1:
            result = square if result is None else b.mul(result, square)
        exponent >>= 1
        square = b.mul(square, square) if exponent else square
    return current_trace().wrap(b.full_like(x.value, 1) if result is None else result)
