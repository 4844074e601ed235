"""A name from a list, or a sentence with the nearest ones.  No torch."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from manualconv.explain.text import some

#: How many names are listed where none is near.
LISTED = 16


def known(name: str, names: Iterable[str], what: str) -> str:
    """The name, if it is one of these.

    Raises:
        ValueError: it is none; the nearest are named, or the first of them.
    """
    every = list(names)
    if name not in every:
        raise unknown(name, every, what)
    return name


def unknown(name: str, names: Iterable[str], what: str) -> ValueError:
    """What is said of a name that is none of these."""
    every = list(dict.fromkeys(names))
    near = get_close_matches(name, every, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {some(every, LISTED)}"
    return ValueError(f"no {what} is called {name!r}; {hint}")
