"""What programs set and ask at their start: there is one device, and one result of each input."""

from __future__ import annotations

from typing import Any

import numpy as np

from .core import make
from .operators import generator
from .operators.conversion import check_device
from .operators.generator import drawn

__all__ = [
    "are_deterministic_algorithms_enabled",
    "get_default_device",
    "get_float32_matmul_precision",
    "get_rng_state",
    "initial_seed",
    "seed",
    "set_default_device",
    "set_float32_matmul_precision",
    "set_flush_denormal",
    "set_rng_state",
    "typename",
    "use_deterministic_algorithms",
]

_PRECISIONS = ("highest", "high", "medium")
_PRECISION = [_PRECISIONS[0]]


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Nothing to do: equal inputs give equal bits, whatever is set."""


def are_deterministic_algorithms_enabled() -> bool:
    """True: there are no others."""
    return True


def set_float32_matmul_precision(precision: str) -> None:
    """What products of float32 may be computed in; they are computed in float32 at each setting."""
    if precision not in _PRECISIONS:
        raise RuntimeError(f"{precision!r} is not one of {', '.join(_PRECISIONS)}")
    _PRECISION[0] = precision


def get_float32_matmul_precision() -> str:
    """What was set, or "highest"."""
    return _PRECISION[0]


def set_flush_denormal(mode: bool) -> bool:
    """Subnormal numbers are always kept: False, where they were to become 0."""
    return not mode


def set_default_device(device: Any) -> None:
    """Raise unless `device` is the CPU."""
    check_device(device)


def get_default_device() -> str:
    """Where new tensors are."""
    return "cpu"


def typename(x: Any) -> str:
    """The name of the class of x, with that of its module; of a tensor, with its dtype."""
    dtype = getattr(x, "dtype", None)
    cls = type(x)
    name = f"{cls.__module__}.{cls.__qualname__}" if cls.__module__ != "builtins" else cls.__name__
    return name if dtype is None else f"{name}[{np.dtype(dtype)}]"


# --- the generator of random numbers ---


def initial_seed() -> int:
    """The number that the generator started from."""
    sequence: Any = drawn(lambda random: random.bit_generator.seed_seq)
    return int(sequence.entropy)


def seed() -> int:
    """Start the random numbers over from a number that no one knows, which is returned."""
    number = int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
    generator.manual_seed(number)
    return number


def get_rng_state() -> Any:
    """The state of the generator, as a tensor of bytes."""
    state = drawn(lambda random: random.bit_generator.state)
    numbers = state["state"]["state"], state["state"]["inc"]
    parts = [np.frombuffer(n.to_bytes(16, "little"), np.uint8) for n in numbers]
    rest = np.array([state["has_uint32"], *state["uinteger"].to_bytes(4, "little")], np.uint8)
    return make(np.concatenate([*parts, rest]))


def set_rng_state(new_state: Any) -> None:
    """Go on from a state that `get_rng_state` gave."""
    data = np.asarray(getattr(new_state, "_data", new_state), np.uint8)
    if data.shape != (37,):
        raise RuntimeError("RNG state is wrong size: it has to come from get_rng_state()")
    first, second = (int.from_bytes(data[i : i + 16].tobytes(), "little") for i in (0, 16))
    left = {"has_uint32": int(data[32]), "uinteger": int.from_bytes(data[33:].tobytes(), "little")}
    state = {"bit_generator": "PCG64", "state": {"state": first, "inc": second}, **left}
    drawn(lambda random: setattr(random.bit_generator, "state", state))
