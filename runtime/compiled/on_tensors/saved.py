"""What compiled functions save between forward and backward: how that is decided, and in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ....ir import Graph, Operation, TensorType, Value
from ....ir.passes.levels import HELD_BACK, VIEWS
from ....ir.passes.saving import choose, question_of
from ...eager.backward.reach import needed_for

if TYPE_CHECKING:
    from ....ir.passes.budget import Saving
    from ...eager.apply.plan import Adjoint, Composite
    from ..variant import Variant
    from .budget import Budget


class Keeper:
    """Decides what the forward program of a call on Tensors keeps for the backward program."""

    def __init__(self, budget: Budget | None) -> None:
        self.budget = budget
        self.saving: Any = None

    def __call__(
        self,
        joint: Graph,
        primal: Iterable[Operation],
        reads: Sequence[Value],
        count: int,
        cts: Sequence[Value],
    ) -> tuple[Graph, list[Value]]:
        question = question_of(joint, primal, reads, joint.outputs[:count])
        if self.budget is None:
            return joint, choose(question)
        from ....ir.passes.budget import fit, made_again

        kept, self.saving = fit(question, self.budget)
        if self.saving.after == self.saving.before:
            return joint, kept
        joint, self.saving = made_again(joint, count, question, kept, self.saving, cts)
        return joint, kept


# --- in words ---

_SHOWN = 4  # arrays
_OF_ADJOINT = ("vjp", "cotangent", "seed", HELD_BACK)


def saved_lines(variant: Variant, leaves: Sequence[Any]) -> list[str]:
    """What lies in memory between forward and backward, and what is computed again. `leaves` are
    the arguments of the call, Tensors or arrays.
    """
    tensors = any(getattr(x, "requires_grad", False) for x in leaves)
    if variant.transform.differentiates:
        values = _read_across(variant.program.graph)
        again, saving = _made_again(variant.graph), variant.stages.saving
    elif tensors:
        values, again, saving = _between_programs(variant, leaves)
    else:
        return []
    lines = [f"  saved             {_listed(values)}"]
    if again:
        lines.append(f"  computed again    {again} operations, in the backward pass")
    return [*lines, *_budget_lines(variant.transform.budget, saving)]


def _listed(values: Sequence[tuple[TensorType, Any]]) -> str:
    if not values:
        return "nothing goes through memory from the forward to the backward pass"
    ordered = sorted(values, key=lambda pair: -pair[0].bytes)
    shown = [f"{type}{f' at {at}' if at else ''}" for type, at in ordered[:_SHOWN]]
    if len(ordered) > _SHOWN:
        shown.append(f"and {len(ordered) - _SHOWN} more")
    count = f"{len(ordered)} array{'s' * (len(ordered) > 1)}"
    total = sum(type.bytes for type, _ in ordered)
    return f"{count} for the backward pass, {total} B: {', '.join(shown)}"


def _budget_lines(budget: Budget | None, saving: Saving | None) -> list[str]:
    if budget is None or saving is None:
        return []
    asked = f"{budget:.0%} of {saving.before} B" if isinstance(budget, float) else f"{budget} B"
    if saving.after == saving.before:
        became = "is met by what is saved without it" if saving.met else "changes nothing here"
    else:
        became = f"brings {saving.before} B down to {saving.after} B"
    if saving.met:
        return [f"  memory budget     {asked}: {became}"]
    why = "loops, or one segment at a time, need more"
    return [f"  memory budget     {asked} can't be met ({why}): {became}; try: fg.checkpoint"]


# --- in one program ---


def _read_across(graph: Graph) -> list[tuple[TensorType, Any]]:
    """The buffers of a fused graph that the primal writes and operations of the adjoint read."""
    found: dict[Value, Any] = {}
    late: set[Value] = set()  # of the adjoint, or made again for it
    for operation in graph:
        sources = [_behind_reshapes(x) for x in operation.operands]
        waits = any(x in late for x in sources)
        late.update(x for x in operation.results if waits or _made_by_adjoint(x))
        if waits or any(map(_is_adjoint, _with_inner(operation))):
            primal = [x for x in sources if x.producer is not None and x not in late]
            found.update({x: x.producer.location for x in primal if x.producer})
    return [(value.type, at) for value, at in found.items()]


def _behind_reshapes(value: Value) -> Value:
    while value.producer is not None and value.producer.name == "reshape":
        value = value.producer.operands[0]
    return value


def _is_adjoint(operation: Operation) -> bool:
    return operation.note.startswith(_OF_ADJOINT)


def _with_inner(operation: Operation) -> Iterator[Operation]:
    yield operation
    for region in operation.regions:
        yield from region.walk()


def _made_by_adjoint(value: Value) -> bool:
    operation = value.producer
    assert operation is not None
    if operation.name not in ("kernel", "rows") or _is_adjoint(operation):
        return _is_adjoint(operation)
    outputs = operation.regions[0].outputs
    if len(outputs) == len(operation.results):
        inner = outputs[operation.results.index(value)]
        if inner.producer is None:  # a copy
            return all(_is_adjoint(x.producer) for x in operation.operands if x.producer)
        return _made_by_adjoint(inner)
    return any(map(_is_adjoint, _with_inner(operation)))


def _made_again(graph: Graph) -> int:
    """How many operations of the primal stand in the adjoint once more, in loops once a step."""
    late: set[Value] = set()
    count = 0
    for operation in graph.walk():
        if operation.name == "later":
            late.update(operation.results)
        elif any(x in late for x in operation.operands) and not _is_adjoint(operation):
            count += operation.name not in VIEWS
            late.update(operation.results)
    return count


# --- in two ---


def _between_programs(
    variant: Variant, leaves: Sequence[Any]
) -> tuple[list[tuple[TensorType, Any]], int, Saving | None]:
    """What the forward program of a call on these Tensors leaves for the backward program."""
    from .tensors import nodes_of

    values: list[tuple[TensorType, Any]] = []
    again, saving = 0, None
    for composite, wrt in nodes_of(variant, leaves):
        adjoint = composite.adjoint(wrt)
        values += [(x.type, x.producer.location if x.producer else None) for x in adjoint.residuals]
        again += _repeated(composite, adjoint)
        keeper: Any = composite.keep
        saving = _together(saving, keeper.saving)
    return values, again, saving


def _repeated(composite: Composite, adjoint: Adjoint) -> int:
    """How many operations of the forward program the backward program does again."""
    primal = {
        x
        for op in needed_for(adjoint.graph.outputs[: len(composite.views)], set())
        for x in op.results
    }
    again = needed_for([x for x in adjoint.asked if x in primal], set(adjoint.residuals))
    return sum(op.name not in VIEWS and bool(op.operands) for op in again)


def _together(first: Saving | None, second: Saving | None) -> Saving | None:
    """What became of a budget that two nodes share."""
    if first is None or second is None:
        return first or second
    return type(first)(
        first.allowed + second.allowed,
        first.before + second.before,
        first.after + second.after,
        first.again + second.again,
    )
