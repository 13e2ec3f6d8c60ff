"""One step of a recurrent network (Elman 1990; Hochreiter & Schmidhuber 1997; Cho et al. 2014)."""

from __future__ import annotations

from typing import Any

from ..apply.dispatch import is_tensor_like, public
from . import arithmetic, elementary
from .cutting import chunk

__all__ = ["gru_cell", "lstm_cell", "rnn_relu_cell", "rnn_tanh_cell"]

_tanh = public(arithmetic.tanh)


def _affine(x: Any, weight: Any, bias: Any) -> Any:
    """x weightᵀ + bias."""
    product = x @ (weight.t() if is_tensor_like(weight) else weight.T)
    return product if bias is None else product + bias


def rnn_tanh_cell(
    input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None
) -> Any:
    """tanh(W x + b + U h + c): the next state of a simple network."""
    return _tanh(_affine(input, w_ih, b_ih) + _affine(hx, w_hh, b_hh))


def rnn_relu_cell(
    input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None
) -> Any:
    """The same with max(…, 0)."""
    return elementary.relu(_affine(input, w_ih, b_ih) + _affine(hx, w_hh, b_hh))


def lstm_cell(
    input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None
) -> tuple[Any, Any]:
    """The next state and memory, of the pair `hx` of these; gates: input, forget, cell, output."""
    state, memory = hx
    gates = chunk(_affine(input, w_ih, b_ih) + _affine(state, w_hh, b_hh), 4, -1)
    keep, forget, out = (elementary.sigmoid(gates[i]) for i in (0, 1, 3))
    memory = forget * memory + keep * _tanh(gates[2])
    return out * _tanh(memory), memory


def gru_cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> Any:
    """The next state; the gates are reset, update, new."""
    mine = chunk(_affine(input, w_ih, b_ih), 3, -1)
    past = chunk(_affine(hx, w_hh, b_hh), 3, -1)
    reset, update = (elementary.sigmoid(mine[i] + past[i]) for i in (0, 1))
    new = _tanh(mine[2] + reset * past[2])
    return new + update * (hx - new)
