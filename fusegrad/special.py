"""Special functions under the names of PyTorch's `torch.special`.

>>> import numpy as np
>>> float(expit(np.array(0.0)))
0.5
"""

from __future__ import annotations

from .runtime.eager.functions import (
    exp2,
    expm1,
    log1p,
    round,  # noqa: A004
)
from .runtime.eager.operators import polynomials
from .runtime.eager.operators.activations import log_softmax, softmax
from .runtime.eager.operators.elementary import (
    digamma,
    entr,
    erf,
    erfc,
    gammaln,
    log_ndtr,
    logit,
    ndtr,
    polygamma,
    psi,
    sinc,
    xlog1py,
    xlogy,
)
from .runtime.eager.operators.elementary import sigmoid as expit
from .runtime.eager.operators.polynomials import *  # noqa: F403
from .runtime.eager.operators.reductions import logsumexp
from .runtime.eager.operators.special import (
    bessel_j0,
    bessel_j1,
    bessel_y0,
    bessel_y1,
    erfcx,
    erfinv,
    gammainc,
    gammaincc,
    i0,
    i0e,
    i1,
    i1e,
    modified_bessel_i0,
    modified_bessel_i1,
    modified_bessel_k0,
    modified_bessel_k1,
    multigammaln,
    ndtri,
    scaled_modified_bessel_k0,
    scaled_modified_bessel_k1,
)

__all__ = [
    "bessel_j0",
    "bessel_j1",
    "bessel_y0",
    "bessel_y1",
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfcx",
    "erfinv",
    "exp2",
    "expit",
    "expm1",
    "gammainc",
    "gammaincc",
    "gammaln",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "log1p",
    "log_ndtr",
    "log_softmax",
    "logit",
    "logsumexp",
    "modified_bessel_i0",
    "modified_bessel_i1",
    "modified_bessel_k0",
    "modified_bessel_k1",
    "multigammaln",
    "ndtr",
    "ndtri",
    "polygamma",
    "psi",
    "round",
    "scaled_modified_bessel_k0",
    "scaled_modified_bessel_k1",
    "sinc",
    "softmax",
    "xlog1py",
    "xlogy",
]
__all__ += polynomials.__all__
