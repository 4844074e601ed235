"""Sizes, forward and back."""
