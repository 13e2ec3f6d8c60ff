"""np.einsum: operands are contracted two by two, in a greedy order where there are more than two.

A label is a letter, or a negative number for an axis that an ellipsis stands for (-1: the last).
"""

from __future__ import annotations

import string
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from ...ir.errors import ShapeError
from ...ir.graph import Value
from ...ir.record import record
from ..operands import builder, lift, same_dtype, wrap, wrap_view
from ..registry import implements

if TYPE_CHECKING:
    from ..array import TracedArray

Label = str | int
Labels = tuple[Label, ...]


@record
class Term:
    """A value with a label for each axis, all different."""

    value: Value
    labels: Labels


@implements(np.einsum)
def _einsum(*operands: Any, optimize: Any = True, dtype: Any = None) -> TracedArray:
    subscripts, arrays = _split_arguments(operands)
    values = same_dtype(arrays, "np.einsum")
    kept = values[0].type.dtype
    values = [builder().cast(value, "i64" if kept == "bool" else kept) for value in values]
    inputs, output = _parse(subscripts, [value.type.ndim for value in values])
    terms = _same_extents([_diagonals(v, ls) for v, ls in zip(values, inputs, strict=True)], output)
    for first, second in _order(terms, output):
        others = [term for i, term in enumerate(terms) if i not in (first, second)]
        needed = {label for term in others for label in term.labels} | set(output)
        terms = [*others, _contract(terms[first], terms[second], needed)]
    result = builder().cast(_arranged(terms[0], output), kept)
    if len(inputs) == 1 and set(inputs[0]) == set(output) and dtype is None:
        return wrap_view(result, lift(arrays[0]), shared=True)  # nothing is summed
    return wrap(result) if dtype is None else wrap(result).astype(dtype)


# --- reading ---


def _split_arguments(operands: tuple[Any, ...]) -> tuple[str, list[Any]]:
    """The subscripts as text, and the arrays; also from einsum(x, [0, 1], y, [1, 2], [0, 2])."""
    if isinstance(operands[0], str):
        return operands[0], list(operands[1:])
    count = len(operands) // 2
    arrays = [operands[2 * i] for i in range(count)]
    inputs = ",".join(_letters(operands[2 * i + 1]) for i in range(count))
    output = f"->{_letters(operands[-1])}" if len(operands) % 2 else ""
    return inputs + output, arrays


def _letters(numbers: Iterable[Any]) -> str:
    return "".join("..." if n is Ellipsis else string.ascii_letters[n] for n in numbers)


def _parse(subscripts: str, ndims: list[int]) -> tuple[list[Labels], Labels]:
    """The labels of each operand and of the result."""
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    parts = left.split(",")
    if len(parts) != len(ndims):
        raise ShapeError(
            f"np.einsum: {subscripts!r} is for {len(parts)} operands, got {len(ndims)}"
        )
    inputs = [_labels(part, ndim, subscripts) for part, ndim in zip(parts, ndims, strict=True)]
    dots = sorted({x for labels in inputs for x in labels if isinstance(x, int)})
    if arrow:
        return inputs, _output_labels(right, dots, inputs, subscripts)
    letters = [x for labels in inputs for x in labels if isinstance(x, str)]
    return inputs, (*dots, *sorted(x for x in set(letters) if letters.count(x) == 1))


def _labels(part: str, ndim: int, subscripts: str) -> Labels:
    before, dots, behind = part.partition("...")
    _check_letters(before + behind, subscripts)
    rest = ndim - len(before) - len(behind)
    if rest < 0 or (rest and not dots):
        raise ShapeError(
            f"np.einsum: {part!r} in {subscripts!r} does not fit an operand of {ndim} dimensions"
        )
    return (*before, *range(-rest, 0), *behind)


def _check_letters(text: str, subscripts: str) -> None:
    bad = set(text) - set(string.ascii_letters)
    if bad:
        raise ShapeError(f"np.einsum: {''.join(sorted(bad))!r} in {subscripts!r} is no label")


def _output_labels(text: str, dots: list[int], inputs: list[Labels], subscripts: str) -> Labels:
    before, marker, behind = text.partition("...")
    _check_letters(before + behind, subscripts)
    labels: Labels = (*before, *(dots if marker else ()), *behind)
    known = {label for each in inputs for label in each}
    if len(set(labels)) != len(labels) or not set(labels) <= known:
        raise ShapeError(
            f"np.einsum: the result {text!r} of {subscripts!r} may name each "
            "label of the operands once"
        )
    return labels


# --- one operand ---


def _diagonals(value: Value, labels: Labels) -> Term:
    """Axes of the same label become one, their diagonal."""
    b = builder()
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            rest = [i for i in range(len(labels)) if i not in (first, second)]
            moved = b.transpose(value, (*rest, first, second))
            n = moved.shape[-1]
            if moved.shape[-2] != n:
                raise ShapeError(f"np.einsum: label {label!r} stands for {moved.shape[-2]} and {n}")
            flat = b.reshape(moved, (*moved.shape[:-2], n * n))
            zeros = (0,) * len(rest)
            value = b.slice(flat, (*zeros, 0), flat.shape, (*(1 for _ in rest), n + 1))
            labels = (*(labels[i] for i in rest), label)
    return Term(value, labels)


def _same_extents(terms: list[Term], output: Labels) -> list[Term]:
    """Axes of 1 that stand beside longer ones are left out: they broadcast."""
    extents: dict[Label, int] = {}
    for term in terms:
        for label, extent in zip(term.labels, term.value.shape, strict=True):
            known = extents.setdefault(label, extent)
            if known == 1:
                extents[label] = extent
            elif extent not in (1, known):
                raise ShapeError(f"np.einsum: label {label!r} stands for {known} and {extent}")
    return [_without_ones(term, extents) for term in terms]


def _without_ones(term: Term, extents: dict[Label, int]) -> Term:
    pairs = list(zip(term.labels, term.value.shape, strict=True))
    kept = [(label, n) for label, n in pairs if n == extents[label]]
    if len(kept) == len(pairs):
        return term
    value = builder().reshape(term.value, tuple(n for _, n in kept))
    return Term(value, tuple(label for label, _ in kept))


def _summed(term: Term, needed: set[Label]) -> Term:
    """Labels that nobody needs any more are summed over."""
    axes = [i for i, label in enumerate(term.labels) if label not in needed]
    kept = tuple(label for label in term.labels if label in needed)
    return Term(builder().sum(term.value, axes), kept)


def _arranged(term: Term, output: Labels) -> Value:
    final = _summed(term, set(output))
    order = tuple(final.labels.index(label) for label in output)
    return builder().transpose(final.value, order)  # type: ignore[no-any-return]


# --- two operands ---


def _order(terms: list[Term], output: Labels) -> list[tuple[int, int]]:
    """Which two terms are contracted next; the product goes to the end of the list."""
    if len(terms) == 1:
        return []
    if len(terms) == 2:
        return [(0, 1)]
    letters: dict[Label, str] = {}
    for term in terms:
        for label in term.labels:
            letters.setdefault(label, string.ascii_letters[len(letters)])
    inputs = ",".join("".join(letters[x] for x in term.labels) for term in terms)
    shapes = [np.broadcast_to(0.0, term.value.shape) for term in terms]
    text = f"{inputs}->{''.join(letters[x] for x in output)}"
    path = np.einsum_path(text, *shapes, optimize="greedy")[0][1:]
    return [pair for step in path for pair in _pairs(sorted(step), len(terms))]


def _pairs(step: list[int], count: int) -> list[tuple[int, int]]:
    """A step of two operands; one of more is done from the left."""
    if len(step) == 2:
        return [(step[0], step[1])]
    return [(0, 1)] * (len(step) - 1)


def _contract(x: Term, y: Term, needed: set[Label]) -> Term:
    """The product, summed over the labels that are not needed."""
    x = _summed(x, needed | set(y.labels))
    y = _summed(y, needed | set(x.labels))
    shared = [label for label in x.labels if label in y.labels]
    inner = [label for label in shared if label not in needed]
    if not inner:
        return _multiplied(x, y)
    batch = [label for label in shared if label in needed]
    product = builder()(
        "dot",
        x.value,
        y.value,
        contract=(_axes(x, inner), _axes(y, inner)),
        batch=(_axes(x, batch), _axes(y, batch)),
    )
    free = [label for term in (x, y) for label in term.labels if label not in shared]
    return Term(product, (*batch, *free))


def _axes(term: Term, labels: list[Label]) -> tuple[int, ...]:
    return tuple(term.labels.index(label) for label in labels)


def _multiplied(x: Term, y: Term) -> Term:
    """Nothing is summed over: an elementwise product."""
    labels = (*x.labels, *(label for label in y.labels if label not in x.labels))
    extents = dict(zip(x.labels, x.value.shape, strict=True))
    extents |= dict(zip(y.labels, y.value.shape, strict=True))
    shape = tuple(extents[label] for label in labels)
    left, right = (_spread(term, labels, shape) for term in (x, y))
    return Term(builder().mul(left, right), labels)


def _spread(term: Term, labels: Labels, shape: tuple[int, ...]) -> Value:
    """The value with its axes in the order of `labels`, repeated along those it does not have."""
    b = builder()
    present = [label for label in labels if label in term.labels]
    moved = b.transpose(term.value, tuple(term.labels.index(label) for label in present))
    aligned = tuple(n if x in present else 1 for x, n in zip(labels, shape, strict=True))
    return b.broadcast(b.reshape(moved, aligned), shape)  # type: ignore[no-any-return]
