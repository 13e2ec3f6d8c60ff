"""Anomaly mode: backward says where in the forward run the node was made at which it fails."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .node import Node
from .watch import current_watch, set_watch, trace_of

__all__ = [
    "check_nan",
    "detect_anomaly",
    "explain_failure",
    "is_anomaly_enabled",
    "set_detect_anomaly",
]


def is_anomaly_enabled() -> bool:
    """Whether this thread is in anomaly mode."""
    return current_watch().anomaly


class set_detect_anomaly:  # noqa: N801
    """Turn anomaly mode on or off at once; with `with`, for that time."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        watch = current_watch()
        self._before = (watch.anomaly, watch.check_nan)
        set_watch(watch.with_anomaly(mode, check_nan))

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        set_watch(current_watch().with_anomaly(*self._before))


class detect_anomaly:  # noqa: N801
    """Record with each node where it was made, and stop a backward pass at the first nan.

    An exception of backward comes with a warning that has the traceback of the forward call. Each
    operation takes many times longer.
    """

    def __init__(self, check_nan: bool = True) -> None:
        self._check_nan = check_nan
        warnings.warn(
            "anomaly detection is enabled: this makes each operation slower, and is for debugging "
            "only",
            UserWarning,
            stacklevel=2,
        )

    def __enter__(self) -> None:
        watch = current_watch()
        self._before = (watch.anomaly, watch.check_nan)
        set_watch(watch.with_anomaly(True, self._check_nan))

    def __exit__(self, *_: object) -> None:
        set_watch(current_watch().with_anomaly(*self._before))


def explain_failure(node: Node) -> None:
    """Warn with the traceback of the forward call, where it was kept."""
    trace = trace_of(node)
    text = "No forward pass information: it ran without detect_anomaly()."
    if trace is not None:
        text = f"Traceback of forward call that caused the error:\n{trace}"
    warnings.warn(f"Error detected in {node.title}. {text}", UserWarning, stacklevel=2)


def check_nan(node: Node, parts: Any) -> None:
    """Raise where a node has made a nan."""
    for index, part in enumerate(parts):
        data = getattr(part, "_data", part)
        if data is not None and data.dtype.kind in "fc" and bool(np.isnan(data).any()):
            raise RuntimeError(
                f"Function '{node.title}' returned nan values in its {index}th output."
            )
