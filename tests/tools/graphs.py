"""Tools that trace a model into a graph, draw it or take features out of it."""
