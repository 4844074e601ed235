"""The intervals of adaptive pooling, counted one by one."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import ceil, floor
from typing import Any

import pytest

from manualconv.geometry import Intervals, divides, longest

SIZES = list(product(range(1, 13), repeat=2))


class Symbol:
    """A size that is not known: a multiple of one, and nothing else may be asked."""

    __hash__ = None  # type: ignore[assignment]

    def __mod__(self, parts: int) -> int:
        assert parts == 1
        return 0

    def __eq__(self, other: object) -> bool:
        raise AssertionError("the graph would be pinned to the answer")


def lengths(length: int, parts: int) -> list[int]:
    """How long each interval is, by the rule."""
    ends = [(Fraction(p * length, parts), Fraction((p + 1) * length, parts)) for p in range(parts)]
    return [ceil(end) - floor(start) for start, end in ends]


@pytest.mark.parametrize(("length", "parts"), SIZES)
def test_no_interval_is_longer_than_the_longest(length: int, parts: int) -> None:
    most = max(lengths(length, parts))
    assert most <= longest(length, parts)
    if length % parts == 0:
        assert longest(length, parts) == most == length // parts
    else:
        assert longest(length, parts) == ceil(Fraction(length, parts)) + 1


@pytest.mark.parametrize(("length", "parts"), SIZES)
def test_what_divides(length: int, parts: int) -> None:
    assert divides(parts, length) is (length % parts == 0)
    intervals = Intervals((length, 12), (parts, 3))
    assert intervals.is_even is (length % parts == 0)
    assert Intervals((12, length), (3, parts)).is_even is (length % parts == 0)


def test_of_an_unknown_size_only_one_part_is_known() -> None:
    size: Any = Symbol()
    assert divides(1, size) is True
    assert divides(2, size) is False
    assert divides(0, size) is False
    assert divides(size, 4) is False
    assert not Intervals((size,), (2,)).is_even
    assert not Intervals((size,), (2,)).is_empty
    assert Intervals((size, 0), (2, 2)).is_empty


@pytest.mark.parametrize(
    ("sizes", "parts", "empty", "whole"),
    [
        ((4, 5), (2, 1), False, False),
        ((4, 5), (1, 1), False, True),
        ((4, 5), (2, 2), False, False),
        ((4, 0), (1, 1), True, True),
        ((0, 4), (1, 2), True, False),
        ((4, 4), (1, 0), True, False),
        ((1, 1), (0, 1), True, False),
    ],
)
def test_empty_and_whole_axes(sizes: tuple[int, ...], parts: tuple[int, ...], empty: bool, whole: bool) -> None:
    intervals = Intervals(sizes, parts)
    assert intervals.ndim == 2
    assert intervals.is_empty is empty
    assert intervals.is_global is whole


@pytest.mark.parametrize("layout", [False, True])
def test_read_backwards_only_the_sizes_change_places(layout: bool) -> None:
    intervals = Intervals((4, 5, 6), (2, 3, 1), layout)
    assert intervals.reversed() == Intervals((2, 3, 1), (4, 5, 6), layout)
    assert Intervals((4,), (2,)).channels_last is False


def test_intervals_are_frozen_and_hashable() -> None:
    intervals = Intervals((4,), (2,))
    assert hash(intervals) == hash(Intervals((4,), (2,)))
    with pytest.raises(AttributeError, match="cannot assign"):
        intervals.input_size = (3,)  # type: ignore[misc]
