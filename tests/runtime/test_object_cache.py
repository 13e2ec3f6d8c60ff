"""Compiled functions and the object cache, in one process and in several."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fusegrad as fg
from fusegrad.codegen.objects import cache, host
from fusegrad.codegen.objects.image import links_here

PROGRAM = """
import json, sys
import numpy as np, fusegrad as fg

def loss(w, x, k):
    h = np.tanh(x @ w) * 0.5
    if k > 2:
        h = np.sin(h)
    return np.sum(np.logaddexp(0, h)) + np.linalg.norm(w)

rng = np.random.default_rng(3)
w, x = rng.normal(size=(40, 30)), rng.normal(size=(50, 40))
f = fg.value_and_grad(loss)
values = [f(w, x, k) for k in (1.0, 3.0)]
tensor = fg.tensor(w, requires_grad=True)
g = fg.compile(loss)
g(tensor, x, 1.0).backward()
print(json.dumps({
    "loaded": f.cache_info()["loaded"],
    "llvm": "llvmlite" in sys.modules,
    "bits": [(float(v).hex(), d.tobytes().hex()) for v, d in values],
    "tensor": tensor.grad.numpy().tobytes().hex(),
    "code": f.explain(w, x, 1.0).code,
}))
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("FUSEGRAD_CACHE", "1")
    monkeypatch.setenv("FUSEGRAD_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def run(program: str, **variables: str) -> Any:
    """What a program prints in a process of its own: JSON."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_another_process_finds_the_code(place: Path) -> None:
    off = run(PROGRAM, FUSEGRAD_CACHE="0")
    assert (off["loaded"], off["llvm"]) == (0, True)
    assert not place.exists()
    cold, warm = run(PROGRAM), run(PROGRAM)
    assert (cold["loaded"], warm["loaded"]) == (0, 2)
    assert warm["llvm"] is not links_here()
    assert off["bits"] == cold["bits"] == warm["bits"]
    assert off["tensor"] == cold["tensor"] == warm["tensor"]
    assert [one["code"].split()[0] for one in (off, cold, warm)] == [
        "compiled;",
        "compiled,",
        "from",
    ]


def test_processes_side_by_side(place: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(run, [PROGRAM] * 4))
    assert len({json.dumps([one["bits"], one["tensor"]]) for one in answers}) == 1
    assert not list(place.glob("*.tmp"))
    assert run(PROGRAM)["loaded"] == 2


def test_every_damaged_file_is_made_anew(place: Path) -> None:
    good = run(PROGRAM)
    files = list(place.iterdir())
    for number, file in enumerate(files):
        whole = bytearray(file.read_bytes())
        whole[len(whole) * (number + 1) // (len(files) + 1)] ^= 0x10
        file.write_bytes(whole)
    again = run(PROGRAM)
    assert (again["loaded"], again["bits"]) == (0, good["bits"])
    assert run(PROGRAM)["loaded"] == 2


def test_a_directory_that_can_only_be_read(place: Path) -> None:
    run(PROGRAM)
    before = {file: file.stat().st_mtime_ns for file in place.iterdir()}
    place.chmod(0o500)
    try:
        assert run(PROGRAM)["loaded"] == 2
    finally:
        place.chmod(0o700)
    assert {file: file.stat().st_mtime_ns for file in place.iterdir()} == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_child_runs_and_loads_code(place: Path) -> None:
    program = """
        import os, json, numpy as np, fusegrad as fg
        f = fg.value_and_grad(lambda x: np.sum(x * x))
        f(np.ones(3))
        child = os.fork()
        if child == 0:
            good = f(np.ones(3))[0] == 3.0 and f(np.ones(5))[0] == 5.0
            os._exit(0 if good else 1)
        _, status = os.waitpid(child, 0)
        print(json.dumps([status, f(np.ones(5))[0], f.cache_info()["loaded"]]))
    """
    assert run(textwrap.dedent(program)) == [0, 5.0, 1]


# --- one process: a function that is decorated again finds what the one before it left ---


def again(make: Callable[[], Any], *arguments: Any) -> tuple[Any, Any]:
    """The same function twice, called; the second one's code is loaded."""
    made, found = make(), make()
    for function in (made, found):
        function(*arguments)
    assert (made.cache_info()["loaded"], found.cache_info()["loaded"]) == (0, 1)
    return made, found


def test_stages_are_made_when_they_are_asked_for(place: Path) -> None:
    def loss(x: Any) -> Any:
        return np.sum(np.exp(x) * x)

    x = np.linspace(0, 1, 100)
    made, found = again(lambda: fg.value_and_grad(loss), x)
    first, second = made.lower(x), found.lower(x)
    for stage in ("trace", "adjoint", "fused", "loops", "llvm", "asm"):
        assert str(getattr(first, stage)) == str(getattr(second, stage))
    assert "from the object cache" in str(found.explain(x))
    assert made.explain(x).lines == found.explain(x).lines
    assert set(found.explain(x).seconds) == {"trace", "load"}


def test_errors_name_the_line_of_this_process(place: Path) -> None:
    def first(x: Any, i: Any) -> Any:
        return (x * 2)[i]

    def second(x: Any, i: Any) -> Any:
        y = x * 2
        return y[i]  # the line of the error

    x, good, bad = np.arange(3.0), np.array([1]), np.array([7])
    fg.compile(first)(x, good)
    function = fg.compile(second)
    function(x, good)
    assert function.cache_info()["loaded"] == 1
    with pytest.raises(IndexError, match=r"out of range for an axis of 3(.|\n)*the line of the"):
        function(x, bad)


def test_a_matrix_without_an_inverse(place: Path) -> None:
    a, b = np.zeros((20, 20)), np.ones(20)

    def solve(a: Any, b: Any) -> Any:
        return np.linalg.solve(a + 0.0, b)

    _, found = again(lambda: fg.compile(solve), np.eye(20), b)
    with pytest.raises(np.linalg.LinAlgError, match="Singular"):
        found(a, b)


def test_an_error_of_code_that_is_not_what_would_be_made_now(place: Path) -> None:
    def pick(x: Any, i: Any) -> Any:
        return (x * 3)[i]

    x, good = np.arange(3.0), np.array([1])
    fg.compile(pick)(x, good)
    for file in place.iterdir():
        entry = cache.load(file.name.removesuffix(cache.SUFFIX))
        assert entry is not None
        if "text" in entry.facts:
            facts = {**entry.facts, "text": "of another version"}
            cache.store(file.name.removesuffix(cache.SUFFIX), cache.Entry(facts, entry.code))
    function = fg.compile(pick)
    assert function(x, good) == 3.0
    with pytest.raises(IndexError, match="FUSEGRAD_CACHE=0 tells the line"):
        function(x, np.array([9]))


def test_what_decides_is_in_the_key(place: Path) -> None:
    def f(x: Any, y: Any) -> Any:
        return np.sum(x * np.exp(y)), np.sum(x - y)

    def one(x: Any, y: Any) -> Any:
        return f(x, y)[0]

    x, y = np.array([1.0, 2.0]), np.array([0.5, -1.0])
    exp = np.exp(y)
    for _ in range(2):
        gradient = fg.grad(one)(x, y)
        np.testing.assert_allclose(gradient, exp)
        np.testing.assert_allclose(fg.grad(one, argnums=1)(x, y), x * exp)
        both = fg.grad(one, argnums=(1, 0))(x, y)
        np.testing.assert_allclose(both[0], x * exp)
        np.testing.assert_allclose(both[1], exp)
        value, aux = fg.value_and_grad(f, has_aux=True)(x, y)[0]
        np.testing.assert_allclose([value, aux], [np.sum(x * exp), np.sum(x - y)])
        np.testing.assert_allclose(fg.compile(one)(x, y), np.sum(x * exp))
        np.testing.assert_allclose(fg.grad(one)(x.astype("f"), y), exp, rtol=1e-6)


def test_captured_arrays_and_numbers_are_this_process_s(place: Path) -> None:
    def make(scale: float, data: Any) -> Any:
        return fg.value_and_grad(lambda x: scale * np.sum(x * data))

    x = np.arange(4.0)
    for scale, start in ((2.0, 0.0), (2.0, 5.0), (3.0, 5.0), (-0.0, 1.0), (0.0, 1.0)):
        data = np.arange(4.0) + start
        value, gradient = make(scale, data)(x)
        np.testing.assert_array_equal(gradient, scale * data)
        assert np.signbit(value) == np.signbit(scale * np.sum(x * data))
    assert make(2.0, np.ones(4))(x)[0] == 12.0


def test_where_llvm_links(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on other systems and processors."""
    monkeypatch.setattr("fusegrad.codegen.objects.load.links_here", lambda: False)
    monkeypatch.setattr("fusegrad.codegen.objects.host.links_here", lambda: False)
    host.host.cache_clear()
    try:
        w, x = np.ones((30, 20)), np.linspace(0, 1, 3000).reshape(100, 30)

        def loss(w: Any, x: Any) -> Any:
            return np.sum(np.tanh(x @ w)) + np.linalg.slogdet(w.T @ w + np.eye(20))[1]

        made, found = again(lambda: fg.value_and_grad(loss), w, x)
        assert "from the object cache" in found.explain(w, x).code
        assert found.explain(w, x).native
        for one in (made, found):
            assert one.compare(w, x).ok
    finally:
        host.host.cache_clear()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_is_never_run(place: Path, data: Any) -> None:
    def loss(x: Any) -> Any:
        return np.sum(np.tanh(x) * 3.0)

    x = np.linspace(-1, 1, 9)
    expected = fg.value_and_grad(loss)(x)
    for file in place.iterdir():
        whole = bytearray(file.read_bytes())
        whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        file.write_bytes(whole)
    function = fg.value_and_grad(loss)
    value, gradient = function(x)
    assert function.cache_info()["loaded"] == 0
    assert value == expected[0]
    np.testing.assert_array_equal(gradient, expected[1])
