"""Object code of modules that are known by their text alone: entries, the code of the threads."""

from __future__ import annotations

from . import cache

MOST_OBJECTS = 64  # objects of entries that are kept


def object_of(text: str, level: int = 0) -> bytes:
    """Object code of a module, by default without optimisation: from the cache, or made now. What
    entries need is kept, as those of other sizes need the same.
    """
    known = _objects.get(text)
    if known is not None:
        return known
    key = cache.key_of("text" if level == 0 else f"text, level {level}", text)
    entry = None if key is None else cache.load(key)
    if entry is not None:
        code = entry.code
    else:
        from . import jit

        code = jit.compile_object(text, level)
        if key is not None:
            cache.store(key, cache.Entry({}, code))
    if level == 0:
        while len(_objects) >= MOST_OBJECTS:
            _objects.pop(next(iter(_objects)), None)
        _objects[text] = code
    return code


_objects: dict[str, bytes] = {}
