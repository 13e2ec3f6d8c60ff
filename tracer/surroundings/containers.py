"""Lists, tuples and dicts from outside, as a traced function sees them.

Arrays, functions and objects in them have traced versions, so the function is given a copy that
holds these. What it changes there is changed in the user's container once the trace is over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from .known import contents, is_known

_LARGEST = 10_000  # items; larger ones are handed on as they are


class Versions(Protocol):
    """What knows the traced version of any object."""

    def version(self, x: Any) -> Any: ...


class Containers:
    """The copies that were made, each with the container that it is of."""

    def __init__(self, versions: Versions) -> None:
        self._versions = versions
        self._copies: list[tuple[Any, Any, list[Any]]] = []  # container, copy, its items at first
        self._originals: dict[int, Any] = {}  # by address of a version
        self._shared: list[Any] = []  # containers that were handed on as they are
        self._open: set[int] = set()

    def version(self, x: Any, cls: type) -> Any:
        """A copy of `x` (a list, a tuple, a named one, a dict), or itself where none is needed."""
        if len(x) > _LARGEST or id(x) in self._open:  # it may hold itself
            return x
        self._open.add(id(x))
        items = list(x.values()) if cls is dict else list(x)
        made = [self._versions.version(item) for item in items]
        self._open.discard(id(x))
        if all(map(_is, made, items)):
            self._shared.append(x)
            return x
        self._originals.update({id(new): old for new, old in zip(made, items, strict=True)})
        if issubclass(cls, tuple):
            return cls(made) if cls is tuple else cls(*made)
        copy = dict(zip(x, made, strict=True)) if cls is dict else made[:]
        self._copies.append((x, copy, made))
        return copy

    def write_back(self) -> None:
        """Change the containers whose copies were changed; leave no known arrays in others."""
        for container in self._shared:
            pairs = container.items() if isinstance(container, dict) else enumerate(container)
            for place, item in list(pairs):
                if is_known(item):
                    container[place] = settled(item)
        for container, copy, before in self._copies:
            items = list(copy.values()) if isinstance(copy, dict) else copy
            same = len(items) == len(before) and all(map(_is, items, before))
            if same and (not isinstance(copy, dict) or list(copy) == list(container)):
                continue
            if isinstance(copy, dict):
                found = {key: self.original(value) for key, value in copy.items()}
                container.clear()
                container.update(found)
            else:
                container[:] = map(self.original, items)

    def original(self, x: Any) -> Any:
        """What stands in the user's containers for what stands in a copy."""
        if id(x) in self._originals:
            return self._originals[id(x)]
        return settled(x)


def settled(x: Any) -> Any:
    """`x`, or the ndarray that it holds: known arrays end with the trace."""
    return contents(x).array if is_known(x) else x


_is: Callable[[Any, Any], bool] = lambda x, y: x is y  # noqa: E731
