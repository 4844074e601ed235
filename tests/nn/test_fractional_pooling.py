"""The fractional pooling modules: torch's arguments, samples and repr; our arithmetic."""

from typing import Any

import pytest
import torch

from manualconv import nn
from tests.layers import spread_out
from tests.nn.twin import alike, twins


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize(
    "options", [{"output_size": 3}, {"output_ratio": 0.5}, {"output_size": 2, "return_indices": True}]
)
def test_from_equal_seeds_a_module_computes_what_torch_s_does(ndim: int, options: dict[str, Any]) -> None:
    modules, drawn = twins(f"FractionalMaxPool{ndim}d", 2, **options), []
    for module in modules:
        alike((module, modules[1]), spread_out((2, 3, 7, 6, 6)[: ndim + 2]))
        drawn.append(torch.rand(()))
    assert drawn[0] == drawn[1]


def test_samples_given_are_kept_as_torch_keeps_them() -> None:
    samples = torch.rand(1, 3, 2)
    ours, theirs = (library.FractionalMaxPool2d(2, 3, _random_samples=samples) for library in (nn, torch.nn))
    assert list(ours.state_dict()) == list(theirs.state_dict()) == ["_random_samples"]
    x = torch.randn(3, 7, 6)
    assert torch.equal(ours(x), theirs(x))
    assert torch.equal(ours(x), ours(x))
