"""Collections of ready-made networks."""
