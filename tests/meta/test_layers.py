"""The arrows of the house: who may import whom, and which libraries stand where."""

from __future__ import annotations

import ast
import sys

import pytest

from .tree import Module, modules, room_of

# Room -> the rooms below it, and the libraries it may use.
BELOW = {
    "ir": set(),
    "tracer": {"ir"},
    "codegen": {"ir"},
    "runtime": {"ir", "tracer", "codegen"},
    "fusegrad": {"ir", "tracer", "codegen", "runtime"},
}
LIBRARIES = {
    "ir": {"numpy", "networkx"},
    "tracer": {"numpy", "scipy"},
    "codegen": {"numpy", "llvmlite", "scipy", "threadpoolctl"},
    "runtime": {"numpy", "scipy"},
    "fusegrad": {"numpy", "scipy"},
}
# Loaded inside a function, when first needed: slow to import, or not installed for everyone.
LAZY = {"networkx", "scipy"}


def violations(module: Module) -> list[str]:
    """What is wrong with the imports of one module, a line each."""
    found = []
    for item in module.imports():
        top = item.target.partition(".")[0]
        if top == "fusegrad":
            fault = _fault_between_rooms(module.room, room_of(item.target))
        elif top in BELOW:
            fault = f"imports {top} by its folder's name"
        elif top in sys.stdlib_module_names:
            fault = ""
        elif top not in LIBRARIES[module.room]:
            fault = f"may not use {top}"
        else:
            fault = f"loads {top} at import" if top in LAZY and item.at_import else ""
        if fault:
            found.append(f"{module.name}:{item.line}: {module.room} {fault} ({item.target})")
    return found


def _fault_between_rooms(room: str, target: str) -> str:
    allowed = target == room or target in BELOW[room]
    return "" if allowed else f"may not import from {target}"


def test_arrows_point_down() -> None:
    assert [line for module in modules() for line in violations(module)] == []


def test_imports_between_rooms_are_relative() -> None:
    """So that a room works under whatever name the package is installed."""
    absolute = [
        f"{module.name}:{node.lineno}"
        for module in modules()
        for node in _absolute_imports_of_ours(module)
    ]
    assert absolute == []


def _absolute_imports_of_ours(module: Module) -> list[ast.Import | ast.ImportFrom]:
    return [
        node
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.ImportFrom) and not node.level and _is_ours(node.module or ""))
        or (isinstance(node, ast.Import) and any(_is_ours(alias.name) for alias in node.names))
    ]


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] == "fusegrad"


@pytest.mark.parametrize(
    ("name", "source", "fault"),
    [
        ("fusegrad.ir.graph", "from ..tracer import proxy", "may not import from tracer"),
        ("fusegrad.ir.graph", "from .. import codegen", "may not import from codegen"),
        ("fusegrad.ir.graph", "from .. import Tensor", "may not import from fusegrad"),
        ("fusegrad.ir.graph", "import scipy.special", "may not use scipy"),
        ("fusegrad.ir.graph", "import networkx", "loads networkx at import"),
        ("fusegrad.ir.graph", "try:\n pass\nexcept E:\n import networkx", "loads networkx"),
        ("fusegrad.ir.ops.maths", "from ...runtime import x", "may not import from runtime"),
        ("fusegrad.tracer.proxy", "def f():\n from ..codegen import x", "may not import from"),
        ("fusegrad.tracer.proxy", "if TYPE_CHECKING:\n from ..runtime import T", "may not import"),
        (
            "fusegrad.codegen.kernels.loops",
            "import fusegrad.tracer.proxy",
            "may not import from tracer",
        ),
        ("fusegrad.codegen.kernels.loops", "import ir", "by its folder's name"),
        ("fusegrad.runtime.tensor", "import llvmlite.binding", "may not use llvmlite"),
        ("fusegrad.runtime.tensor", "class A:\n def f(self):\n  import torch", "may not use torch"),
        ("fusegrad.runtime.tensor", "from threadpoolctl import ThreadpoolController", "may not"),
        ("fusegrad.special", "from scipy import special", "loads scipy at import"),
    ],
)
def test_a_bad_import_is_caught(name: str, source: str, fault: str) -> None:
    (line,) = violations(Module(name, source))
    assert fault in line


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("fusegrad.ir.plan", "import math\nimport numpy as np\nfrom .graph import Graph"),
        ("fusegrad.ir.saving", "def cut():\n import networkx"),
        ("fusegrad.ir.saving", "if TYPE_CHECKING:\n import networkx"),
        ("fusegrad.ir.ops.maths", "from ..graph import Graph\nfrom . import shapes"),
        ("fusegrad.tracer.proxy", "from ..ir.ops import maths\nfrom ..ir import Graph"),
        ("fusegrad.codegen.kernels.loops", "from llvmlite import ir\nfrom ..ir import graph"),
        ("fusegrad.runtime.tensor", "from .. import ir\nfrom ..tracer import t\nimport contextlib"),
        ("fusegrad.nn.functional", "from ..runtime import Tensor\nfrom . import x"),
    ],
)
def test_a_good_import_passes(name: str, source: str) -> None:
    assert violations(Module(name, source)) == []


def test_a_package_s_own_dot_is_itself() -> None:
    package = Module("fusegrad.ir.ops", "from . import a\nfrom .. import b", is_package=True)
    assert [item.target for item in package.imports()] == ["fusegrad.ir.ops.a", "fusegrad.ir.b"]
