"""Batch and instance normalisation: standardised over samples and positions, or over positions; running statistics.

    training      x̂ = (x − μ)/√(v + ε)          y = γ·x̂ + β          μ and v of this batch: Standardize
    evaluation    y = (x − μ')·γ/√(v' + ε) + β                        μ' and v' constants of training: ScaleChannels

    μ' ← (1 − α)·μ' + α·μ          v' ← (1 − α)·v' + α·v·m/(m − 1)          α is the momentum; v' is unbiased, v is not

Batch normalisation has one μ and v a channel, instance normalisation one a channel and sample (and keeps their means
over the samples).  Half precision is computed in float32 and rounded once, at the end.

Source: Ioffe and Szegedy, *Batch Normalization*, arXiv 1502.03167, algorithms 1 and 2.
"""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv.autograd.scaling import ScaleChannels
from manualconv.autograd.standardization import Standardize
from manualconv.functional.affine import arranged, by_channel
from manualconv.functional.refusals import normalization as refusals
from manualconv.functional.refusals.arguments import number_of
from manualconv.kernels.entrywise.standardization import count, reciprocal_deviation
from manualconv.kernels.precision import single
from manualconv.torch_internals import has_tangent, overwrite


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Batch normalisation, its derivatives right at every order.

    Args:
        input: ``(N, C, *I)``, any number of axes behind the channels; floating point.
        running_mean, running_var: ``(C,)`` both or neither.  Training overwrites them, evaluation needs them; they
            have no gradient.
        weight, bias: γ and β, C numbers each in any shape, which their gradients have too; or None.
        training: standardise by the statistics of `input`; else by the running ones.
        momentum: the share of this batch in the running statistics.
        eps: added to the variance, under the root.

    Returns:
        ``(N, C, *I)`` of the dtype of `input`; channels_last if `input` is.

    Raises:
        AttributeError: `input` is no tensor, in training.
        ValueError: one value a channel in training, an eps that is not positive there or negative in evaluation, one
            running statistic without the other.
        IndexError: fewer than two axes, if no number of channels is wrong before.
        TypeError: an argument of another kind.
        RuntimeError: no running statistics in evaluation; dtypes or numbers of channels that differ.
        NotImplementedError: another dtype than floating point.

        All as torch.nn.functional.batch_norm.
    """
    refusals.check_batch_norm(input, training, eps)
    return normalized_by_channel(input, weight, bias, running_mean, running_var, training, momentum, eps)


def normalized_by_channel(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
) -> Tensor:
    """`batch_norm` as ``torch.batch_norm`` takes it: a single value a channel is its own mean."""
    momentum, eps = number_of("momentum", momentum), number_of("eps", eps)
    refusals.check_parameters("batch_norm", input, weight, bias, running_mean, running_var, training)
    if input.numel() == 0:
        return _of_nothing(input, weight, bias)
    x = arranged(input)
    if not training:
        assert running_mean is not None and running_var is not None
        return _by_running(x, running_mean, running_var, weight, bias, eps)
    axes = (0, *range(2, x.dim()))
    gamma, beta = by_channel(weight, x.dim()), by_channel(bias, x.dim())
    y: Tensor
    _, _, y, mean, variance = Standardize.call(x, gamma, beta, axes, eps, "batch")
    if running_mean is not None and running_var is not None:
        _keep(running_mean, running_var, mean, variance, count(x, axes), momentum)
    return y


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Instance normalisation: each channel of each sample is standardised over its positions.

    Args:
        input: ``(N, C, *I)``; floating point.
        running_mean, running_var: ``(C,)`` both or neither; overwritten by the means over the samples if
            `use_input_stats`, needed if not.
        weight, bias: γ and β, ``(C,)`` each, or None.
        use_input_stats: standardise by the statistics of `input`; else by the running ones.
        momentum, eps: as in `batch_norm`.

    Returns:
        ``(N, C, *I)`` of the dtype of `input`, contiguous.

    Raises:
        AttributeError: `input` is no tensor, while statistics are taken of it.
        TypeError: an argument of another kind.
        ValueError: one position in all, while statistics are taken of `input`; one running statistic without the other.
        IndexError: fewer than two axes, while running statistics are used.
        RuntimeError: no running statistics where they are used; dtypes or numbers of channels that differ.
        NotImplementedError: another dtype than floating point.

        All as torch.nn.functional.instance_norm.
    """
    refusals.check_instance_norm(input, use_input_stats)
    return normalized_by_instance(input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps)


def normalized_by_instance(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
) -> Tensor:
    """`instance_norm` as ``torch.instance_norm`` takes it: a single position is its own mean."""
    momentum, eps = number_of("momentum", momentum), number_of("eps", eps)
    refusals.check_parameters("instance_norm", input, weight, bias, running_mean, running_var, use_input_stats)
    if input.numel() == 0:
        return _of_nothing(input, weight, bias)
    x = input.contiguous()
    if not use_input_stats:
        assert running_mean is not None and running_var is not None
        return _by_running(x, running_mean, running_var, weight, bias, eps)
    axes = tuple(range(2, x.dim()))
    gamma, beta = by_channel(weight, x.dim()), by_channel(bias, x.dim())
    y: Tensor
    _, _, y, mean, variance = Standardize.call(x, gamma, beta, axes, eps, "batch")
    if running_mean is not None and running_var is not None:
        _keep(running_mean, running_var, mean, variance, count(x, axes), momentum)
    return y


def _of_nothing(input: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    """The result for an input without entries: no statistics, a weight and a bias whose gradients are 0.

    As in torch it is any shape, even a vector's, and the first numbers of γ and β stand for all; unlike in torch there
    need not be a first.
    """
    y = input.clone()
    y = y if weight is None else y * (weight[0] if weight.numel() else weight.sum())
    return y if bias is None else y + (bias[0] if bias.numel() else bias.sum())


def _by_running(
    x: Tensor, running_mean: Tensor, running_var: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
) -> Tensor:
    """An affine map with constants: ``(x − μ')·γ·r' + β``.

    The mean is taken off first: folded into the shift it would cost the digits of a large mean.
    """
    if (has_tangent(running_mean) or has_tangent(running_var)) and any(map(has_tangent, (x, weight, bias))):
        raise RuntimeError(
            "batch_norm is not differentiable wrt running_mean and running_var, they cannot have forward grad defined "
            "[pass running_mean.detach() and running_var.detach()]"
        )
    wide = single(x)
    mean, variance = (t.detach().to(wide.dtype) for t in (running_mean, running_var))
    scale = reciprocal_deviation(variance, eps)
    scale = scale if weight is None else scale * weight.reshape(-1)
    centred = wide - mean.reshape(-1, *(1,) * (x.dim() - 2))
    y: Tensor = ScaleChannels.call(centred, scale, None if bias is None else bias.reshape(-1).to(wide.dtype))
    return y.to(x.dtype)


def _keep(running_mean: Tensor, running_var: Tensor, mean: Tensor, variance: Tensor, m: int, momentum: float) -> None:
    """Move the running statistics towards this batch's; v becomes unbiased."""
    unbiased = m / (m - 1) if m != 1 else float("nan")
    channels = running_mean.shape[0]
    with torch.no_grad():
        for running, batch in ((running_mean, mean), (running_var, variance * unbiased)):
            # One mean a channel and sample for instance normalisation, one a channel for batch normalisation.
            batch = batch.detach().reshape(-1, channels).mean(0)
            overwrite(running, momentum * batch + (1 - momentum) * running)
