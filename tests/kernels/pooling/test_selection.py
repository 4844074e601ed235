"""Select and scatter: values, sums where places coincide, and the adjoint law."""

from unittest import mock

import torch
from hypothesis import given
from hypothesis import strategies as st

from manualconv.definitions import indices
from manualconv.kernels.pooling import selection
from manualconv.kernels.pooling.selection import _add_in_order, _add_sorted, scatter, select
from manualconv.testing.cases.tensors import LAYOUTS, filled, laid_out

SIZES = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)


@given(lead=SIZES, source=SIZES, seed=st.integers(0, 999), layout=st.sampled_from(LAYOUTS[:3]), data=st.data())
def test_select_reads_and_scatter_adds(
    lead: tuple[int, ...], source: tuple[int, ...], seed: int, layout: str, data: st.DataObject
) -> None:
    axes = len(source)
    target = data.draw(st.lists(st.integers(0, 4), min_size=axes, max_size=axes).map(tuple))
    generator = torch.Generator().manual_seed(seed)
    x = laid_out(filled("small", (*lead, *source), generator), layout)
    y = laid_out(filled("small", (*lead, *target), generator), layout)
    total = torch.Size(source).numel()
    index = laid_out(torch.randint(total, (*lead, *target), generator=generator), layout)
    read, added = torch.zeros_like(y), torch.zeros_like(x)
    for b in indices(lead):
        for p in indices(target):
            i = tuple(map(int, torch.unravel_index(index[b + p], source)))
            read[b + p] = x[b + i]
            added[b + i] += y[b + p]
    assert torch.equal(select(x, index, axes), read)
    assert torch.equal(scatter(y, index, source), added)
    with mock.patch.object(selection, "_add_in_order", _add_sorted):  # as on other devices
        assert torch.equal(scatter(y, index, source), added)
    assert (select(x, index, axes) * y).sum() == (x * scatter(y, index, source)).sum()


def test_sorted_as_on_a_graphics_card_the_terms_add_up_in_the_same_order() -> None:
    """Forty float32 terms a place: another order would show."""
    generator = torch.Generator().manual_seed(0)
    y, index = torch.randn(3, 2, 400, generator=generator), torch.randint(10, (3, 2, 400), generator=generator)
    expected = _add_in_order((3, 2, 12), index, y)
    assert not torch.equal(expected, _add_in_order((3, 2, 12), index.flip(-1), y.flip(-1)))
    assert torch.equal(_add_sorted((3, 2, 12), index, y), expected)
    assert not expected[..., 10:].any()
