"""The conformance suite: what a layer is tried with, and what judges it.

    cases     Hypothesis strategies that read like nouns; needs ``pip install manualconv[testing]``
    judge     how far a float may be from the exact result
    ledger    what was checked, counted where it was checked

Importing this package loads none of them, nor Hypothesis, NumPy or pytest: import a room by its name.

Words: docs/GLOSSARY.md.
"""
