"""The adaptive pooling modules: torch's arguments and repr; our arithmetic."""

from typing import Any

import pytest
import torch

from manualconv import nn

SHAPES = {1: (2, 3, 7), 2: (2, 3, 7, 5), 3: (2, 3, 7, 5, 4)}
SIZES = {1: (1, 3), 2: (1, (3, None), (4, 2)), 3: (1, (3, None, 2))}
EACH = [
    (f"Adaptive{kind}Pool{ndim}d", ndim, size)
    for kind in ("Avg", "Max")
    for ndim, sizes in SIZES.items()
    for size in sizes
]


@pytest.mark.parametrize(("name", "ndim", "size"), EACH)
def test_a_module_computes_what_torch_s_does_and_prints_as_it(name: str, ndim: int, size: Any) -> None:
    ours, theirs = (getattr(library, name)(size) for library in (nn, torch.nn))
    assert isinstance(ours, type(theirs))
    assert repr(ours) == repr(theirs)
    assert not ours.state_dict()
    x = torch.randn(SHAPES[ndim], generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-14, atol=1e-14)


def test_pooling_to_the_size_that_is_there_is_a_copy() -> None:
    x = torch.ones(1, 1, 2, 2)
    y = nn.AdaptiveAvgPool2d(2)(x)
    assert torch.equal(y, x)
    assert y.data_ptr() != x.data_ptr()


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_the_places_of_the_maxima_are_given_if_asked_for(ndim: int) -> None:
    x = torch.randint(0, 3, SHAPES[ndim], generator=torch.Generator().manual_seed(0)).double()
    ours, theirs = (getattr(library, f"AdaptiveMaxPool{ndim}d")(3, return_indices=True) for library in (nn, torch.nn))
    assert all(map(torch.equal, ours(x), theirs(x)))
