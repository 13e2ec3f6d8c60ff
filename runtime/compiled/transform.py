"""What is asked of a function: itself, its gradient, or both. From a trace to the graph that
computes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...ir import DTypeError, Graph, ShapeError, TensorType
from ...ir.autodiff import value_and_vjp, varied_values
from ...ir.passes.pipeline import CLEAN, run_passes
from ...ir.record import record
from ...tracer.asking import cut_off
from ...tracer.errors import ArgumentError, TraceError
from ...tracer.pytree import Treedef, flatten, unflatten
from ...tracer.run import Traced
from ...tracer.source import locate
from .call import Call

if TYPE_CHECKING:
    from ...ir.passes.budget import Saving

Argnums = int | str | tuple[int | str, ...]


@record
class Transform:
    """`kind` is "compile", "grad" or "value_and_grad"; `argnums` and `has_aux` are for the latter
    two. `threads` is how many threads its calls may use, 0 where nobody says; `budget` what may be
    saved for the adjoint, in bytes or as a part of what is saved without. `donate` are the
    arguments whose memory results take. `fastmath`: may maths functions be off by 4 ULP?
    """

    kind: str
    argnums: Argnums = 0
    has_aux: bool = False
    threads: int = 0
    budget: int | float | None = None
    donate: tuple[int | str, ...] = ()
    fastmath: bool = False

    @property
    def differentiates(self) -> bool:
        return self.kind != "compile"


@record
class Plan:
    """What to make of a trace: a graph with these `outputs`, by number among those of the trace and
    (behind them) its gradient with respect to the inputs `wrt`, seeded at the output `seed`.

    Without a seed there is no gradient. `tree` says how the first outputs make the result; the
    values of conditions follow. `budget` and `fastmath` are those of the transform.
    """

    outputs: tuple[int, ...]
    tree: Treedef
    wrt: tuple[int, ...] = ()
    seed: int | None = None
    budget: int | float | None = None
    fastmath: bool = False

    def types(self, traced: Traced) -> tuple[TensorType, ...]:
        """The types of the outputs."""
        graph = traced.graph
        all_types = [v.type for v in graph.outputs] + [graph.inputs[i].type for i in self.wrt]
        return tuple(all_types[number] for number in self.outputs)


def checked_flag(kind: str, fastmath: Any) -> bool:
    """`fastmath`, if it is a bool."""
    if not isinstance(fastmath, bool):
        raise TypeError(f"{kind}: fastmath is True or False, got {type(fastmath).__name__}")
    return fastmath


def plan(transform: Transform, traced: Traced, call: Call) -> Plan:
    """What `transform` asks for, of a traced call; raises for what can't be differentiated."""
    count, results = len(traced.graph.outputs), traced.out_tree.num_leaves
    if not transform.differentiates:
        return Plan(tuple(range(count)), traced.out_tree, fastmath=transform.fastmath)
    primal = unflatten(traced.out_tree, range(results))
    arguments = differentiated(transform, call)
    places = _places(call)
    wrt = [place for argument in arguments for place in places[argument]]
    _check_floats(wrt, traced, call)
    value, aux = _split_aux(transform, primal, traced)
    _check_scalar(value, traced)
    _check_attached(wrt, traced)
    gradients = _gradient_tree(transform, call, arguments, count)
    numbers, tree = flatten(_assemble(transform, value, aux, gradients))
    how = (transform.budget, transform.fastmath)
    return Plan((*numbers, *range(results, count)), tree, tuple(wrt), value, *how)


def apply(plan: Plan, graph: Graph, kind: str) -> tuple[Graph, Saving | None]:
    """What `plan` makes of the graph of a trace, and what became of the budget for what the adjoint
    reads, if there is one; `kind` is that of the transform.
    """
    if plan.seed is None:
        return graph, None
    joint = value_and_vjp(graph, plan.wrt, seed=plan.seed, name=f"{graph.name}.{kind}")
    saving = None
    if plan.budget is not None:
        from ...ir.passes.budget import save_less

        joint, saving = save_less(run_passes(joint, CLEAN), len(graph.outputs), plan.budget)
    outputs = [joint.outputs[number] for number in plan.outputs]
    return Graph(joint.name, joint.inputs, joint.operations, outputs), saving


def differentiated(transform: Transform, call: Call) -> list[int]:
    """The positions, among the given arguments, that the gradient is taken of."""
    wanted = transform.argnums if isinstance(transform.argnums, tuple) else (transform.argnums,)
    found = positions("argnums", wanted, call)
    for position in found:
        if call.tree.children[position].kind == "static":
            raise TraceError(
                f"grad: {call.names[position]} is {call.tree.children[position]}, of which there "
                "is no gradient",
                hint="argnums with the positions or names of arrays and numbers",
            )
    return found


def positions(option: str, wanted: Sequence[int | str], call: Call) -> list[int]:
    """The positions, among the given arguments, that `option` names."""
    return [_position(option, item, call) for item in wanted]


def _position(option: str, item: int | str, call: Call) -> int:
    names = call.names
    if isinstance(item, str) and item in names:
        return names.index(item)
    if isinstance(item, int) and -len(names) <= item < len(names):
        return item % len(names)
    raise ArgumentError(
        f"{option}={item!r} names none of the arguments given, {', '.join(names)}",
        at=locate(),
        hint=f"a name or a number from 0 to {len(names) - 1}, or a tuple of them",
    )


def _places(call: Call) -> list[list[int]]:
    """For each argument the numbers of its leaves."""
    places, start = [], 0
    for child in call.tree.children:
        places.append(list(range(start, start + child.num_leaves)))
        start += child.num_leaves
    return places


def _split_aux(transform: Transform, primal: Any, traced: Traced) -> tuple[Any, Any]:
    if not transform.has_aux:
        return primal, None
    if not isinstance(primal, tuple) or len(primal) != 2:
        raise TraceError(
            f"@{traced.graph.name}: with has_aux=True it must return (value, aux), "
            f"it returned {traced.out_tree}",
            hint="return the scalar first and everything else in one more object",
        )
    return primal


def _check_scalar(value: Any, traced: Traced) -> None:
    name = traced.graph.name
    if not isinstance(value, int):
        raise TraceError(
            f"grad of @{name} needs one scalar output, it returned {traced.out_tree}",
            hint="has_aux=True for (value, aux), or sum the outputs",
        )
    output = traced.graph.outputs[value]
    at = output.producer.location if output.producer else None
    if not output.type.is_float:
        raise DTypeError(
            f"grad of @{name} needs a floating-point output, it is {output.type}", at=at
        )
    if output.shape != ():
        raise ShapeError(
            f"grad of @{name} needs a scalar output, it is {output.type}",
            at=at,
            hint="return its sum or mean; a Jacobian needs one gradient for each element",
        )


def _check_attached(wrt: Sequence[int], traced: Traced) -> None:
    """Refuse a Python float of what the gradient is asked for: none would flow through it."""
    if not any(condition.detached for condition in traced.conditions):
        return
    varied = varied_values(traced.graph, [traced.graph.inputs[place] for place in wrt])
    values = traced.graph.outputs[len(traced.graph.outputs) - len(traced.conditions) :]
    for condition, value in zip(traced.conditions, values, strict=True):
        if condition.detached and value in varied:
            raise cut_off(condition.location, condition.detached)


def _check_floats(wrt: Sequence[int], traced: Traced, call: Call) -> None:
    for place in wrt:
        type = traced.graph.inputs[place].type
        if not type.is_float:
            raise DTypeError(
                f"grad of @{traced.graph.name}: {call.paths[place]} is {type}, "
                "a gradient needs floating-point arguments",
                hint="pass floats (3.0, x.astype(float)), or leave the argument out of argnums",
            )


def _gradient_tree(transform: Transform, call: Call, arguments: list[int], first: int) -> Any:
    """The gradients as numbers of outputs, in the structure of their arguments."""
    trees, start = [], first
    for argument in arguments:
        child = call.tree.children[argument]
        trees.append(unflatten(child, range(start, start + child.num_leaves)))
        start += child.num_leaves
    return tuple(trees) if isinstance(transform.argnums, tuple) else trees[0]


def _assemble(transform: Transform, value: int, aux: Any, gradients: Any) -> Any:
    if transform.kind == "grad":
        return (gradients, aux) if transform.has_aux else gradients
    return ((value, aux), gradients) if transform.has_aux else (value, gradients)
