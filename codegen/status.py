"""What compiled code returns: 0, what a poll said (negative), or an error code.

An error code is one of these kinds, and above `STATUS_BITS` the number of the call that failed.
"""

from __future__ import annotations

STATUS_BITS = 4
INDEX_ERROR = 1  # an index out of range
NO_MEMORY = 2
FAILED = 3  # an algorithm that found no result, as for a singular matrix
