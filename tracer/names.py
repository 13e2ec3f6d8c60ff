"""Names of arguments: as the user would write each leaf, and as words of the text form."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .pytree import Treedef

if TYPE_CHECKING:
    pass


def argument_paths(function: Callable[..., Any], in_tree: Treedef) -> list[str]:
    """How the user would write each leaf of (args, kwargs): ``params['w1']``."""
    positional, keywords = in_tree.children
    roots = _parameter_names(function, len(positional.children))
    paths = []
    for root, child in zip(roots, positional.children, strict=True):
        paths += child.paths(root)
    for key, child in zip(keywords.keys or (), keywords.children, strict=True):
        paths += child.paths(str(key))
    return paths


def _parameter_names(function: Callable[..., Any], count: int) -> list[str]:
    """The names of the first `count` positional arguments."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None)
    while len(names) < count:
        extra = len(names)
        names.append(f"{rest}[{extra}]" if rest else f"argument{extra}")
    return names[:count]


def sanitise(path: str) -> str:
    """`path` as a name of the text form: ``params['w1'][0]`` -> ``params_w1_0``."""
    if not (path.isidentifier() and path.isascii()):  # most are: no pattern need be compiled
        path = re.sub(r"\W+", "_", path, flags=re.ASCII)
    name = path.strip("_")
    return f"_{name}" if name[:1].isdigit() else name


def unique_names(paths: Sequence[str]) -> list[str]:
    names: list[str] = []
    seen: set[str] = set()
    for path in paths:
        stem = name = sanitise(path) or "x"
        number = 1
        while name in seen:
            number += 1
            name = f"{stem}_{number}"
        seen.add(name)
        names.append(name)
    return names
