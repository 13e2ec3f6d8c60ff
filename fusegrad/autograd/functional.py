"""Products with Jacobians and Hessians of functions of tensors, and these matrices themselves."""

from __future__ import annotations

from ..runtime.eager.backward.functional import hessian, hvp, jacobian, jvp, vhp, vjp

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]
