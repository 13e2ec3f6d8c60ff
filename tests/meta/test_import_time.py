"""`import fusegrad` stays light: what is slow to load, or optional, waits until it is needed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import fusegrad

HEAVY = ("llvmlite", "networkx", "threadpoolctl", "scipy", "torch", "jax", "sklearn", "matplotlib")

PROGRAM = f"""
import sys
import fusegrad
print(*(name for name in {HEAVY} if name in sys.modules))
"""


def loaded_by(program: str, folder: Path) -> list[str]:
    """Run a program in a fresh interpreter, against the very fusegrad under test."""
    home = str(Path(fusegrad.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": home},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_import_loads_nothing_heavy(tmp_path: Path) -> None:
    assert loaded_by(PROGRAM, tmp_path) == []


def test_a_heavy_import_is_seen(tmp_path: Path) -> None:
    assert loaded_by("import threadpoolctl" + PROGRAM, tmp_path) == ["threadpoolctl"]
