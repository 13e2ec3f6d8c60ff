"""Special functions under the names of PyTorch's `torch.special`.

>>> import numpy as np
>>> float(expit(np.array(0.0)))
0.5
"""

from __future__ import annotations

from .runtime.eager.activations import log_softmax, softmax
from .runtime.eager.elementary import (
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
from .runtime.eager.elementary import sigmoid as expit
from .runtime.eager.functions import (
    exp2,
    expm1,
    log1p,
    round,  # noqa: A004
)
from .runtime.eager.reductions import logsumexp

__all__ = [
    "digamma",
    "entr",
    "erf",
    "erfc",
    "exp2",
    "expit",
    "expm1",
    "gammaln",
    "log1p",
    "log_ndtr",
    "log_softmax",
    "logit",
    "logsumexp",
    "ndtr",
    "polygamma",
    "psi",
    "round",
    "sinc",
    "softmax",
    "xlog1py",
    "xlogy",
]
