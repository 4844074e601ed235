"""Layers on paper: each sum computed again."""
