"""The pool itself: each block runs once, errors and interrupts come back, forks and ends work."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from fusegrad.codegen.entry.poll import CONTEXT_SIZE, CONTEXT_THREADS
from fusegrad.codegen.objects import jit
from fusegrad.codegen.objects.link import link
from fusegrad.codegen.threads import pool, state
from fusegrad.codegen.threads.cores import _quota, available_cores, usual_threads

pytestmark = pytest.mark.skipif(not state.can_start_threads(), reason="no threads here")

# Each block adds to its place in the frame, slowly, and writes its scratch memory. From the block
# that the frame says on they fail: that one with the status that the frame says, the next one with
# the number behind it.
TASK = """
declare i32 @fg.parallel(ptr, ptr, i64, ptr, i64, ptr, ptr)
@polls = global i32 0

define i32 @task(ptr %frame, i64 %block, ptr %scratch, ptr %context) {
start:
  %count = load i64, ptr %frame
  %guilty.at = getelementptr i64, ptr %frame, i64 1
  %guilty = load i64, ptr %guilty.at
  %answer.at = getelementptr i64, ptr %frame, i64 2
  %answer = load i64, ptr %answer.at
  %first = getelementptr i64, ptr %frame, i64 3
  %place = getelementptr i64, ptr %first, i64 %block
  br label %loop
loop:
  %i = phi i64 [ 0, %start ], [ %next, %loop ]
  %next = add i64 %i, 1
  %old = load volatile i64, ptr %place
  %new = add i64 %old, 1
  store volatile i64 %new, ptr %place
  store volatile i64 %block, ptr %scratch
  %mine = load volatile i64, ptr %scratch
  %same = icmp eq i64 %mine, %block
  %more = icmp ult i64 %next, %count
  %go = and i1 %same, %more
  br i1 %go, label %loop, label %end
end:
  %bad = icmp uge i64 %block, %guilty
  %later = sub i64 %block, %guilty
  %own = add i64 %answer, %later
  %status = select i1 %bad, i64 %own, i64 0
  %short = trunc i64 %status to i32
  ret i32 %short
}

define i32 @poll(ptr %context) {
  ret i32 0
}

define i32 @go(ptr %frame, i64 %blocks, ptr %scratch, ptr %context) {
  %status = call i32 @fg.parallel(ptr @task, ptr %frame, i64 %blocks, ptr %scratch, i64 100000,
                                  ptr @poll, ptr %context)
  ret i32 %status
}
"""


@cache
def _library() -> tuple[object, Callable[..., int]]:
    library = link([jit.compile_object(TASK)], ("fg.parallel",), ("go",))
    prototype = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p
    )
    return library, prototype(library["go"])


def run(
    blocks: int, threads: int, *, steps: int = 1, guilty: int = 1 << 40, answer: int = 0
) -> tuple[int, list[int]]:
    """The status of a job, and how often each block added."""
    frame = (ctypes.c_int64 * (blocks + 3))(steps, guilty, answer)
    context = (ctypes.c_int64 * (CONTEXT_SIZE // 8))()
    context[CONTEXT_THREADS // 8] = threads
    scratch = (ctypes.c_char * 100000)()
    status = _library()[1](frame, blocks, scratch, context)
    return status, list(frame)[3:]


@pytest.fixture(autouse=True)
def usual_number_afterwards() -> Iterator[None]:
    yield
    pool.set_threads(None)


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_each_block_runs_once(threads: int) -> None:
    for blocks in (1, 2, 3, 10, 1000):
        for _ in range(50):
            assert run(blocks, threads, steps=3) == (0, [3] * blocks)
    assert pool.running() >= threads - 1


def test_the_first_error_is_the_answer_and_ends_the_job() -> None:
    for threads in (1, 2, 7):
        for _ in range(200):
            status, counts = run(10_000, threads, steps=20, guilty=17, answer=1)
            assert status == 1
            assert counts[:18] == [20] * 18
            assert sum(counts) < 20 * 10_000


def test_an_interrupt_ends_the_job() -> None:
    assert run(1000, 3, guilty=5, answer=-1)[0] == -1


def test_callers_on_several_threads_do_not_wait_for_each_other() -> None:
    wrong: list[tuple[int, list[int]]] = []

    def call() -> None:
        for _ in range(100):
            found = run(30, 3, steps=100)
            if found != (0, [100] * 30):
                wrong.append(found)

    callers = [threading.Thread(target=call) for _ in range(6)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not wrong


def test_the_number_of_threads_is_what_was_set() -> None:
    pool.open_pool()
    pool.set_threads(5)
    assert pool.threads() == 5
    run(100, 0)
    assert pool.running() >= 4


def test_what_the_environment_says() -> None:
    cores = available_cores()
    assert usual_threads({}) == cores
    assert usual_threads({"OMP_NUM_THREADS": "1"}) == 1
    assert usual_threads({"OMP_NUM_THREADS": "1,4"}) == 1
    assert usual_threads({"OMP_NUM_THREADS": str(cores + 5)}) == cores
    assert usual_threads({"OMP_NUM_THREADS": "many"}) == cores
    assert usual_threads({"OMP_NUM_THREADS": "1", "FUSEGRAD_NUM_THREADS": "12"}) == 12
    for wrong in ("0", "-1", "two"):
        with pytest.raises(ValueError, match="FUSEGRAD_NUM_THREADS"):
            usual_threads({"FUSEGRAD_NUM_THREADS": wrong})


@pytest.mark.parametrize(
    ("text", "cores"), [("150000 100000", 2), ("100000 100000\n", 1), ("max 100000", None)]
)
def test_the_share_of_a_container(text: str, cores: int | None, tmp_path: Path) -> None:
    file = tmp_path / "cpu.max"
    file.write_text(text)
    assert _quota(file) == cores
    assert _quota(tmp_path / "none") is None


def in_new_process(code: str, **environment: str) -> list[str]:
    """What a program prints, a word each; it must end well, and write nothing else."""
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
    )
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
    return process.stdout.split()


START = """
import os, threading, time
import numpy as np, fusegrad as fg
from fusegrad.codegen.threads import pool

f = fg.value_and_grad(lambda x: np.sum(np.tanh(x) * np.exp(-x * x)), threads=3)
x = np.linspace(-1, 1, 300_001)

def bits():
    value, gradient = f(x)
    return value.tobytes() + gradient.tobytes()
expected = bits()
assert pool.running() == 2
"""


def test_a_child_starts_threads_of_its_own() -> None:
    code = """
    children = []
    for _ in range(5):
        child = os.fork()
        if child == 0:
            assert pool.running() == 0
            assert bits() == expected
            assert pool.running() == 2
            grandchild = os.fork()
            if grandchild == 0:
                os._exit(0 if bits() == expected else 1)
            os._exit(os.waitpid(grandchild, 0)[1])
        children.append(child)
        assert bits() == expected
    print(*[os.waitpid(child, 0)[1] for child in children])
    """
    assert in_new_process(START + textwrap.dedent(code)) == ["0"] * 5


def test_a_fork_while_another_thread_computes() -> None:
    code = """
    stop = []
    def work():
        while not stop:
            assert bits() == expected
    other = threading.Thread(target=work)
    other.start()
    codes = []
    for _ in range(20):
        time.sleep(0.003)
        import warnings
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            child = os.fork()
        if child == 0:
            os._exit(0 if bits() == expected else 1)
        codes.append(os.waitpid(child, 0)[1])
    stop.append(1)
    other.join()
    print(*codes)
    """
    assert in_new_process(START + textwrap.dedent(code)) == ["0"] * 20


def test_a_fork_by_a_signal_handler_fails_in_the_child() -> None:
    code = """
    import signal
    g = fg.compile(lambda x: np.sum(np.sin(x[:, None] * x)), threads=3)
    long = np.linspace(0, 1, 30000)
    value = float(g(long))
    children = []
    def handler(*_):
        children.append(os.fork())
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        again = float(g(long))
    except fg.FusegradError as error:
        os._exit(7 if "forked" in str(error) else 8)
    while not children:
        time.sleep(0.01)
    if children[0] == 0:
        os._exit(9)
    print(os.waitpid(children[0], 0)[1] >> 8, again == float(g(long)) == value)
    """
    status, same = in_new_process(START + textwrap.dedent(code))
    assert same == "True"
    assert status == "7"


def test_the_interpreter_ends_while_threads_wait_and_work() -> None:
    code = """
    import atexit
    atexit.register(lambda: print("last", bits() == expected))
    def work():
        while True:
            bits()
    threading.Thread(target=work, daemon=True).start()
    time.sleep(0.05)
    """
    for _ in range(3):
        assert in_new_process(START + textwrap.dedent(code)) == ["last", "True"]
    assert in_new_process(START) == []


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity here")
def test_affinity_is_honoured() -> None:
    code = """
    import os
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    import fusegrad as fg
    print(fg.get_num_threads())
    """
    without = {"FUSEGRAD_NUM_THREADS": "", "OMP_NUM_THREADS": ""}
    assert in_new_process(code, **without) == ["1"]


def test_one_thread_starts_none() -> None:
    code = START.replace("threads=3", "threads=1").replace("== 2", "== 0")
    assert in_new_process(code) == []
    plain = START.replace(", threads=3", "").replace("== 2", "== 0")
    assert in_new_process(plain, FUSEGRAD_NUM_THREADS="1") == []
    assert in_new_process(plain, FUSEGRAD_NUM_THREADS="", OMP_NUM_THREADS="1") == []


LATER = """
import numpy as np
import fusegrad as fg
from fusegrad.codegen.threads import pool

x = np.linspace(0.0, 1.0, 300_000)
f = fg.compile(lambda x: np.sum(np.sin(x) * np.exp(x)), threads={threads})
fg.set_num_threads(1)
first = f(x)
assert bool(pool._team) is {at_once}
fg.set_num_threads(3)
assert pool._team
assert f(x) == first
assert pool.running() == {running}
"""


def test_threads_are_prepared_when_somebody_wants_them() -> None:
    """Also for code that was loaded when nobody did."""
    assert in_new_process(LATER.format(threads=None, at_once=False, running=2)) == []
    assert in_new_process(LATER.format(threads=2, at_once=True, running=1)) == []
