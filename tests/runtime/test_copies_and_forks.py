"""Compiled functions beside `copy` and `os.fork`."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import fusegrad as fg

FORK = """
import os, threading, time
import numpy as np, fusegrad as fg
from fusegrad.codegen.objects import jit

f = fg.value_and_grad(lambda x: np.sum(x * x))
f(np.ones(3))
inside, done = threading.Event(), threading.Event()
parse = jit._parse

def slow(text):
    if threading.current_thread() is not threading.main_thread():
        inside.set()
        time.sleep(0.5)
    return parse(text)

jit._parse = slow
other = threading.Thread(target=lambda: fg.grad(lambda x: np.sum(np.sin(x)))(np.ones(5)))
other.start()
inside.wait()
child = os.fork()
if child == 0:
    print(f(np.ones(11))[0], flush=True)
    os._exit(0)
os.waitpid(child, 0)
other.join()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_child_compiles_while_a_thread_of_its_parent_did() -> None:
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(FORK)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert run.stdout.split() == ["11.0"]


def test_a_copy_is_the_function() -> None:
    f = fg.grad(np.sum)
    f(np.ones(3))
    assert copy.deepcopy({"f": f})["f"] is f
    assert copy.copy(f) is f
