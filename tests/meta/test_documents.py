"""Every block of code in README.md runs, and every answer that it shows is what comes out."""

from __future__ import annotations

import re

import pytest

from .documents import run_document
from .tree import ROOT

README = ROOT / "README.md"


def without_measures(text: str) -> str:
    """The words of a report: times, passes, rounding errors, the BLAS and the cache differ."""
    text = re.sub(r"^  (products|compile time|code) .*", r"  \1", text, flags=re.MULTILINE)
    return re.sub(r" +", " ", re.sub(r"\d+(\.\d+)?(e[+-]?\d+)?", "0", text))


def test_the_readme_s_code_runs_and_answers(update_golden: bool) -> None:
    text = README.read_text(encoding="utf-8")
    run = run_document("README.md", text, {"__name__": "__main__"}, without_measures)
    assert len(run.shown) >= 3
    if update_golden:
        README.write_text(run.text, encoding="utf-8")
    elif run.failures:
        pytest.fail("\n\n".join(run.failures), pytrace=False)


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("```pycon\n>>> 1 + 2\n4\n```\n", "Got:\n    3"),
        ("```python\nx = 2\n```\n\n<!-- shows: x + 1 -->\n```text\n4\n```\n", "is now\n3"),
        ("```perl\nprint\n```\n", "a block of perl"),
    ],
)
def test_what_is_wrong_is_caught(block: str, words: str) -> None:
    (failure,) = run_document("x.md", block, {}).failures
    assert words in failure


def test_what_is_shown_can_be_rewritten() -> None:
    text = "<!-- shows: 'a\\nb' -->\n```text\nold\n```\nend\n"
    assert run_document("x.md", text, {}).text == text.replace("old", "a\nb")
