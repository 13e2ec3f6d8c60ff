"""Linking object code: the same as LLVM's linker gives, and refusals."""

from __future__ import annotations

import ctypes
import gc
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from fusegrad.codegen.objects import jit
from fusegrad.codegen.objects.image import Image, UnsupportedObjectError, link_image, links_here
from fusegrad.codegen.objects.link import address_of, link

pytestmark = pytest.mark.skipif(not links_here(), reason="LLVM links here")

MODULES = {
    "constants": """
@table = private constant [4 x i64] [i64 3, i64 5, i64 7, i64 11]
define i64 @f(i64 %i) {
  %at = getelementptr i64, ptr @table, i64 %i
  %x = load i64, ptr %at
  ret i64 %x
}""",
    "pointers to functions, and to constants": """
@a = private constant i64 17
@b = private constant i64 19
@table = private constant [3 x ptr] [ptr @a, ptr @b, ptr @g]
define internal i64 @g(i64 %x) noinline {
  %y = mul i64 %x, 3
  ret i64 %y
}
define i64 @f(i64 %i) {
  %at = getelementptr ptr, ptr @table, i64 %i
  %p = load ptr, ptr %at
  %last = icmp eq i64 %i, 2
  br i1 %last, label %call, label %read
call:
  %r = call i64 %p(i64 %i)
  ret i64 %r
read:
  %x = load i64, ptr %p
  ret i64 %x
}""",
    "variables": """
@count = internal global i64 40
@zero = internal global [64 x i64] zeroinitializer
define i64 @f(i64 %i) {
  %old = load i64, ptr @count
  %new = add i64 %old, %i
  store i64 %new, ptr @count
  %at = getelementptr i64, ptr @zero, i64 %i
  store i64 %new, ptr %at
  %x = load i64, ptr getelementptr (i64, ptr @zero, i64 1)
  %sum = add i64 %x, %new
  ret i64 %sum
}""",
    "the C library": """
declare i64 @strlen(ptr)
declare double @cos(double)
@text = private constant [6 x i8] c"abcde\\00"
define i64 @f(i64 %i) {
  %n = call i64 @strlen(ptr @text)
  %d = sitofp i64 %i to double
  %c = call double @cos(double %d)
  %m = fmul double %c, 1.0e9
  %k = fptosi double %m to i64
  %s = add i64 %k, %n
  ret i64 %s
}""",
    "another object": """
declare i64 @h(i64)
@p = external global i64
define i64 @f(i64 %i) {
  %x = call i64 @h(i64 %i)
  %y = load i64, ptr @p
  %s = add i64 %x, %y
  ret i64 %s
}""",
    "vectors": """
define i64 @f(i64 %i) {
  %d = sitofp i64 %i to double
  %v0 = insertelement <8 x double> poison, double %d, i64 0
  %v = shufflevector <8 x double> %v0, <8 x double> poison, <8 x i32> zeroinitializer
  %w = fmul <8 x double> %v, <double 1.0, double 2.0, double 3.0, double 4.0, double 5.0,
                              double 6.0, double 7.0, double 8.0>
  %s = call double @llvm.vector.reduce.fadd.v8f64(double 0.0, <8 x double> %w)
  %r = fptosi double %s to i64
  ret i64 %r
}
declare double @llvm.vector.reduce.fadd.v8f64(double, <8 x double>)""",
}
OTHER = """
@p = global i64 1000
define i64 @h(i64 %x) {
  %y = mul i64 %x, 7
  ret i64 %y
}"""


def function(address: int) -> Callable[[int], int]:
    return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(address)


def outside(name: str) -> int:
    return address_of(name, {})


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("level", [0, 2])
def test_the_same_as_with_llvm(name: str, level: int) -> None:
    objects = [jit.compile_object(text, level) for text in (MODULES[name], OTHER)]
    ours, theirs = link_image(objects, outside, ("f",)), jit.link_by_llvm(objects, {}, ("f",))
    for i in range(3):
        assert function(ours["f"])(i) == function(theirs["f"])(i)


def test_variables_are_an_image_s_own() -> None:
    objects = [jit.compile_object(MODULES["variables"])]
    one, two = (link_image(objects, outside, ("f",)) for _ in range(2))
    assert [function(one["f"])(1), function(one["f"])(1)] == [82, 84]
    assert function(two["f"])(1) == 82


def test_code_is_not_writable() -> None:
    image = link_image([jit.compile_object(MODULES["constants"])], outside, ("f",))
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, modes = line.split()[:2]
        start, end = (int(x, 16) for x in span.split("-"))
        if start <= image["f"] < end:
            assert modes == "r-xp"
            return
    raise AssertionError("the code is nowhere")


def test_memory_goes_with_the_image() -> None:
    code = jit.compile_object(MODULES["constants"])

    def maps() -> int:
        gc.collect()
        return len(Path("/proc/self/maps").read_text().splitlines())

    before = maps()
    kept: list[Image] = [link_image([code], outside, ("f",)) for _ in range(50)]
    assert maps() > before
    kept.clear()
    assert maps() <= before + 2


# --- refusals ---


@pytest.mark.parametrize("code", [b"", b"\x7fELF", b"MZ" + bytes(200), bytes(1000)])
def test_what_is_no_object(code: bytes) -> None:
    with pytest.raises(UnsupportedObjectError):
        link_image([code], outside, ("f",))


def test_a_name_that_nobody_has() -> None:
    text = "declare i64 @there_is_no_such_function(i64)\ndefine i64 @f(i64 %x) {\n"
    text += "  %y = call i64 @there_is_no_such_function(i64 %x)\n  ret i64 %y\n}"
    with pytest.raises(LookupError, match="there_is_no_such_function"):
        link([jit.compile_object(text)], (), ("f",))


def test_a_name_that_two_objects_define() -> None:
    code = jit.compile_object(OTHER)
    with pytest.raises(UnsupportedObjectError, match="twice"):
        link_image([code, code], outside, ("h",))


def test_thread_local_variables_are_left_to_llvm() -> None:
    text = "@v = thread_local global i64 3\ndefine i64 @f(i64 %x) {\n"
    text += "  %p = call ptr @llvm.threadlocal.address.p0(ptr @v)\n  %y = load i64, ptr %p\n"
    text += "  ret i64 %y\n}\ndeclare ptr @llvm.threadlocal.address.p0(ptr)"
    with pytest.raises(UnsupportedObjectError):
        link_image([jit.compile_object(text)], outside, ("f",))


def test_relocations_that_are_not_known() -> None:
    code = bytearray(jit.compile_object(MODULES["the C library"]))
    changed = 0
    for at in range(0, len(code) - 24, 8):  # the kind of a call, in a table of relocations
        if struct.unpack_from("<I", code, at + 8)[0] == 4 and code[at + 16 : at + 24] == b"\xfc" + (
            b"\xff" * 7
        ):
            struct.pack_into("<I", code, at + 8, 11)
            changed += 1
    assert changed
    with pytest.raises(UnsupportedObjectError):
        link_image([bytes(code)], outside, ("f",))
