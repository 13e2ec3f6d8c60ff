"""What people write every day, run here and on PyTorch: `everyday.txt` holds it with what it shows.

A block is a program and, after a line "==>", what it prints; or "raises" and the class of its
exception. The names in it are F (the library), autograd, nn (nn.functional), optim and LA (linalg).
"""

from __future__ import annotations

import builtins
import contextlib
import copy
import importlib
import io
import math
import pickle
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .backends import Backend

TEXT = Path(__file__).with_name("everyday.txt").read_text(encoding="utf-8")
BLOCKS = [block.strip("\n") for block in TEXT.split("\n---\n") if block.strip()]


def plain(text: str) -> str:
    """Without what only PyTorch's texts have: its name before dtypes and shapes, and addresses."""
    text = re.sub(r"torch\.Size\(\[([^\],]*)\]\)", r"(\1,)", text).replace("(,)", "()")
    text = re.sub(r"torch\.Size\(\[([^\]]*)\]\)", r"(\1)", text)
    text = re.sub(r"torch\.(float|int|uint|bool)", r"\1", text)
    text = re.sub(r"torch(\.|::)autograd(\.|::)", "", text)
    return re.sub(r"0x[0-9a-f]+", "0x", text).rstrip()


def names(lib: Backend) -> dict[str, Any]:
    module = lib.module
    parts = {"autograd": "autograd", "nn": "nn.functional", "optim": "optim", "LA": "linalg"}
    here: dict[str, Any] = {"F": module, "np": np, "copy": copy, "pickle": pickle, "io": io}
    here["math"] = math
    for name, path in parts.items():
        here[name] = importlib.import_module(f"{module.__name__}.{path}")
    return here


def run(lib: Backend, program: str) -> str:
    """What the program prints, and the builtin class of the exception that ends it."""
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exec(program, names(lib))
        except Exception as error:  # noqa: BLE001  (its class is what is shown)
            known = [c.__name__ for c in type(error).__mro__ if hasattr(builtins, c.__name__)]
            return plain(shown.getvalue()) + "".join(f"\nraises {name}" for name in known)
    return plain(shown.getvalue())


@pytest.mark.parametrize("block", BLOCKS, ids=range(1, len(BLOCKS) + 1))
def test_it_shows_what_pytorch_shows(eager: Backend, block: str) -> None:
    program, _, expected = block.partition("\n==>")
    found = run(eager, program)
    *printed, last = expected.strip("\n").rpartition("\n")
    if last.startswith("raises "):
        assert found.startswith(printed[0])
        assert last in found.splitlines(), found
    else:
        assert found == expected.strip("\n")


def test_there_are_many() -> None:
    assert len(BLOCKS) > 200
