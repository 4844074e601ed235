"""Flatten: torch's module."""

import torch

from manualconv import nn


def test_feature_maps_become_vectors() -> None:
    x = torch.arange(24.0).reshape(2, 3, 2, 2)
    assert torch.equal(nn.Flatten()(x), x.reshape(2, 12))
    assert torch.equal(nn.Flatten(2)(x), torch.nn.Flatten(2)(x))
    assert repr(nn.Flatten(2)) == repr(torch.nn.Flatten(2))
