"""Buffer planning: two values share memory only when one is dead before the other is written."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings

from fusegrad.ir import Graph, GraphBuilder, Operation, TensorType, Value, parse
from fusegrad.ir.autodiff import value_and_vjp
from fusegrad.ir.passes import sharing
from fusegrad.ir.passes.pipeline import CLEAN, LOWER, run_passes
from fusegrad.ir.passes.plan import ALIGNMENT, Place, Plan, _Arena, plan_buffers
from fusegrad.ir.passes.sharing import Sharing, may_overwrite, share_buffers

from .random_programs import programs, same_types


class Memory:
    """An arena of names: whoever reads a value must find it where it was written."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.cells: dict[tuple[str, int], Value] = {}
        self.owner: dict[Value, Value] = {}

    def write(self, value: Value) -> None:
        self.owner[value] = value
        self.cells.update(dict.fromkeys(self._cells_of(value), value))

    def share(self, value: Value, owner: Value) -> None:
        self.owner[value] = self.owner[owner]
        assert self.plan.places[value] == self.plan.places[owner]

    def holds(self, value: Value) -> bool:
        return all(self.cells[cell] is self.owner[value] for cell in self._cells_of(value))

    def _cells_of(self, value: Value) -> list[tuple[str, int]]:
        place = self.plan.places[value]
        size = value.type.bytes
        if place.kind != "arena":
            cells = range(place.offset, place.offset + size, 4)
            return [(f"{place.kind}{place.index}", i) for i in cells]
        if place.offset:
            cells = range(place.index + place.offset, place.index + place.offset + size, 4)
            return [("arena", i) for i in cells]
        assert place.index % ALIGNMENT == 0
        assert place.index + value.type.bytes <= self.plan.arena
        return [("arena", place.index + i) for i in range(0, max(value.type.bytes, 1), 4)]


def simulate(graph: Graph, plan: Plan, donated: dict[int, int] | None = None) -> None:
    """Run `graph` on names instead of numbers."""
    memory, donated = Memory(plan), donated or {}
    for value in graph.inputs:
        memory.write(value)
    for operation in graph:
        assert all(memory.holds(operand) for operand in operation.operands), operation
        for result in operation.results:
            if operation.name == "reshape":
                memory.share(result, operation.operands[0])
            else:
                memory.write(result)
        # no result is written over an operand, but where the operation may do so
        for i, operand in enumerate(operation.operands):
            place = plan.places[operand]
            over = [j for j, x in enumerate(operation.results) if plan.places[x] == place]
            assert (
                memory.holds(operand)
                or any(may_overwrite(operation, [i], j) for j in over)
                or _is_in_place(plan, operation, i)
            ), operation
    copied = {number for _, number in plan.copies}
    for i, output in enumerate(graph.outputs):
        assert memory.holds(output)
        place = Place("input", donated[i]) if i in donated else Place("output", i)
        assert plan.places[output] == place or i in copied


def _is_in_place(plan: Plan, operation: Operation, number: int) -> bool:
    """Is an operand of a concatenation where it is to be?"""
    before = sum(x.type.bytes for x in operation.operands[:number])
    place = plan.places[operation.results[0]].behind(before)
    return operation.name == "concatenate" and plan.places[operation.operands[number]] == place


def every_way(graph: Graph) -> list[tuple[Sharing, dict[int, int]]]:
    """The ways to share the buffers of `graph`, with the inputs that its outputs are given."""
    donated = same_types(graph.inputs, graph.outputs)
    return [
        (share_buffers(graph, given, spare=spare), given)
        for given in ({}, donated)
        for spare in (False, True)
    ]


@settings(max_examples=100)
@given(program=programs(least=10, most=50))
def test_nothing_is_overwritten_while_it_lives(program: Graph) -> None:
    joint = value_and_vjp(program, range(len(program.inputs)), seed=0)
    for graph in (run_passes(program, LOWER), run_passes(joint, (*CLEAN, *LOWER))):
        every = {*graph.inputs, *(r for operation in graph for r in operation.results)}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sharing, "LEAST_MERGED", 1)
            patch.setattr(sharing, "LEAST_SPARE", 1)
            patch.setattr(sharing, "LEAST_PART", 1)
            ways = every_way(graph)
        for way, donated in ways:
            plan = plan_buffers(graph, {}, way)
            simulate(graph, plan, donated)
            assert set(plan.places) == every


def test_the_simulation_finds_an_overlap() -> None:
    graph = run_passes(_chain(3), LOWER)
    plan = plan_buffers(graph)
    places = {
        value: Place("arena", 0) if place.kind == "arena" else place
        for value, place in plan.places.items()
    }
    with pytest.raises(AssertionError):
        simulate(graph, Plan(places, plan.arena, {}))


def _chain(length: int) -> Graph:
    b = GraphBuilder()
    x = b.input(TensorType("f64", (100,)), "x")
    for axis in (0,) * length:
        x = b("cumsum", x, axis=axis, reverse=False)
    return b.build([x])


def test_scratch_memory_is_shared_with_nothing_that_lives() -> None:
    graph = run_passes(_chain(6), LOWER)
    sizes = {operation: 100 * i for i, operation in enumerate(graph)}
    plan = plan_buffers(graph, sizes)
    assert set(plan.scratch) == {operation for operation, size in sizes.items() if size}
    for operation, start in plan.scratch.items():
        assert start % ALIGNMENT == 0
        assert start + sizes[operation] <= plan.arena
        for value in (*operation.operands, *operation.results):
            place = plan.places[value]
            if place.kind == "arena":
                end = place.index + value.type.bytes
                assert start + sizes[operation] <= place.index or end <= start
    assert plan.arena < plan_buffers(graph).arena + sum(sizes.values())  # one after the other


def test_a_chain_needs_two_buffers() -> None:
    graph = run_passes(_chain(20), LOWER)
    plan = plan_buffers(graph)
    assert plan.arena == 2 * 832  # 800 bytes, in whole cache lines
    simulate(graph, plan)


def test_a_reshape_takes_no_memory() -> None:
    graph = parse(
        """
        func @f(%x: f64[4]) -> (f64[2, 2]) {
          %0 = cumsum %x {axis = 0, reverse = false} : f64[4]
          %1 = reshape %0 {shape = [2, 2]} : f64[2, 2]
          %2 = cumsum %1 {axis = 0, reverse = false} : f64[2, 2]
          %3 = reshape %2 {shape = [4]} : f64[4]
          %4 = reshape %3 {shape = [2, 2]} : f64[2, 2]
          return %4
        }
        """
    )
    plan = plan_buffers(graph)
    assert plan.arena == ALIGNMENT
    simulate(graph, plan)


def test_values_without_elements_have_a_place() -> None:
    graph = parse(
        """
        func @f(%x: f64[0]) -> (f64[0]) {
          %0 = cumsum %x {axis = 0, reverse = false} : f64[0]
          %1 = cumsum %0 {axis = 0, reverse = true} : f64[0]
          return %1
        }
        """
    )
    assert plan_buffers(graph).arena == ALIGNMENT


def test_the_arena_joins_what_is_given_back() -> None:
    rng = random.Random(3)
    arena = _Arena()
    taken: list[tuple[int, int]] = []
    for _ in range(2000):
        if taken and rng.random() < 0.5:
            arena.give(*taken.pop(rng.randrange(len(taken))))
        else:
            size = rng.randrange(0, 1000)
            taken.append((arena.take(size), size))
        ends = sorted((offset, offset + max(size, 1)) for offset, size in taken)
        assert all(a[1] <= b[0] for a, b in pairwise(ends))
        assert not ends or ends[-1][1] <= arena.size
    while taken:
        arena.give(*taken.pop(rng.randrange(len(taken))))
    assert arena.holes == [(arena.size, 0)]
    assert arena.take(arena.size + 1) == 0  # the one hole grows


def _stores(length: int, *, read_later: bool = False) -> Graph:
    b = GraphBuilder()
    x = b.input(TensorType("f64", (length,)), "x")
    buffers = [b("cumsum", x, axis=0, reverse=False)]
    for i in range(length):
        part = b("cumsum", b.slice(x, (i,), (i + 1,)), axis=0, reverse=False)
        buffers.append(b("update", buffers[-1], part, starts=((i,),), step=(1,)))
    return b.build([buffers[-1], *([buffers[0]] if read_later else [])])


@pytest.mark.parametrize("read_later", [False, True])
def test_updates_are_in_place_where_nobody_reads_the_old_value(read_later: bool) -> None:
    graph = run_passes(_stores(20, read_later=read_later), LOWER)
    plan = plan_buffers(graph)
    simulate(graph, plan)
    copies = [
        operation
        for operation in graph
        if operation.name == "update"
        and plan.places[operation.operands[0]] != plan.places[operation.result]
    ]
    assert len(copies) == read_later
