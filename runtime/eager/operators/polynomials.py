"""Orthogonal polynomials and the zeta function, under the names of PyTorch's `torch.special`.

PyTorch does not differentiate the polynomials; here they are differentiated as every composition.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ....ir.functions import polynomial
from ..apply.adapters import aligned
from ..apply.dispatch import is_tensor_like, refusal, traced
from ..apply.operands import as_operand, call, floating
from .elementary import _of_two, sinc

_FAMILIES = """
    chebyshev_polynomial_t chebyshev_polynomial_u chebyshev_polynomial_v chebyshev_polynomial_w
    hermite_polynomial_h hermite_polynomial_he laguerre_polynomial_l legendre_polynomial_p
    shifted_chebyshev_polynomial_t shifted_chebyshev_polynomial_u shifted_chebyshev_polynomial_v
    shifted_chebyshev_polynomial_w
"""

__all__: list[str] = ["spherical_bessel_j0", "zeta", *_FAMILIES.split()]

zeta = _of_two("zeta", polynomial.zeta, "SpecialZetaBackward0")


def spherical_bessel_j0(x: Any) -> Any:
    """sin x / x."""
    (x,) = floating(as_operand(x))
    return sinc(x * (1 / math.pi))


def _polynomial(name: str) -> Callable[..., Any]:
    family = name.removeprefix("shifted_").replace("_polynomial", "")
    words = "".join(word.capitalize() for word in name.split("_"))
    static: dict[str, Any] = {"family": family, "shifted": name.startswith("shifted_")}
    static["title"] = f"Special{words}Backward0"

    def run(x: Any, n: Any) -> Any:
        if traced((n,)) is not None:
            raise refusal(f"special.{name} of a degree that is traced", "a Python int")
        (x,) = floating(as_operand(x))
        degrees = np.trunc(np.asarray(n._data if is_tensor_like(n) else n)).astype(np.int64)
        highest = int(degrees.max(initial=-1))
        if not degrees.ndim:
            return call(name, polynomial.polynomial, x, highest=highest, **static)
        of: dict[str, Any] = {"of": polynomial.polynomial, "highest": highest}
        return call(name, aligned, x, degrees, **of, **static)

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"The polynomial of degree n at x: {family.replace('_', ', ')}."
    return run


for _name in _FAMILIES.split():
    globals()[_name] = _polynomial(_name)
