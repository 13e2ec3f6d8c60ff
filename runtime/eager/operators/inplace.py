"""The methods that change a tensor in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..apply.quiet import RESTORE, SILENCE, SILENT
from ..core import make, shared_counter
from ..graph.changes import alias_of, bump, check, check_fit, overwrite, overwritten, write
from ..graph.modes import STATE
from ..graph.node import LEAF_EDGE, NEXT_SEQUENCE, OUTPUT, edge_of
from ..graph.specialise import own_code
from ..graph.views import rebase, source_of
from . import arithmetic
from .assigning import setitem
from .elementwise import as_constant

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["setitem", "updating"]


def updating(name: str, function: Callable[..., Any]) -> Callable[..., Tensor]:
    """The in-place form `name` of `function`, of which x is the first operand."""

    def call(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if check(x, (*args, *kwargs.values())):
            return _recorded(name, function, x, args, kwargs)
        new = function(x, *args, **kwargs)
        if new is NotImplemented:
            raise TypeError(f"{name}() does not take {type(args[0]).__name__}")
        write(x, new, name)
        bump(x)
        return x

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"{name[:-1]}(), in place."
    return call


def _method_and_operator(
    name: str, function: Callable[..., Any], ufunc: np.ufunc
) -> tuple[Callable[..., Tensor], Callable[[Tensor, Any], Tensor]]:
    """The same of a function of two operands, which `ufunc` computes; and the operator.

    What updates parameters, a change of floats that is not recorded, is straight-line code.
    """
    general = updating(name, function)

    def operator(x: Tensor, y: Any) -> Tensor:
        a, counter = x._data, x._counter
        dtype, kind = a.dtype, y.__class__
        plain = counter is None or counter.__class__ is list
        if STATE.enabled or not plain or not (dtype is _DOUBLE or dtype is _SINGLE):
            return general(x, y)
        b = as_constant(y, dtype) if kind is float or kind is int else getattr(y, "_data", None)
        if b is None or b.dtype is not dtype:
            return general(x, y)
        token = SILENCE(SILENT)
        try:
            ufunc(a, b, a)
        except ValueError:  # `a` is read-only, or too small; nothing was written
            return general(x, y)
        finally:
            RESTORE(token)
        if counter is None:
            shared_counter(x)[0] += 1
        else:
            counter[0] += 1
        return x

    def method(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if len(args) == 1 and not kwargs:
            return operator(x, args[0])
        return general(x, *args, **kwargs)

    for one in (operator, method):
        one.__name__, one.__qualname__, one.__doc__ = name, name, general.__doc__
    own_code(operator)
    return method, operator


_DOUBLE, _SINGLE = np.dtype(np.float64), np.dtype(np.float32)


def _recorded(
    name: str,
    function: Callable[..., Any],
    x: Tensor,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Tensor:
    """Compute the new x from a stand-in for the old one; what is saved of that is copied."""
    begin = NEXT_SEQUENCE()
    # Saved-tensor hooks may keep what they are shown: they are shown a copy.
    old = make(x._data if STATE.watch is None else x._data.copy(), source_of(x))
    new = function(old, *[alias_of(y) if y is x else y for y in args], **kwargs)
    if new is NotImplemented:
        raise TypeError(f"{name}() does not take {type(args[0]).__name__}")
    if new is old:
        return x
    if new._data.dtype != x._data.dtype and new._node is not None:
        check_fit(x, new, name)
        new = new.to(x._data.dtype)
    if [node for node in _made_since(begin, new._node) if node.holds(old, x._data)]:
        old._data = x._data.copy()
    node = new._node
    if node is None and old._node is not None:
        node = overwritten(f"{name[:-1].title()}Backward0", edge_of(old), None)
    write(x, new, name)
    bump(x)
    if new._node is not None:
        new.grad_fn.adopt(new, x)
    if node is not None:
        rebase(x, node)
    return x


def _made_since(begin: int, node: Any) -> list[Any]:
    """The nodes that lead to `node` and are younger than `begin`."""
    found: list[Any] = []
    seen_nodes: set[Any] = set()
    stack = [node]
    while stack:
        edge = stack.pop()
        if edge is None or edge.edge_kind == LEAF_EDGE:
            continue
        made = edge.node if edge.edge_kind == OUTPUT else edge
        if made.sequence > begin and made not in seen_nodes:
            seen_nodes.add(made)
            found.append(made)
            stack += made.edges
    return found


add_, iadd = _method_and_operator("add_", arithmetic.add, np.add)
sub_, isub = _method_and_operator("sub_", arithmetic.sub, np.subtract)
mul_, imul = _method_and_operator("mul_", arithmetic.mul, np.multiply)
div_, itruediv = _method_and_operator("div_", arithmetic.div, np.divide)
pow_ = updating("pow_", arithmetic.pow)
neg_ = updating("neg_", arithmetic.neg)
exp_ = updating("exp_", arithmetic.exp)
sqrt_ = updating("sqrt_", arithmetic.sqrt)
clamp_ = updating("clamp_", arithmetic.clamp)


def copy_(x: Tensor, source: Any) -> Tensor:
    """The elements of `source`, which broadcasts, written to x."""
    return overwrite(x, source, "CopyBackwards")


def fill_(x: Tensor, value: Any) -> Tensor:
    """Every element set to `value`."""
    return overwrite(x, value, "FillBackward1" if hasattr(value, "_data") else "FillBackward0")


def zero_(x: Tensor) -> Tensor:
    """Every element set to 0."""
    return overwrite(x, 0.0 if x._data.dtype.kind == "f" else 0, "ZeroBackward0")
