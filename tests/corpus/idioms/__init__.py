"""One habit of Python or NumPy users each: right numbers or a clear error, never a wrong number."""

from __future__ import annotations

from . import aliases, branches, buffers, libraries, questions
from .mutations import MUTATIONS
from .table import IDIOMS

__all__ = ["IDIOMS", "MUTATIONS", "aliases", "branches", "buffers", "libraries", "questions"]
