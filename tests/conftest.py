"""What every test can ask for: the golden-file switch and settings of Hypothesis."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# No deadline: the first example of a test may compile. In CI the same examples each time.
settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
# Tests compile what they test, and leave the files of the user alone.
os.environ.setdefault("FUSEGRAD_CACHE", "0")
settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite the golden files with what the code gives now, instead of comparing",
    )


@pytest.fixture(scope="session")
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be rewritten rather than compared."""
    return bool(request.config.getoption("--update-golden"))
