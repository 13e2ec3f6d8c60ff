"""What `explain` and the stages say of loops."""

from __future__ import annotations

from typing import Any

import numpy as np

import fusegrad as fg

STEPS = 300


def decay(x: Any) -> Any:
    for _ in range(STEPS):
        x = x - 0.01 * np.sum(x * x)
    return np.sum(x)


def test_explain_counts_all_steps() -> None:
    x = np.linspace(0, 1, 50)
    explanation = fg.compile(decay).explain(x)
    assert f"{STEPS} steps, in each:" in str(explanation)
    assert explanation.bytes_read >= 2 * (STEPS - 1) * x.nbytes
    assert explanation.bytes_written >= (STEPS - 1) * x.nbytes
    assert explanation.native


def test_the_stages_show_the_loop() -> None:
    low = fg.value_and_grad(decay).lower(np.linspace(0, 1, 50))
    assert str(low.trace).count(" sum ") > STEPS
    assert str(low.adjoint).count(" = scan ") == 2
    assert "for i in 0 .. 300, in each step:" in str(low.loops)
    assert "for i in 299 .. -1 step -1, in each step:" in str(low.loops)
