"""Whole numbers as they come: one for every axis or one per axis, NumPy's, tensors, torch's symbols."""

from __future__ import annotations

from operator import index
from typing import Any

Axes = tuple[int, ...]
#: One for every axis, or one per axis.
Numbers = int | tuple[int, ...]
Pair = tuple[int, int]
#: What 64 bits hold.
LEAST, LARGEST = -(2**63), 2**63 - 1


def is_int(value: Any) -> bool:
    """An int, or torch's symbolic one, whose value must not be asked for; a bool is neither."""
    return (isinstance(value, int) and not isinstance(value, bool)) or type(value).__name__ == "SymInt"


def read(value: Any) -> Any:
    """An int of any size, or a tuple of such, as torch reads them; None if the value is neither.

    Symbolic ints are ints, numpy's are, tensors of one integer, and a bool behind the first entry of a tuple.
    """
    if not isinstance(value, (tuple, list)):
        return _index(value)
    numbers = tuple(int(v) if n and isinstance(v, bool) else _index(v) for n, v in enumerate(value))
    return None if any(v is None for v in numbers) else numbers


def _index(value: Any) -> Any:
    if is_int(value):
        return value
    try:
        return None if isinstance(value, bool) else index(value)
    except TypeError:
        return None


def whole(value: Any) -> Any:
    """What `read` makes of a value, if each number has 64 bits; else None."""
    if type(value) is int:
        return value if LEAST <= value <= LARGEST else None
    if type(value) is tuple:
        for v in value:
            if type(v) is not int or not LEAST <= v <= LARGEST:
                break
        else:
            return value
    numbers = read(value)
    each = numbers if isinstance(numbers, tuple) else (numbers,)
    return numbers if numbers is not None and all(LEAST <= v <= LARGEST for v in each) else None


def is_pairs(value: Any) -> bool:
    """A tuple of ``(lo, hi)`` pairs, one per axis: manualconv's own way to say one-sided padding."""
    return (
        isinstance(value, (tuple, list))
        and len(value) > 0
        and all(isinstance(v, (tuple, list)) and len(v) == 2 and all(is_int(side) for side in v) for v in value)
    )


def per_axis(value: int | Axes, ndim: int) -> Axes:
    """An int, a tuple of one, or a tuple of `ndim` ints as a tuple of `ndim` ints; anything else is a ValueError."""
    if isinstance(value, (tuple, list)):
        if len(value) == ndim:
            return tuple(value)
        if len(value) == 1:
            return tuple(value) * ndim
        raise ValueError(f"{value} has {len(value)} entries where 1 or {ndim} are needed")
    return (value,) * ndim
