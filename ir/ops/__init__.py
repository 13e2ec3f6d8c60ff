"""The op table, by family. Importing this package fills `TABLE`."""

from . import (
    arithmetic,
    contraction,
    elementary,
    indexing,
    logic,
    reduction,
    rounding,
    slicing,
    source,
    special,
    structure,
)

__all__ = [
    "arithmetic",
    "contraction",
    "elementary",
    "indexing",
    "logic",
    "reduction",
    "rounding",
    "slicing",
    "source",
    "special",
    "structure",
]
