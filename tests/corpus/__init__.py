"""Two hundred functions in plain NumPy, written as people write them, and their derivatives."""

from __future__ import annotations

from . import control, finance, learning, optimisation, physics, signals, simulation, statistics
from .registry import Entry

MODULES = (statistics, physics, learning, signals, finance, optimisation, simulation, control)
ENTRIES: dict[str, Entry] = {entry.name: entry for module in MODULES for entry in module.TABLE}
