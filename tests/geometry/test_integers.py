"""Which values are whole numbers, and what 64 bits hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from manualconv.geometry import LARGEST, LEAST, is_int, is_pairs, per_axis, read, whole


class SymInt:
    """As torch's symbol: an int by its name alone, which compares but has no value."""

    def __le__(self, other: int) -> bool:
        return other == LARGEST

    def __ge__(self, other: int) -> bool:
        return other == LEAST


SYMBOL = SymInt()


def test_64_bits_hold_what_torch_s_int64_holds() -> None:
    info = torch.iinfo(torch.int64)
    assert (info.min, info.max) == (LEAST, LARGEST)
    assert type(LEAST) is type(LARGEST) is int


@pytest.mark.parametrize("value", [0, -3, 2**80, SYMBOL])
def test_an_int_and_a_symbol_are_ints(value: Any) -> None:
    assert is_int(value) is True


@pytest.mark.parametrize("value", [True, False, 3.0, "3", None, (3,), np.int64(3)])
def test_nothing_else_is_an_int(value: Any) -> None:
    assert is_int(value) is False


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (5, 5),
        (SYMBOL, SYMBOL),
        (np.int64(3), 3),
        (torch.tensor(3), 3),
        (torch.tensor([4]), 4),
        ((), ()),
        ((1, 2), (1, 2)),
        ([1, np.int32(2), torch.tensor(3)], (1, 2, 3)),
        ((1, True, False), (1, 1, 0)),
        ((1, SYMBOL), (1, SYMBOL)),
    ],
)
def test_what_is_read_as_whole_numbers(value: Any, number: Any) -> None:
    for found in (read(value), whole(value)):
        assert found == number
        each = found if isinstance(found, tuple) else (found,)
        assert all(type(v) in (int, SymInt) for v in each)


@pytest.mark.parametrize(
    "value", [True, 2.0, "3", None, (True, 1), (1, 2.0), (1, None), (2.0, 1), ((1, 2),), torch.tensor([1, 2])]
)
def test_what_is_not(value: Any) -> None:
    assert read(value) is None
    assert whole(value) is None


@pytest.mark.parametrize("number", [LEAST, -1, 0, LARGEST])
@pytest.mark.parametrize("pack", [int, lambda n: (0, n, 1), lambda n: [0, n], np.int64, lambda n: (np.int64(n), n)])
def test_numbers_of_64_bits_are_whole(number: int, pack: Any) -> None:
    value = pack(number)
    assert whole(value) == (tuple(value) if isinstance(value, (tuple, list)) else value)
    if type(value) in (int, tuple) and type(value if type(value) is int else value[0]) is int:
        assert whole(value) is value


@pytest.mark.parametrize("number", [LEAST - 1, LARGEST + 1, 2**90])
@pytest.mark.parametrize("pack", [int, lambda n: (0, n, 1), lambda n: (n, 0), lambda n: [0, n]])
def test_larger_ones_are_not(number: int, pack: Any) -> None:
    assert whole(pack(number)) is None
    assert read(pack(number)) == (tuple(pack(number)) if pack is not int else number)


@pytest.mark.parametrize("value", [((1, 2),), [[1, 2], [0, -3]], ((1, 2), [3, 4]), ((SYMBOL, 0),)])
def test_pairs(value: Any) -> None:
    assert is_pairs(value) is True


@pytest.mark.parametrize(
    "value",
    [
        (),
        [],
        5,
        "ab",
        None,
        {(1, 2)},
        (1, 2),
        ((1, 2), 3),
        ((1,),),
        ((1, 2, 3),),
        ((),),
        ((1, 2.0),),
        ((True, 1),),
        ("ab",),
    ],
)
def test_no_pairs(value: Any) -> None:
    assert is_pairs(value) is False


@pytest.mark.parametrize(("value", "ndim"), [((1, 2), 2), ([1, 2], 2), ((7,), 1), ((), 0), ((1, 2, 3), 3)])
def test_as_many_numbers_as_axes_are_taken_as_they_are(value: Any, ndim: int) -> None:
    assert per_axis(value, ndim) == tuple(value)


@pytest.mark.parametrize(("value", "ndim"), [((1, 2), 1), ((1, 2), 3), ((), 1), ((1, 2, 3), 2)])
def test_any_other_number_is_refused(value: Any, ndim: int) -> None:
    with pytest.raises(ValueError, match=f"has {len(value)} entries where 1 or {ndim} are needed"):
        per_axis(value, ndim)
