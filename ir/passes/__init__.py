"""Passes: pure functions from graph to graph. `pipeline` says in which order they run."""
