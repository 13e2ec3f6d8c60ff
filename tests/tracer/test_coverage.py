"""Every function of NumPy is handled, or refused with a reason and a cure, or takes no arrays."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from fusegrad.tracer import UnsupportedError, registry
from fusegrad.tracer.functions.elementwise import RULES
from fusegrad.tracer.functions.refused import reason_and_cure
from fusegrad.tracer.functions.special import FUNCTIONS, is_special, rule_of
from fusegrad.tracer.functions.ufuncs import GENERALISED
from fusegrad.tracer.surroundings import namespace

from .running import run

MODULES: dict[str, ModuleType] = {
    "np": np,
    "np.fft": np.fft,
    "np.linalg": np.linalg,
    "np.polynomial.polynomial": np.polynomial.polynomial,
}

# Functions of settings, types, shapes and files, and those that make arrays of numbers alone.
NO_ARRAYS = [
    "broadcast_shapes", "diag_indices", "frombuffer", "fromfile", "fromregex", "fromstring",
    "genfromtxt", "get_include", "get_printoptions", "getbufsize", "geterr", "geterrcall",
    "isdtype", "isscalar", "issubdtype", "iterable", "load", "loadtxt", "mask_indices",
    "mintypecode", "printoptions", "promote_types", "set_printoptions", "setbufsize",
    "seterr", "seterrcall", "show_config", "show_runtime", "test", "tril_indices",
    "normalize_axis_index",
    "triu_indices", "typename", "fftfreq", "rfftfreq", "polydomain", "row_stack",
    "asarray_chkfinite", "errstate", "memmap",
]  # fmt: skip


def functions_of(module: ModuleType) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name in sorted(dir(module)):
        found = getattr(module, name) if not name.startswith("_") else None
        if callable(found) and not inspect.isclass(found) and name not in NO_ARRAYS:
            yield name, found


def is_handled(function: Callable[..., Any]) -> bool:
    if isinstance(function, np.ufunc):
        return function in RULES or function in GENERALISED
    makers = (*namespace.MAKERS, *namespace._SHAPED)
    return function in registry.FUNCTIONS or function in makers


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("module", MODULES)
def test_every_function_is_handled_or_refused_with_a_cure(module: str) -> None:
    missing = [
        name
        for name, function in functions_of(MODULES[module])
        if not is_handled(function) and reason_and_cure(f"{module}.{name}") is None
    ]
    assert missing == []


def test_nothing_is_handled_and_refused() -> None:
    both = [
        f"{module}.{name}"
        for module, namespace in MODULES.items()
        for name, function in functions_of(namespace)
        if is_handled(function) and reason_and_cure(f"{module}.{name}") is not None
    ]
    assert both == []


def test_a_missing_function_is_noticed() -> None:
    assert not is_handled(lambda x: x)
    assert reason_and_cure("np.brand_new") is None


# --- scipy.special ---

HANDLED_IN_SCIPY = [
    "erf", "erfc", "erfcx", "erfinv", "erfcinv", "gamma", "gammaln", "psi", "digamma",
    "beta", "betaln", "expit", "logit", "log_expit", "xlogy", "xlog1py", "entr", "rel_entr",
    "kl_div", "ndtr", "ndtri", "log_ndtr", "i0", "i0e", "i1", "i1e", "j0", "j1", "y0", "y1",
    "k0", "k0e", "k1", "k1e", "exprel", "huber", "pseudo_huber", "boxcox", "boxcox1p",
    "inv_boxcox", "inv_boxcox1p", "exp2", "exp10", "expm1", "log1p", "cbrt", "cosdg",
    "sindg", "tandg", "cotdg", "cosm1", "radian", "ellipk", "ellipkm1", "ellipe",
]  # fmt: skip


def test_the_special_functions_that_people_use_have_rules() -> None:
    special = pytest.importorskip("scipy.special")
    for name in HANDLED_IN_SCIPY:
        assert rule_of(getattr(special, name)) is not None, name
    for name in FUNCTIONS:
        assert callable(getattr(special, name, None)) or name == "softplus", name


def test_other_special_functions_are_refused_with_a_cure() -> None:
    special = pytest.importorskip("scipy.special")
    x = np.ones(3)
    for name in ("jv", "gammaincinv", "dawsn", "poch", "eval_legendre"):
        ufunc = getattr(special, name)
        assert is_special(ufunc)
        with pytest.raises(UnsupportedError, match=rf"scipy\.special\.{name}") as caught:
            run(lambda x, ufunc=ufunc: ufunc(*[x] * ufunc.nin), x)
        assert caught.value.hint


# --- the texts ---

REFUSED: list[Callable[[Any], Any]] = [
    lambda x: np.union1d(x, x),
    lambda x: np.array2string(x),
    lambda x: np.shares_memory(x, x),
    lambda x: np.spacing(x),
    lambda x: np.linalg.eig(x),
    lambda x: np.nextafter(x, 0.0),
    lambda x: np.gcd(x.astype(int), 2),
]


@pytest.mark.parametrize("function", REFUSED)
def test_a_refusal_says_why_and_what_to_do(function: Callable[[Any], Any]) -> None:
    with pytest.raises(UnsupportedError, match="is not supported while tracing: ") as caught:
        run(function, np.eye(3))
    assert caught.value.at is not None
    assert caught.value.hint
    assert "eager" not in str(caught.value)  # which knows the same functions


def test_an_unknown_function_names_others_of_its_module_only() -> None:
    error = registry.unsupported("np.linalg.normal")
    assert "np.linalg.norm" in error.hint
    assert "np.cross" not in registry.unsupported("np.linalg.cros").hint
