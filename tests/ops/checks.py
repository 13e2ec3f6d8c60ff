"""What is checked of an op and its sample. tests/meta holds these checks to catching wrong ops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np

from fusegrad.ir import Graph, GraphBuilder, NumpyBuilder, Op, Sample, Value, interpret, verify
from fusegrad.ir.autodiff import value_and_vjp
from fusegrad.ir.batching import batch_graph
from fusegrad.ir.op import DISCRETE, NoDerivative

from .drawing import draw, like

# The largest error accepted, relative to 1 + |value|.
TOLERANCE = {"f64": 1e-13, "f32": 1e-5}
DIFFERENCES = 1e-6


# --- graphs of one op ---


def one_op_graph(op: Op, sample: Sample) -> Graph:
    builder = GraphBuilder("one")
    inputs = tuple(builder.input(type) for type in sample.types)
    return builder.build([builder.apply(op, inputs, dict(sample.attributes))])


def rule_graph(op: Op, sample: Sample, index: int, mode: str) -> tuple[Graph, set[str]]:
    """The graph of a rule: operands, result and g go in. And what it reads, as `saves` names it."""
    builder = GraphBuilder("rule")
    operands = tuple(builder.input(type) for type in sample.types)
    (out_type,) = op.infer(*sample.types, **sample.attributes)
    out = builder.input(out_type, "out")
    g = builder.input(out_type if mode == "vjp" else sample.types[index], "g")
    result = apply_rule(builder, op, sample, index, mode, g, operands, out)
    graph = builder.build([result])
    used = {x for operation in graph for x in operation.operands} | {result}
    named: dict[str, Value] = {**{str(i): x for i, x in enumerate(operands)}, "out": out}
    return graph, {name for name, value in named.items() if value in used}


def apply_rule(
    builder: Any, op: Op, sample: Sample, index: int, mode: str, g: Any, operands: Any, out: Any
) -> Any:
    rule = op.vjp_rule(index) if mode == "vjp" else op.jvp_rule(index)
    assert not isinstance(rule, NoDerivative)
    extra = {"index": index} if op.arity is None else {}
    return rule(builder, g, operands, out, **sample.attributes, **extra)


def float_operands(op: Op, sample: Sample) -> Iterator[int]:
    """The operands that can have a derivative here: floats, of an op whose result is float."""
    (result,) = op.infer(*sample.types, **sample.attributes)
    for index, type in enumerate(sample.types):
        if type.is_float and result.is_float and not raises(op, index):
            yield index


def raises(op: Op, index: int) -> bool:
    """Whether the derivative with respect to that operand is known to be missing."""
    return getattr(op.vjp_rule(index), "missing", False)


def ruled_operands(op: Op, sample: Sample) -> list[int]:
    return [
        index
        for index in float_operands(op, sample)
        if not isinstance(op.vjp_rule(index), NoDerivative)
    ]


def evaluate(op: Op, sample: Sample, arrays: list[np.ndarray]) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.asarray(op.eval(*arrays, **sample.attributes))


# --- comparison ---


def assert_close(got: Any, expected: Any, tolerance: float, what: str) -> None:
    got, expected = np.asarray(got, np.float64), np.asarray(expected, np.float64)
    error = np.abs(got - expected) / (1 + np.abs(expected))
    assert np.all(error <= tolerance), f"{what}: {got} should be {expected}"


def inner(x: Any, y: Any) -> float:
    return float(np.sum(np.asarray(x, np.float64) * np.asarray(y, np.float64)))


def derivative(f: Callable[[float], np.ndarray], step: float = 2e-3) -> np.ndarray:
    """f'(0) by central differences of sixth order (Fornberg 1988, table 1)."""
    weights = ((1, 3 / 4), (2, -3 / 20), (3, 1 / 60))
    total = sum(w * (f(k * step) - f(-k * step)) for k, w in weights)
    return np.asarray(total / step)


# --- checks ---


def check_infer(op: Op, sample: Sample) -> None:
    (type,) = op.infer(*sample.types, **sample.attributes)
    result = op.eval(*draw(op, sample), **sample.attributes)
    assert result.shape == type.shape
    assert result.dtype.name.replace("float", "f").replace("int", "i") == type.dtype


def check_rules_agree_with_differences(op: Op, sample: Sample) -> None:
    """Forward rules against differences in one direction each, in double precision."""
    arrays = draw(op, sample)
    out = evaluate(op, sample, arrays)
    for index in float_operands(op, sample):
        tangent = like(arrays[index], seed=index)
        expected = derivative(_along(op, sample, arrays, index, tangent))
        rule = op.jvp_rule(index)
        if isinstance(rule, NoDerivative):
            assert op.name == "stop_gradient" or not np.any(expected), f"{op.name} has a derivative"
            continue
        got = apply_rule(NumpyBuilder(), op, sample, index, "jvp", tangent, tuple(arrays), out)
        assert_close(np.broadcast_to(got, out.shape), expected, DIFFERENCES, f"jvp of {op.name}")


def _along(
    op: Op, sample: Sample, arrays: list[np.ndarray], index: int, tangent: np.ndarray
) -> Callable[[float], np.ndarray]:
    def f(t: float) -> np.ndarray:
        moved = [x + t * tangent if i == index else x for i, x in enumerate(arrays)]
        return evaluate(op, sample, moved)

    return f


def check_inner_product(op: Op, sample: Sample) -> None:
    """<ct, jvp(t)> = <vjp(ct), t>, by a graph and at once; and the dtypes that rules give."""
    arrays = draw(op, sample)
    out = evaluate(op, sample, arrays)
    ct = like(out, seed=17)
    for index in ruled_operands(op, sample):
        tangent = like(arrays[index], seed=index)
        pushed = _both_ways(op, sample, index, "jvp", tangent, arrays, out)
        pulled = _both_ways(op, sample, index, "vjp", ct, arrays, out)
        assert pushed.dtype == out.dtype
        assert pulled.dtype == arrays[index].dtype
        dtype = min(sample.types[index].dtype, "f64" if out.dtype == np.float64 else "f32")
        tolerance = TOLERANCE[dtype] * max(1, out.size)
        assert_close(inner(pulled, tangent), inner(ct, pushed), tolerance, f"vjp of {op.name}")


def _both_ways(
    op: Op,
    sample: Sample,
    index: int,
    mode: str,
    g: np.ndarray,
    arrays: list[np.ndarray],
    out: np.ndarray,
) -> np.ndarray:
    """The rule's result from a `NumpyBuilder`, which must be that of its graph."""
    with np.errstate(all="ignore"):
        at_once = apply_rule(NumpyBuilder(), op, sample, index, mode, g, tuple(arrays), out)
    graph, _ = rule_graph(op, sample, index, mode)
    (result,) = interpret(graph, [*arrays, out, g])
    assert at_once.dtype == result.dtype
    np.testing.assert_array_equal(np.broadcast_to(at_once, result.shape), result)
    return result


def check_saves(op: Op, samples: tuple[Sample, ...]) -> None:
    """What the rules read is what `saves` declares, no less and no more."""
    read: set[str] = set()
    for sample in samples:
        for index in ruled_operands(op, sample):
            for mode in ("vjp", "jvp"):
                read |= rule_graph(op, sample, index, mode)[1]
    assert read <= set(op.saves), f"{op.name} reads {sorted(read - set(op.saves))}, undeclared"
    assert set(op.saves) <= read, f"{op.name} saves {sorted(set(op.saves) - read)} for nothing"


def check_second_order(op: Op, sample: Sample) -> None:
    """The vjp of the vjp graph, against differences of the vjp graph along random directions."""
    graph = one_op_graph(op, sample)
    wrt = ruled_operands(op, sample)
    first = value_and_vjp(graph, wrt)
    count = len(sample.types)
    floats = [i for i, value in enumerate(first.inputs) if value.type.is_float]
    inputs = [i for i in floats if i >= count or not raises(op, i)]
    second = value_and_vjp(first, inputs)
    arrays = draw(op, sample)
    arrays.append(like(evaluate(op, sample, arrays), seed=3))
    seeds = [like(y, seed=5 + i) for i, y in enumerate(interpret(first, arrays))]
    gradients = interpret(second, [*arrays, *seeds])[len(first.outputs) :]
    for i, gradient in zip(inputs, gradients, strict=True):
        tangent = like(arrays[i], seed=11 + i)
        expected = float(derivative(_seeded(first, arrays, seeds, i, tangent)))
        got, what = inner(gradient, tangent), f"second order of {op.name}, operand {i}"
        assert_close(got, expected, 10 * DIFFERENCES, what)


def _seeded(
    graph: Graph, arrays: list[np.ndarray], seeds: list[np.ndarray], i: int, tangent: np.ndarray
) -> Callable[[float], np.ndarray]:
    def f(t: float) -> np.ndarray:
        moved = [x + t * tangent if j == i else x for j, x in enumerate(arrays)]
        outputs = interpret(graph, moved)
        return np.asarray(sum(inner(s, y) for s, y in zip(seeds, outputs, strict=True)))

    return f


def is_discrete(op: Op) -> bool:
    return all(rule is DISCRETE for rule in op.vjp)


def check_batch(op: Op, sample: Sample, size: int = 3) -> None:
    """The batch rule against a loop, for every choice of the operands that have the batch axis."""
    graph = one_op_graph(op, sample)
    for batched in product((False, True), repeat=len(sample.types)):
        columns = [
            np.stack([draw(op, sample, seed=case)[i] for case in range(size)])
            if has_axis
            else draw(op, sample)[i]
            for i, has_axis in enumerate(batched)
        ]
        (got,) = interpret(verify(batch_graph(graph, batched, size)), columns)
        loop = [
            interpret(graph, [x[k] if yes else x for x, yes in zip(columns, batched, strict=True)])[
                0
            ]
            for k in range(size)
        ]
        expected = np.stack(loop)
        assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
        tolerance = 1e-5 if got.dtype == np.float32 else 1e-12
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)
