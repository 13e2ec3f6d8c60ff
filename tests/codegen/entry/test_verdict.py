"""A core that finds that a call is not its own: the entry gives everything back and hands it on."""

from __future__ import annotations

import gc
import sys

import numpy as np
import pytest

from fusegrad.codegen.entry import (
    EntrySpec,
    Leaf,
    ListNode,
    OutputLeaf,
    TupleNode,
    self_test,
)

from .doors import Door, copy_core

pytestmark = pytest.mark.skipif(self_test() is not None, reason=str(self_test()))

X = np.arange(3.0)


def judged() -> EntrySpec:
    """Of (x, n): x twice, unless n says that the call is another one's."""
    leaves = (OutputLeaf(0, "f64", (3,)), OutputLeaf(1, "f64", (), as_scalar=True))
    return EntrySpec(
        prefix="judged",
        parameters=("x", "n"),
        inputs=(Leaf(0, "array", "f64", (3,)), Leaf(1, "python_int", "i64")),
        output=TupleNode((leaves[0], ListNode(leaves[1:]))),
        verdict=2,
    )


CORE = copy_core((0, 0, 24), (0, 1, 8), (1, 2, 8), (1, 3, 8))


def test_a_call_that_is_its_own() -> None:
    door = Door(judged(), CORE)
    array, (number,) = door.native(X, 0)
    np.testing.assert_array_equal(array, X)
    assert number == X[0]
    assert not door.missed


def test_a_call_that_is_another_one_s() -> None:
    door = Door(judged(), CORE)
    assert door.native(X, 1) == "fallback"
    assert door.native(x=X, n=-7) == "fallback"
    assert [dict(named) for _, named in door.missed] == [{}, {"x": X, "n": -7}]


def test_a_core_that_fails_may_be_on_the_wrong_path() -> None:
    failing = CORE.replace("ret i32 0", "ret i32 5")
    assert failing != CORE
    assert Door(judged(), failing).native(X, 0) == "fallback"


def test_nothing_is_left_of_a_call_that_was_handed_on() -> None:
    door = Door(judged(), CORE, fallback=lambda *_: None)
    for _ in range(10):
        door.native(X, 1)
    gc.collect()
    before, count = sys.getallocatedblocks(), sys.getrefcount(X)
    for _ in range(1000):
        door.native(X, 1)
    assert abs(sys.getallocatedblocks() - before) < 20
    assert sys.getrefcount(X) == count
