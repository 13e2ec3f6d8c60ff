"""Innermost loops compute: they call nothing but LLVM's intrinsics, and allocate nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import networkx as nx
import numpy as np
import pytest

import fusegrad as fg
from fusegrad.codegen.objects.jit import optimised

Blocks = dict[str, list[str]]


def functions(module: str) -> dict[str, Blocks]:
    """The blocks of each function of an LLVM module, by label: their lines."""
    found: dict[str, Blocks] = {}
    for head, body in re.findall(r"^define ([^\n]*)\{\n(.*?)^\}", module, re.MULTILINE | re.DOTALL):
        name = re.search(r'@"?([\w.]+)', head)
        assert name is not None
        blocks = found[name.group(1)] = {}
        label = ""
        for line in body.splitlines():
            start = re.match(r'"?([\w.$-]+)"?:', line)
            label = start.group(1) if start else label
            blocks.setdefault(label, []).append(line)
    return found


def innermost_loops(blocks: Blocks) -> list[list[str]]:
    """The lines of each loop that has no other loop in it."""
    return [[line for label in loop for line in blocks[label]] for loop in _innermost(flow(blocks))]


def in_loops(blocks: Blocks) -> list[list[str]]:
    """The lines of each block that is in some loop."""
    graph = flow(blocks)
    parts = [graph.subgraph(part) for part in nx.strongly_connected_components(graph)]
    return [blocks[label] for part in parts if part.number_of_edges() for label in part]


def flow(blocks: Blocks) -> Any:
    """The graph of a function's jumps."""
    graph = nx.DiGraph()
    for label, lines in blocks.items():
        graph.add_node(label)
        targets = re.findall(r'label %"?([\w.$-]+)', "\n".join(lines))
        graph.add_edges_from((label, target) for target in targets)
    return graph


def _innermost(graph: Any) -> list[set[str]]:
    """Loops without loops: take a strongly connected part, cut it at its entries, look again."""
    found = []
    for part in nx.strongly_connected_components(graph):
        inside = graph.subgraph(part)
        if inside.number_of_edges() == 0:
            continue
        entries = {b for a, b in graph.edges if b in part and a not in part} or {min(part)}
        cut = nx.DiGraph(inside)
        cut.remove_edges_from([(a, b) for a, b in inside.edges if b in entries])
        found += _innermost(cut) or [set(part)]
    return found


def calls(lines: list[str]) -> list[str]:
    """The functions that are called; an address in a register counts as "%"."""
    found = []
    for line in lines:
        if re.search(r"\b(call|invoke)\b", line):
            name = re.search(r'@"?([\w.]+)"?\(', line)
            found.append(name.group(1) if name else "%")
    return found


def test_the_search_for_loops_itself() -> None:
    module = """
define i32 @f(i32 %n) {
entry:
  br label %outer
outer:
  %i = phi i32 [ 0, %entry ], [ %i1, %latch ]
  call void @allowed()
  br label %inner
inner:
  %j = phi i32 [ 0, %outer ], [ %j1, %inner ]
  %x = call double @malloc(i64 8)
  %y = tail call double @llvm.exp.f64(double %x)
  %j1 = add i32 %j, 1
  %c = icmp eq i32 %j1, %n
  br i1 %c, label %latch, label %inner
latch:
  %i1 = add i32 %i, 1
  %d = icmp eq i32 %i1, %n
  br i1 %d, label %exit, label %outer
exit:
  ret i32 0
}
"""
    (loop,) = innermost_loops(functions(module)["f"])
    assert calls(loop) == ["malloc", "llvm.exp.f64"]


def network(p: Any, x: Any, y: Any) -> Any:
    h = np.tanh(x @ p["w1"] + p["b1"])
    h = np.maximum(h @ p["w2"] + p["b2"], 0)
    z = h @ p["w3"] + p["b3"]
    top = np.max(z, axis=1, keepdims=True)
    log_sum = np.log(np.sum(np.exp(z - top), axis=1)) + top[:, 0]
    return np.mean(log_sum - z[np.arange(len(y)), y])


def parameters(rng: Any) -> Any:
    sizes = [64, 32, 32, 10]
    p = {}
    for k, (n, m) in enumerate(pairwise(sizes), 1):
        p |= {f"w{k}": rng.normal(size=(n, m)) / n, f"b{k}": np.zeros(m)}
    return p, rng.normal(size=(500, 64)), rng.integers(0, 10, 500)


def chain(x: Any) -> Any:
    y = np.sin(x) * np.exp(-x * x) + np.log1p(np.abs(x)) / np.cosh(x)
    return np.sum(np.arctan(y) ** 2 * np.sqrt(1 + y * y) + np.tanh(y))


CASES: dict[str, Callable[[Any], tuple[Any, tuple[Any, ...]]]] = {
    "network": lambda rng: (network, parameters(rng)),
    "chain": lambda rng: (chain, (rng.normal(size=1000),)),
    "chain in float32": lambda rng: (chain, (rng.normal(size=1000).astype(np.float32),)),
    "gather": lambda rng: (
        lambda t, i: np.sum(np.tanh(t[i])),
        (rng.normal(size=(50, 8)), rng.integers(0, 50, 300)),
    ),
    "cumsum": lambda rng: (lambda x: np.sum(np.cumsum(x, 0) ** 2), (rng.normal(size=(90, 7)),)),
}


@pytest.mark.parametrize("name", CASES)
def test_innermost_loops_call_only_intrinsics(name: str) -> None:
    """Beside intrinsics: the module's own slow path of a maths function, behind a branch that is
    rare, and the tiles of products, whose own loops call nothing. (A loop over blocks of rows calls
    kernels; these are looked at.)
    """
    function, arguments = CASES[name](np.random.default_rng(0))
    stages = fg.value_and_grad(function).lower(*arguments)
    text = optimised(stages._variant.program.module.llvm)
    assert str(stages.llvm) == text
    found = functions(text)
    kernels = [blocks for name, blocks in found.items() if not is_over_rows(name, blocks)]
    loops = [loop for blocks in kernels for loop in innermost_loops(blocks)]
    assert loops
    called = {call for loop in loops for call in calls(loop)}
    others = {call for call in called if not call.startswith("llvm.")}
    tiles = {call for call in others if call.startswith(("fg.tile.", "fg.rows."))}
    assert others - tiles <= cold_functions(text)
    for tile in tiles:
        inside = [call for lines in found[tile].values() for call in calls(lines)]
        assert all(call.startswith("llvm.") for call in inside)
    others -= tiles
    for other in others:
        inside = [call for lines in found[other].values() for call in calls(lines)]
        assert all(call.startswith(("llvm.", "fg.")) for call in inside)
    assert "llvm.memcpy.p0.p0.i64" not in called or name == "gather"
    assert not [line for loop in loops for line in loop if " alloca " in line]


@pytest.mark.parametrize("rows", [64, 1437])
def test_the_loops_of_a_network_call_nothing(rows: int) -> None:
    """Tanh, relu, softmax and cross-entropy, with their adjoints: no call in any loop, innermost or
    not, but the poll for Ctrl-C in the outer ones, and the tiles of products.
    """
    p, x, y = parameters(np.random.default_rng(0))
    x, y = np.resize(x, (rows, 64)), np.resize(y, rows)
    stages = fg.value_and_grad(network).lower(p, x, y)
    every = functions(str(stages.llvm))
    found = {name: blocks for name, blocks in every.items() if not name.startswith("rows")}
    looping = [lines for blocks in found.values() for lines in in_loops(blocks)]
    called = {call for lines in looping for call in calls(lines)}
    assert len(looping) > 10
    ours = {call for call in called if not call.startswith(("llvm.", "fg.tile.", "fg.rows."))}
    assert ours <= {"fg.poll"}
    assert not [line for lines in looping for line in lines if " alloca " in line]
    innermost = {c for b in found.values() for loop in innermost_loops(b) for c in calls(loop)}
    assert "fg.poll" not in innermost


def is_over_rows(name: str, blocks: dict[str, list[str]]) -> bool:
    """Is a function a loop over blocks of rows, or that of one thread?"""
    called = [call for lines in blocks.values() for call in calls(lines)]
    return name.startswith(("rows", "block")) and any(
        x.startswith(("kernel", "dot")) for x in called
    )


def cold_functions(module: str) -> set[str]:
    """The functions of a module that LLVM is told are hardly ever called."""
    groups = dict(re.findall(r"^attributes (#\d+) = \{([^}]*)\}", module, re.MULTILINE))
    heads = re.findall(r'^define [^\n]*@"?([\w.]+)"?\([^\n]*?(#\d+)', module, re.MULTILINE)
    return {name for name, group in heads if " cold" in groups[group]}
