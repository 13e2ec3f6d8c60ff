"""A compiled function's call without compiling: the user's function on eager arrays."""
