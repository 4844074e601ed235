"""What normalisations share around Standardize: how the input is arranged, where γ and β stand."""

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


def behind(parameter: Tensor | None, before: int, after: int) -> Tensor | None:
    """γ or β with axes of size 1 before and after its own."""
    return None if parameter is None else parameter.reshape((1,) * before + parameter.shape + (1,) * after)
