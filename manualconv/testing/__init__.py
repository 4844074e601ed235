"""The conformance suite: what a layer is tried with, and what judges it.

    cases     Hypothesis strategies that read like nouns; needs ``pip install '.[testing]'`` in the clone
    laws      what holds of every right implementation of a family, and implementations that are right
    referee   torch's own layers, given the same description
    judge     how far a float may be from the exact result
    ledger    what was checked, counted where it was checked
    examiner  ``manualconv check``: an implementation that somebody else wrote, examined by all of these
    Pair      a forward and a backward pass in NumPy, to be examined
    exhaustive_basis  a proof of a (bi)linear layer in one small configuration
    plugin    ``pytest --manualconv-impl``: an examination as tests

Importing this package loads none of them, nor Hypothesis, NumPy or pytest: import a room by its name.

Words: docs/GLOSSARY.md.
"""

from typing import TYPE_CHECKING, Any

from manualconv.testing.pair import Pair as Pair

if TYPE_CHECKING:
    from manualconv.testing.exhaustive import exhaustive_basis as exhaustive_basis


def __getattr__(name: str) -> Any:
    if name == "exhaustive_basis":  # with torch and NumPy
        from manualconv.testing.exhaustive import exhaustive_basis

        return exhaustive_basis
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
