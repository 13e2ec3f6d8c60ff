"""Ctrl-C in compiled code that runs for long: it stops, and the next call is right."""

from __future__ import annotations

import sys

import pytest

from fusegrad.codegen.entry import self_test

from .long_loops import LOOPS, interrupted

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to a process")

# Seconds that tell a loop that stops from one that runs to its end, on however busy a machine. How
# soon it stops on a quiet one is measured by `python -m benchmarks.interrupt`.
LIMIT = 5.0


@pytest.mark.parametrize("name", LOOPS)
def test_ctrl_c(name: str) -> None:
    seconds, native = interrupted(name)
    assert native is (self_test() is None)
    assert max(seconds) < LIMIT, seconds
