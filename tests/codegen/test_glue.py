"""What is not optimised: only functions that do little, in programs that do much."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.codegen.function import FunctionText
from fusegrad.codegen.glue import is_glue, is_straight
from fusegrad.codegen.program import Program
from fusegrad.ir import GraphBuilder, TensorType

from .compiled import compile_graph, run_compiled


def program(size: int, write: Callable[[Any, Any], Any]) -> Program:
    b = GraphBuilder("f")
    return compile_graph(b.build([write(b, b.input(TensorType("f64", (size,)), "x"))]))


def test_long_programs_have_two_parts() -> None:
    optimised, rest = program(1 << 20, lambda b, x: b("tanh", x)).module.parts
    for name in ("@run", "@task", "@fg.poll("):
        assert f"define i32 {name}" in rest
        assert f"define i32 {name}" not in optimised
    assert "define i32 @block" in optimised
    assert "define i32 @block" not in rest
    assert len(program(1 << 20, lambda b, x: b("tanh", x)).objects) == 2


def test_short_ones_have_one() -> None:
    short = program(100, lambda b, x: b("tanh", x))
    assert short.module.parts == (short.module.llvm,)
    assert short.objects == [short.code]


def test_what_a_loop_calls_is_optimised() -> None:
    """Also where the same function is called outside of it."""

    def f(x: Any) -> Any:
        y = x[0] * 3.0
        for _ in range(3000):
            y = np.sin(y) * 0.5 + x[1]
        return y + np.sum(np.exp(x))

    x = np.linspace(0, 1, 100_000)
    module = fg.compile(f).lower(x)._variant.program.module
    assert len(module.parts) == 2
    loop = next(t for t in module.parts[0].split("define ") if "@scan" in t.partition("(")[0])
    for name in {word.partition("(")[0] for word in loop.split() if word.startswith("@kernel")}:
        assert f"{name}(" not in module.parts[1].replace("declare i32 " + name, "")
    assert fg.compile(f)(x) == pytest.approx(f(x))


def text(*lines: str, **known: Any) -> FunctionText:
    facts = {"declarations": {}, "functions": (), "polls": False, **known}
    return FunctionText("ptr %p0, ptr %context", lines, **facts)


def test_glue() -> None:
    short = text("entry:", "  %r1 = load double, ptr %p0", "  ret i32 0")
    assert is_glue(short, once=True)
    assert not is_glue(short, once=False)
    assert is_glue(text(*short.lines, directs=True), once=False)
    assert not is_glue(text(*short.lines, functions=(("exp", "f64", 1),)), once=True)
    assert not is_glue(text(*short.lines, declarations={"tile": "define void @tile()"}), once=True)
    assert not is_glue(text("entry:", *["  store i8 0, ptr %p0"] * 100, "  ret i32 0"), once=True)


def test_straight_code() -> None:
    ahead = ["  br i1 %r1, label %one, label %two", "one:", "  br label %two", "two:"]
    assert is_straight(["entry:", *ahead])
    assert not is_straight(["entry:", "loop1:", "  br i1 %r1, label %loop1, label %after2"])
    assert not is_straight(["entry:", "  %r2 = load <8 x double>, ptr %p0"])
    assert not is_straight(["entry:", "  %r3 = call double @llvm.fma.f64(double %r1, double %r2)"])
    assert is_straight(["entry:", "  %frame = alloca [7 x ptr], align 8"])


def test_results_of_both_parts() -> None:
    """A program with threads, temporaries in the arena, a product and scalars in between."""
    b = GraphBuilder("f")
    x = b.input(TensorType("f64", (400, 300)), "x")
    total = b("sum", b("tanh", x), axes=(0, 1))
    scaled = b.scale(total, 0.25)
    wide = b("broadcast", scaled, shape=(400, 300))
    result = b("sum", b("mul", b("exp", x), wide), axes=(1,))
    graph = b.build([result, scaled])
    values = np.random.default_rng(0).normal(size=(400, 300))
    found = run_compiled(graph, [values])
    expected = np.tanh(values).sum() * 0.25
    np.testing.assert_allclose(found[1], expected, rtol=1e-12)
    np.testing.assert_allclose(found[0], np.exp(values).sum(1) * expected, rtol=1e-12)
