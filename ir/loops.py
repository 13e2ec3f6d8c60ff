"""Tangents and batching of `scan`: loops that are made from the loop's region. (`ir.tape` has the
reverse sweep.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .autodiff import jvp, varied_values
from .batching import batch_graph
from .builder import GraphBuilder
from .graph import Graph, Operation, Value
from .op import TABLE
from .record import identity_record


@identity_record
class Loop:
    """A `scan` taken apart: the values of its region, and the operands that they stand for."""

    operation: Operation
    region: Graph
    carries: int
    slices: int

    @property
    def stacks(self) -> tuple[Value, ...]:
        """What a step leaves behind."""
        return self.region.outputs[self.carries :]

    @property
    def first_whole(self) -> int:
        """The number of the first operand that every step reads as it is."""
        return self.carries + self.slices

    def cut(self) -> range:
        return range(self.carries, self.first_whole)

    def whole(self) -> range:
        return range(self.first_whole, len(self.region.inputs))


def loop_of(operation: Operation) -> Loop:
    attributes = operation.attributes
    return Loop(operation, operation.regions[0], attributes["carries"], attributes["slices"])


def append_scan(
    builder: GraphBuilder,
    region: Graph,
    operands: Sequence[Value],
    length: int,
    carries: int,
    slices: int,
    reverse: bool = False,
) -> tuple[Value, ...]:
    """Append a loop with this region; its results."""
    attributes = {
        "length": length,
        "carries": carries,
        "slices": slices,
        "reverse": reverse,
        "yields": tuple((v.dtype, v.shape) for v in region.outputs[carries:]),
    }
    return builder.append(TABLE["scan"], tuple(operands), attributes, (region,)).results


def again(
    builder: GraphBuilder,
    loop: Loop,
    region: Graph,
    operands: Sequence[Value],
    carries: int,
    slices: int,
    turned: bool = False,
) -> tuple[Value, ...]:
    """A loop of as many steps as `loop`, at its place in the user's code."""
    attributes = loop.operation.attributes
    builder.location = loop.operation.location
    reverse = attributes["reverse"] is not turned
    return append_scan(builder, region, operands, attributes["length"], carries, slices, reverse)


# --- what depends on what ---


def varied_results(operation: Operation, varied: set[Value]) -> set[Value]:
    """The results that depend differentiably on operands in `varied`."""
    loop = loop_of(operation)
    inside = varied_inside(loop, varied)
    return {
        result
        for result, output in zip(operation.results, loop.region.outputs, strict=True)
        if output in inside
    }


def varied_inside(loop: Loop, varied: set[Value]) -> set[Value]:
    """The varied values of the region, of any step."""
    region = loop.region
    inputs = {
        inner
        for inner, x in zip(region.inputs, loop.operation.operands, strict=True)
        if x in varied
    }
    while True:
        inside = varied_values(region, [x for x in region.inputs if x in inputs])
        carried = zip(region.inputs[: loop.carries], region.outputs, strict=False)
        more = {x for x, following in carried if following in inside} - inputs
        if not more:
            # a carry that starts varied stays so, even if no step varies it
            return inside | {
                following
                for x, following in zip(region.inputs[: loop.carries], region.outputs, strict=False)
                if x in inputs and x.type.is_float
            }
        inputs |= more


def where(values: Sequence[Value], varied: set[Value], among: Iterable[int]) -> tuple[int, ...]:
    return tuple(i for i in among if values[i] in varied)


# --- forward mode ---


def push_forward(
    builder: GraphBuilder,
    operation: Operation,
    primal: dict[Value, Value],
    tangents: dict[Value, Value],
) -> None:
    """Append the loop with its tangents beside it."""
    loop = loop_of(operation)
    inside = varied_inside(loop, set(tangents))
    region = loop.region
    moved = where(region.inputs, inside, range(len(region.inputs)))
    carried = where(region.outputs, inside, range(loop.carries))
    joint = jvp(region, moved)
    count = len(region.outputs)
    left = where(region.outputs, inside, range(loop.carries, count))
    body = Graph(
        "body",
        _ordered(loop, joint.inputs, moved),
        joint.operations,
        [
            *joint.outputs[: loop.carries],
            *(joint.outputs[count + i] for i in carried),
            *joint.outputs[loop.carries : count],
            *(joint.outputs[count + i] for i in left),
        ],
    )
    builder.note = "jvp of scan"
    own = [primal[x] for x in operation.operands]
    operands = [*own, *(_tangent(builder, operation.operands[i], tangents) for i in moved)]
    results = again(
        builder,
        loop,
        body,
        _ordered(loop, operands, moved),
        loop.carries + len(carried),
        loop.slices + sum(i in loop.cut() for i in moved),
    )
    middle = loop.carries + len(carried)
    after = middle + count - loop.carries
    primal.update(
        zip(operation.results, (*results[: loop.carries], *results[middle:after]), strict=True)
    )
    for i, tangent in zip(
        (*carried, *left), (*results[loop.carries : middle], *results[after:]), strict=True
    ):
        tangents[operation.results[i]] = tangent


def _tangent(builder: GraphBuilder, operand: Value, tangents: dict[Value, Value]) -> Value:
    if operand in tangents:
        return tangents[operand]
    zero: Value = builder.zeros_like(operand)
    return zero


def _ordered(loop: Loop, values: Sequence[Value], moved: Sequence[int]) -> list[Value]:
    """Values of all inputs, and behind them the tangents of those `moved`: sorted by kind."""
    count = len(loop.region.inputs)
    found: list[Value] = []
    for kind in (range(loop.carries), loop.cut(), loop.whole()):
        found += [values[i] for i in kind]
        found += [values[count + k] for k, i in enumerate(moved) if i in kind]
    return found


# --- batching ---


def batch_loop(
    builder: GraphBuilder,
    operation: Operation,
    operands: tuple[Value, ...],
    flags: tuple[bool, ...],
    size: int,
) -> tuple[Value, ...]:
    """Append the loop for `size` cases; all results have the batch axis first.

    All carries get that axis. A slice with it has the axis of the steps in front again, and a stack
    that is left behind gives it back.
    """
    loop = loop_of(operation)
    wanted = tuple(i < loop.carries or has for i, has in enumerate(flags))
    region = batch_graph(loop.region, wanted, size)
    given: list[Value] = []
    for i, (x, has) in enumerate(zip(operands, flags, strict=True)):
        if i < loop.carries and not has:
            given.append(builder.broadcast(x, (size, *x.shape)))
        else:
            given.append(_swapped(builder, x) if has and i in loop.cut() else x)
    results = again(builder, loop, region, given, loop.carries, loop.slices)
    stacks = [_swapped(builder, x) for x in results[loop.carries :]]
    return (*results[: loop.carries], *stacks)


def _swapped(builder: GraphBuilder, x: Value) -> Value:
    """The first two axes the other way round."""
    swapped: Value = builder.transpose(x, (1, 0, *range(2, x.type.ndim)))
    return swapped
