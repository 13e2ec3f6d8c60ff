"""Re-rolling: the steps of a Python loop, which tracing wrote out, as one `scan` again.

periods   where a graph repeats itself
steps     what a step of a repetition reads, and which of it is used afterwards
write     the graph with the loop in its place
"""

from .roll import reroll

__all__ = ["reroll"]
