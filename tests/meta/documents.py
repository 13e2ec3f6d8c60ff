"""Markdown files whose code runs, block by block, and whose answers are what comes out.

- ```python is executed; a first line `# name.py` names the file that it stands for.
- ```pycon is a doctest in the same namespace.
- A fence below a line `<!-- shows: EXPRESSION -->` is the text of the expression, there and then.
  It is compared, or rewritten with `--update-golden`.
"""

from __future__ import annotations

import doctest
import linecache
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

BLOCK = re.compile(
    r"^(?:<!-- shows: (?P<expression>[^\n]+) -->\n)?```(?P<language>\w*)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
LANGUAGES = {"python", "pycon", "bash", "text", "llvm"}
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass
class Run:
    """After a run: what was wrong, the expressions that are shown, the text with right answers."""

    failures: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    text: str = ""


def run_document(
    name: str, text: str, space: dict[str, Any], comparable: Callable[[str], str] = str
) -> Run:
    """Run the blocks of a document one after the other in the namespace `space`.

    Shown texts count as the same where `comparable` makes the same of them.
    """
    run = Run()

    def replace(match: re.Match[str]) -> str:
        language, body = match["language"], match["body"]
        line = text.count("\n", 0, match.start("body"))
        if language not in LANGUAGES:
            run.failures.append(f"{name}:{line}: a block of {language or 'no language'}")
        if match["expression"]:
            run.shown.append(match["expression"])
            now = f"{eval(match['expression'], space)}\n"
            if comparable(now) != comparable(body):
                where = f"{name}:{line}: {match['expression']}"
                run.failures.append(f"{where}\nis written as\n{body}\nand is now\n{now}")
                return match[0].replace(f"```{language}\n{body}", f"```{language}\n{now}")
        elif language == "python":
            _execute(body, f"{name}:{line}", space)
        elif language == "pycon":
            run.failures += _answers(body, name, line, space)
        return match[0]

    run.text = BLOCK.sub(replace, text)
    return run


def _execute(body: str, name: str, space: dict[str, Any]) -> None:
    titled = re.match(r"# (\w+\.py)\n", body)
    file = titled[1] if titled else name
    lines = body.splitlines(keepends=True)
    linecache.cache[file] = (len(body), None, lines, file)  # errors quote the line
    exec(compile(body, file, "exec"), space)


def _answers(body: str, name: str, line: int, space: dict[str, Any]) -> list[str]:
    test = doctest.DocTestParser().get_doctest(body, space, name, name, line)
    failures: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    runner.run(test, out=failures.append, clear_globs=False)
    space.update(test.globs)
    return failures
