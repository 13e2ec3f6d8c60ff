"""Sizes, names and order: what keeps the house readable."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from .tree import ROOMS, ROOT, Module, modules

LONGEST_FILE = 600
LONGEST_FUNCTION = 70
LARGEST_TRACKED_FILE = 500_000  # bytes
VAGUE = {"utils", "util", "helpers", "helper", "misc", "common"}

# A path of somebody's machine, or the host of a package registry, helps no reader.
PRIVATE = re.compile(
    r"/(?:work|home|Users|opt|root|tmp)/\w|\b(?:pypi|pythonhosted|anaconda)\.(?:org|com)\b"
    r"|--(?:extra-)?index-url|find-links"
)
TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".ir", ".txt", ".cfg", ".ini", ".html", ""}
# These hold the expressions themselves.
EXEMPT = {Path("tests/meta/test_house.py")}


def long_functions(module: Module) -> list[str]:
    """Functions over the limit; a docstring is free."""
    found = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1 - _docstring_lines(node)
            if length > LONGEST_FUNCTION:
                found.append(f"{module.name}.{node.name}: {length} lines")
    return found


def _docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[0]
    is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    has_docstring = is_text and isinstance(first.value.value, str)
    return (first.end_lineno or 0) - first.lineno + 1 if has_docstring else 0


def orphans(tree: Sequence[Module]) -> list[str]:
    """Modules that no other module imports or names as one that it loads when needed."""
    reached: set[str] = set()
    for module in tree:
        for item in module.imports():
            reached |= _prefixes(item.target)
        for text in module.strings():
            reached |= _named(module, text)
    return [
        module.name
        for module in tree
        if module.name not in reached and not module.is_package and not _is_program(module)
    ]


def _prefixes(name: str) -> set[str]:
    """The module itself, whether the target is a module or a name inside one; not its packages.

    >>> sorted(_prefixes("fusegrad.ir.graph.Graph"))
    ['fusegrad.ir.graph', 'fusegrad.ir.graph.Graph']
    """
    return {name, name.rpartition(".")[0]}


def _named(module: Module, text: str) -> set[str]:
    """The names that a string stands for where it is given to `import_module`.

    A package's own tables (what it loads when first asked) may leave out the leading dot.
    """
    start = "" if module.is_package else r"\.|fusegrad\."
    if not re.fullmatch(rf"({start}|\.)\w+(\.\w+)*", text):
        return set()
    return {text, f"{module.parent}.{text.removeprefix('.')}"}


def _is_program(module: Module) -> bool:
    return module.name.endswith(".__main__")


def test_no_file_is_too_long() -> None:
    counts = {module.name: len(module.source.splitlines()) for module in modules()}
    assert {name: count for name, count in counts.items() if count > LONGEST_FILE} == {}


def test_no_function_is_too_long() -> None:
    assert [line for module in modules() for line in long_functions(module)] == []


def test_a_long_function_is_caught() -> None:
    body = "\n".join(["    x = 0"] * LONGEST_FUNCTION)
    too_long = Module("fusegrad.ir.x", f"def f():\n{body}")
    documented = Module("fusegrad.ir.x", f'def f():\n    """One.\n\n    Two."""\n{body[10:]}')
    assert long_functions(too_long) == [f"fusegrad.ir.x.f: {LONGEST_FUNCTION + 1} lines"]
    assert long_functions(documented) == []


def test_modules_have_names_that_say_something() -> None:
    assert [m.name for m in modules() if m.name.rpartition(".")[2] in VAGUE] == []


def test_every_module_says_what_it_is() -> None:
    assert [module.name for module in modules() if not ast.get_docstring(module.tree)] == []


def test_no_module_is_an_orphan() -> None:
    assert orphans(modules()) == []


def test_an_orphan_is_caught() -> None:
    tree = [
        Module("fusegrad.ir", "from .graph import Graph", is_package=True),
        Module("fusegrad.ir.graph", "LAZY = {'cut': '.saving'}"),
        Module("fusegrad.ir.saving", ""),
        Module("fusegrad.ir.forgotten", ""),
        Module("fusegrad.__main__", ""),
    ]
    assert orphans(tree) == ["fusegrad.ir.forgotten"]


def _beside(text: str) -> list[str]:
    """Modules that are imported from the same folder: `from .compiled import …`."""
    return re.findall(r"^from \.(\w+) import", text, re.MULTILINE)


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "fusegrad"])
def test_a_room_has_tests_of_its_own(room: str) -> None:
    """tests/<room>/ imports from its room, directly, through a module beside it, or (where compiled
    functions are what is tested) by the front door. Its folders are folders of the room."""
    folder = ROOT / "tests" / room
    paths = sorted(folder.rglob("test_*.py"))
    assert paths, f"tests/{room} holds no test"
    for path in paths:
        text = path.read_text(encoding="utf-8")
        names = [item.target for item in Module("tests", text).imports()]
        about = any(f"{name}.".startswith(f"fusegrad.{room}.") for name in names)
        about |= room in ("runtime", "codegen") and "import fusegrad" in text
        about |= any((path.parent / f"{name}.py").is_file() for name in _beside(text))
        assert about, f"{path} imports nothing of fusegrad.{room}"
        inner = path.parent.relative_to(folder)
        assert (ROOT / room / inner).is_dir(), f"{path}: there is no {room}/{inner}"


def tracked() -> Iterator[Path]:
    """Files that git knows or would add."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    for name in sorted(set(done.stdout.splitlines())):
        path = ROOT / name
        if path.is_file() and not path.is_symlink():
            yield path


def test_nothing_large_is_tracked() -> None:
    sizes = {str(path.relative_to(ROOT)): path.stat().st_size for path in tracked()}
    assert {name: size for name, size in sizes.items() if size > LARGEST_TRACKED_FILE} == {}


def private_lines(text: str) -> list[int]:
    return [i for i, line in enumerate(text.splitlines(), 1) if PRIVATE.search(line)]


def test_nothing_names_somebody_s_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in tracked()
        if path.suffix in TEXT and path.relative_to(ROOT) not in EXEMPT
        for line in private_lines(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_a_private_path_is_caught() -> None:
    text = "fine / here\n/home/me/model.py\nsee pypi.org\n/usr/bin/python\npip --index-url x"
    assert private_lines(text) == [2, 3, 5]
