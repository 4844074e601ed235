"""Digits drawn in fonts, as a stranger would photograph them."""
