"""The verifier finds every broken rule, and shows it inside the graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from fusegrad.ir import (
    TABLE,
    Graph,
    GraphBuilder,
    IRError,
    Operation,
    ShapeError,
    TensorType,
    Value,
    parse,
    verify,
)
from fusegrad.ir.errors import BoundsError, DTypeError, FusegradError

VECTOR = TensorType("f64", (3,))


def operation(
    name: str, *operands: Value, result: TensorType = VECTOR, **attributes: object
) -> Operation:
    return Operation(TABLE[name], operands, attributes, (result,))


def unknown_operand() -> Graph:
    x = Value(VECTOR, "x")
    neg = operation("neg", Value(VECTOR, "y"))
    return Graph("f", [x], [neg], [neg.result])


def used_too_early() -> Graph:
    x = Value(VECTOR, "x")
    first = operation("neg", x)
    second = operation("neg", first.result)
    return Graph("f", [x], [second, first], [second.result])


def defined_twice() -> Graph:
    x = Value(VECTOR, "x")
    neg = operation("neg", x)
    return Graph("f", [x], [neg, neg], [neg.result])


def input_twice() -> Graph:
    x = Value(VECTOR, "x")
    return Graph("f", [x, x], [], [x])


def foreign_output() -> Graph:
    return Graph("f", [], [], [Value(VECTOR, "x")])


def wrong_type() -> Graph:
    x = Value(VECTOR, "x")
    neg = operation("neg", x, result=TensorType("f32", (3,)))
    return Graph("f", [x], [neg], [neg.result])


def wrong_shape() -> Graph:
    x, y = Value(VECTOR, "x"), Value(TensorType("f64", (4,)), "y")
    add = operation("add", x, y)
    return Graph("f", [x, y], [add], [add.result])


def wrong_arity() -> Graph:
    x = Value(VECTOR, "x")
    add = operation("add", x)
    return Graph("f", [x], [add], [add.result])


def missing_attribute() -> Graph:
    x = Value(VECTOR, "x")
    total = operation("sum", x, result=TensorType("f64"))
    return Graph("f", [x], [total], [total.result])


def surplus_attribute() -> Graph:
    x = Value(VECTOR, "x")
    neg = operation("neg", x, fast=True)
    return Graph("f", [x], [neg], [neg.result])


def op_not_in_the_table() -> Graph:
    x = Value(VECTOR, "x")
    neg = Operation(replace(TABLE["neg"]), (x,), {}, (VECTOR,))
    return Graph("f", [x], [neg], [neg.result])


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (unknown_operand, "operand <Value .* is used before it is defined"),
        (used_too_early, "is used before it is defined"),
        (defined_twice, "a result is defined twice"),
        (input_twice, "@f: an input stands twice"),
        (foreign_output, "output <Value .* is not defined here"),
        (wrong_type, r"result types \['f32\[3\]'\] should be \['f64\[3\]'\]"),
        (wrong_shape, r"add: shapes differ, f64\[3\] and f64\[4\]"),
        (wrong_arity, "add takes 2 operands, has 1"),
        (missing_attribute, "attributes of sum: .*axes"),
        (surplus_attribute, "attributes of neg: .*fast"),
        (op_not_in_the_table, "neg is not the op of that name in the table"),
    ],
)
def test_broken(broken: Callable[[], Graph], message: str) -> None:
    with pytest.raises(IRError, match=message):
        verify(broken())


def test_the_message_stands_under_the_guilty_line() -> None:
    with pytest.raises(IRError) as caught:
        verify(wrong_shape())
    assert str(caught.value).splitlines()[:3] == [
        "func @f(%x: f64[3], %y: f64[4]) -> () {",
        "  %0 = add %x, %y : f64[3]",
        "  ^^^ add: shapes differ, f64[3] and f64[4]",
    ]


def test_a_good_graph_is_returned_as_it_is() -> None:
    graph = parse("func @f(%x: f64[3]) -> (f64[3]) {\n  %0 = neg %x : f64[3]\n  return %0\n}")
    assert verify(graph) is graph


@pytest.mark.parametrize(
    ("name", "types", "attributes", "error", "message"),
    [
        ("exp", ["i64[3]"], {}, DTypeError, r"exp takes f32 or f64, got i64\[3\]"),
        ("add", ["f64[]", "f32[]"], {}, DTypeError, "dtypes differ, f64.. and f32.."),
        ("logical_and", ["f64[]", "f64[]"], {}, DTypeError, "takes bool or i32 or i64"),
        ("select", ["i32[]", "f64[]", "f64[]"], {}, DTypeError, "condition of select takes bool"),
        ("select", ["bool[2]", "f64[]", "f64[]"], {}, ShapeError, "select: shapes differ"),
        ("select", ["bool[]", "f64[]", "f32[]"], {}, DTypeError, "select: dtypes differ"),
        ("cast", ["f64[]"], {"dtype": "f16"}, DTypeError, "'f16' is not one of"),
        ("sum", ["f64[2]"], {"axes": (1,)}, ShapeError, r"sum: \[1\] are no axes of f64\[2\]"),
        ("sum", ["f64[2, 2]"], {"axes": (1, 0)}, ShapeError, "in order"),
        ("sum", ["bool[2]"], {"axes": (0,)}, DTypeError, r"sum takes .* got bool\[2\]"),
        ("reduce_max", ["f64[0]"], {"axes": (0,)}, ShapeError, "is empty over axes"),
        ("argmax", ["f64[0]"], {"axis": 0}, ShapeError, "is empty along axis 0"),
        ("argmax", ["f64[2]"], {"axis": 1}, ShapeError, "axis 1 of"),
        ("cumsum", ["f64[]"], {"axis": 0, "reverse": False}, ShapeError, "axis 0 of"),
        ("broadcast", ["f64[2]"], {"shape": (3,)}, ShapeError, r"f64\[2\] does not broadcast to"),
        ("broadcast", ["f64[2]"], {"shape": ()}, ShapeError, "does not broadcast"),
        ("reshape", ["f64[2]"], {"shape": (3,)}, ShapeError, "has 2 elements"),
        ("transpose", ["f64[2]"], {"permutation": (1,)}, ShapeError, "is no permutation"),
        ("slice", ["f64[2]"], {"start": (0,), "stop": (3,), "step": (1,)}, ShapeError, "0:3:1"),
        ("slice", ["f64[2]"], {"start": (), "stop": (), "step": ()}, ShapeError, "1 starts"),
        ("reverse", ["f64[2]"], {"axes": (0, 0)}, ShapeError, "are no axes"),
        ("pad", ["f64[2]"], {"low": (-1,), "high": (0,), "interior": (0,)}, ShapeError, "negative"),
        ("pad", ["f64[2]"], {"low": (), "high": (0,), "interior": (0,)}, ShapeError, "1 values"),
        ("concatenate", [], {"axis": 0}, ShapeError, "nothing to concatenate"),
        ("concatenate", ["f64[2]", "f32[2]"], {"axis": 0}, DTypeError, "dtypes differ"),
        ("concatenate", ["f64[2, 1]", "f64[2, 2]"], {"axis": 0}, ShapeError, "only axis 0 may"),
        ("concatenate", ["f64[]"], {"axis": 0}, ShapeError, "axis 0 of"),
        (
            "gather",
            ["f64[2]", "f64[]"],
            {"axis": 0},
            DTypeError,
            "index of gather takes i32 or i64",
        ),
        ("gather", ["f64[2]", "i64[]"], {"axis": 1}, ShapeError, "axis 1 of"),
        ("gather", ["f64[0]", "i64[1]"], {"axis": 0}, BoundsError, "nothing to index"),
        (
            "scatter_add",
            ["i64[2]", "f64[3]"],
            {"axis": 0, "size": 2},
            ShapeError,
            "has not the axes",
        ),
        ("scatter_add", ["i64[2]", "f64[2]"], {"axis": 0, "size": 0}, ShapeError, "no place"),
        (
            "dot",
            ["f64[2, 3]", "f64[2, 3]"],
            {"contract": ((1,), (0,)), "batch": ((), ())},
            ShapeError,
            "dot: contracted sizes differ",
        ),
        (
            "dot",
            ["f64[2]", "f32[2]"],
            {"contract": ((0,), (0,)), "batch": ((), ())},
            DTypeError,
            "dot: dtypes differ",
        ),
        (
            "dot",
            ["f64[2]", "f64[2]"],
            {"contract": ((0,), (0,)), "batch": ((0,), (0,))},
            ShapeError,
            "no distinct axes",
        ),
        ("iota", [], {"dtype": "bool", "shape": (2,), "axis": 0}, DTypeError, "iota takes"),
        ("iota", [], {"dtype": "f64", "shape": (), "axis": 0}, ShapeError, "axis 0 of"),
        ("constant", [], {"value": 1, "dtype": "f16", "shape": ()}, DTypeError, "'f16'"),
        ("constant", [], {"value": 1, "dtype": "f64", "shape": (-1,)}, ShapeError, "negative"),
    ],
)
def test_what_an_op_does_not_take(
    name: str,
    types: list[str],
    attributes: dict[str, object],
    error: type[FusegradError],
    message: str,
) -> None:
    """The builder refuses it at once, with the shapes and dtypes in the text."""
    builder = GraphBuilder()
    inputs = [builder.input(read_type(text)) for text in types]
    with pytest.raises(error, match=message) as caught:
        builder(name, *inputs, **attributes)
    assert name in str(caught.value)


def read_type(text: str) -> TensorType:
    return parse(f"func @f(%x: {text}) -> () {{ return }}").input_types[0]
