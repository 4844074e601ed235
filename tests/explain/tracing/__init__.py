"""Traces: their sums by the laws, their words by reading them."""
