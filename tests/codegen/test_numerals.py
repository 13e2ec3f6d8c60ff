"""Which numbers of LLVM text are operands, and how they lie in memory."""

from __future__ import annotations

import struct

import pytest

from fusegrad.codegen.sizes.numerals import MARK, split_line

ONE = "0x3FF0000000000000"


@pytest.mark.parametrize(
    ("line", "types"),
    [
        ("  %r1 = add i64 %r0, 1000", ["i64"]),
        ("  %r1 = sub i64 1000, %j", ["i64"]),
        ("  %r1 = icmp slt i64 %r0, -5", ["i64"]),
        ("  %r1 = fmul double %x, " + ONE, ["double"]),
        (f"  %r1 = fmul <8 x double> %x, splat (double {ONE})", ["<8 x double>"]),
        (f"  %r1 = select i1 %c, float {ONE}, float {ONE}", ["float", "float"]),
        ("  %r1 = phi i64 [ 0, %entry ], [ %r2, %loop1 ]", ["i64"]),
        ("  %r1 = getelementptr double, ptr %p0, <2 x i64> <i64 0, i64 70>", ["<2 x i64>"]),
        ("  %r1 = call i32 @dot0(i64 3, ptr %p1, ptr %context)", ["i64"]),
        ("  call void @llvm.memset.p0.i64(ptr %q0, i8 0, i64 800, i1 false)", ["i64"]),
        ("  %arena = alloca i8, i64 800, align 64", ["i64"]),
        (f"  %r = extractelement <8 x float> splat (float {ONE}), i64 3", ["<8 x float>", "i64"]),
        ("  store i64 7, ptr %at, align 8", ["i64"]),
    ],
)
def test_operands_are_numbers(line: str, types: list[str]) -> None:
    frame, numbers = split_line(line)
    assert [number.type for number in numbers] == types
    parts = MARK.split(frame)
    texts = [number.text for number in numbers]
    assert "".join(x + y for x, y in zip(parts, [*texts, ""], strict=True)) == line


@pytest.mark.parametrize(
    "line",
    [
        "loop12:",
        "  %frame = alloca [3 x ptr], align 8",
        "  %r1 = load <8 x double>, ptr %r0, align 8",
        "  %r1 = extractvalue { i64, i1 } %pair, 1",
        "  %r1 = shufflevector <4 x i64> %x, <4 x i64> %y, <2 x i32> <i32 0, i32 1>",
        "  switch i64 %x, label %other [ i64 0, label %zero ]",
        "  br i1 %r1, label %loop2, label %after3, !prof !0",
        "declare void @f(i64)",
        "define internal i32 @kernel3(ptr noalias dereferenceable(64) %p0, ptr %context) {",
        "  %r1 = xor i1 %r0, true",
        "  %r1 = add i8 %r0, 3",
        "  ret i32 2",
    ],
)
def test_what_has_to_be_constant_is_none(line: str) -> None:
    assert split_line(line) == (line, ())


def test_an_intrinsic_keeps_its_immediate_arguments() -> None:
    line = (
        "  %r1 = call <2 x double> @llvm.masked.load.v2f64.p0(ptr %p, i32 8, <2 x i1> %m, "
        f"<2 x double> splat (double {ONE}))"
    )
    _, numbers = split_line(line)
    assert [number.text for number in numbers] == [f"splat (double {ONE})"]


def test_a_splat_and_a_vector_are_two_forms() -> None:
    splat, _ = split_line("  %r = add <2 x i64> %x, splat (i64 3)")
    vector, _ = split_line("  %r = add <2 x i64> %x, <i64 0, i64 3>")
    assert splat != vector


def test_bytes() -> None:
    def data(line: str) -> bytes:
        return split_line(line)[1][0].data

    assert data("  %r = add i64 %x, -3") == struct.pack("=q", -3)
    assert data("  %r = or i32 %x, 4096") == struct.pack("=i", 4096)
    assert data(f"  %r = fadd float %x, {ONE}") == struct.pack("=f", 1.0)
    assert data("  %r = fadd double %x, 0x7FF8000000000001")[:2] == b"\x01\x00"
    assert data("  %r = mul <2 x i64> %x, <i64 0, i64 70>") == struct.pack("=qq", 0, 70)
