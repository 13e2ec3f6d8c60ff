"""Every op of the table, held to its own samples."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from fusegrad.ir import TABLE, NumpyBuilder, Op, Sample, parse, verify
from fusegrad.ir.op import NoDerivative

from . import checks
from .array_emitter import ArrayEmitter, Reg
from .drawing import draw, interval

OPS = [
    op for op in TABLE.values() if not {"late", "regions"} & op.traits
]  # loops: tests/ir/test_loops, checkpoints: tests/ir/test_checkpoints
CASES = [(op, sample) for op in OPS for sample in op.samples]
DIFFERENTIABLE = [case for case in CASES if checks.ruled_operands(*case)]
DOUBLE = [
    (op, sample)
    for op, sample in CASES
    if list(checks.float_operands(op, sample))
    and all(
        type.dtype != "f32"
        for type in (*sample.types, *op.infer(*sample.types, **sample.attributes))
    )
]
ELEMENTWISE = [case for case in CASES if case[0].elementwise]


def name_of(value: object) -> str:
    if isinstance(value, Op):
        return value.name
    assert isinstance(value, Sample)
    return ",".join(map(str, value.types)).replace(" ", "") or "-"


def cases(selected: list[tuple[Op, Sample]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("op", "sample"), selected, ids=name_of)


@pytest.mark.parametrize("op", OPS, ids=name_of)
def test_it_is_complete(op: Op) -> None:
    assert op.samples
    assert op.batch is not None
    dtypes = {type.dtype for sample in op.samples for type in sample.types}
    taken = {"f32", "f64", "i32", "i64", "bool"} & dtypes
    assert op.arity == 0 or {"f32", "f64"} <= taken or {"i32", "i64"} <= taken
    if op.elementwise:
        assert any(type.shape == () for sample in op.samples for type in sample.types)
        assert any(0 in type.shape for sample in op.samples for type in sample.types)


@cases(CASES)
def test_infer_says_what_eval_gives(op: Op, sample: Sample) -> None:
    checks.check_infer(op, sample)


@cases(CASES)
def test_text_round_trip(op: Op, sample: Sample) -> None:
    graph = checks.one_op_graph(op, sample)
    again = parse(str(verify(graph)))
    assert again == graph
    assert verify(again).operations[0].attributes.keys() == dict(sample.attributes).keys()
    assert again.operations[0].attributes == graph.operations[0].attributes or "nan" in str(graph)


@cases(DOUBLE)
def test_jvp_against_differences(op: Op, sample: Sample) -> None:
    checks.check_rules_agree_with_differences(op, sample)


@cases(DIFFERENTIABLE)
def test_inner_product(op: Op, sample: Sample) -> None:
    checks.check_inner_product(op, sample)


@cases([case for case in DOUBLE if checks.ruled_operands(*case)])
def test_second_order(op: Op, sample: Sample) -> None:
    checks.check_second_order(op, sample)


@pytest.mark.parametrize("op", OPS, ids=name_of)
def test_rules_read_what_they_save(op: Op) -> None:
    checks.check_saves(op, op.samples)


@cases(CASES)
def test_batch_against_a_loop(op: Op, sample: Sample) -> None:
    checks.check_batch(op, sample)


@cases([case for case in ELEMENTWISE if case[0].arity != 1 and case[1].types[0].ndim == 2])
def test_elementwise_ops_broadcast(op: Op, sample: Sample) -> None:
    """Eager mode gives operands of different shapes: eval and rules are formulas that broadcast."""
    arrays = draw(op, sample)
    if arrays[0].size == 0:
        return
    arrays[0], arrays[-1] = arrays[0][:, :1], arrays[-1][0]
    full = list(np.broadcast_arrays(*arrays))
    out = checks.evaluate(op, sample, full)
    np.testing.assert_array_equal(checks.evaluate(op, sample, arrays), out)
    for index in checks.ruled_operands(op, sample):
        g = np.asarray(np.linspace(-1, 1, out.size).reshape(out.shape), out.dtype)
        builder = NumpyBuilder()
        got, expected = (
            checks.apply_rule(builder, op, sample, index, "vjp", g, tuple(xs), out)
            for xs in (arrays, full)
        )
        np.testing.assert_array_equal(np.broadcast_to(got, out.shape), expected)


SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 7.0, np.inf, -np.inf, np.nan, 1e300, -1e-300, 3.7e18)
SMALLEST = {"i32": -(2**31), "i64": -(2**63)}


def corners(op: Op, sample: Sample) -> list[np.ndarray]:
    """The sample's operands, and all combinations of special values."""
    columns = []
    for index, type in enumerate(sample.types):
        if type.is_float:
            column = np.array([*SPECIAL, *interval(sample, index)])
        elif type.dtype == "bool":
            column = np.array([False, True])
        else:
            column = np.array([0, 1, -1, 2, -3, 7, SMALLEST[type.dtype]])
        columns.append(column)
    grid = list(product(*columns))
    with np.errstate(over="ignore"):
        return [
            np.array([row[i] for row in grid]).astype(drawn.dtype)
            for i, drawn in enumerate(draw(op, sample))
        ]


@cases([case for case in ELEMENTWISE if case[1].types[0].size > 1])
def test_emit_says_what_eval_gives(op: Op, sample: Sample) -> None:
    """The scalar code, run by an emitter that computes, at infinities, zeros and nan as well."""
    arrays = corners(op, sample)
    if op.name == "cast":  # a float out of an integer's range has no defined conversion
        keep = np.abs(np.asarray(arrays[0], np.float64)) < 100
        arrays = [x[keep] for x in arrays]
    with np.errstate(all="ignore"):
        expected = op.eval(*arrays, **sample.attributes)
        registers = [Reg(x) for x in arrays]
        assert op.emit is not None
        got = op.emit(ArrayEmitter(), *registers, **sample.attributes).array
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)
    if expected.dtype.kind == "f" and op.name != "maximum" and op.name != "minimum":
        real = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(got[real]), np.signbit(expected[real]))


def test_a_reason_is_given_where_there_is_no_derivative() -> None:
    for op in OPS:
        for rule in (*op.vjp, *op.jvp):
            assert callable(rule) or (isinstance(rule, NoDerivative) and rule.reason)
