"""The graph that operations record: nodes, what they save, hooks, modes, views."""
