"""Tools that count operations, parameters and shapes."""
