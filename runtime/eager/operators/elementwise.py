"""Elementwise functions of one and two tensors: the path that most operations take.

The common case, two Tensors of one dtype, is straight-line code; all else goes through `_general`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ....ir import ops as _ops  # noqa: F401  (fills the table)
from ....ir.op import TABLE, NoDerivative
from ..apply.blocks import LARGE, large_eval
from ..apply.builder import apply
from ..apply.quiet import RESTORE, SILENCE, SILENT
from ..core import make
from ..errors import EagerError, explain
from ..graph import names
from ..graph.derivatives import power_of
from ..graph.modes import STATE
from ..graph.node import LEAF, NEXT_SEQUENCE
from ..graph.opnode import PromotedNode, made_by, node_class, reads_of, record
from ..graph.shortnode import BinaryNode, NumberNode, PowerNode, UnaryNode
from ..graph.specialise import own_code
from ..promotion import default_dtype, result_dtype, scalar_dtype

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["Binary", "Unary", "binary", "common_dtype", "lift", "unary"]

Unary = Callable[..., Any]
Binary = Callable[..., Any]

_new = object.__new__
_NUMBERS = (int, float, np.generic)
_MOST_NUMBERS = 256
_ROUNDINGS = ("floor", "ceil", "rint")  # of integers: these, in their own dtype


def unary(op_name: str, title: str = "", *, floats: bool = True) -> Unary:
    """The function of one tensor that applies `op_name`. With `floats`, integers are cast first."""
    op = TABLE[op_name]
    evaluate, evaluate_large = op.eval, large_eval(op)
    cls = node_class(title or names.of_op(op_name), op_name, UnaryNode)
    (read,) = reads_of(op_name)
    keep_operand, keep_result = "0" in read, "out" in read
    discrete = isinstance(op.vjp_rule(0), NoDerivative)

    def call(x: Tensor) -> Any:
        try:
            a = x._data
        except AttributeError:
            return evaluate(x)
        if a.dtype.kind != "f" or discrete:
            return _unary_general(cls, x, floats)
        token = SILENCE(SILENT)
        try:
            data = evaluate(a) if a.size < LARGE else evaluate_large(a)
        finally:
            RESTORE(token)
        source = x._node
        if source is None or not (mode := STATE.enabled):
            return make(data)
        node = cls()
        node.edges = (x if source is LEAF else source,)
        node.sequence = NEXT_SEQUENCE()
        node.hooks = None
        counter = x._counter
        node.versions = None if counter is None else (counter[0],)
        node.operands = (x if keep_operand else a.shape,)
        result = make(data, node)
        if keep_result:
            node.out = result._data
            result._counter = node.counter = [0]
        else:
            node.out = node.counter = None
        if mode is not True:
            mode.see(node)
        return result

    call.evaluate = evaluate  # type: ignore[attr-defined]
    return _named(call, op_name)


def _unary_general(cls: type[Any], x: Tensor, floats: bool) -> Any:
    """Integers, truth values, and the functions whose derivative is zero."""
    data = x._data
    if data.dtype.kind == "b" and cls.op.name == "neg":
        raise EagerError("negation (-) is not supported for a bool tensor; use ~ or logical_not()")
    if cls.op.name in _ROUNDINGS and data.dtype.kind not in "fc":
        return make(data.copy())  # (before NumPy 2.1 its functions gave floats)
    if floats and data.dtype.kind not in "fc":
        return apply(cls.op, (make(data.astype(default_dtype())),), {}, cls.title)
    return apply(cls.op, (x,), {}, cls.title)


def binary(
    op_name: str, title: str = "", *, floats: bool = False, differentiable: bool = True
) -> Binary:
    """The function of two tensors that applies `op_name`, with promotion and broadcasting.

    Returns NotImplemented for what is no operand of it, so that it can stand as an operator. With
    `floats`, integers are cast to the default dtype.
    """
    title = title or names.of_op(op_name)
    cls = node_class(title, op_name, BinaryNode)

    def general(x: Any, y: Any) -> Any:
        return _binary_general(cls, x, y, floats)

    with_number = _with_number(title, op_name, general) if differentiable else general
    call = _named(_of_tensors(cls, general, with_number, floats, differentiable), op_name)
    call.with_number = with_number  # type: ignore[attr-defined]
    return call


def _with_number(title: str, op_name: str, general: Binary) -> Binary:
    """The path of a floating-point tensor and a Python number."""
    power = op_name == "pow"
    cls = node_class(title, op_name, PowerNode if power else NumberNode)
    evaluate, evaluate_large = cls.op.eval, large_eval(cls.op)
    if power:
        evaluate, evaluate_large = power_of, partial(power_of, otherwise=evaluate_large)
    read = reads_of(op_name)[0]
    keep_operand, keep_result = "0" in read, "out" in read

    def call(x: Any, y: Any) -> Any:
        a = x._data
        if a.dtype.kind != "f":
            return general(x, y)
        b = as_constant(y, a.dtype)
        token = SILENCE(SILENT)
        try:
            data = evaluate(a, b) if a.size < LARGE else evaluate_large(a, b)
        finally:
            RESTORE(token)
        source = x._node
        if source is None or not (mode := STATE.enabled):
            return make(data)
        node = cls()
        node.edges = (x if source is LEAF else source, None)
        node.sequence = NEXT_SEQUENCE()
        node.hooks = None
        node.operands = (x if keep_operand else a.shape, b)
        counter = x._counter
        node.versions = None if counter is None else (counter[0], 0)
        result = make(data, node)
        if keep_result:
            node.out = result._data
            result._counter = node.counter = [0]
        else:
            node.out = node.counter = None
        if mode is not True:
            mode.see(node)
        return result

    own_code(call)
    return call


def as_constant(number: float, dtype: np.dtype[Any]) -> np.ndarray:
    """A number as an array without axes, which ufuncs take faster than a scalar; read-only."""
    known = _numbers.get((number, dtype))
    if known is not None:
        return known
    array = np.array(dtype.type(number))
    array.flags.writeable = False
    if number:  # 0 and -0 are equal
        if len(_numbers) >= _MOST_NUMBERS:
            _numbers.clear()
        _numbers[number, dtype] = array
    return array


_numbers: dict[tuple[float, np.dtype[Any]], np.ndarray] = {}


def _of_tensors(  # noqa: C901  (one straight path)
    cls: type[Any], general: Binary, with_number: Binary, floats: bool, differentiable: bool
) -> Binary:
    """The path of two Tensors of one dtype."""
    evaluate, evaluate_large = cls.op.eval, large_eval(cls.op)
    reads = reads_of(cls.op.name)
    x_for_x, x_for_y = "0" in reads[0], "0" in reads[1]
    y_for_x, y_for_y = "1" in reads[0], "1" in reads[1]
    out_for_x, out_for_y = "out" in reads[0], "out" in reads[1]
    lean = not any(reads)

    def call(x: Any, y: Any) -> Any:  # noqa: C901
        kind = y.__class__
        if kind is float or kind is int:
            return with_number(x, y) if hasattr(x, "_data") else general(x, y)
        try:
            a = x._data
            b = y._data
        except AttributeError:
            return general(x, y)
        if a.dtype is not b.dtype or (floats and a.dtype.kind != "f"):
            return general(x, y)
        token = SILENCE(SILENT)
        try:
            data = evaluate(a, b) if a.size < LARGE else evaluate_large(a, b)
        except (ValueError, TypeError) as error:
            raise explain(cls.op.name, (a, b), error) from None
        finally:
            RESTORE(token)
        m = x._node
        n = y._node
        if (m is None and n is None) or not differentiable or not (mode := STATE.enabled):
            return make(data)
        node = cls()
        node.edges = (x if m is LEAF else m, y if n is LEAF else n)
        node.sequence = NEXT_SEQUENCE()
        node.hooks = None
        if lean:
            node.operands = (a.shape, b.shape)
            node.versions = node.out = node.counter = None
            if mode is not True:
                mode.see(node)
            return make(data, node)
        node.operands = (
            x if (x_for_x and m is not None) or (x_for_y and n is not None) else a.shape,
            y if (y_for_x and m is not None) or (y_for_y and n is not None) else b.shape,
        )
        c = x._counter
        d = y._counter
        if c is None and d is None:
            node.versions = None
        else:
            node.versions = (0 if c is None else c[0], 0 if d is None else d[0])
        result = make(data, node)
        if (out_for_x and m is not None) or (out_for_y and n is not None):
            node.out = result._data
            result._counter = node.counter = [0]
        else:
            node.out = node.counter = None
        if mode is not True:
            mode.see(node)
        return result

    return call


def _binary_general(cls: type[Any], x: Any, y: Any, floats: bool) -> Any:
    """Numbers, arrays and tensors of different dtypes."""
    x, y = lift(x), lift(y)
    if x is NotImplemented or y is NotImplemented:
        return NotImplemented
    if cls.op.name == "sub":
        _refuse_truth_values(x, y)
    common = common_dtype((x, y))
    if floats and common.kind not in "fc":
        common = default_dtype()
    op = cls.op
    arrays = [_array(x, common), _array(y, common)]
    token = SILENCE(SILENT)
    try:
        data = op.eval(*arrays)
    except (ValueError, TypeError) as error:
        raise explain(op.name, arrays, error) from None
    finally:
        RESTORE(token)
    if not STATE.enabled:
        return make(data)
    operands = [v if hasattr(v, "_data") else a for v, a in zip((x, y), arrays, strict=True)]
    mixed = any(v.dtype != common for v in operands)
    kind = node_class(cls.title, op.name, PromotedNode) if mixed else cls
    originals = [getattr(v, "_data", v) for v in operands]
    node = record(kind, operands, originals, data, {})
    if mixed and node is not None:
        node.dtype = common
    return made_by(node, data)


def _refuse_truth_values(*operands: Any) -> None:
    if any(isinstance(x, bool) or getattr(x, "dtype", None) == np.bool_ for x in operands):
        raise EagerError("subtraction with a bool operand is not supported; use ^ or logical_not()")


def lift(x: Any) -> Any:
    """An operand as a Tensor or a number; NotImplemented where it is neither."""
    if hasattr(x, "_data") or isinstance(x, _NUMBERS):
        return x
    return make(np.asarray(x)) if isinstance(x, np.ndarray) else NotImplemented


def common_dtype(operands: tuple[Any, ...]) -> np.dtype[Any]:
    """PyTorch's result type of Tensors and Python numbers."""
    shaped, scalars, numbers = [], [], []
    for x in operands:
        data = getattr(x, "_data", None)
        if data is None:
            numbers.append(scalar_dtype(x))
        elif data.shape:
            shaped.append(data.dtype)
        else:
            scalars.append(data.dtype)
    return result_dtype(tuple(shaped), tuple(scalars), tuple(numbers))


def _array(x: Any, dtype: np.dtype[Any]) -> Any:
    data = getattr(x, "_data", None)
    if data is None:
        return dtype.type(x)
    return data if data.dtype == dtype else data.astype(dtype)


def _named(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    function.__name__ = function.__qualname__ = name
    own_code(function)
    return function
