"""Entries moved and copied: windows, phases, extensions and memory layouts."""
