"""`record`: a small frozen class, as `dataclass(frozen=True, slots=True)` makes it, but made
quickly.

The standard decorator writes and compiles source for each class, about a millisecond each; with
some sixty classes that was a good part of the time to the first gradient. This one builds the
methods as closures.
"""

from __future__ import annotations

from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")
_MISSING: Any = object()


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """Make a frozen class of the annotated fields of `cls`, in their order.

    Fields may have defaults. A method `__post_init__` runs after the fields are set; methods that
    the class defines itself (`__eq__`, `__repr__` …) stay. Instances compare and hash by their
    fields.
    """
    annotations = getattr(cls, "__annotations__", {})
    fields = tuple(annotations)
    defaults = {name: cls.__dict__[name] for name in fields if name in cls.__dict__}
    own = {k: v for k, v in cls.__dict__.items() if k not in (*fields, "__dict__", "__weakref__")}
    made = _methods(fields, defaults, "__post_init__" in own)
    body = {**made, **{k: v for k, v in own.items() if k != "__annotations__"}}
    body |= {"__annotations__": annotations, "__slots__": fields, "__match_args__": fields}
    made_class: Any = type(cls)
    return made_class(cls.__name__, cls.__bases__, body)


@dataclass_transform(frozen_default=True, eq_default=False)
def identity_record(cls: type[T]) -> type[T]:
    """`record`, but instances are equal only to themselves."""
    made = record(cls)
    made.__eq__ = object.__eq__  # type: ignore[method-assign]
    made.__hash__ = object.__hash__  # type: ignore[method-assign]
    return made


def _methods(fields: tuple[str, ...], defaults: dict[str, Any], finishes: bool) -> dict[str, Any]:
    put = object.__setattr__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        if len(args) != len(fields):
            args = _complete(type(self).__name__, fields, defaults, args, kwargs)
        elif kwargs:
            raise TypeError(
                f"{type(self).__name__}() got {sorted(kwargs)} twice, or does not know it"
            )
        for name, value in zip(fields, args, strict=True):
            put(self, name, value)
        if finishes:
            self.__post_init__()

    return {"__init__": init, **_comparisons(fields)}


def _comparisons(fields: tuple[str, ...]) -> dict[str, Any]:
    def values(self: Any) -> tuple[Any, ...]:
        return tuple([getattr(self, name) for name in fields])

    def equals(self: Any, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return values(self) == values(other)

    def represent(self: Any) -> str:
        inside = ", ".join(f"{name}={getattr(self, name)!r}" for name in fields)
        return f"{type(self).__name__}({inside})"

    def refuse(self: Any, name: str, value: Any = None) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} can't be set")

    return {
        "__eq__": equals,
        "__hash__": lambda self: hash(values(self)),
        "__repr__": represent,
        "__setattr__": refuse,
        "__delattr__": refuse,
        "__reduce__": lambda self: (type(self), values(self)),
    }


def _complete(
    name: str,
    fields: tuple[str, ...],
    defaults: dict[str, Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> tuple[Any, ...]:
    """All field values in order, from positions, keywords and defaults; or TypeError."""
    given = dict(zip(fields, args, strict=False))
    if len(args) > len(fields) or given.keys() & kwargs.keys() or kwargs.keys() - set(fields):
        raise TypeError(f"{name}() takes the fields {', '.join(fields)}, once each")
    values = tuple([given.get(f, kwargs.get(f, defaults.get(f, _MISSING))) for f in fields])
    missing = [f for f, value in zip(fields, values, strict=True) if value is _MISSING]
    if missing:
        raise TypeError(f"{name}() lacks {', '.join(missing)}")
    return values
