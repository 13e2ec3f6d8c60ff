"""The examples in docstrings hold, module by module, wherever fusegrad is installed."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import fusegrad


def names(package: str, folder: Path) -> Iterator[str]:
    """A package and the modules in it by their installed names; `__main__` is a program."""
    yield package
    for info in pkgutil.iter_modules([str(folder)]):
        name = f"{package}.{info.name}"
        if info.ispkg:
            yield from names(name, folder / info.name)
        elif info.name != "__main__":
            yield name


@pytest.mark.parametrize("name", list(names("fusegrad", Path(fusegrad.__file__).parent)))
def test_examples_in_docstrings(name: str) -> None:
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.testmod(importlib.import_module(name), optionflags=flags)
    assert result.failed == 0
