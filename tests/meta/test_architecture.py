"""ARCHITECTURE.md shows what the compiler says today: one function's stages, and all modules."""

from __future__ import annotations

import ast
import re
from typing import Any

import pytest

from .documents import run_document
from .tree import ROOMS, ROOT, Module, modules

PAGE = ROOT / "ARCHITECTURE.md"
STAGES = ("trace", "adjoint", "fused", "loops")


def emitted(stages: Any) -> str:
    """The LLVM module as it is given to LLVM; `stages.llvm` is what LLVM's passes make of it."""
    return str(stages._variant.program.module.llvm)


def inner_loop(llvm: str) -> str:
    """The kernel's first block that calls a maths function: up to its first store, and its end."""
    kernels = "".join(re.findall(r"^define [^\n]*@kernel.*?^\}", llvm, re.MULTILINE | re.DOTALL))
    blocks = re.findall(r"^[\w.]+:\n(?:  .*\n)+", kernels, re.MULTILINE)
    block = next(block for block in blocks if re.search(r"call .*@\"?fg\.", block))
    head = re.match(r"(?:.*\n)*?  store .*, align .*\n", block)
    assert head, f"no store in\n{block}"
    return f"{head[0]}  …\n{block.splitlines()[-1]}"


def module_list(room: str) -> str:
    """One line for each module of a room: its path and what its docstring begins with."""
    lines = {
        module.path.relative_to(ROOT / room).as_posix(): _first_sentence(module)
        for module in modules()
        if module.room == room
    }
    width = max(map(len, lines))
    return "\n".join(f"{name:<{width}}  {lines[name]}" for name in sorted(lines))


def _first_sentence(module: Module) -> str:
    """What its docstring says before the first full stop that ends a sentence, on one line."""
    first = " ".join((ast.get_docstring(module.tree) or "").split("\n\n")[0].split())
    return re.split(r"\.(?: (?=[A-Z])|$)", first)[0]


def test_the_page_shows_what_is_so_now(update_golden: bool) -> None:
    text = PAGE.read_text(encoding="utf-8")
    space: dict[str, Any] = {"__name__": "__main__", "inner_loop": inner_loop}
    space |= {"emitted": emitted, "module_list": module_list}
    run = run_document("ARCHITECTURE.md", text, space)
    expected = [
        *(f"stages.{stage}" for stage in STAGES),
        "inner_loop(emitted(stages))",
        *(f'module_list("{room}")' for room in ROOMS),
    ]
    missing = [expression for expression in expected if expression not in run.shown]
    assert not missing, f"ARCHITECTURE.md has no block for {', '.join(missing)}"
    if update_golden:
        PAGE.write_text(run.text, encoding="utf-8")
    elif run.failures:
        help_ = "pytest tests/meta/test_architecture.py --update-golden rewrites the page"
        pytest.fail("\n\n".join([*run.failures, help_]), pytrace=False)
