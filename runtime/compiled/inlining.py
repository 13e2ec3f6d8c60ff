"""A compiled function that is called inside a trace: its graph becomes a part of that one's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...ir.inline import inline
from ...tracer.asking import expect
from ...tracer.pytree import unflatten
from ...tracer.trace import Trace
from .donation import store
from .stores import write_back
from .variant import Variant


def inlined(trace: Trace, variant: Variant, leaves: Sequence[Any], given: list[Any]) -> Any:
    """The result of `variant` for `leaves`, traced; what it stores goes to `given`, the arguments
    as the caller has them. The trace takes over what the variant asked of values.
    """
    arrays = [trace.lift(x) for x in (*leaves, *variant.traced.captured)]
    trace.eagerly = trace.eagerly or variant.traced.eagerly
    trace.read.extend(variant.traced.read)
    values = inline(variant.branch, trace.builder, [x.value for x in arrays])
    count = variant.out_tree.num_leaves
    for condition, value in zip(variant.conditions, values[count:], strict=True):
        expect(trace, value, condition.answer, condition.detached)
    results = [trace.wrap(value) for value in values[:count]]
    stored = store(variant.donated, variant.with_arguments(results, given), given)
    result = unflatten(variant.out_tree, stored)
    return write_back(variant.traced.written, given, result)
