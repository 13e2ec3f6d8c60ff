"""Every op of the table, compiled, against its NumPy evaluation; and vector bodies against single
elements.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from fusegrad.codegen.emitter import Emitter, Reg
from fusegrad.ir import TABLE, Graph, GraphBuilder, Op, Sample, TensorType
from fusegrad.ir.types import FLOATS, NUMPY_DTYPE
from tests.ops.drawing import draw, interval

from .compiled import compile_graph, door

NOT_COMPILED = {"late"}
CASES = [(op, s) for op in TABLE.values() if not NOT_COMPILED & op.traits for s in op.samples]


def _name(case: Any) -> str:
    if isinstance(case, str):
        return case
    return case.name if isinstance(case, Op) else ",".join(map(str, case.types))


def one_op(op: Op, types: tuple[TensorType, ...], attributes: Any) -> Any:
    b = GraphBuilder("one")
    operands = [b.input(type, f"x{i}") for i, type in enumerate(types)]
    return b.build([b(op.name, *operands, **attributes)])


@pytest.mark.parametrize(("op", "sample"), CASES, ids=_name)
def test_compiled_equals_eval(op: Op, sample: Sample) -> None:
    graph = one_op(op, sample.types, sample.attributes)
    arguments = draw(op, sample)
    with np.errstate(all="ignore"):
        expected = np.asarray(op.eval(*arguments, **sample.attributes))
    (found,) = door(compile_graph(graph))([np.array(x, order="C") for x in arguments])
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    eps = np.finfo(found.dtype).eps if found.dtype.kind == "f" else 0
    np.testing.assert_allclose(found, expected, rtol=32 * eps, atol=32 * eps)


ELEMENTWISE = [
    (op, dtype)
    for op in TABLE.values()
    if op.elementwise
    for dtype in FLOATS
    if any(t.dtype == dtype for s in op.samples for t in s.types)
]


def _typical(op: Op, dtype: str) -> Sample:
    return next(s for s in op.samples if any(t.dtype == dtype for t in s.types))


def _values(op: Op, sample: Sample, seed: int) -> list[np.ndarray]:
    """70 elements for each operand: from its domain, with special values among them."""
    rng = np.random.default_rng(seed)
    columns = []
    for i, type in enumerate(sample.types):
        dtype = NUMPY_DTYPE[type.dtype]
        if not type.is_float:
            columns.append(rng.integers(0, 2, 70).astype(dtype))
            continue
        low, high = interval(sample, i)
        values = rng.uniform(low, high, 70).astype(dtype)
        special = np.array(
            [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-40, -1e-40, 1e5, -1e5, 0.5], dtype
        )
        values[rng.permutation(70)[:10]] = special
        columns.append(values)
    return columns


def _instructions(op: Op, dtype: str) -> int:
    """How many the op writes for one lane, calls of maths functions being one each."""
    sample = _typical(op, dtype)
    emitter = Emitter(1)
    assert op.emit is not None
    operands = [Reg(f"%x{i}", type.dtype) for i, type in enumerate(sample.types)]
    op.emit(emitter, *operands, **sample.attributes)
    return len(emitter.lines)


LENGTHS = range(1, 71)
# Compositions write the code of other ops, which have every length. Their own have those around the
# widths of vectors, and the others when there is time.
SOME_LENGTHS = (1, 2, 3, 5, 7, 8, 9, 12, 15, 16, 17, 31, 33, 70)
COMPOSITIONS = [case for case in ELEMENTWISE if _instructions(*case) > 150]


@pytest.mark.parametrize(("op", "dtype"), ELEMENTWISE, ids=_name)
def test_every_length_gives_the_bits_of_length_one(op: Op, dtype: str) -> None:
    _check_bits(op, dtype, SOME_LENGTHS if (op, dtype) in COMPOSITIONS else LENGTHS)


@pytest.mark.slow
@pytest.mark.parametrize(("op", "dtype"), COMPOSITIONS, ids=_name)
def test_compositions_at_every_length(op: Op, dtype: str) -> None:
    _check_bits(op, dtype, LENGTHS)


def _check_bits(op: Op, dtype: str, lengths: Sequence[int]) -> None:
    sample = _typical(op, dtype)
    columns = _values(op, sample, seed=len(op.name))
    found = door(compile_graph(_at_lengths(op, sample, lengths)))(
        [np.ascontiguousarray(c[:length]) for length in lengths for c in columns]
        + [np.ascontiguousarray(c[i : i + 1]) for i in range(70) for c in columns]
    )
    expected = np.concatenate(found[len(lengths) :])
    for length, values in zip(lengths, found, strict=False):
        assert_same_bits(values, expected[:length])


def _at_lengths(op: Op, sample: Sample, lengths: Sequence[int]) -> Graph:
    """The op at these lengths, and then 70 times at length 1."""
    b = GraphBuilder("lengths")
    outputs = []
    for length in (*lengths, *[1] * 70):
        operands = [b.input(TensorType(t.dtype, (length,))) for t in sample.types]
        outputs.append(b(op.name, *operands, **sample.attributes))
    return b.build(outputs)


def assert_same_bits(found: np.ndarray, expected: np.ndarray) -> None:
    if found.dtype.kind != "f":
        assert np.array_equal(found, expected)
        return
    bits = {4: np.uint32, 8: np.uint64}[found.itemsize]
    same = (found.view(bits) == expected.view(bits)) | (np.isnan(found) & np.isnan(expected))
    assert same.all(), f"length {len(found)}: elements {np.flatnonzero(~same)}"
