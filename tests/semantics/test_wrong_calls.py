"""Calls that PyTorch refuses, here and there: `wrong_calls.txt` has them with the builtin class of
the exception.
"""

from __future__ import annotations

import builtins
import warnings
from pathlib import Path

import pytest

from .backends import Backend
from .test_everyday import names

TEXT = Path(__file__).with_name("wrong_calls.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("line", TEXT.splitlines())
def test_it_raises_what_pytorch_raises(eager: Backend, line: str) -> None:
    kind, _, program = line.partition(": ")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(getattr(builtins, kind)):
            exec(program, names(eager))


def test_there_are_many() -> None:
    assert len(TEXT.splitlines()) > 200
