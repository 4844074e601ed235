"""A private name of torch's, and what does without it.

Each is optional: a release without it costs what the name was for, never the import.  What does without a name stands
beside it: a slower way to the same numbers where there is one, else one sentence when the feature is used.
"""

from __future__ import annotations

from typing import Any

import torch

#: Every private name that was asked for, and whether this torch has it.
ASKED: dict[str, bool] = {}
#: Those that nothing can stand in for, and what each is for.
NEEDED: dict[str, str] = {}


def private(dotted: str, otherwise: Any = None) -> Any:
    """A private name of torch's, or what does without it."""
    found: Any = torch
    try:
        for name in dotted.split(".")[1:]:
            found = getattr(found, name)
    except AttributeError:
        found = otherwise
    ASKED[dotted] = found is not otherwise
    return found


def needed(dotted: str, feature: str) -> Any:
    """A private name that nothing can stand in for: without it, a function that says so when the feature is used."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise RuntimeError(
            f"{feature} needs {dotted}, which torch {torch.__version__} does not have; "
            "install the torch release that manualconv is tested with"
        )

    NEEDED[dotted] = feature
    return private(dotted, refuse)
