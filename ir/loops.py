"""Derivatives and batching of `scan`: loops that are made from the loop's region.

The reverse sweep of a loop is a loop that runs the other way. It carries the cotangents of the
carries, and sums up those of what every step reads. What it needs of the values of a step, the
forward loop leaves behind in stacks (the tape), unless a few cheap operations make it again.
(Griewank & Walther, Evaluating Derivatives, 2nd ed., SIAM 2008, ch. 4.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .autodiff import Cotangents, Primal, jvp, varied_values
from .batching import batch_graph
from .builder import GraphBuilder
from .graph import Graph, Operation, Value
from .op import TABLE
from .passes.recompute import CHEAP
from .record import identity_record

_VIEWS = frozenset({"reshape", "broadcast", "transpose", "slice", "reverse"})
_AGAIN = CHEAP | _VIEWS | {"constant", "dense", "iota"}  # made again rather than left on the tape


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


def _again(
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
    inside = _varied_inside(loop, varied)
    return {
        result
        for result, output in zip(operation.results, loop.region.outputs, strict=True)
        if output in inside
    }


def _varied_inside(loop: Loop, varied: set[Value]) -> set[Value]:
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


# --- reverse mode ---


@identity_record
class Tape:
    """A loop that was copied so that it can be run back.

    `back` is the region of the reverse loop. It reads, in this order, the cotangents of the carries
    `carried`, the sums so far for the operands `summed`; parts of the cotangents of the results
    `left`, and of the arrays `parts`; and the arrays `whole`. It yields those cotangents, those
    sums, and the parts of the cotangents of the operands `cut`. Operands and results by number.
    """

    loop: Loop
    results: tuple[Value, ...]
    back: Graph
    carried: tuple[int, ...]
    summed: tuple[int, ...]
    left: tuple[int, ...]
    cut: tuple[int, ...]
    parts: tuple[Value, ...]
    whole: tuple[Value, ...]

    def push_back(self, builder: GraphBuilder, cotangents: Cotangents) -> None:
        """Append the reverse loop, and hand the cotangents of the results to the operands."""
        operation = self.loop.operation
        taken = {i: cotangents.take(operation.results[i]) for i in (*self.carried, *self.left)}
        if all(ct is None for ct in taken.values()):
            return
        builder.location, builder.note = operation.location, "vjp of scan"
        cts = {
            i: builder.zeros_like(operation.results[i]) if ct is None else ct
            for i, ct in taken.items()
        }
        sums = [builder.zeros_like(operation.operands[i]) for i in self.summed]
        carries = [*(cts[i] for i in self.carried), *sums]
        slices = [*(cts[i] for i in self.left), *self.parts]
        operands = [*carries, *slices, *self.whole]
        found = _again(
            builder, self.loop, self.back, operands, len(carries), len(slices), turned=True
        )
        places = (*self.carried, *self.summed, *self.cut)
        for place, ct in zip(places, found, strict=True):
            cotangents.add(operation.operands[place], ct)


def copy_with_tape(
    builder: GraphBuilder, operation: Operation, operands: tuple[Value, ...], varied: set[Value]
) -> Tape:
    """Append a copy of a loop that leaves behind what its adjoint reads."""
    loop = loop_of(operation)
    inside = _varied_inside(loop, varied)
    adjoint = _Adjoint(loop, inside)
    back = adjoint.region()
    forward = Graph(
        "body",
        adjoint.joint.inputs[: len(loop.region.inputs)],
        adjoint.forward,
        [*(adjoint.primal.values[o] for o in loop.region.outputs), *adjoint.taped],
    )
    builder.note = operation.note
    results = _again(builder, loop, forward, operands, loop.carries, loop.slices)
    count = len(operation.results)
    parts = [*results[count:], *(operands[i] for i in adjoint.reads_cut)]
    return Tape(
        loop,
        results[:count],
        back,
        adjoint.carried,
        adjoint.summed,
        adjoint.left,
        adjoint.cut,
        tuple(parts),
        tuple(operands[i] for i in adjoint.reads_whole),
    )


class _Adjoint:
    """The adjoint of a region: differentiated, and cut into what runs forward and what runs back.

    `taped` are the values of a step that go from one to the other.
    """

    def __init__(self, loop: Loop, varied: set[Value]) -> None:
        self.loop, region = loop, loop.region
        self.joint = GraphBuilder("body")
        self.primal = Primal(region, self.joint, varied)
        self.forward = tuple(self.joint.operations)
        self.back = GraphBuilder("body")
        self.carried = _where(region.outputs, varied, range(loop.carries))
        self.left = _where(region.outputs, varied, range(loop.carries, len(region.outputs)))
        self.summed = _where(region.inputs, varied, loop.whole())
        self.cut = _where(region.inputs, varied, loop.cut())
        self._differentiate()
        self._choose()

    def _differentiate(self) -> None:
        """The adjoint operations, behind those of the primal."""
        region = self.loop.region
        cotangents = Cotangents(self.joint)
        self.cts = [
            self.joint.input(region.outputs[i].type, f"ct{i}") for i in (*self.carried, *self.left)
        ]
        for i, ct in zip((*self.carried, *self.left), self.cts, strict=True):
            cotangents.add(region.outputs[i], ct)
        self.primal.push_back(cotangents)
        self.gradients = {
            i: cotangents.total_or_zero(region.inputs[i])
            for i in (*self.carried, *self.summed, *self.cut)
        }
        self.adjoint = self.joint.operations[len(self.forward) :]

    # --- what is on the tape ---

    def _choose(self) -> None:
        """Decide what is left on the tape: first the leaves, then what is smaller than they are."""
        made = {result for operation in self.adjoint for result in operation.results}
        made.update(self.cts)
        reads = (x for operation in self.adjoint for x in operation.operands)
        needed = dict.fromkeys(x for x in (*reads, *self.gradients.values()) if x not in made)
        self.kind = {x: self._kind_of(i) for i, x in enumerate(self.primal.values.values())}
        self.leaves: dict[Value, frozenset[Value]] = {}
        chosen: dict[Value, None] = {}
        for value in sorted(needed, key=self._position()):
            more = [x for x in self._leaves_of(value) if x not in chosen]
            if sum(x.type.bytes for x in more) > value.type.bytes:
                more = [value]
                self.leaves[value] = frozenset(more)
            chosen.update(dict.fromkeys(more))
        self.taped = tuple(chosen)

    def _position(self) -> Any:
        order = {x: i for i, x in enumerate(self.joint.inputs)}
        for i, operation in enumerate(self.forward, len(order)):
            order.update(dict.fromkeys(operation.results, i))
        return order.__getitem__

    def _kind_of(self, number: int) -> str:
        if number >= len(self.loop.region.inputs):
            return "made"
        return "carry" if number < self.loop.carries else "operand"

    def _leaves_of(self, value: Value) -> frozenset[Value]:
        """The values that must be on the tape so that `value` can be made from them.

        Without recursion: a step may be a chain of any length.
        """
        pending = [value]
        while pending:
            x = pending[-1]
            if x in self.leaves:
                pending.pop()
                continue
            inner = self._made_from(x)
            missing = [y for y in inner or () if y not in self.leaves]
            if missing:
                pending += missing
            elif inner is None:
                self.leaves[x] = frozenset((x,))
            else:
                self.leaves[x] = frozenset().union(*(self.leaves[y] for y in inner))
        return self.leaves[value]

    def _made_from(self, value: Value) -> tuple[Value, ...] | None:
        """The values that `value` can be made from again; None where it must be kept."""
        if value.producer is None:
            return () if self.kind[value] == "operand" else None
        return value.producer.operands if value.producer.name in _AGAIN else None

    # --- the region of the reverse loop ---

    def region(self) -> Graph:
        """The adjoint operations, with what they read from the tape or make again."""
        carries = [_like(self.cts[k]) for k in range(len(self.carried))]
        sums = [_like(self.loop.region.inputs[i], "sum") for i in self.summed]
        left = [_like(ct) for ct in self.cts[len(self.carried) :]]
        taped = [_like(x, f"t{i}") for i, x in enumerate(self.taped)]
        self.values = dict(zip(self.cts, (*carries, *left), strict=True))
        self.values.update(zip(self.taped, taped, strict=True))
        self.read: dict[int, Value] = {}  # operands of the loop that are read again, by number
        for operation in self.adjoint:
            operands = tuple(self._fetch(x) for x in operation.operands)
            results = self.back.copy(operation, operands)
            self.values.update(zip(operation.results, results, strict=True))
        gradients = {i: self._fetch(x) for i, x in self.gradients.items()}
        self.back.location, self.back.note = None, "cotangents of the steps behind"
        totals = [self.back.add(s, gradients[i]) for i, s in zip(self.summed, sums, strict=True)]
        ends = [gradients[i] for i in self.carried]
        self.reads_cut = tuple(i for i in self.loop.cut() if i in self.read)
        self.reads_whole = tuple(i for i in self.loop.whole() if i in self.read)
        again = [self.read[i] for i in (*self.reads_cut, *self.reads_whole)]
        self.back.inputs = [*carries, *sums, *left, *taped, *again]
        return self.back.build([*ends, *totals, *(gradients[i] for i in self.cut)])

    def _fetch(self, value: Value) -> Value:
        """`value` in the reverse loop."""
        pending = [value]
        while pending:
            x = pending[-1]
            if x in self.values:
                pending.pop()
            elif x.producer is None:
                self.values[x] = self._reread(x)
            elif missing := [y for y in x.producer.operands if y not in self.values]:
                pending += missing
            else:
                operands = tuple(self.values[y] for y in x.producer.operands)
                results = self.back.copy(x.producer, operands)
                self.values.update(zip(x.producer.results, results, strict=True))
        return self.values[value]

    def _reread(self, value: Value) -> Value:
        number = self.joint.inputs.index(value)
        self.read[number] = _like(value)
        return self.read[number]


def _where(values: Sequence[Value], varied: set[Value], among: Iterable[int]) -> tuple[int, ...]:
    return tuple(i for i in among if values[i] in varied)


def _like(value: Value, name: str = "") -> Value:
    return Value(value.type, name or value.name)


# --- forward mode ---


def push_forward(
    builder: GraphBuilder,
    operation: Operation,
    primal: dict[Value, Value],
    tangents: dict[Value, Value],
) -> None:
    """Append the loop with its tangents beside it."""
    loop = loop_of(operation)
    inside = _varied_inside(loop, set(tangents))
    region = loop.region
    moved = _where(region.inputs, inside, range(len(region.inputs)))
    carried = _where(region.outputs, inside, range(loop.carries))
    joint = jvp(region, moved)
    count = len(region.outputs)
    left = _where(region.outputs, inside, range(loop.carries, count))
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
    results = _again(
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
    results = _again(builder, loop, region, given, loop.carries, loop.slices)
    stacks = [_swapped(builder, x) for x in results[loop.carries :]]
    return (*results[: loop.carries], *stacks)


def _swapped(builder: GraphBuilder, x: Value) -> Value:
    """The first two axes the other way round."""
    swapped: Value = builder.transpose(x, (1, 0, *range(2, x.type.ndim)))
    return swapped
