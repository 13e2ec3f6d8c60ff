"""Passes on text: `<pass>/<case>.ir` holds a graph before and after; both are run, so that an
update can't bless a wrong rewrite. A line `// kernels: n` above says how many kernels must come
out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from fusegrad.ir import Graph, TensorType, interpret, parse, verify
from fusegrad.ir.passes.cse import eliminate_common_subexpressions
from fusegrad.ir.passes.dce import eliminate_dead_code
from fusegrad.ir.passes.fuse import fuse
from fusegrad.ir.passes.legalise import legalise_dots
from fusegrad.ir.passes.narrow import find_values_alone
from fusegrad.ir.passes.simplify import simplify
from fusegrad.ir.passes.squeeze import drop_unit_axes
from fusegrad.ir.passes.sums import sum_before_product
from fusegrad.ir.passes.unroll import unroll_small_axes
from fusegrad.ir.passes.widen import widen
from fusegrad.ir.text import print_graph
from fusegrad.ir.types import NUMPY_DTYPE

HERE = Path(__file__).parent
PASSES: dict[str, Callable[[Graph], Graph]] = {
    "simplify": simplify,
    "cse": eliminate_common_subexpressions,
    "dce": eliminate_dead_code,
    "legalise": legalise_dots,
    "squeeze": drop_unit_axes,
    "narrow": find_values_alone,
    "unroll": partial(unroll_small_axes, least=1),
    "widen": widen,
    "sums": sum_before_product,
    "fuse": fuse,
}
EXACT = {"simplify", "cse", "dce", "squeeze"}  # keep nan, inf, -0, and all but the last bits
SPECIAL = np.array([0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, np.nan, 5e-324, 1e300, -1e-300])
CASES = sorted(HERE.glob("*/*.ir"))


@dataclass(frozen=True)
class Case:
    """A golden file: comment lines, the graph before, the text after."""

    comment: str
    before: str
    after: str

    @staticmethod
    def read(path: Path) -> Case:
        comment, _, rest = path.read_text().partition("// before\n")
        before, _, after = rest.partition("// after\n")
        return Case(comment, before.strip(), after.strip())

    def write(self, path: Path) -> None:
        path.write_text(f"{self.comment}// before\n{self.before}\n\n// after\n{self.after}\n")

    @property
    def sums(self) -> bool:
        return "// the sum of -0 may be -0" in self.comment

    @property
    def kernels(self) -> int | None:
        match = re.search(r"// kernels: (\d+)", self.comment)
        return int(match[1]) if match else None


def arguments(graph: Graph, rng: np.random.Generator, special: bool) -> list[np.ndarray]:
    return [_random(value.type, rng, special) for value in graph.inputs]


def _random(type: TensorType, rng: np.random.Generator, special: bool) -> np.ndarray:
    if type.dtype == "bool":
        return rng.random(type.shape) < 0.5
    if not type.is_float:
        return rng.integers(0, 3, type.shape).astype(NUMPY_DTYPE[type.dtype])
    drawn = rng.choice(SPECIAL, type.shape) if special else rng.normal(size=type.shape)
    with np.errstate(over="ignore"):
        return np.asarray(drawn, NUMPY_DTYPE[type.dtype])


def assert_same_results(before: Graph, after: Graph, *, exact: bool, signs: bool) -> None:
    """Both graphs on random inputs; where `exact`, also on zeros, infinities, nans and the like."""
    rng = np.random.default_rng(7)
    relative, absolute = (1e-15, 0.0) if exact else (1e-12, 1e-12)
    for special in [False] * 3 + [True] * 12 * exact:
        given = arguments(before, rng, special)
        for found, expected in zip(interpret(after, given), interpret(before, given), strict=True):
            assert found.shape == expected.shape
            assert found.dtype == expected.dtype
            np.testing.assert_allclose(found, expected, rtol=relative, atol=absolute)
            if signs and found.dtype.kind == "f":
                zero = found == 0
                np.testing.assert_array_equal(np.signbit(found[zero]), np.signbit(expected[zero]))


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_golden(path: Path, update_golden: bool) -> None:
    case = Case.read(path)
    before = verify(parse(case.before))
    after = verify(PASSES[path.parent.name](before))
    exact = path.parent.name in EXACT
    assert_same_results(before, after, exact=exact, signs=exact and not case.sums)
    if case.kernels is not None:
        assert sum(operation.name == "kernel" for operation in after) == case.kernels
    text = print_graph(after, comments=False)
    assert parse(text) == after
    if update_golden:
        Case(case.comment, case.before, text).write(path)
    else:
        assert case.after, f"{path.name} has no golden text: run with --update-golden"
        assert text == case.after


def test_every_pass_has_cases() -> None:
    assert {path.parent.name for path in CASES} == set(PASSES)
