"""The reverse sweep of `scan`: a loop that runs the other way.

It carries the cotangents of the carries, and sums up those of what every step reads. What it needs
of the values of a step, the forward loop leaves behind in stacks (the tape), unless it is cheaper
to make again. (Griewank & Walther, Evaluating Derivatives, 2nd ed., SIAM 2008, ch. 4.)
"""

from __future__ import annotations

from .autodiff import Cotangents, Primal
from .builder import GraphBuilder
from .graph import Graph, Operation, Value
from .loops import Loop, again, loop_of, varied_inside, where
from .passes.prices import is_source
from .passes.saving import Question, choose, readers_of
from .record import identity_record


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
        found = again(
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
    inside = varied_inside(loop, varied)
    adjoint = _Adjoint(loop, inside)
    back = adjoint.region()
    forward = Graph(
        "body",
        adjoint.joint.inputs[: len(loop.region.inputs)],
        adjoint.forward,
        [*(adjoint.primal.values[o] for o in loop.region.outputs), *adjoint.taped],
    )
    builder.note = operation.note
    results = again(builder, loop, forward, operands, loop.carries, loop.slices)
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
        self.carried = where(region.outputs, varied, range(loop.carries))
        self.left = where(region.outputs, varied, range(loop.carries, len(region.outputs)))
        self.summed = where(region.inputs, varied, loop.whole())
        self.cut = where(region.inputs, varied, loop.cut())
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
        """Decide what is left on the tape, of what the adjoint reads or can be made from."""
        made = {result for operation in self.adjoint for result in operation.results}
        made.update(self.cts)
        read = (x for operation in self.adjoint for x in operation.operands)
        reads = dict.fromkeys(x for x in (*read, *self.gradients.values()) if x not in made)
        there = frozenset(self.joint.inputs[self.loop.carries : len(self.loop.region.inputs)])
        kept = choose(
            Question(
                [x for x in reads if not is_source(x)],
                readers_of(self.joint.operations),
                frozenset(self.forward),
                there,
                there,
                array=0,  # a stack more costs next to nothing
            )
        )
        self.taped = tuple([x for x in kept if x not in there])

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


def _like(value: Value, name: str = "") -> Value:
    return Value(value.type, name or value.name)
