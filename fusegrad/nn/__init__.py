"""Neural networks: functions, in `nn.functional`."""

from . import functional

__all__ = ["functional"]
