"""Fixtures: the libraries that the rules are run on."""

from __future__ import annotations

import pytest

from .backends import TORCH, Backend

NAMES = ["eager", "compiled", *(["torch"] if TORCH else [])]


@pytest.fixture(params=NAMES)
def lib(request: pytest.FixtureRequest) -> Backend:
    """A library in which functions run as they are, or compiled."""
    return Backend(request.param)


@pytest.fixture(params=[name for name in NAMES if name != "compiled"])
def eager(request: pytest.FixtureRequest) -> Backend:
    """For rules that a compiled function has no part in."""
    return Backend(request.param)
