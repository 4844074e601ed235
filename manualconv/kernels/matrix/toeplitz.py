"""The Toeplitz matrix of a convolution: which weight stands where.

Flatten an input to a vector, channels first, and a convolution is one matrix:

    row (o, p), column (c, i):      A[(o, p), (c, i)] = w[(g o), c, k]      where i = s·p + d·k − a,  else 0

A is sparse, since a neuron sees its window only, and its entries are shared: one weight stands in as many rows as there
are placements at which its tap lies on the input.  ``A·x`` is the convolution and ``Aᵀ·y`` its input gradient.

The entries come in the order of a coalesced sparse matrix: for each row, c and then k count upwards and so do columns.

Shapes: w ``(O, C/g, *K)``, A ``(O·ΠP, C·ΠI)``; zero spatial axes is the dense layer, or with groups its blocks.

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*, Fig 9; Dumoulin and Visin, arXiv
1603.07285, section 4.1.
"""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor

from manualconv.geometry import Window


def readings(window: Window, device: torch.device) -> tuple[Tensor, Tensor]:
    """Flat input positions ``i[p, k]`` and whether they lie on the input, both ``(ΠP, ΠK)``."""
    position = torch.zeros((1, 1), dtype=torch.int64, device=device)
    inside = torch.ones((1, 1), dtype=torch.bool, device=device)
    for i, k, s, d, p, (a, _) in zip(
        window.input_size, window.kernel_size, window.stride, window.dilation, window.output_size, window.padding
    ):
        places, taps = torch.arange(p, device=device), torch.arange(k, device=device)
        at = s * places[:, None] + d * taps - a  # (P, K)
        on = (at >= 0) & (at < i)
        rows, columns = position.shape[0] * p, position.shape[1] * k
        position = (position[:, None, :, None] * i + at[:, None]).reshape(rows, columns)
        inside = (inside[:, None, :, None] & on[:, None]).reshape(rows, columns)
    return position, inside


def entries(outputs: int, channels: int, window: Window, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Row, column and flat position in w of every entry of A; `outputs` is O, `channels` is C/g."""
    position, inside = readings(window, device)
    everywhere = inside[None, :, None, :].expand(outputs, -1, channels, -1)
    o, p, c, k = everywhere.nonzero().unbind(1)
    group = o // (outputs // window.groups)
    row = o * prod(window.output_size) + p
    column = (group * channels + c) * prod(window.input_size) + position[p, k]
    weight = (o * channels + c) * prod(window.kernel_size) + k
    return row, column, weight
