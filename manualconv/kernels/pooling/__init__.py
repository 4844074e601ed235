"""Sums, means and maxima of windows and of intervals, and what selects and scatters by index."""
