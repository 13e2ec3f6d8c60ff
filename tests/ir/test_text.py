"""The text form: what is printed is what is read back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusegrad.ir import Graph, GraphBuilder, IRError, Location, TensorType, parse, verify
from fusegrad.ir.op import ArrayConstant
from fusegrad.ir.text import attribute, print_graph
from fusegrad.ir.types import NUMPY_DTYPE

from .random_graphs import graphs

LOSS = """\
func @loss(%x: f64[3], %w: f64[3]) -> (f64[]) {
  %0 = mul %x, %w : f64[3]                                      // model.py:7
  %1 = sum %0 {axes = [0]} : f64[]                              // model.py:8, residual
  return %1
}"""


def loss_graph() -> Graph:
    builder = GraphBuilder("loss")
    vector = TensorType("f64", (3,))
    x, w = builder.input(vector, "x"), builder.input(vector, "w")
    builder.location = Location("/src/model.py", 7)
    product = builder.mul(x, w)
    builder.location, builder.note = Location("/src/model.py", 8), "residual"
    return builder.build([builder.sum(product, [0])])


def test_printing() -> None:
    assert str(loss_graph()) == LOSS


def test_reading_keeps_lines_and_notes() -> None:
    graph = parse(LOSS)
    assert graph == loss_graph()
    assert [str(operation.location) for operation in graph] == ["model.py:7", "model.py:8"]
    assert [operation.note for operation in graph] == ["", "residual"]


def test_comments_do_not_count() -> None:
    plain = print_graph(loss_graph(), comments=False)
    assert "//" not in plain
    assert parse(plain) == loss_graph()
    assert hash(parse(plain)) == hash(loss_graph())


def test_the_header_counts() -> None:
    header = print_graph(loss_graph(), stage="trace").splitlines()[0]
    assert header.startswith("// stage: trace ")
    assert header.endswith(" 2 ops, 0 kernels")
    assert parse(print_graph(loss_graph(), stage="trace")) == loss_graph()


@given(graphs())
def test_round_trip(graph: Graph) -> None:
    again = parse(str(verify(graph)))
    assert again == graph
    assert str(verify(again)) == str(graph)
    assert [value.type for value in again.inputs] == list(graph.input_types)
    for old, new in zip(graph, again, strict=True):
        assert new.note == old.note
        assert str(new.location) == str(old.location)


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=5)
)
ATTRIBUTES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3).map(tuple))


@given(ATTRIBUTES)
def test_attributes_round_trip(value: Any) -> None:
    text = f"func @f() -> () {{\n%0 = constant {{value = {attribute(value)}}} : f64[]\n return\n}}"
    (operation,) = parse(text)
    assert same(operation.attributes["value"], value)


def same(x: Any, y: Any) -> bool:
    """Equal and of one type; nan is itself, and 0 is not -0."""
    if isinstance(x, tuple) and isinstance(y, tuple):
        return len(x) == len(y) and all(map(same, x, y))
    if isinstance(x, float) and isinstance(y, float):
        return repr(x) == repr(y)
    return type(x) is type(y) and bool(x == y)


@pytest.mark.parametrize("dtype", ["f32", "f64", "i32", "i64", "bool"])
@pytest.mark.parametrize("shape", [(), (2,), (0, 3), (2, 1, 2)])
def test_dense_round_trip(dtype: str, shape: tuple[int, ...]) -> None:
    numbers = np.array([0.1, -math.inf, -0.0, 3.0])[: math.prod(shape)]
    with np.errstate(invalid="ignore"):
        array = numbers.astype(NUMPY_DTYPE[dtype]).reshape(shape)
    builder = GraphBuilder()
    graph = builder.build([builder("dense", data=ArrayConstant(array))])
    again = parse(str(graph)).operations[0].attributes["data"].array
    assert (again.dtype, again.shape) == (array.dtype, array.shape)
    assert again.tobytes() == array.tobytes()


def test_numpy_scalars_print_as_numbers() -> None:
    assert attribute((np.int64(3), np.float32(0.5), np.bool_(True))) == "[3, 0.5, true]"


def test_input_names_are_made_fit_and_distinct() -> None:
    builder = GraphBuilder()
    for name in ("x", "x", "x.1", "params['w']", ""):
        builder.input(TensorType("f32"), name)
    graph = builder.build([])
    assert str(graph).startswith("func @main(%x: f32[], %x.1: f32[], %x.1.1: f32[], %a3: f32[], ")
    assert parse(str(graph)) == graph


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected 'func', found ''"),
        ("func @f() -> () {\n  %0 = frobnicate : f64[]\n}", "line 2: there is no op 'frobnicate'"),
        ("func @f() -> () {\n  %0 = neg %1 : f64[]\n}", "line 2: %1 is not defined before its use"),
        ("func @f(%x: f16[]) -> () {", "line 1: 'f16' is not a dtype"),
        ("func @f() -> () {\n  ?\n}", "line 2: unexpected character '\\?'"),
        ("func @f() -> () {\n  %0 = iota {axis = } : f64[]", "'}' is not an attribute value"),
        ("func @f() -> () {\n  %0 = constant {value = 1}\n}", "line 3: expected ':'"),
        ("func @f() -> () {\n  return\n} func", "line 3: expected the end, found 'func'"),
        ("func @f() -> () {\n  %0 = ", "line 2: "),
        ("func @f(%x: f64[-1]) -> () {", r"line 1: \(-1,\) is no shape"),
        ("func @f(%x: f64) -> () {", "is not an attribute value"),
        ("func @f() -> () {\n  %0, %1 = neg : f64[]\n}", "line 2: 2 results, 1 types"),
        (
            'func @f() -> () {\n  %0 = dense {data = dense("f64", [2], [1])} : f64[2]',
            "line 2: dense: ",
        ),
        (
            'func @f() -> () {\n  %0 = dense {data = dense("f", [1], [1])} : f64[1]',
            "line 2: dense: ",
        ),
        ("func @f(", "line 1: "),
        ("func @f() -> (", "line 1: "),
        ("func @f() -> () {", "line 1: "),
        ("func @f() -> () {\n  %0 = constant {value = [", "line 2: "),
    ],
)
def test_what_can_t_be_read_is_located(text: str, message: str) -> None:
    with pytest.raises(IRError, match=message):
        parse(text)


@given(graphs(most=4), st.data())
def test_a_cut_text_raises_an_ir_error(graph: Graph, data: st.DataObject) -> None:
    """Whatever the parser is given, it answers with its own error."""
    text = print_graph(graph, comments=False)
    end = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(IRError):
        parse(text[:end])
