"""Ops that passes make, after all derivatives and batching."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import IRError
from ..op import Op, register
from ..types import TensorType


def late(
    name: str,
    arity: int | None,
    traits: tuple[str, ...],
    infer: Callable[..., tuple[TensorType, ...]],
    eval: Callable[..., Any],
    until: str,
) -> Op:
    """Register an op whose rules raise IRError: derivatives are taken `until` a pass makes it."""

    def no_rule(*_: Any, **__: Any) -> Any:
        raise IRError(f"{name}: derivatives and batching are taken {until}")

    rules = (no_rule,) * (1 if arity is None else arity)
    return register(
        Op(
            name=name,
            arity=arity,
            traits=frozenset((*traits, "late")),
            infer=infer,
            eval=eval,
            vjp=rules,
            jvp=rules,
            batch=no_rule,
            saves=(),
            emit=None,
            samples=(),
        )
    )
