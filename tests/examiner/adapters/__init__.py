"""Implementations that other people wrote, each with an adapter of at most 15 lines."""
