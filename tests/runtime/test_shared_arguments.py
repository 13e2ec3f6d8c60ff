"""Stores into arguments that share memory: such a call on Tensors runs eagerly, and says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.runtime.compiled.paths import PathWarning


@fg.compile
def shifted(a: Any, b: Any) -> Any:
    a += 1.0
    return b * 2.0


def test_a_call_on_tensors_that_share_memory_is_eager_and_says_so() -> None:
    x = fg.tensor([1.0, 2.0, 3.0])
    with pytest.warns(PathWarning, match="stores into an argument whose memory another one has"):
        result = shifted(x, x[:])
    assert result.tolist() == [4.0, 6.0, 8.0]
    assert "eager mode, because it stores" in str(shifted.explain(x, x[:]))


def test_a_call_on_tensors_of_their_own_is_not() -> None:
    x, y = fg.tensor([1.0, 2.0, 3.0]), fg.tensor([1.0, 1.0, 1.0])
    assert shifted(x, y).tolist() == [2.0, 2.0, 2.0]
    assert "eager mode" not in str(shifted.explain(x, y))


def test_on_arrays_it_is_an_error() -> None:
    x = np.ones(3)
    with pytest.raises(fg.FusegradError, match="share memory"):
        shifted(x, x[:])
