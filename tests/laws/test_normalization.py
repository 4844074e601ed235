"""The bound of float32 of every normalisation."""

from __future__ import annotations

import pytest
import torch

from manualconv import functional


@pytest.mark.parametrize("mean", [0.0, 1.0, 1e2, 1e4])
@pytest.mark.parametrize("name", ["batch_norm", "instance_norm", "layer_norm", "group_norm"])
def test_the_error_of_float32_is_that_of_rounding_the_input(name: str, mean: float) -> None:
    """At most ``32·u·(1 + |mean|/std)``."""
    x = (mean + torch.randn(8, 4, 6, 5, generator=torch.Generator().manual_seed(int(mean)))).float()
    layer = {
        "batch_norm": lambda x: functional.batch_norm(x, None, None, training=True),
        "instance_norm": functional.instance_norm,
        "layer_norm": lambda x: functional.layer_norm(x, (6, 5)),
        "group_norm": lambda x: functional.group_norm(x, 2),
    }[name]
    assert (layer(x).double() - layer(x.double())).abs().max() <= 32 * 2.0**-24 * (1 + mean)
