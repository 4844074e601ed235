"""Training steps that are themselves differentiated."""
