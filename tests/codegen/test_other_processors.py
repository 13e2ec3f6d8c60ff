"""Code for processors that have less than this one: run here, and held to the interpreter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WITHOUT = {
    "skylake": "avx512",
    "haswell": "avx512",
    "sandybridge": "avx512 avx2 avxvnni fma f16c bmi",
    "x86-64": "avx fma f16c bmi sse3 sse4 ssse3 xsave aes pclmul popcnt vaes vpclmul",
}
WITHOUT_ALL = "amx apx avx10 evex gfni vaes vpclmul avxvnni avxifma avxneconvert"

PROGRAM = """
import sys
import llvmlite.binding as llvm

name, examples, *missing = sys.argv[1:]
here = llvm.get_host_cpu_features()
if not here.get("avx2"):
    print("no avx2")
    sys.exit()
features = {f: has and not f.startswith(tuple(missing)) for f, has in here.items()}
text = ",".join(("+" if has else "-") + f for f, has in sorted(features.items()))

from fusegrad.codegen.objects import jit
jit.processor = lambda: (name, text)

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import fusegrad as fg
from tests.codegen.random_graphs import graphs
from tests.codegen.test_random_graphs import check

for dtype in ("f64", "f32"):
    run = given(graph=graphs(dtype=dtype), seed=st.integers(0, 99))(check)
    settings(max_examples=int(examples), deadline=None, derandomize=True, database=None)(run)()


@fg.value_and_grad
def masked(x):  # slices of one array whose adjoints meet: parts of a row, read under masks
    y = np.tanh(np.concatenate([x, x[:, ::-1]], axis=1))
    return (y[0, :4] ** 4).sum() + y[1, 4] + (y[:, 5:] * y[:, :3]).sum()


for dtype in (np.float64, np.float32):
    x = np.random.default_rng(5).normal(size=(4, 4)).astype(dtype)
    for found, expected in zip(masked(x), masked.eager(x), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
print("agree")
"""


def run(name: str, examples: int) -> None:
    pytest.importorskip("hypothesis")
    command = [sys.executable, "-c", PROGRAM, name, str(examples)]
    command += [*WITHOUT[name].split(), *WITHOUT_ALL.split()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.stdout == "no avx2\n":
        pytest.skip("this processor has no AVX2")
    assert done.stdout == "agree\n", done.stderr


def test_code_for_avx2_agrees_with_the_interpreter() -> None:
    run("haswell", 40)


@pytest.mark.slow
@pytest.mark.parametrize("name", WITHOUT)
def test_code_for_other_processors_agrees_with_the_interpreter(name: str) -> None:
    run(name, 250)
