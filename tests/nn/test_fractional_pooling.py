"""The fractional pooling modules: torch's arguments, samples and repr; our arithmetic."""

from typing import Any

import pytest
import torch

from manualconv import nn

SHAPES = {2: (2, 3, 7, 6), 3: (2, 3, 7, 6, 6)}


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize(
    "options", [{"output_size": 3}, {"output_ratio": 0.5}, {"output_size": 2, "return_indices": True}]
)
def test_from_equal_seeds_a_module_computes_what_torch_s_does(ndim: int, options: dict[str, Any]) -> None:
    results = []
    for library in (nn, torch.nn):
        module = getattr(library, f"FractionalMaxPool{ndim}d")(2, **options)
        x = torch.randn(SHAPES[ndim], generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        torch.manual_seed(3)
        y = module(x)
        results.append((repr(module), len(module.state_dict()), torch.rand(()), y if isinstance(y, tuple) else (y,)))
    ours, theirs = results
    assert ours[:3] == theirs[:3]
    assert all(map(torch.equal, ours[3], theirs[3]))


def test_samples_given_are_kept_as_torch_keeps_them() -> None:
    samples = torch.rand(1, 3, 2)
    ours, theirs = (library.FractionalMaxPool2d(2, 3, _random_samples=samples) for library in (nn, torch.nn))
    assert list(ours.state_dict()) == list(theirs.state_dict()) == ["_random_samples"]
    x = torch.randn(3, 7, 6)
    assert torch.equal(ours(x), theirs(x))
    assert torch.equal(ours(x), ours(x))
