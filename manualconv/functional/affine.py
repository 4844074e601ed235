"""What normalisations share around Standardize: how the input is arranged, where γ and β stand."""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv.torch_internals import channels_last_format, hides_memory


def arranged(input: Tensor) -> Tensor:
    """The input dense in memory, channels_last if it is that, as torch's layers lay their output and gradient."""
    layout = torch.contiguous_format if hides_memory(input) else channels_last_format(input)
    return input.contiguous(memory_format=layout)


def by_channel(parameter: Tensor | None, rank: int) -> Tensor | None:
    """γ or β of C numbers in any shape, as ``(1, C, 1, …)`` for an input of that rank."""
    return None if parameter is None else parameter.reshape(1, parameter.numel(), *(1,) * (rank - 2))


def behind(parameter: Tensor | None, before: int, after: int) -> Tensor | None:
    """γ or β with axes of size 1 before and after its own."""
    return None if parameter is None else parameter.reshape((1,) * before + parameter.shape + (1,) * after)
