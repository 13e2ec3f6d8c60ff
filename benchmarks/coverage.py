"""How many functions of the corpus each library differentiates as they stand, by area.

The functions (`tests/corpus`) are written for NumPy. A peer gets a copy of each module in which the
names `np` and `special` are bound to its own namespaces, and nothing else is changed. A function
counts where value and gradient are right at all three inputs; a number that is wrong is told apart
from an error.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from tqdm import tqdm

from tests.corpus import MODULES
from tests.corpus.check import SEEDS, complaints
from tests.corpus.registry import Entry

from .report import table

Call = Callable[[tuple[Any, ...]], tuple[Any, Any]]
Maker = Callable[[Entry, tuple[Any, ...]], Call]


@dataclass(frozen=True)
class Library:
    """One column: the names bound in a copy of a module, and how a gradient is asked for."""

    name: str
    names: Callable[[], dict[str, Any]]
    maker: Maker


def _bound(entry: Entry) -> Callable[..., Any]:
    return lambda *arguments: entry.function(*arguments, **entry.keywords)


def _fusegrad(entry: Entry, _arguments: tuple[Any, ...]) -> Call:
    import fusegrad

    compiled = fusegrad.value_and_grad(entry.function, argnums=entry.argnums)
    return lambda arguments: compiled(*arguments, **entry.keywords)


def _jax(entry: Entry, _arguments: tuple[Any, ...]) -> Call:
    import jax

    derived = jax.value_and_grad(_bound(entry), argnums=entry.argnums)
    return lambda arguments: derived(*_on_device(arguments))


def _on_device(arguments: tuple[Any, ...]) -> Any:
    """NumPy's arrays as JAX's, in containers too."""
    import jax

    def moved(leaf: Any) -> Any:
        return jax.numpy.asarray(leaf) if isinstance(leaf, np.ndarray) else leaf

    return jax.tree.map(moved, arguments)


def _jax_jit(entry: Entry, arguments: tuple[Any, ...]) -> Call:
    """What `jax.jit` traces, run operation by operation: XLA takes minutes for some long loops.

    Python integers, which may be sizes, are static.
    """
    import jax
    from jax.extend.core import jaxpr_as_fun

    sizes = tuple(i for i, argument in enumerate(arguments) if type(argument) is int)
    derived = jax.value_and_grad(_bound(entry), argnums=entry.argnums)
    trace = jax.make_jaxpr(derived, static_argnums=sizes, return_shape=True)

    def call(arguments: tuple[Any, ...]) -> Any:
        moved = _on_device(arguments)
        program, shapes = trace(*moved)
        dynamic = [argument for i, argument in enumerate(moved) if i not in sizes]
        results = jaxpr_as_fun(program)(*jax.tree.leaves(dynamic))
        return jax.tree.unflatten(jax.tree.structure(shapes), results)

    return call


def _autograd(entry: Entry, _arguments: tuple[Any, ...]) -> Call:
    import autograd

    derived = autograd.value_and_grad(_bound(entry), argnum=entry.argnums)
    return lambda arguments: derived(*arguments)


def _jax_names() -> dict[str, Any]:
    import jax
    import jax.numpy
    import jax.scipy.special

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_disable_most_optimizations", True)  # what counts is whether it runs
    return {"np": jax.numpy, "special": jax.scipy.special}


def _autograd_names() -> dict[str, Any]:
    import autograd.numpy
    import autograd.scipy.special

    return {"np": autograd.numpy, "special": autograd.scipy.special}


LIBRARIES = (
    Library("fusegrad", dict, _fusegrad),
    Library("JAX, jit", _jax_names, _jax_jit),
    Library("JAX, no jit", _jax_names, _jax),
    Library("autograd", _autograd_names, _autograd),
)


def entries(names: dict[str, Any]) -> Iterator[tuple[Entry, Entry]]:
    """Each entry of the corpus, and the same one in a copy of its module with `names` rebound."""
    for module in MODULES:
        copied = _copy(module)
        vars(copied).update({key: names[key] for key in names if hasattr(copied, key)})
        yield from zip(module.TABLE, copied.TABLE, strict=True)


def _copy(module: ModuleType) -> ModuleType:
    spec = importlib.util.spec_from_file_location(module.__name__, module.__file__)
    assert spec is not None
    assert spec.loader is not None
    copied = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(copied)
    return copied


def verdict(library: Library, entry: Entry, rebound: Entry) -> str:
    """'right', or what went wrong: 'wrong: …' for a number, 'error: …' for an exception."""
    try:
        call = library.maker(rebound, entry.arguments(SEEDS[0]))
        results = [call(entry.arguments(seed)) for seed in SEEDS]
    except Exception as error:  # noqa: BLE001  (a library may raise anything)
        first = (str(error).strip() or "no text").splitlines()[0]
        return f"error: {type(error).__name__}: {first}"
    for seed, (value, gradient) in zip(SEEDS, results, strict=True):
        gradients = gradient if isinstance(entry.argnums, tuple) else (gradient,)
        found = complaints(entry, seed, value, tuple(gradients))
        if found:
            return f"wrong: {found[0]}"
    return "right"


def markdown(verdicts: dict[str, dict[str, str]], areas: dict[str, str]) -> str:
    """A row for each area, a column for each library: how many are right, and how many wrong."""
    sizes = Counter(areas.values())
    rows = [[area, str(size), *_cells(verdicts, areas, area)] for area, size in sizes.items()]
    rows.append(["all", str(len(areas)), *_cells(verdicts, areas, None)])
    return table(["area", "functions", *verdicts], rows)


def _cells(
    verdicts: dict[str, dict[str, str]], areas: dict[str, str], area: str | None
) -> Iterator[str]:
    for of_library in verdicts.values():
        chosen = [v for name, v in of_library.items() if area in (None, areas[name])]
        kinds = Counter(text.partition(":")[0] for text in chosen)
        wrong = f" ({kinds['wrong']} wrong)" if kinds["wrong"] else ""
        yield f"{kinds['right']}{wrong}"


def main() -> int:
    """Print the table; 1 where a number of fusegrad's is wrong."""
    options = _parser().parse_args()
    warnings.simplefilter("ignore")
    areas = {entry.name: entry.area for module in MODULES for entry in module.TABLE}
    verdicts = {}
    for library in LIBRARIES:
        if library.name in options.libraries:
            pairs = tqdm(entries(library.names()), library.name, len(areas), disable=None)
            verdicts[library.name] = {e.name: verdict(library, e, r) for e, r in pairs}
    print(markdown(verdicts, areas))
    if options.json is not None:
        options.json.write_text(json.dumps(verdicts, indent=1) + "\n", encoding="utf-8")
    ours = verdicts.get("fusegrad", {}).values()
    return 1 if any(text.startswith("wrong") for text in ours) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks.coverage", description=__doc__)
    names = [library.name for library in LIBRARIES]
    parser.add_argument("--libraries", nargs="+", default=names, choices=names, metavar="NAME")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every verdict")
    return parser


if __name__ == "__main__":
    sys.exit(main())
