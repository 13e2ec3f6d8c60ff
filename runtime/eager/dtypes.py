"""Dtypes under PyTorch's names; they are NumPy's."""

from __future__ import annotations

import numpy as np

__all__ = ["bool", "float32", "float64", "int32", "int64"]

bool = np.dtype(np.bool_)
float32 = np.dtype(np.float32)
float64 = np.dtype(np.float64)
int32 = np.dtype(np.int32)
int64 = np.dtype(np.int64)
