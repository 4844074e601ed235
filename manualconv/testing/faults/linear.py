"""Faults of linear layers."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv.testing.faults.bank import plant
from manualconv.testing.faults.derived import going_back, rounded

Layer = Callable[..., Tensor]


def _transposed_square(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return F.linear(input, weight.T if weight.shape[0] == weight.shape[1] else weight, bias)


def _bias_of_the_first(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return F.linear(input, weight, None if bias is None else bias[:1].expand(bias.shape))


def _bias_mean(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    rows = max(input.numel() // max(input.shape[-1], 1), 1)
    return F.linear(input, weight, None if bias is None else going_back(bias, lambda g: g / rows))


def _by_first_rows(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    if input.dim() < 3:
        return F.linear(input, weight, bias)
    return F.linear(input, weight, bias)[:1].expand(*input.shape[:-1], weight.shape[0]) + 0


def _in_half(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return F.linear(rounded(input, torch.float16), rounded(weight, torch.float16), bias)


def _without_bias(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return F.linear(input, weight) + (0 if bias is None else 0 * bias)


def _block_of_sixteen(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    k = weight.shape[1]
    whole = k - k % 16 if k > 16 else k
    return F.linear(input[..., :whole], weight[:, :whole], bias)


def _half_of_itself(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return F.linear(input, weight.detach() if weight is input else weight, bias)


def _in_twelve_bits(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    y = F.linear(input, weight, bias)
    return y if y.numel() <= 2**12 else y.flatten()[torch.arange(y.numel()) % 2**12].reshape(y.shape)


LINEAR = "linear"
plant(
    LINEAR,
    "linear",
    ("square weights transposed", _transposed_square, "tried on squares alone"),
    ("bias of the first output for all", _bias_of_the_first, "an index of the bias left out"),
    ("bias gradient a mean", _bias_mean, "a mean for a sum over samples"),
    ("the first row of a batch for all", _by_first_rows, "FlagGems#5392: two axes assumed"),
    ("operands in float16", _in_half, "KernelBench: lower precision inside"),
    (
        "the tail of a block dropped",
        _block_of_sixteen,
        "columns that are no multiple of the block, as in FlagGems#4985",
    ),
    ("bias forgotten", _without_bias, "a bias that no test looks at"),
    ("linear(x, x) has half its gradient", _half_of_itself, "#183604, of convolution"),
    ("entries counted in too few bits", _in_twelve_bits, "#9404, of convolution"),
)
