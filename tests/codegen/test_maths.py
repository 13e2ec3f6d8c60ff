"""The elementary functions: accuracy against MPFR, special values, the same bits in every width."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from functools import cache

import llvmlite.binding as llvm
import numpy as np
import pytest

from fusegrad.codegen import maths
from fusegrad.codegen.emitter import LLVM_SCALAR, Emitter, function_symbol

gmpy2 = pytest.importorskip("gmpy2")

DTYPES = {"f64": np.dtype(np.float64), "f32": np.dtype(np.float32)}
PUBLIC = [name for name, function in maths.FUNCTIONS.items() if not function.cold]
OTHERS = ("erfinv", "ndtri")  # these, and Bessel's, are in test_accuracy.py
PUBLIC = [name for name in PUBLIC if name[1:] not in ("0", "1", "0e", "1e") and name not in OTHERS]
UNARY = [name for name in PUBLIC if maths.FUNCTIONS[name].arity == 1]
inf, nan = np.inf, np.nan

# Largest error allowed, in ULP. What was measured stands in each function's docstring.
BOUNDS = {"f64": 1.1, "f32": 1.0}
LOOSER = {
    ("erfc", "f64"): 2.0,
    ("erfcx", "f64"): 1.5,
    ("atan", "f64"): 1.5,
    ("atan2", "f64"): 1.5,
    ("lgamma", "f64"): 2.0,
    ("digamma", "f64"): 2.0,
    ("ndtr", "f64"): 1.5,
}

REFERENCE: dict[str, Callable[..., object]] = {
    **{name: getattr(gmpy2, name) for name in PUBLIC if hasattr(gmpy2, name)},
    "erfcx": lambda x: gmpy2.exp(x * x) * gmpy2.erfc(x),
    "ndtr": lambda x: gmpy2.erfc(-x / gmpy2.sqrt(gmpy2.mpfr(2))) / 2,
    "rsqrt": lambda x: 1 / gmpy2.sqrt(x),
    "logistic": lambda x: 1 / (1 + gmpy2.exp(-x)),
    "pow": lambda x, y: x**y,
}


# --- compiling a function into a loop over arrays ---


def _module(name: str, dtype: str, lanes: int, inline: bool) -> str:
    text, declarations = maths.definitions([(name, dtype, lanes)], inline=inline)
    vector, element = Emitter(lanes).type(dtype), LLVM_SCALAR[dtype]
    arity, align = maths.FUNCTIONS[name].arity, DTYPES[dtype].itemsize
    loads = "\n".join(
        f"  %a{k} = getelementptr {element}, ptr %p{k}, i64 %i\n"
        f"  %v{k} = load {vector}, ptr %a{k}, align {align}"
        for k in range(arity)
    )
    operands = ", ".join(f"{vector} %v{k}" for k in range(arity))
    pointers = "".join(f", ptr noalias %p{k}" for k in range(arity))
    return f"""{text}
{chr(10).join(declarations.values())}
define void @loop(i64 %n, ptr noalias %out{pointers}) {" ".join(maths.TARGET_ATTRIBUTES)} {{
entry:
  br label %body
body:
  %i = phi i64 [ 0, %entry ], [ %next, %body ]
{loads}
  %r = call {vector} {function_symbol(name, dtype, lanes)}({operands})
  %o = getelementptr {element}, ptr %out, i64 %i
  store {vector} %r, ptr %o, align {align}
  %next = add i64 %i, {lanes}
  %more = icmp slt i64 %next, %n
  br i1 %more, label %body, label %exit
exit:
  ret void
}}
{maths.BRANCH_WEIGHTS}
"""


class Loop:
    """A maths function, compiled for this machine, of whole arrays."""

    def __init__(self, name: str, dtype: str, lanes: int, inline: bool = True) -> None:
        self.dtype, self.lanes = DTYPES[dtype], lanes
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        machine = llvm.Target.from_default_triple().create_target_machine(
            cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3
        )
        module = llvm.parse_assembly(_module(name, dtype, lanes, inline))
        module.verify()
        passes = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(3))
        passes.getModulePassManager().run(module, passes)
        self._engine = llvm.create_mcjit_compiler(module, machine)
        self._engine.finalize_object()
        pointers = [ctypes.c_void_p] * (1 + maths.FUNCTIONS[name].arity)
        prototype = ctypes.CFUNCTYPE(None, ctypes.c_int64, *pointers)
        self._run = prototype(self._engine.get_function_address("loop"))

    def __call__(self, *operands: np.ndarray) -> np.ndarray:
        count = operands[0].size
        padding = -count % self.lanes
        padded = [np.pad(np.asarray(x, self.dtype), (0, padding), mode="edge") for x in operands]
        result = np.empty(count + padding, self.dtype)
        self._run(result.size, result.ctypes.data, *(x.ctypes.data for x in padded))
        return result[:count]


@cache
def compiled(name: str, dtype: str, lanes: int | None = None) -> Loop:
    return Loop(name, dtype, lanes or 64 // DTYPES[dtype].itemsize)


# --- errors in ULP ---


def exact(name: str, *operands: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """MPFR's result as a float64 and what that lacks."""
    gmpy2.get_context().precision = 140
    function = REFERENCE[name]
    high, low = np.empty(operands[0].size), np.zeros(operands[0].size)
    for i, values in enumerate(zip(*(x.tolist() for x in operands), strict=True)):
        value = function(*map(gmpy2.mpfr, values))
        value = value[0] if isinstance(value, tuple) else value
        high[i] = float(value)
        if np.isfinite(high[i]):
            low[i] = float(value - gmpy2.mpfr(high[i]))
    return high, low


def errors(result: np.ndarray, high: np.ndarray, low: np.ndarray | float = 0.0) -> np.ndarray:
    """Distance from high + low, in units of the last place that this has in the result's format."""
    info = np.finfo(result.dtype)
    _, exponent = np.frexp(np.abs(high))
    unit = np.ldexp(1.0, np.maximum(exponent, info.minexp + 1) - info.nmant - 1)
    with np.errstate(invalid="ignore", over="ignore"):
        distance = np.abs((result.astype(np.float64) - high) - low) / unit
        overflow = (
            np.abs(high) >= float(info.max) * (1 + info.eps / 4) if info.bits == 32 else False
        )
    same = (np.isnan(result) & np.isnan(high)) | (~np.isfinite(high) & (result == high))
    same |= overflow & np.isinf(result) & (np.sign(result) == np.sign(high))
    return np.where(same, 0.0, np.where(np.isnan(distance), inf, distance))


def assert_accurate(name: str, dtype: str, *operands: np.ndarray) -> None:
    operands = tuple(np.asarray(x, DTYPES[dtype]) for x in operands)
    found = errors(compiled(name, dtype)(*operands), *exact(name, *operands))
    worst = int(np.argmax(found))
    bound = LOOSER.get((name, dtype), BOUNDS[dtype])
    assert found[worst] <= bound, (found[worst], [x[worst] for x in operands])


# --- where to look ---

RANDOM = np.random.default_rng(20)
SMALL, LARGE = {"f64": 1e-307, "f32": 1e-37}, {"f64": 1e307, "f32": 1e37}


def spread(low: float, high: float, count: int) -> np.ndarray:
    """Of both signs, of all magnitudes between two."""
    size = np.exp2(RANDOM.uniform(np.log2(low), np.log2(high), count))
    return size * RANDOM.choice([-1.0, 1.0], count)


INTERVALS = {
    "erf": (0.0, 28.0),
    "erfc": (0.0, 28.0),
    "erfcx": (-26.0, 50.0),
    "ndtr": (-38.0, 10.0),
    "gamma": (-170.0, 171.0),
}
GAMMA_ROOTS = {"lgamma": (1.0, 2.0), "digamma": (1.4616321449683622,)}


def points(name: str, dtype: str, count: int) -> np.ndarray:
    """Arguments of one function: its whole domain, and where its formula is hardest put."""
    tiny, huge = SMALL[dtype], LARGE[dtype]
    uniform = RANDOM.uniform(-2, 2, count)
    everywhere = spread(tiny, huge, count)
    usual = spread(1e-4, 800 if dtype == "f64" else 100, count)
    if name in ("log", "log2", "log10", "cbrt", "rsqrt"):
        near_one = 1 + spread(1e-15 if dtype == "f64" else 1e-7, 0.5, count)
        lowest = np.finfo(DTYPES[dtype]).smallest_subnormal
        return np.concatenate([np.abs(everywhere), near_one, np.arange(1, 200) * float(lowest)])
    if name == "log1p":
        return np.concatenate([np.abs(everywhere), -RANDOM.uniform(0, 1, count), uniform / 4])
    if name == "acosh":
        return 1 + np.abs(np.concatenate([everywhere, usual, uniform]))
    if name in ("asin", "acos", "atanh"):
        return np.clip(np.concatenate([uniform / 2, 1 - np.abs(spread(1e-15, 0.5, count))]), -1, 1)
    if name in ("sin", "cos", "tan"):
        multiples = np.arange(1, count) * (np.pi / 2)
        return np.concatenate([2 * uniform, usual, everywhere, multiples])
    if name in INTERVALS:
        wide = RANDOM.uniform(*INTERVALS[name], count)
        return np.concatenate([wide, uniform, 3 * uniform])
    if name in GAMMA_ROOTS:
        near_roots = np.add.outer(GAMMA_ROOTS[name], spread(1e-15, 0.5, count // 4)).ravel()
        moderate = RANDOM.uniform(0, 12, count)
        return np.concatenate([np.abs(everywhere), moderate, near_roots, np.arange(1.0, 40.0) / 4])
    if name == "exp2":
        return np.concatenate([uniform, 1.45 * usual])
    return np.concatenate([uniform, usual, everywhere])


def pairs(name: str, dtype: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Arguments of pow and atan2."""
    first = np.concatenate([RANDOM.uniform(0, 10, count), spread(1e-30, 1e30, count)])
    if name == "atan2":
        return first * RANDOM.choice([-1, 1], 2 * count), RANDOM.permutation(first)
    near_one = 1 + spread(1e-6, 0.5, count)
    base = np.abs(np.concatenate([first, near_one])).astype(DTYPES[dtype]).astype(float)
    limit = 708 if dtype == "f64" else 87
    base[base == 1] = 2.0
    result_logarithm = RANDOM.uniform(-limit, limit, base.size)
    return base, result_logarithm / np.log(base)


# --- tests ---


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [name for name in UNARY if name != "erfcx"])
def test_accuracy(name: str, dtype: str) -> None:
    assert_accurate(name, dtype, points(name, dtype, 5000))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["pow", "atan2"])
def test_accuracy_of_two_arguments(name: str, dtype: str) -> None:
    assert_accurate(name, dtype, *pairs(name, dtype, 7000))


def every_float32(first: int, count: int, step: int) -> np.ndarray:
    return np.arange(first, first + count * step, step, dtype=np.int64).astype(np.uint32).view("f4")


def against_float64(name: str, x: np.ndarray) -> float:
    """The largest error of the f32 function against the f64 one."""
    with np.errstate(invalid="ignore"):  # signalling nans
        wide = x.astype(np.float64)
    return float(errors(compiled(name, "f32")(x), compiled(name, "f64")(wide)).max())


@pytest.mark.parametrize("name", UNARY)
def test_float32_sweep(name: str) -> None:
    x = every_float32(0, 2**32 // 16411, 16411)
    assert against_float64(name, x) <= BOUNDS["f32"] + 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("name", UNARY)
def test_every_float32(name: str) -> None:
    block = 2**22
    worst = max(
        against_float64(name, every_float32(first, block, 1)) for first in range(0, 2**32, block)
    )
    assert worst <= BOUNDS["f32"] + 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("name", UNARY)
def test_accuracy_at_millions(name: str) -> None:
    for _ in range(10):
        assert_accurate(name, "f64", points(name, "f64", 300_000))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*UNARY, *OTHERS, "i0", "i1e", "k0", "k1e"])
def test_same_bits_in_every_width(name: str, dtype: str) -> None:
    special = [0.0, -0.0, inf, -inf, nan, 1.0, -1.0, SMALL[dtype] / 1e5, 1e30, -1e30]
    x = np.concatenate([points(name, dtype, 300), special]).astype(DTYPES[dtype])
    x = np.concatenate([x, -x])
    expected = compiled(name, dtype, 1)(x)
    for lanes in (2, 4, 8, 16):
        assert compiled(name, dtype, lanes)(x).tobytes() == expected.tobytes(), lanes


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["pow", "atan2"])
def test_same_bits_of_two_arguments(name: str, dtype: str) -> None:
    x, y = pairs(name, dtype, 300)
    x = np.concatenate([x, -x[:50], [0.0, -0.0, inf, nan]])
    y = np.concatenate([y, y[:50], [1.0, -1.0, 3.0, 0.0]])
    expected = compiled(name, dtype, 1)(x, y)
    for lanes in (8, 16):
        assert compiled(name, dtype, lanes)(x, y).tobytes() == expected.tobytes(), lanes


SPECIAL = {
    "exp": [(0.0, 1.0), (-0.0, 1.0), (inf, inf), (-inf, 0.0), (1e4, inf), (-1e4, 0.0)],
    "exp2": [(0.0, 1.0), (inf, inf), (-inf, 0.0), (10.0, 1024.0), (-3.0, 0.125), (2e3, inf)],
    "logistic": [(0.0, 0.5), (-0.0, 0.5), (inf, 1.0), (-inf, 0.0), (1e4, 1.0), (-1e4, 0.0)],
    "expm1": [(0.0, 0.0), (-0.0, -0.0), (inf, inf), (-inf, -1.0), (1e4, inf), (-1e4, -1.0)],
    "log": [(1.0, 0.0), (0.0, -inf), (-0.0, -inf), (inf, inf), (-1.0, nan), (-inf, nan)],
    "log2": [(1.0, 0.0), (0.0, -inf), (inf, inf), (-1.0, nan), (1024.0, 10.0), (0.125, -3.0)],
    "log10": [(1.0, 0.0), (0.0, -inf), (inf, inf), (-1.0, nan), (1000.0, 3.0), (1e10, 10.0)],
    "log1p": [(0.0, 0.0), (-0.0, -0.0), (-1.0, -inf), (inf, inf), (-2.0, nan), (-inf, nan)],
    "sin": [(0.0, 0.0), (-0.0, -0.0), (inf, nan), (-inf, nan)],
    "cos": [(0.0, 1.0), (-0.0, 1.0), (inf, nan), (-inf, nan)],
    "tan": [(0.0, 0.0), (-0.0, -0.0), (inf, nan), (-inf, nan)],
    "asin": [(0.0, 0.0), (-0.0, -0.0), (1.5, nan), (-inf, nan), (1.0, np.pi / 2)],
    "acos": [(1.0, 0.0), (1.5, nan), (-1.5, nan), (-1.0, np.pi), (0.0, np.pi / 2)],
    "atan": [(0.0, 0.0), (-0.0, -0.0), (inf, np.pi / 2), (-inf, -np.pi / 2)],
    "sinh": [(0.0, 0.0), (-0.0, -0.0), (inf, inf), (-inf, -inf), (1e4, inf), (-1e4, -inf)],
    "cosh": [(0.0, 1.0), (-0.0, 1.0), (inf, inf), (-inf, inf), (1e4, inf), (-1e4, inf)],
    "tanh": [(0.0, 0.0), (-0.0, -0.0), (inf, 1.0), (-inf, -1.0), (100.0, 1.0)],
    "asinh": [(0.0, 0.0), (-0.0, -0.0), (inf, inf), (-inf, -inf)],
    "acosh": [(1.0, 0.0), (0.5, nan), (-1.0, nan), (inf, inf), (-inf, nan)],
    "atanh": [(0.0, 0.0), (-0.0, -0.0), (1.0, inf), (-1.0, -inf), (1.5, nan), (-inf, nan)],
    "erf": [(0.0, 0.0), (-0.0, -0.0), (inf, 1.0), (-inf, -1.0), (30.0, 1.0)],
    "erfc": [(0.0, 1.0), (-0.0, 1.0), (inf, 0.0), (-inf, 2.0), (30.0, 0.0), (-30.0, 2.0)],
    "ndtr": [(0.0, 0.5), (-0.0, 0.5), (inf, 1.0), (-inf, 0.0), (40.0, 1.0), (-40.0, 0.0)],
    "cbrt": [(0.0, 0.0), (-0.0, -0.0), (inf, inf), (-inf, -inf), (27.0, 3.0), (-8.0, -2.0)],
    "rsqrt": [(0.0, inf), (-0.0, -inf), (inf, 0.0), (4.0, 0.5), (-1.0, nan), (-inf, nan)],
    "gamma": [
        *((0.0, inf), (-0.0, -inf), (inf, inf), (-inf, nan), (1.0, 1.0), (2.0, 1.0), (5.0, 24.0)),
        *((-1.0, nan), (-171.0, nan), (-1e30, nan), (180.0, inf), (-300.5, -0.0), (-0.0, -inf)),
    ],
    "erfcx": [(0.0, 1.0), (-0.0, 1.0), (inf, 0.0), (-inf, inf), (-30.0, inf), (-1e30, inf)],
    "lgamma": [
        *((pole, inf) for pole in (0.0, -0.0, -1.0, -2.0, -171.0, -1e30, inf, -inf)),
        *((1.0, 0.0), (2.0, 0.0)),
    ],
    "digamma": [
        *((pole, nan) for pole in (-1.0, -2.0, -171.0, -1e30, -inf)),
        *((0.0, -inf), (-0.0, inf), (inf, inf), (2**-99, -(2**99)), (-(2**-99), 2**99)),
    ],
}


def assert_values(found: np.ndarray, expected: np.ndarray) -> None:
    expected = expected.astype(found.dtype)
    np.testing.assert_array_equal(found, expected)
    finite = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(found[finite]), np.signbit(expected[finite]))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", UNARY)
def test_special_values(name: str, dtype: str) -> None:
    x, expected = np.array([*SPECIAL.get(name, []), (nan, nan)]).T
    assert_values(compiled(name, dtype)(x), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", GAMMA_ROOTS)
def test_gamma_functions_below_zero(name: str, dtype: str) -> None:
    """To the accuracy of the terms that are added: not of the sum, near one of its many roots."""
    size = np.concatenate([np.abs(spread(SMALL[dtype], 1e15, 4000)), RANDOM.uniform(0, 20, 4000)])
    x = -size.astype(DTYPES[dtype])
    high, low = exact(name, x)
    found = compiled(name, dtype)(x)
    finite = np.isfinite(high)
    np.testing.assert_array_equal(found[~finite], high[~finite])
    above, _ = exact(name, 1 - x.astype(np.float64))
    scale = np.maximum(np.maximum(1, np.abs(high)), np.abs(above))
    error = np.abs((found[finite] - high[finite]) - low[finite])
    assert np.all(error <= 4 * np.finfo(found.dtype).eps * scale[finite])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "name", ["sin", "tan", "asin", "atan", "sinh", "tanh", "expm1", "log1p", "asinh", "atanh"]
)
def test_tiny_arguments_return_themselves(name: str, dtype: str) -> None:
    lowest = float(np.finfo(DTYPES[dtype]).smallest_subnormal)
    x = np.outer([lowest, -lowest], [1, 2, 3, 12345, 1e6]).ravel().astype(DTYPES[dtype])
    assert_values(compiled(name, dtype)(x), x)


GRID = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 1e30, inf]
GRID = [*GRID, *(-x for x in GRID), nan]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["pow", "atan2"])
def test_special_values_of_two_arguments(name: str, dtype: str) -> None:
    x, y = (a.ravel().astype(DTYPES[dtype]) for a in np.meshgrid(GRID, GRID))
    function = np.float_power if name == "pow" else np.arctan2
    with np.errstate(all="ignore"):
        expected = function(x.astype(np.float64), y.astype(np.float64)).astype(DTYPES[dtype])
    found = compiled(name, dtype)(x, y)
    exactly = ~np.isfinite(expected) | (expected == 0) | (np.abs(expected) == 1)
    assert_values(found[exactly], expected[exactly])
    np.testing.assert_allclose(found, expected, rtol=4 * np.finfo(DTYPES[dtype]).eps)


@pytest.mark.parametrize("inline", [True, False])
def test_definitions_are_transitive_and_deterministic(inline: bool) -> None:
    needed = [("sin", "f32", 8), ("exp", "f64", 4), ("sin", "f32", 8)]
    text, declarations = maths.definitions(needed, inline=inline)
    assert (text, declarations) == maths.definitions(reversed(needed), inline=inline)
    for symbol in ('"fg.exp.v4f64"', '"fg.sin.v8f32"', '"fg.sin_rare.v8f32"'):
        assert len(re.findall(rf"^define [^@]*@{symbol}\(", text, re.MULTILINE)) == 1
    assert "fg.two_over_pi" in declarations
    assert ("alwaysinline" in text) is inline
    assert "noinline optnone cold" in text


def test_functions_that_are_called() -> None:
    loop = Loop("exp", "f64", 8, inline=False)
    np.testing.assert_array_equal(loop(np.ones(3)), compiled("exp", "f64")(np.ones(3)))
