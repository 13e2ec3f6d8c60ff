"""A compilation that takes long says so, once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.runtime.compiled import progress

X = np.ones(3)


def product(x: Any) -> Any:
    for i in range(20):
        x = np.sin(x) * i
    return x.sum()


@pytest.mark.parametrize("limits", [(0.0, 0.0), (1e9, 0.0), (1e9, 1e9)])
def test_it_is_told_once(
    limits: tuple[float, float], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(progress, "_TRACE", limits[0])
    monkeypatch.setattr(progress, "_BEFORE_LLVM", limits[1])
    compiled = fg.value_and_grad(product)
    compiled(X)
    compiled(X)
    if limits[1]:
        assert not caplog.records
        return
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("fusegrad", "WARNING")
    line = product.__code__.co_firstlineno
    assert f"compiling product (test_progress.py:{line}) takes a while" in record.getMessage()
    assert " operations, " in record.getMessage()
