"""What compiled code returns: 0, what a poll said (negative), or an error code.

An error code is one of these kinds, above `STATUS_BITS` the number of the call that failed, and
between them that of the check which an index did not pass, in a kernel that looks up several.
"""

from __future__ import annotations

STATUS_BITS = 12
CHECK_SHIFT = 4
MOST_CHECKS = 15  # from this one on they share a number
INDEX_ERROR = 1  # an index out of range
NO_MEMORY = 2
FAILED = 3  # an algorithm that found no result, as for a singular matrix
