"""How elementwise ops are made: shape rule, batch rule, constructors for the usual arities.

The derivative rules of these constructors take the operands by name, `rule(b, g, x, out)` and
`rule(b, g, x, y, out)`. One rule is both the vjp and the jvp of its operand: the Jacobian of an
elementwise op is diagonal, so that either one is g times the partial derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..builder import Builder, Handle
from ..errors import DTypeError, ShapeError
from ..op import NoDerivative, Op, Rule, Sample, register
from ..types import FLOATS, INTEGERS, TensorType

NUMBERS = (*FLOATS, *INTEGERS)
DISCRETES = ("bool", *INTEGERS)
ANY = (*NUMBERS, "bool")

Infer = Callable[..., tuple[TensorType, ...]]


# --- shape rules ---


def check_dtype(name: str, type: TensorType, allowed: Sequence[str], hint: str = "") -> None:
    if type.dtype not in allowed:
        raise DTypeError(f"{name} takes {' or '.join(allowed)}, got {type}", hint=hint)


def check_same(name: str, types: Sequence[TensorType]) -> None:
    """The operands of an elementwise op have one shape and one dtype."""
    if any(type.shape != types[0].shape for type in types):
        raise ShapeError(f"{name}: shapes differ, {listing(types)}", hint="broadcast them first")
    if any(type.dtype != types[0].dtype for type in types):
        raise DTypeError(f"{name}: dtypes differ, {listing(types)}", hint="cast them first")


def listing(types: Sequence[TensorType]) -> str:
    return " and ".join(map(str, types))


def infer_same(name: str, allowed: Sequence[str]) -> Infer:
    """One shape and dtype for all operands and the result."""
    hint = "cast it to f32 or f64 first" if tuple(allowed) == FLOATS else ""

    def infer(*types: TensorType) -> tuple[TensorType, ...]:
        for type in types:
            check_dtype(name, type, allowed, hint)
        check_same(name, types)
        return (types[0],)

    return infer


def batch_same(name: str) -> Callable[..., Handle]:
    """The op itself; operands that have no batch axis are repeated along one."""

    def batch(
        b: Builder, operands: tuple[Handle, ...], batched: tuple[bool, ...], **attributes: Any
    ) -> Handle:
        return b(name, *batch_all(b, operands, batched), **attributes)

    return batch


def batch_all(
    b: Builder, operands: Sequence[Handle], batched: Sequence[bool]
) -> tuple[Handle, ...]:
    """The operands, each with the batch axis first."""
    size = batch_size(b, operands, batched)
    return tuple(
        x if has_axis else b.broadcast(x, (size, *b.type_of(x).shape))
        for x, has_axis in zip(operands, batched, strict=True)
    )


def batch_size(b: Builder, operands: Sequence[Handle], batched: Sequence[bool]) -> int:
    return next(b.type_of(x).shape[0] for x, yes in zip(operands, batched, strict=True) if yes)


# --- samples ---

Domain = tuple[float, float] | tuple[tuple[float, float], ...]


def samples_of(
    arity: int,
    dtypes: Sequence[str],
    domain: Domain = (-2.0, 2.0),
    *,
    integers: tuple[int, int] = (0, 3),
    kinks: tuple[float, ...] = (),
) -> tuple[Sample, ...]:
    """A 2-d sample of each dtype; a 0-d and an empty one of the first."""

    def sample(dtype: str, shape: tuple[int, ...]) -> Sample:
        types = (TensorType(dtype, shape),) * arity
        return Sample(types, domain=domain, integers=integers, kinks=kinks)

    shaped = [sample(dtype, (2, 3)) for dtype in dtypes]
    return (*shaped, sample(dtypes[0], ()), sample(dtypes[0], (3, 0)))


# --- constructors ---


def unary(
    name: str,
    eval: Callable[..., Any],
    emit: Callable[..., Any],
    derivative: Callable[[Builder, Handle, Handle, Handle], Handle] | NoDerivative,
    *,
    saves: tuple[str, ...] = (),
    dtypes: Sequence[str] = FLOATS,
    traits: Sequence[str] = (),
    samples: tuple[Sample, ...] = (),
) -> Op:
    """Register an elementwise op of one operand; `derivative(b, g, x, out)` is g · f'(x)."""
    rule = derivative if isinstance(derivative, NoDerivative) else _of_one(derivative)
    return register(
        Op(
            name=name,
            arity=1,
            traits=frozenset(("elementwise", *traits)),
            infer=infer_same(name, dtypes),
            eval=eval,
            vjp=(rule,),
            jvp=(rule,),
            batch=batch_same(name),
            saves=saves,
            emit=emit,
            samples=samples or samples_of(1, dtypes),
        )
    )


def function(
    name: str,
    eval: Callable[..., Any],
    derivative: Callable[[Builder, Handle, Handle, Handle], Handle],
    *,
    saves: tuple[str, ...],
    domain: Domain = (-2.0, 2.0),
) -> Op:
    """Register a float function that `codegen.maths` computes under the same name."""

    def emit(e: Any, x: Any) -> Any:
        return e.call(name, x)

    samples = samples_of(1, FLOATS, domain)
    traits = ("transcendental",)
    return unary(name, eval, emit, derivative, saves=saves, traits=traits, samples=samples)


def binary(
    name: str,
    eval: Callable[..., Any],
    emit: Callable[..., Any],
    derivatives: tuple[
        Callable[[Builder, Handle, Handle, Handle, Handle], Handle] | NoDerivative, ...
    ],
    *,
    saves: tuple[str, ...] = (),
    dtypes: Sequence[str] = NUMBERS,
    traits: Sequence[str] = (),
    samples: tuple[Sample, ...] = (),
) -> Op:
    """Register an elementwise op of two operands; a derivative is `rule(b, g, x, y, out)`."""
    rules = tuple(d if isinstance(d, NoDerivative) else _of_two(d) for d in derivatives)
    return register(
        Op(
            name=name,
            arity=2,
            traits=frozenset(("elementwise", *traits)),
            infer=infer_same(name, dtypes),
            eval=eval,
            vjp=rules,
            jvp=rules,
            batch=batch_same(name),
            saves=saves,
            emit=emit,
            samples=samples or samples_of(2, dtypes),
        )
    )


def _of_one(derivative: Callable[[Builder, Handle, Handle, Handle], Handle]) -> Rule:
    def rule(b: Builder, g: Handle, operands: tuple[Handle, ...], out: Handle) -> Handle:
        return derivative(b, g, operands[0], out)

    return rule


def _of_two(derivative: Callable[[Builder, Handle, Handle, Handle, Handle], Handle]) -> Rule:
    def rule(b: Builder, g: Handle, operands: tuple[Handle, ...], out: Handle) -> Handle:
        return derivative(b, g, operands[0], operands[1], out)

    return rule
