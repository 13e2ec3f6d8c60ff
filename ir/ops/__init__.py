"""The op table, by family. Importing this package fills `TABLE`."""

from . import (
    arithmetic,
    composed,
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
    update,
)

__all__ = [
    "arithmetic",
    "composed",
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
    "update",
]
