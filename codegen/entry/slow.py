"""The door through ctypes, for flattened leaves: slower; the same core, interrupts and errors.

It reads no object layout, so it serves where `self_test` fails. ctypes keeps the GIL for the call,
as the poll may run signal handlers; ``@"<prefix>.invoke"`` releases it natively where the spec says
so.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .poll import CONTEXT_SIZE
from .spec import NUMPY_NAME, ArrayType, EntrySpec

Array = np.ndarray[Any, Any]


class SlowDoor:
    """Calls ``i32 (inputs, outputs, context)`` at `address`: a core, or the ``invoke`` of a door.

    `on_error` is called with a positive status and raises. `owner` is anything that must outlive
    the door, such as the tracker of the machine code.
    """

    def __init__(
        self,
        address: int,
        inputs: Sequence[ArrayType],
        outputs: Sequence[ArrayType],
        on_error: Callable[[int], object],
        owner: object = None,
    ) -> None:
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.on_error = on_error
        self.owner = owner
        pointer = ctypes.c_void_p
        prototype = ctypes.PYFUNCTYPE(ctypes.c_int, pointer, pointer, pointer)
        self._run = prototype(address)

    def __call__(
        self, arrays: Sequence[Array], donated: Mapping[int, int] | None = None
    ) -> list[Array]:
        """New result arrays for C-contiguous `arrays` of exactly the types of `inputs`; the results
        that are `donated` an input, by its number, are that array.
        """
        if len(arrays) != len(self.inputs):
            raise TypeError(f"expected {len(self.inputs)} arrays, got {len(arrays)}")
        for place, (array, expected) in enumerate(zip(arrays, self.inputs, strict=True)):
            _require(array, expected, place)
        given = {output: arrays[number] for output, number in (donated or {}).items()}
        results = [
            given[i] if i in given else np.empty(kind.shape, NUMPY_NAME[kind.dtype])
            for i, kind in enumerate(self.outputs)
        ]
        context = (ctypes.c_char * CONTEXT_SIZE)()
        status = self._run(_pointers(arrays), _pointers(results), context)
        if status > 0:
            self.on_error(status)
        if status != 0:  # an interrupt has already come out of the call as an exception
            raise SystemError(f"compiled code returned {status} without an exception")
        return results


def ctypes_call(
    address: int, spec: EntrySpec, arrays: Sequence[Array], on_error: Callable[[int], object]
) -> list[Array]:
    """One call through a `SlowDoor` for `spec`: input leaves by index in, result leaves out."""
    return SlowDoor(address, spec.input_types(), spec.output_types(), on_error)(arrays)


def _pointers(arrays: Sequence[Array]) -> ctypes.Array[ctypes.c_void_p]:
    return (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))


def _require(array: Array, expected: ArrayType, place: int) -> None:
    dtype = np.dtype(NUMPY_NAME[expected.dtype])
    if array.dtype != dtype or array.shape != expected.shape:
        found = f"{array.dtype}{list(array.shape)}"
        raise TypeError(f"array {place} is {found}, expected {dtype}{list(expected.shape)}")
    if not (array.flags.c_contiguous and array.flags.aligned):
        raise ValueError(f"array {place} is not C-contiguous and aligned")
