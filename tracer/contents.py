"""What an array of known values holds."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .array import TracedArray
    from .surroundings.known import KnownArray

Array = np.ndarray[Any, Any]


class Contents:
    """What a known array holds.

    array    the values of the moment
    parent   the known array that it is a view of
    again    makes that view of the parent, once that is a traced array
    derived  whether the values may come from arrays outside of the function
    outside  whether it is such an array: compiled code reads it at each call. Where NumPy or Python
             reads it now, the trace notes that what it did holds for these values alone
    views    known arrays that are views of it, or of its views: the order in which they were made
    lifted   the values that it took part with last, and the constant that they were
    """

    __slots__ = ("again", "array", "derived", "lifted", "outside", "parent", "views")

    def __init__(
        self,
        array: Array,
        derived: bool = False,
        parent: KnownArray | None = None,
        again: Callable[[Any], Any] | None = None,
        outside: bool = False,
    ) -> None:
        self.array = array
        self.outside = outside
        self.derived = derived
        self.parent = parent
        self.again = again
        self.views: list[weakref.ref[KnownArray]] = []
        self.lifted: tuple[Array, TracedArray] | None = None
