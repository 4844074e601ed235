"""Batch and instance normalisation: torch.nn's modules with our arithmetic.

Parameters, buffers, initialisation, state_dict and repr are torch's; ``num_batches_tracked`` counts as torch's does.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from manualconv import functional


def _normalized(module: Any, input: Tensor) -> Tensor:
    """Batch normalisation by the module's numbers and the input's own statistics in training or where none are kept."""
    module._check_input_dim(input)
    kept = not module.training or module.track_running_stats
    share = 0.0 if module.momentum is None else module.momentum
    if module.training and module.track_running_stats and module.num_batches_tracked is not None:
        module.num_batches_tracked.add_(1)
        if module.momentum is None:
            # The plain mean of all batches so far.
            share = 1.0 / float(module.num_batches_tracked)
    return functional.batch_norm(
        input,
        module.running_mean if kept else None,
        module.running_var if kept else None,
        module.weight,
        module.bias,
        module.training or (module.running_mean is None and module.running_var is None),
        share,
        module.eps,
    )


def _normalized_alone(module: Any, input: Tensor) -> Tensor:
    """Instance normalisation with the module's numbers."""
    return functional.instance_norm(
        input,
        module.running_mean,
        module.running_var,
        module.weight,
        module.bias,
        module.training or not module.track_running_stats,
        module.momentum if module.momentum is not None else 0.0,
        module.eps,
    )


class BatchNorm1d(torch.nn.BatchNorm1d):
    """torch.nn.BatchNorm1d, right at every order of derivative: ``(N, C)`` or ``(N, C, L)`` in and out."""

    def forward(self, input: Tensor) -> Tensor:
        """``γ·x̂ + β``."""
        return _normalized(self, input)


class BatchNorm2d(torch.nn.BatchNorm2d):
    """torch.nn.BatchNorm2d, right at every order of derivative: ``(N, C, H, W)`` in and out."""

    def forward(self, input: Tensor) -> Tensor:
        """``γ·x̂ + β``."""
        return _normalized(self, input)


class BatchNorm3d(torch.nn.BatchNorm3d):
    """torch.nn.BatchNorm3d, right at every order of derivative: ``(N, C, D, H, W)`` in and out."""

    def forward(self, input: Tensor) -> Tensor:
        """``γ·x̂ + β``."""
        return _normalized(self, input)


class LazyBatchNorm1d(torch.nn.LazyBatchNorm1d, BatchNorm1d):
    """A BatchNorm1d that takes its num_features from the first input, and is then a plain one of ours."""

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(torch.nn.LazyBatchNorm2d, BatchNorm2d):
    """A BatchNorm2d that takes its num_features from the first input, and is then a plain one of ours."""

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(torch.nn.LazyBatchNorm3d, BatchNorm3d):
    """A BatchNorm3d that takes its num_features from the first input, and is then a plain one of ours."""

    cls_to_become = BatchNorm3d


class InstanceNorm1d(torch.nn.InstanceNorm1d):
    """torch.nn.InstanceNorm1d by hand: ``(C, L)`` or ``(N, C, L)`` in and out."""

    def _apply_instance_norm(self, input: Tensor) -> Tensor:
        return _normalized_alone(self, input)


class InstanceNorm2d(torch.nn.InstanceNorm2d):
    """torch.nn.InstanceNorm2d by hand: ``(C, H, W)`` or ``(N, C, H, W)`` in and out."""

    def _apply_instance_norm(self, input: Tensor) -> Tensor:
        return _normalized_alone(self, input)


class InstanceNorm3d(torch.nn.InstanceNorm3d):
    """torch.nn.InstanceNorm3d by hand: ``(C, D, H, W)`` or ``(N, C, D, H, W)`` in and out."""

    def _apply_instance_norm(self, input: Tensor) -> Tensor:
        return _normalized_alone(self, input)


class LazyInstanceNorm1d(torch.nn.LazyInstanceNorm1d, InstanceNorm1d):
    """An InstanceNorm1d that takes its num_features from the first input, and is then a plain one of ours."""

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(torch.nn.LazyInstanceNorm2d, InstanceNorm2d):
    """An InstanceNorm2d that takes its num_features from the first input, and is then a plain one of ours."""

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(torch.nn.LazyInstanceNorm3d, InstanceNorm3d):
    """An InstanceNorm3d that takes its num_features from the first input, and is then a plain one of ours."""

    cls_to_become = InstanceNorm3d
