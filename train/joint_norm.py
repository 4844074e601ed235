r"""Batch normalisation over the joined batch of several workers.

With sums over all workers' n entries of a channel:

.. math:: μ = \frac1n \sum_r \sum_i x_{ri}, \quad σ^2 = \frac1n \sum_r \sum_i (x_{ri} - μ)^2, \quad
          y = γ (x - μ)(σ^2 + ε)^{-1/2} + β

Adjoint: only the sums mix the workers. s = Σ_r x_r is the same number on each, used by each, so that x̄_r = Σ_q s̄_q.

Shapes: x (N_r, C, …) → y the same; μ, σ² (C,). Source: PyTorch's SyncBatchNorm, which is for GPUs alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class Summed(torch.autograd.Function):
    """s = Σ_r x_r; x̄_r = Σ_q s̄_q."""

    @staticmethod
    def forward(x: Tensor, group: Any) -> Tensor:
        """On every worker."""
        s = x.clone()
        dist.all_reduce(s, group=group)
        return s

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Nothing of x is needed."""
        ctx.group = inputs[1]

    @staticmethod
    def backward(ctx: Any, s_bar: Tensor) -> Any:
        """The same sum, of cotangents."""
        return Summed.apply(s_bar, ctx.group), None


def join(model: nn.Module, group: Any) -> None:
    """Let the batch normalisations of a model that trains see all workers' images; names and weights stay."""
    for module in _normalisations(model):
        module.forward = partial(_forward, module, module.forward, group)


@contextmanager
def apart(model: nn.Module) -> Iterator[None]:
    """Inside, each worker is by itself again, and talks to nobody."""
    joined = [(module, module.forward) for module in _normalisations(model)]
    for module, forward in joined:
        module.forward = forward.args[1]
    try:
        yield
    finally:
        for module, forward in joined:
            module.forward = forward


def _normalisations(model: nn.Module) -> list[Any]:
    return [module for module in model.modules() if isinstance(module, _BatchNorm)]


def _forward(module: Any, alone: Any, group: Any, x: Tensor) -> Tensor:
    """``alone`` is for evaluation, which needs no statistics of the batch."""
    if not module.training:
        y: Tensor = alone(x)
        return y
    module._check_input_dim(x)
    axes, shape = [0, *range(2, x.dim())], [1, -1, *[1] * (x.dim() - 2)]
    count = x.new_full((1,), x.numel() // x.shape[1])
    *_, n = sums = Summed.apply(torch.cat([x.sum(axes), count]), group)
    if n <= 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {list(x.shape)}")
    mean = sums[:-1] / n
    centred = x - mean.view(shape)
    variance = Summed.apply(centred.square().sum(axes), group) / n
    y = centred * (variance + module.eps).rsqrt().view(shape)
    if module.weight is not None:
        y = y * module.weight.view(shape)
    if module.bias is not None:
        y = y + module.bias.view(shape)
    _keep(module, mean.detach(), variance.detach() * (n / (n - 1)).detach())
    return y


@torch.no_grad()
def _keep(module: Any, mean: Tensor, unbiased: Tensor) -> None:
    """The running statistics, as torch keeps them."""
    if not module.track_running_stats:
        return
    module.num_batches_tracked.add_(1)
    share = module.momentum if module.momentum is not None else 1 / float(module.num_batches_tracked)
    for running, new in ((module.running_mean, mean), (module.running_var, unbiased)):
        running.mul_(1 - share).add_(new, alpha=share)
