"""torch's names of batch, instance, layer, group and local response normalisation."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import functional
from manualconv.functional.batch_normalization import normalized_by_channel, normalized_by_instance
from manualconv.functional.normalization import normalized_by_group
from manualconv.functional.overrides import asking
from manualconv.swap.table.spelling import Operation


def _batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Any:
    return normalized_by_channel(input, weight, bias, running_mean, running_var, training, momentum, eps)


def _instance_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Any:
    return normalized_by_instance(input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps)


def _layer_norm(
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Any:
    return functional.layer_norm(input, normalized_shape, weight, bias, eps)


def _group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Any:
    return normalized_by_group(input, num_groups, weight, bias, eps)


TABLE: dict[Operation, Operation] = {
    F.batch_norm: functional.batch_norm,
    torch.batch_norm: asking(_batch_norm, torch.batch_norm),
    F.instance_norm: functional.instance_norm,
    torch.instance_norm: asking(_instance_norm, torch.instance_norm),
    F.layer_norm: functional.layer_norm,
    torch.layer_norm: _layer_norm,
    F.group_norm: functional.group_norm,
    torch.group_norm: asking(_group_norm, torch.group_norm),
    F.local_response_norm: functional.local_response_norm,
}
