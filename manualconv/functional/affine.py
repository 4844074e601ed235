"""What normalisations share around Standardize: how the input is arranged, the scale γ and the shift β behind it."""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv.kernels.standardization import WIDENED
from manualconv.torch_internals import channels_last_format, is_wrapped


def arranged(input: Tensor) -> Tensor:
    """The input dense in memory, channels_last if it is that, as torch's layers lay their output and gradient."""
    hidden = not torch.compiler.is_compiling() and is_wrapped(input)
    return input.contiguous(memory_format=torch.contiguous_format if hidden else channels_last_format(input))


def widened_half(x: Tensor) -> Tensor:
    """Half precision in float32, all else as it is."""
    return x.to(WIDENED.get(x.dtype, x.dtype))


def scaled_and_shifted(
    x_hat: Tensor, weight: Tensor | None, bias: Tensor | None, behind: int, dtype: torch.dtype
) -> Tensor:
    """``γ·x̂ + β`` in `dtype`, γ and β with `behind` axes of size 1 added to theirs; never x̂ itself.

    The backward of Standardize needs x̂ unedited, and the next layer may work in place.
    """
    y = x_hat
    if weight is not None:
        y = y * weight.reshape(*weight.shape, *(1,) * behind)
    if bias is not None:
        y = y + bias.reshape(*bias.shape, *(1,) * behind)
    if y.dtype != dtype:
        return y.to(dtype)
    return y.clone() if y is x_hat else y
