"""Words and numbers of padding, and which positions of a padded axis are the input itself."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from manualconv.geometry import Extension, Once, full_padding, same_padding, sides

KERNEL, DILATION = (4, 3, 1, 6), (1, 2, 3, 3)
SAME = ((1, 2), (2, 2), (0, 0), (7, 8))
FULL = ((3, 3), (4, 4), (0, 0), (15, 15))


def test_same_and_full_by_hand() -> None:
    assert same_padding(KERNEL, DILATION) == SAME
    assert full_padding(KERNEL, DILATION) == FULL


@pytest.mark.parametrize(
    ("padding", "pairs"),
    [
        ("same", SAME),
        ("full", FULL),
        ("valid", ((0, 0),) * 4),
        (3, ((3, 3),) * 4),
        ((3,), ((3, 3),) * 4),
        ([1, 2, 3, 4], ((1, 1), (2, 2), (3, 3), (4, 4))),
        ([[1, 2], (3, 4), (5, -6), (0, 0)], ((1, 2), (3, 4), (5, -6), (0, 0))),
    ],
)
def test_every_spelling(padding: Any, pairs: Any) -> None:
    found = sides(padding, KERNEL, DILATION)
    assert found == pairs
    assert isinstance(found, tuple) and all(type(pair) is tuple for pair in found)


def test_what_is_no_padding_is_refused() -> None:
    with pytest.raises(ValueError, match="'causal' must be 'valid', 'same' or 'full'"):
        sides("causal", (3,), (1,))
    with pytest.raises(ValueError, match=r"\(\(1, 2\),\) has 1 \(lo, hi\) pairs for 2 axes"):
        sides(((1, 2),), (3, 3), (1, 1))
    with pytest.raises(ValueError, match=r"has 3 \(lo, hi\) pairs for 2 axes"):
        sides(((1, 2),) * 3, (3, 3), (1, 1))
    with pytest.raises(ValueError, match="3 entries where 1 or 2 are needed"):
        sides((1, 2, 3), (3, 3), (1, 1))


@pytest.mark.parametrize(("a", "b"), list(product(range(-3, 4), repeat=2)))
@pytest.mark.parametrize("size", [1, 3, 4])
def test_the_input_lies_where_it_is_said_to(size: int, a: int, b: int) -> None:
    extension = Extension((9, size), ((0, 0), (a, b)), "circular")
    assert extension.ndim == 2
    assert extension.output_size == (9, size + a + b)
    (all_kept, kept), (all_copied, copied) = extension.kept, extension.copied
    assert (all_kept, all_copied) == ((0, 9), (0, 9))
    # A position that both sides cut off is cut off once.
    inputs = [i for i in range(size) if i >= -a and i < size + b]
    assert list(range(*kept)) == inputs
    assert list(range(*copied)) == [p for p in range(max(0, size + a + b)) if p - a in inputs]
    if size + max(a, -size) + max(b, -size) < 0:
        assert copied == (0, 0)


def test_what_is_computed_once_is_kept_and_described() -> None:
    extension = Extension((4,), ((1, 2),), "reflect")
    assert extension.copied is extension.copied
    assert {name for name, value in vars(Extension).items() if isinstance(value, Once)} == {
        "output_size",
        "kept",
        "copied",
    }
    assert "P = I + a + b" in (vars(Extension)["output_size"].__doc__ or "")
    with pytest.raises(AttributeError, match="cannot assign"):
        extension.mode = "circular"  # type: ignore[misc]
