"""The op table, by family. Importing this package fills `TABLE`."""

from . import (
    arithmetic,
    contraction,
    elementary,
    factorisation,
    indexing,
    logic,
    reduction,
    rounding,
    slicing,
    sorting,
    source,
    special,
    spectral,
    structure,
)

__all__ = [
    "arithmetic",
    "contraction",
    "elementary",
    "factorisation",
    "indexing",
    "logic",
    "reduction",
    "rounding",
    "slicing",
    "sorting",
    "source",
    "special",
    "spectral",
    "structure",
]
