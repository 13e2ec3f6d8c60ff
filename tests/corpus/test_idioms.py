"""Habits of Python and NumPy users, one at a time: right numbers or a clear error."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

import fusegrad as fg

from .idioms import IDIOMS, MUTATIONS
from .idioms.mutations import w
from .oracle import direction, inner, slope

# "mode name" or "mode name-origin". What is refused raises an error of ours; what is to be mended
# gives a bare error or, worse, a wrong number. What works leaves its set.
REFUSED: set[str] = {
    "compiled asfarr",
    "compiled complex_number",
    "compiled distribution_by_scipy",
    "compiled global_buf",
    "compiled hash_of_value",
    "compiled map_float",
    "compiled masked_array",
    "compiled normal_draw",
    "compiled np_bool_",
    "compiled quadrature_by_scipy",
    "compiled root_by_scipy",
    "compiled set_of_values",
    "compiled solve_by_scipy",
    "compiled spline_by_scipy",
    "compiled text_and_back",
    "compiled user_function_as_ufunc",
    "eager asfarr",
    "eager complex_number",
    "eager distribution_by_scipy",
    "eager global_buf",
    "eager map_float",
    "eager masked_array",
    "eager none_eq",
    "eager normal_draw",
    "eager quadrature_by_scipy",
    "eager root_by_scipy",
    "eager solve_by_scipy",
    "eager spline_by_scipy",
    "eager user_function_as_ufunc",
}
TO_MEND: set[str] = {
    "eager text_and_back",
}

MODES = ("compiled", "eager")
POINT = np.array([0.71, 1.3, 2.1])

# Where the array that is changed comes from.
ORIGINS: dict[str, Callable[[Any], Any]] = {
    "result": lambda x: x * 1.5,
    "argument": lambda x: x,
    "buffer": lambda x: np.zeros((2, 3)) + 0.3,
}


def _changed(name: str, origin: str) -> Callable[[Any, Any], Any]:
    def function(x: Any, y: Any) -> Any:
        a = ORIGINS[origin](x)
        MUTATIONS[name](a, y)
        return np.sum(a * a * w) + np.sum(np.sin(a) * w[::-1])

    return function


def _gradient(function: Callable[..., Any], count: int, mode: str) -> Callable[..., Any]:
    derived = fg.value_and_grad(function, argnums=tuple(range(count)))
    return derived if mode == "compiled" else derived.eager


def _check(function: Callable[..., Any], at: tuple[np.ndarray, ...], mode: str) -> None:
    def plain(point: tuple[np.ndarray, ...]) -> float:
        return float(function(*(x.copy() for x in point)))

    value, gradient = _gradient(function, len(at), mode)(*(x.copy() for x in at))
    along = direction(np.random.default_rng(0), at)
    estimate, error = slope(plain, at, along)
    ours, size = inner(gradient, along)
    assert np.isclose(value, plain(at), rtol=1e-10)
    assert abs(ours - estimate) <= 10 * error + 1e-8 * size + 1e-9


def _check_or_refused(function: Callable[..., Any], at: tuple[np.ndarray, ...], case: str) -> None:
    mode = case.partition(" ")[0]
    if not {case, case.partition("-")[0]} & REFUSED:
        _check(function, at, mode)
        return
    with pytest.raises(fg.FusegradError):
        _gradient(function, len(at), mode)(*(x.copy() for x in at))


def _cases(*parts: Iterable[str]) -> list[Any]:
    """One parameter for each mode and combination: "compiled name", "eager name-origin"."""
    names = ["-".join(chosen) for chosen in itertools.product(*parts)]
    cases = [f"{mode} {name}" for name in names for mode in MODES]
    mend = pytest.mark.xfail(reason="to be mended", raises=Exception)
    marks = [mend if {case, case.partition("-")[0]} & TO_MEND else () for case in cases]
    return [pytest.param(case, marks=mark) for case, mark in zip(cases, marks)]


@pytest.mark.parametrize("case", _cases(IDIOMS))
def test_an_idiom_is_right_or_refused(case: str) -> None:
    _check_or_refused(IDIOMS[case.split(" ")[1]], (POINT,), case)


@pytest.mark.parametrize("case", _cases(MUTATIONS, ORIGINS))
def test_a_change_in_place_is_right_or_refused(case: str) -> None:
    rng = np.random.default_rng(3)
    at = (rng.normal(size=(2, 3)), rng.normal(size=(2, 3)))
    name, _, origin = case.split(" ")[1].partition("-")
    _check_or_refused(_changed(name, origin), at, case)


def test_the_lists_name_what_there_is() -> None:
    known = {*IDIOMS, *MUTATIONS, *(f"{m}-{o}" for m in MUTATIONS for o in ORIGINS)}
    assert {case.split(" ")[1] for case in REFUSED | TO_MEND} <= known
    assert set() == REFUSED & TO_MEND
