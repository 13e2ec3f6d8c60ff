"""Products with Jacobians and Hessians of functions of tensors, and these matrices themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core import make
from ..graph.modes import STATE, recording
from ..operators.shaping import stack
from ..tensor import Tensor
from .autograd import grad

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Tensors = Tensor | tuple[Tensor, ...]
Function = Callable[..., Any]


def vjp(
    func: Function,
    inputs: Tensors,
    v: Tensors | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """(outputs, v · Jacobian) of `func` at `inputs`; v has the shape of the outputs."""
    with _Recording():
        xs = _prepared(inputs, create_graph)
        outputs = _called("vjp", func, xs, strict)
        vs = _vectors(v, outputs, "the user-provided function returns")
        found = _gradients(outputs, xs, vs, create_graph, strict)
    return (
        _packed(_finished(outputs, create_graph), outputs.single),
        _packed(_finished(found, create_graph), isinstance(inputs, Tensor)),
    )


def jvp(
    func: Function,
    inputs: Tensors,
    v: Tensors | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """(outputs, Jacobian · v) of `func` at `inputs`; v has the shape of the inputs.

    It differentiates the product with a vector of the outputs' shape, which is linear in that.
    """
    with _Recording():
        xs = _prepared(inputs, create_graph)
        vs = _vectors(v, xs, "the input of the function is")
        outputs = _called("jvp", func, xs, strict)
        dual = [make(np.zeros(y.shape, y.dtype)).requires_grad_() for y in outputs]
        first = _gradients(outputs, xs, dual, True, strict)
        found = _gradients(first, dual, vs, create_graph, strict)
    return (
        _packed(_finished(outputs, create_graph), outputs.single),
        _packed(_finished(found, create_graph), outputs.single),
    )


def jacobian(
    func: Function,
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The derivative of each element of the outputs by each of the inputs.

    Of shape (*output, *input); a tuple over outputs of tuples over inputs where these are tuples.
    Row by row in reverse mode: `vectorize` changes nothing, and there is no other `strategy`.
    """
    _check_strategy("jacobian", strategy)
    with _Recording():
        xs = _prepared(inputs, create_graph)
        outputs = _called("jacobian", func, xs, strict)
        rows = [_rows(y, xs, create_graph, strict) for y in outputs]
    single = isinstance(inputs, Tensor)
    done = [_packed(_finished(row, create_graph), single) for row in rows]
    return _packed(done, outputs.single)


def hessian(
    func: Function,
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The second derivatives of a function with a scalar result; options as of `jacobian`."""
    _check_strategy("hessian", outer_jacobian_strategy)

    def gradient(*xs: Tensor) -> Any:
        outputs = _scalar("hessian", func, xs, strict)
        return tuple(_gradients(outputs, xs, None, True, strict))

    blocks = jacobian(gradient, inputs, create_graph, strict)
    return blocks[0] if isinstance(inputs, Tensor) else blocks


def _check_strategy(name: str, strategy: str) -> None:
    if strategy not in ("reverse-mode", "forward-mode"):
        raise AssertionError(f'{name}: strategy must be "reverse-mode" or "forward-mode"')
    if strategy == "forward-mode":
        raise NotImplementedError(f"{name}: only strategy='reverse-mode' is supported")


def vhp(
    func: Function,
    inputs: Tensors,
    v: Tensors | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """(output, v · Hessian) of a function with a scalar result."""
    with _Recording():
        xs = _prepared(inputs, create_graph)
        vs = _vectors(v, xs, "the input of the function is")
        outputs = _scalar("vhp", func, xs, strict)
        first = _gradients(outputs, xs, None, True, strict)
        found = _gradients(first, xs, vs, create_graph, strict)
    return (
        _finished(outputs, create_graph)[0],
        _packed(_finished(found, create_graph), isinstance(inputs, Tensor)),
    )


def hvp(
    func: Function,
    inputs: Tensors,
    v: Tensors | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """(output, Hessian · v) of a function with a scalar result; the Hessian is symmetric."""
    return vhp(func, inputs, v, create_graph, strict)


class _Recording:
    """Gradients are recorded, whatever the mode outside."""

    def __enter__(self) -> None:
        self._before = STATE.enabled
        STATE.enabled = recording(True)

    def __exit__(self, *_: object) -> None:
        STATE.enabled = self._before


class _Outputs(list[Tensor]):
    """Tensors that a user's function returned; `single` if it was one, not a tuple."""

    single: bool


def _prepared(inputs: Any, create_graph: bool) -> list[Tensor]:
    """The inputs as tensors that require grad: linked to those given only with `create_graph`."""
    given = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    for x in given:
        if not isinstance(x, Tensor):
            raise TypeError(f"the inputs must be a Tensor or Tensors, not {type(x).__name__}")
    if create_graph:
        return [
            x.reshape(x.shape) if x.requires_grad else x.detach().requires_grad_() for x in given
        ]
    return [x.detach().requires_grad_() for x in given]


def _called(name: str, func: Function, xs: Sequence[Tensor], strict: bool) -> _Outputs:
    result = func(*xs)
    outputs = _Outputs(result if isinstance(result, tuple | list) else (result,))
    outputs.single = not isinstance(result, tuple | list)
    for i, y in enumerate(outputs):
        if not isinstance(y, Tensor):
            raise TypeError(
                f"the outputs of the function given to {name} must be either a Tensor or a tuple "
                f"of Tensors, not {type(y).__name__}"
            )
        if strict and not y.requires_grad:
            raise RuntimeError(
                f"output {i} of the function does not require gradients: in strict mode the "
                "outputs must be computed in a differentiable manner from the inputs"
            )
    return outputs


def _scalar(name: str, func: Function, xs: Sequence[Tensor], strict: bool) -> _Outputs:
    outputs = _called(name, func, xs, strict)
    if not outputs.single:
        raise RuntimeError(f"the function given to {name} should return a single Tensor")
    if outputs[0].numel() != 1:
        raise RuntimeError(
            f"the Tensor returned by the function given to {name} should contain a single "
            f"element, but has shape {list(outputs[0].shape)}"
        )
    return outputs


def _vectors(v: Any, like: Sequence[Tensor], whose: str) -> list[Tensor] | None:
    """The vectors of a product, checked; None stands for 1 where there is one element."""
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(f"v can be None only if {whose} a single Tensor of a single element")
        return None
    vs = [v] if isinstance(v, Tensor) else list(v)
    if len(vs) != len(like):
        raise RuntimeError(f"v has {len(vs)} Tensors, it should have {len(like)}")
    for i, (x, y) in enumerate(zip(vs, like, strict=True)):
        if x.shape != y.shape:
            raise RuntimeError(
                f"v has invalid size: entry {i} should be {list(y.shape)}, but is {list(x.shape)}"
            )
    return vs


def _gradients(
    outputs: Sequence[Tensor], xs: Any, vs: Any, create_graph: bool, strict: bool
) -> list[Tensor]:
    """v · d outputs / d xs; zeros where something does not depend (in strict mode an error)."""
    linked = [i for i, y in enumerate(outputs) if y.requires_grad]
    found: tuple[Tensor | None, ...] = (None,) * len(xs)
    if linked:
        chosen = [outputs[i] for i in linked]
        starts = None if vs is None else [vs[i] for i in linked]
        found = grad(chosen, xs, starts, True, create_graph, allow_unused=True)
    if strict and any(g is None for g in found):
        index = next(i for i, g in enumerate(found) if g is None)
        raise RuntimeError(
            f"the output of the function is independent of input {index}: this is not allowed in "
            "strict mode"
        )
    pairs = zip(found, xs, strict=True)
    return [make(np.zeros(x.shape, x.dtype)) if g is None else g for g, x in pairs]


def _rows(y: Tensor, xs: Sequence[Tensor], create_graph: bool, strict: bool) -> list[Tensor]:
    """The Jacobian of one output by each input."""
    count = y.numel()
    flat = np.eye(count, dtype=y.dtype)
    rows = []
    for i in range(count):
        seed = make(flat[i].reshape(y.shape))
        rows.append(_gradients([y], xs, [seed], create_graph, strict))
    shapes = [(*y.shape, *x.shape) for x in xs]
    if not rows:
        return [make(np.zeros(s, x.dtype)) for s, x in zip(shapes, xs, strict=True)]
    columns = map(list, zip(*rows, strict=True))
    return [stack(c).reshape(shape) for c, shape in zip(columns, shapes, strict=True)]


def _finished(tensors: Sequence[Tensor], create_graph: bool) -> list[Tensor]:
    return list(tensors) if create_graph else [x.detach() for x in tensors]


def _packed(values: Sequence[Any], single: bool) -> Any:
    return values[0] if single else tuple(values)
