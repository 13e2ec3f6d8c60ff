"""From outputs to leaves: the engine, its short ways, `Function`, Jacobians, checks."""
