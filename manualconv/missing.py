"""What to say of a name that a module of ours does not have: where it is, or which one was meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def absent(module: str, name: str, what: str, names: Iterable[str], elsewhere: str | None) -> AttributeError:
    """The error for ``module.name``.

    Args:
        module, name: what was asked for.
        what: the rule that it breaks: ``no hand-written layer of that name``.
        names: those that there are.
        elsewhere: where the name stands, a clause; None if nowhere, in torch neither.
    """
    near = get_close_matches(name, list(names), n=3, cutoff=0.7)
    hint = elsewhere or (f"did you mean {' or '.join(near)}?" if near else "nor is it in torch")
    return AttributeError(f"module '{module}' has no attribute {name!r}: {what}; {hint}")
