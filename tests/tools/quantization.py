"""Tools that replace layers by quantised ones, or make them ready for it."""
