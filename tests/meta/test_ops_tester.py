"""The checks of the op table catch ops that are wrong by little."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fusegrad.ir import TABLE, Op, Sample

from ..ops import checks

SCALED = 1.001


def scaled(op: Op, mode: str) -> tuple[Any, ...]:
    """The rules of `op`, the first one off by 0.1 %."""
    rules = getattr(op, mode)

    def rule(b: Any, g: Any, operands: Any, out: Any, **attributes: Any) -> Any:
        return b.scale(rules[0](b, g, operands, out, **attributes), SCALED)

    return (rule, *rules[1:])


def first_sample(op: Op) -> Sample:
    return op.samples[0]


@pytest.mark.parametrize("name", ["mul", "exp", "pow", "sum", "dot", "gather", "cumsum", "prod"])
@pytest.mark.parametrize("mode", ["vjp", "jvp"])
def test_a_rule_0_1_percent_off_is_caught(name: str, mode: str) -> None:
    op = TABLE[name]
    wrong = replace(op, **{mode: scaled(op, mode)})
    checks.check_inner_product(op, first_sample(op))
    with pytest.raises(AssertionError):
        checks.check_inner_product(wrong, first_sample(op))


@pytest.mark.parametrize("name", ["mul", "exp", "pow", "sum", "dot", "gather", "cumsum", "prod"])
def test_both_rules_off_alike_are_caught(name: str) -> None:
    op = TABLE[name]
    wrong = replace(op, vjp=scaled(op, "vjp"), jvp=scaled(op, "jvp"))
    checks.check_inner_product(wrong, first_sample(op))
    with pytest.raises(AssertionError, match="jvp of"):
        checks.check_rules_agree_with_differences(wrong, first_sample(op))


def test_a_rule_right_at_first_order_only_is_caught() -> None:
    op = TABLE["sin"]

    def rule(b: Any, g: Any, operands: Any, out: Any) -> Any:
        return b.mul(g, b("stop_gradient", b("cos", operands[0])))

    wrong = replace(op, vjp=(rule,))
    checks.check_inner_product(wrong, first_sample(op))
    with pytest.raises(AssertionError, match="second order of sin"):
        checks.check_second_order(wrong, first_sample(op))


@pytest.mark.parametrize("name", ["floor", "sign"])
def test_a_zero_derivative_that_is_none_is_caught(name: str) -> None:
    wrong = replace(TABLE["sin"], jvp=TABLE[name].jvp)
    with pytest.raises(AssertionError, match="has a derivative"):
        checks.check_rules_agree_with_differences(wrong, first_sample(wrong))


def test_reading_what_is_not_saved_is_caught() -> None:
    op = TABLE["tanh"]
    checks.check_saves(op, op.samples)
    with pytest.raises(AssertionError, match=r"reads \['out'\], undeclared"):
        checks.check_saves(replace(op, saves=()), op.samples)
    with pytest.raises(AssertionError, match=r"saves \['0'\] for nothing"):
        checks.check_saves(replace(op, saves=("0", "out")), op.samples)


def test_a_rule_that_returns_an_operand_reads_it() -> None:
    op = replace(TABLE["neg"], vjp=(lambda b, g, operands, out: operands[0],))
    with pytest.raises(AssertionError, match="undeclared"):
        checks.check_saves(op, op.samples)


def test_a_rule_that_loses_single_precision_is_caught() -> None:
    op = TABLE["exp"]

    def rule(b: Any, g: Any, operands: Any, out: Any) -> Any:
        return g * out.dtype.type(1) * np.float64(1) if hasattr(out, "size") else b.mul(g, out)

    sample = next(s for s in op.samples if s.types[0].dtype == "f32")
    with pytest.raises((AssertionError, AttributeError)):
        checks.check_inner_product(replace(op, vjp=(rule,)), sample)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("sum", {"axes": lambda axes: tuple(axis + 2 for axis in axes)}),
        ("cumsum", {"axis": lambda axis: axis}),
    ],
)
def test_a_batch_rule_on_the_wrong_axis_is_caught(
    monkeypatch: pytest.MonkeyPatch, name: str, wrong: dict[str, Callable[[Any], Any]]
) -> None:
    op = TABLE[name]

    def batch(b: Any, operands: Any, batched: Any, **attributes: Any) -> Any:
        moved = {key: wrong[key](v) if key in wrong else v for key, v in attributes.items()}
        return b(name, *operands, **moved)

    broken = replace(op, batch=batch)
    sample = Sample(op.samples[0].types[:1], op.samples[0].attributes)
    checks.check_batch(op, sample)
    monkeypatch.setitem(TABLE, name, broken)
    with pytest.raises(AssertionError):
        checks.check_batch(broken, sample)


def test_an_infer_that_says_another_shape_is_caught() -> None:
    op = TABLE["transpose"]
    wrong = replace(op, infer=lambda x, *, permutation: (x,))
    with pytest.raises(AssertionError):
        checks.check_infer(wrong, first_sample(op))
