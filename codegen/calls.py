"""The call of one operation's function, wherever it stands: in `run`, or in a step of a loop."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ..ir import Operation
from ..ir.record import identity_record
from .control import return_if_nonzero
from .emitter import Emitter, Reg
from .function import FunctionText
from .kernels.stores import write_update
from .linalg.dot import product_of
from .sorting import work_of_sort
from .status import STATUS_BITS

Define = Callable[[Operation], tuple[str, FunctionText]]  # an operation's function, with its symbol


@identity_record
class CallSite:
    """An operation, the function that does it, and the number that its error codes carry."""

    operation: Operation
    symbol: str
    text: FunctionText
    number: int


def write_call(e: Emitter, site: CallSite, pointers: Sequence[str], scratch: str | None) -> None:
    """Code that calls a function with `pointers` to operands and results, and to its scratch memory
    where it needs some. A status that is not 0 is handed on.
    """
    operation, text = site.operation, site.text

    def call(*given: str) -> None:
        arguments = ", ".join(f"ptr {pointer}" for pointer in (*given, "%context"))
        code = e.emit(f"call i32 {site.symbol}({arguments})", "i32")
        if text.can_fail:
            _return_error(e, code, site)

    if operation.name == "update":
        write_update(e, operation, list(pointers), call)
    else:
        call(*pointers, *([scratch] if scratch else ()))


def _return_error(e: Emitter, code: Reg, site: CallSite) -> None:
    """Hand on what a poll said as it is; an error with the number of the call it came from."""
    if site.operation.name == "scan":  # it has the number of a call in its step
        return_if_nonzero(e, code)
        return
    where = e.or_(code, Reg(str(site.number << STATUS_BITS), "i32"))
    failed = e.select(e.compare("gt", code, Reg("0", "i32")), where, code)
    return_if_nonzero(e, failed)


def work_of(operation: Operation) -> int:
    """A measure of how long an operation takes: scalar operations, about one in a nanosecond."""
    if operation.name == "kernel":
        return int(math.prod(operation.attributes["domain"])) * len(operation.regions[0])
    if operation.name == "scan":
        step = sum(work_of(inner) for inner in operation.regions[0])
        return int(operation.attributes["length"]) * step
    if operation.name == "dot":
        product = product_of(operation)
        return int(product.count * (product.flops // 16 + product.elements))
    if "factorisation" in operation.op.traits:
        return _work_of_matrix(operation.operands[0].shape)
    if operation.name == "argsort":
        return work_of_sort(operation)
    if operation.name == "update":
        return 2 * sum(part.type.size for part in operation.operands[1:])
    values = (*operation.operands, *operation.results)
    return 2 * max(value.type.size for value in values)


def _work_of_matrix(shape: tuple[int, ...]) -> int:
    return int(math.prod(shape) * max(shape[-2:], default=0))
