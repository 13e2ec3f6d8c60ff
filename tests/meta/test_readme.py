"""The README's two commands stand where CI looks for them, and each brings its own set-up."""

from __future__ import annotations

import re
import subprocess

import pytest

from .tree import ROOT


@pytest.fixture(scope="module")
def commands() -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = re.search(r"^## Two commands$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section, "README.md has no section `## Two commands`"
    return re.findall(r"^```bash\n(.*?)^```$", section[1], re.MULTILINE | re.DOTALL)


def test_there_are_two(commands: list[str]) -> None:
    assert len(commands) == 2
    assert "examples/" in commands[0]
    assert "pytest" in commands[1]


def test_each_works_from_a_fresh_clone(commands: list[str]) -> None:
    for command in commands:
        assert "-m venv" in command
        assert "pip install" in command


def test_what_they_name_exists(commands: list[str]) -> None:
    scripts = re.findall(r"\S+\.py\b", " ".join(commands))
    assert [name for name in scripts if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("which", [1, 2])
def test_ci_runs_the_very_same(commands: list[str], which: int) -> None:
    script = [ROOT / ".ci" / "run", "--print-readme-command", str(which)]
    done = subprocess.run(script, capture_output=True, text=True, check=True, timeout=20)
    assert done.stdout == commands[which - 1]
