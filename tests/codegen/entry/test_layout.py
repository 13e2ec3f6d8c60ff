"""The layout test notices what it must."""

from __future__ import annotations

import os
import sys

import pytest

from fusegrad.codegen.entry.layout import self_test as layout_test


def test_self_test_passes_on_a_supported_interpreter() -> None:
    assert layout_test() is None


def test_self_test_reports_a_wrong_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fusegrad.codegen.entry.layout.ARRAY_NDIM", 64)
    reason = layout_test.__wrapped__()
    assert reason == "unknown object layout: array"


def test_self_test_refuses_other_interpreters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.implementation, "name", "pypy")
    assert "not CPython" in str(layout_test.__wrapped__())


def test_import_leaves_llvmlite_alone() -> None:
    code = "import sys, fusegrad.codegen.entry; sys.exit('llvmlite' in sys.modules)"
    path = os.pathsep.join(sys.path)
    assert (
        os.spawnve(os.P_WAIT, sys.executable, [sys.executable, "-c", code], {"PYTHONPATH": path})
        == 0
    )
