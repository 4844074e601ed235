"""A name from a list, or a sentence with the nearest ones.  No torch."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def known(name: str, names: Iterable[str], what: str) -> str:
    """The name, if it is one of these.

    Raises:
        ValueError: it is none; the nearest are named, or all of them.
    """
    every = list(names)
    if name in every:
        return name
    near = get_close_matches(name, every, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(every)}"
    raise ValueError(f"no {what} is called {name!r}; {hint}")
