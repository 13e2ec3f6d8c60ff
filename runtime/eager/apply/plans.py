"""The compositions that were built, for the types of operands that were met."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ....ir import Graph, GraphBuilder, TensorType
from ....ir.types import NUMPY_DTYPE
from ..errors import explain
from .plan import Composite

Types = tuple[tuple[int, tuple[int, ...]], ...]  # dtype number and shape of each operand
Static = tuple[tuple[str, Any], ...]
_MOST_PLANS = 4096
_NAME: dict[int, str] = {dtype.num: name for name, dtype in NUMPY_DTYPE.items()}


def build(function: Callable[..., Any], types: Types, static: Static) -> Graph:
    """The graph of `function(b, *operands, **static)` for operands of `types`."""
    builder = GraphBuilder(getattr(function, "__name__", "composite"))
    inputs = [builder.input(TensorType(_NAME[num], shape)) for num, shape in types]
    outputs = function(builder, *inputs, **dict(static))
    return builder.build(outputs if isinstance(outputs, tuple) else (outputs,))


def plan_of(
    name: str,
    function: Callable[..., Any],
    types: Types,
    static: Static,
    operands: Sequence[Any] = (),
) -> Composite:
    """The composition for operands of `types`, made when it is first asked for. Errors show what
    `operands` are.
    """
    key = (function, types, static)
    plan = _plans.get(key)
    if plan is not None:
        return plan
    try:
        plan = Composite(build(function, types, static))
    except KeyError:
        unknown = {str(x.dtype) for x in operands} - {str(d) for d in NUMPY_DTYPE.values()}
        raise TypeError(f"{name} does not take dtype {', '.join(sorted(unknown))}") from None
    except ValueError as error:
        raise explain(name, operands, error) from None
    if len(_plans) >= _MOST_PLANS:
        _plans.clear()
    _plans[key] = plan
    return plan


_plans: dict[Any, Composite] = {}
