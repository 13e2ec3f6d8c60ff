"""Which operations of a graph run in blocks, and the functions of those that do."""

from __future__ import annotations

from collections.abc import Set

from ...ir import Graph, Operation
from ..function import FunctionText
from ..kernels.kernel import write_kernel
from ..kernels.loops import plan_loops
from ..kernels.rows import Define, lower_rows
from ..linalg.contraction import lower_dot
from .dispatch import Add, run_in_blocks, run_kernel_in_blocks
from .products import run_alone, split_product, starts_threads, work_of_product
from .split import Split, split_kernel, split_steps, work_of

_SEPARATE = {"rows", "block", "chunk"}  # what blocks of rows, or chunks of them, yield apart


def plan_blocks(operation: Operation) -> Split | None:
    """How an operation is cut into blocks; None where it is not."""
    if operation.name == "kernel":
        return split_kernel(plan_loops(operation))
    if operation.name == "dot":
        return split_product(operation)
    if operation.name == "rows":
        return _split_rows(operation)
    return None


def _split_rows(operation: Operation) -> Split | None:
    kinds = {kind for kind, *_ in operation.attributes["yields"]}
    if not kinds <= _SEPARATE:
        return None
    rows, block = operation.attributes["rows"]
    work = rows / block * _work_of_region(operation.regions[0])
    grain = operation.attributes["chunk"] if "chunk" in kinds else 1
    return split_steps(rows // block, work, grain)


def lower_for_threads(
    operation: Operation, add: Add, define: Define, shared: Set[str] = frozenset()
) -> FunctionText | None:
    """The function of an operation that threads matter to; None for others.

    `add` puts a function into the module; `define` that of an operation, on one thread. The
    parameters `shared` may be one memory.
    """
    split = plan_blocks(operation)
    text = None if split is None else _lower_in_blocks(operation, split, add, define, shared)
    if not starts_threads(operation):
        return text
    if text is None:
        symbol, text = define(operation)
    else:
        symbol = add("blocks", text)
    return run_alone(text, symbol)


def _lower_in_blocks(
    operation: Operation, split: Split, add: Add, define: Define, shared: Set[str]
) -> FunctionText:
    if operation.name == "kernel":
        nest = plan_loops(operation)
        sizes = [result.type.size for result in operation.results]
        part = write_kernel(nest, split).sharing(shared)
        return run_kernel_in_blocks(part, nest.writes, sizes, split, add)
    if operation.name == "dot":
        return run_in_blocks(lower_dot(operation, split=split), split.blocks, add)
    return run_in_blocks(lower_rows(operation, define, split).sharing(shared), split.blocks, add)


def _work_of_region(region: Graph) -> float:
    return sum(
        work_of_product(op) if op.name == "dot" else work_of(plan_loops(op))
        for op in region
        if op.name in ("dot", "kernel")
    )
