"""Compiled functions: signatures, guards, dispatch, and what a user can look at."""
