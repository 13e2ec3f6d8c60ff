"""Ctrl-C in compiled code that runs for long: it stops, and the next call is right."""

from __future__ import annotations

import sys

import pytest

from fusegrad.codegen.entry import self_test

from .long_loops import LOOPS, interrupted

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to a process")

# A loop that looks at the signal stops within QUICK seconds on a core of its own. Where other
# processes hold the core at that moment a stop takes longer, by no fault of the loop: so one quick
# stop of up to six is enough, and LIMIT tells the slow ones from a loop that runs to its end.
# `python -m benchmarks.interrupt` measures all of them.
QUICK = 0.1
LIMIT = 5.0


@pytest.mark.parametrize("name", LOOPS)
def test_ctrl_c(name: str) -> None:
    seconds, native = interrupted(name, 1, quick=QUICK, more=5)
    assert native is (self_test() is None)
    assert min(seconds) < QUICK, seconds
    assert max(seconds) < LIMIT, seconds
