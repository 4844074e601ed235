"""Tools that search for inputs which a network gets wrong."""
