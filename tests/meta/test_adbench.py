"""The objectives of ADBench as the benchmarks write them, against what its own C++ computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fusegrad as fg

adbench = pytest.importorskip("benchmarks.adbench", reason="the benchmarks are in the checkout")
workloads = pytest.importorskip("benchmarks.workloads.adbench")

# gmm/test.txt and ba/test.txt of ADBench (MIT licence, Microsoft Corporation), and what its
# hand-written C++ makes of them.
MIXTURE = """2 3 1
-0.649014 1.181166 -0.758453
0.092339 0.186260 0.345561 0.396767 0.538817 0.419195
0.586443 -0.851887 0.800321 -1.509405 0.875874 -0.242790 0.166813 -1.965419 -1.270071
1.175171 2.029160
1.000000 0
"""
BUNDLE = """2 10 10
1.797201 0.590697 -0.635786 90.859550 29.361415 28.777534 211.628116 -0.284531 -14.762924
0.058931 0.069976
4.173048 5.586898 1.403869
0.417022
-525.672849 161.811929
"""
VALUE, NORM, DOT = 8.073804080049758, 6.689647462416591, -0.0036034199343309425
RESIDUALS, BLOCKS = -1.3499124340421789, 4799.383025697727


@pytest.fixture
def mixture(tmp_path: Path) -> Any:
    (tmp_path / "gmm.txt").write_text(MIXTURE)
    return adbench.read_mixture(tmp_path / "gmm.txt")


@pytest.fixture
def bundle(tmp_path: Path) -> Any:
    (tmp_path / "ba.txt").write_text(BUNDLE)
    return adbench.read_bundle(tmp_path / "ba.txt")


def arguments(bundle: Any) -> tuple[Any, ...]:
    names = ("cameras", "points", "weights", "features", "camera", "point")
    return tuple(getattr(bundle, name) for name in names)


def dot_cos(x: Any) -> float:
    return float(x @ np.cos(np.arange(x.size)))


def test_mixture(mixture: Any) -> None:
    posterior = workloads.log_posterior(np, mixture.gamma, mixture.m)
    parameters = (mixture.alphas, mixture.means, mixture.icf, mixture.x)
    assert posterior(*parameters) == pytest.approx(VALUE, rel=1e-13)
    value, parts = fg.value_and_grad(posterior, argnums=(0, 1, 2))(*parameters)
    gradient = np.concatenate([part.ravel() for part in parts])
    assert value == pytest.approx(VALUE, rel=1e-13)
    assert np.linalg.norm(gradient) == pytest.approx(NORM, rel=1e-13)
    assert dot_cos(gradient) == pytest.approx(DOT, rel=1e-11)


def test_residuals(bundle: Any) -> None:
    errors, regular = workloads.residuals(np)(*arguments(bundle))
    assert dot_cos(np.concatenate([errors.ravel(), regular])) == pytest.approx(RESIDUALS, rel=1e-12)


def test_bundle_gradient_is_that_of_its_residuals(bundle: Any) -> None:
    """The gradient of half their squares, and the norm of the Jacobian's blocks by differences."""
    given = list(arguments(bundle))
    gradient = fg.grad(workloads.half_squares(np), argnums=(0, 1, 2))(*given)
    residuals, squares = workloads.residuals(np), 0.0
    for i, found in enumerate(gradient):
        expected = np.zeros_like(found)
        for place in np.ndindex(found.shape):
            changes = []
            for step in (1e-5, -1e-5):
                moved = given[i].copy()
                moved[place] += step
                changes.append(
                    np.concatenate(
                        [r.ravel() for r in residuals(*given[:i], moved, *given[i + 1 :])]
                    )
                )
            column = (changes[0] - changes[1]) / 2e-5
            expected[place] = column @ (changes[0] + changes[1]) / 2.0
            squares += float(column @ column)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-5 * np.abs(expected).max())
    assert np.sqrt(squares) == pytest.approx(BLOCKS, rel=1e-7)


def test_shapes_are_the_same_without_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(adbench.FOLDER, raising=False)
    mixture, bundle = adbench.mixture(1000, 2, 5), adbench.bundle("ba1", 49, 776, 3184)
    assert [x.shape for x in (mixture.alphas, mixture.means, mixture.icf, mixture.x)] == [
        (5,),
        (5, 2),
        (5, 3),
        (1000, 2),
    ]
    assert [x.shape for x in arguments(bundle)] == [
        (49, 11),
        (776, 3),
        (3184,),
        (3184, 2),
        (3184,),
        (3184,),
    ]
    assert np.isfinite(workloads.half_squares(np)(*arguments(bundle)))


def test_a_file_that_ends_early(tmp_path: Path) -> None:
    (tmp_path / "gmm.txt").write_text("2 3 1\n0.5 0.5")
    with pytest.raises(ValueError, match="ends 1 numbers early"):
        adbench.read_mixture(tmp_path / "gmm.txt")
