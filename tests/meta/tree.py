"""The source tree as the tests of the house see it: modules, their names, their imports."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Folder in the checkout -> name of the package when installed.
ROOMS = {
    "ir": "fusegrad.ir",
    "tracer": "fusegrad.tracer",
    "codegen": "fusegrad.codegen",
    "runtime": "fusegrad.runtime",
    "fusegrad": "fusegrad",
}


@dataclass(frozen=True)
class Import:
    """One imported name: `target` is absolute; `at_import` says that loading the module runs it."""

    target: str
    line: int
    at_import: bool


@dataclass(frozen=True)
class Module:
    """A source file under its installed name."""

    name: str
    source: str
    is_package: bool = False
    path: Path = Path()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)

    @property
    def room(self) -> str:
        return room_of(self.name)

    @property
    def parent(self) -> str:
        """The package that a single leading dot stands for."""
        return self.name if self.is_package else self.name.rpartition(".")[0]

    def imports(self) -> list[Import]:
        """Every import in the module, wherever it stands; `from a import b` counts as `a.b`."""
        return list(_walk_imports(self, self.tree.body, at_import=True))

    def strings(self) -> set[str]:
        """Its string constants, among which a lazily loading module names what it loads."""
        nodes = (node for node in ast.walk(self.tree) if isinstance(node, ast.Constant))
        return {node.value for node in nodes if isinstance(node.value, str)}


def room_of(name: str) -> str:
    """The folder that a dotted name of ours belongs to.

    >>> room_of("fusegrad.ir.ops"), room_of("fusegrad.nn")
    ('ir', 'fusegrad')
    """
    second = [*name.split("."), ""][1]
    return second if second in ROOMS and second != "fusegrad" else "fusegrad"


def _walk_imports(module: Module, body: list[ast.stmt], *, at_import: bool) -> Iterator[Import]:
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for target in _targets(module, node):
                yield Import(target, node.lineno, at_import)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _walk_imports(module, node.body, at_import=False)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from _walk_imports(module, node.body, at_import=False)
            yield from _walk_imports(module, node.orelse, at_import=at_import)
        else:
            inner = [item for item in _children(node) if isinstance(item, ast.stmt)]
            yield from _walk_imports(module, inner, at_import=at_import)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """The statements right below a node, those of `except` and `case` clauses included."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ExceptHandler | ast.match_case):
            yield from _children(child)
        else:
            yield child


def _targets(module: Module, node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = node.module or ""
    if node.level:
        above = module.parent.split(".")
        above = above[: len(above) - (node.level - 1)]
        base = ".".join([*above, base] if base else above)
    return [f"{base}.{alias.name}" for alias in node.names]


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the five rooms, each once: the links in fusegrad/ are not followed."""
    return tuple(module for folder in ROOMS for module in _modules_in(folder))


def _modules_in(folder: str) -> Iterator[Module]:
    top = ROOT / folder
    for path in sorted(top.rglob("*.py")):
        parts = path.relative_to(top).with_suffix("").parts
        if folder == "fusegrad" and len(parts) > 1 and parts[0] in ROOMS:
            continue
        is_package = parts[-1] == "__init__"
        name = ".".join([ROOMS[folder], *(parts[:-1] if is_package else parts)])
        yield Module(name, path.read_text(encoding="utf-8"), is_package, path)


def pyproject() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
