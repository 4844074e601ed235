"""Convolution, transposed convolution and the matrix of a convolution."""

from __future__ import annotations

import torch

from manualconv import functional, nn
from tests.layers.tables import Example, Module, Pair, Twins, grown, pair

FUNCTIONS: dict[str, Example] = {
    "conv1d": Example(
        lambda x, w, b: functional.conv1d(x, w, b, 2, 1, 2, 2), ((2, 4, 8), (4, 2, 3), (4,)), multilinear=True
    ),
    "conv2d": Example(
        lambda x, w, b: functional.conv2d(x, w, b, (2, 1), (1, 2), (1, 2), 2),
        ((2, 4, 4, 3), (2, 2, 3, 2), (2,)),
        multilinear=True,
    ),
    "conv3d": Example(
        lambda x, w, b: functional.conv3d(x, w, b, (1, 2, 1), (0, 1, 2), (2, 1, 1), 2),
        ((1, 2, 3, 3, 2), (2, 1, 2, 1, 3), (2,)),
        multilinear=True,
    ),
    "conv_transpose1d": Example(
        lambda x, w, b: functional.conv_transpose1d(x, w, b, 2, 1, 2, 2, 3),
        ((2, 4, 3), (4, 1, 2), (2,)),
        multilinear=True,
    ),
    "conv_transpose2d": Example(
        lambda x, w, b: functional.conv_transpose2d(x, w, b, (2, 1), (1, 2), (1, 0), 2, (1, 2)),
        ((2, 2, 3, 4), (2, 2, 3, 2), (4,)),
        multilinear=True,
    ),
    "conv_transpose3d": Example(
        lambda x, w, b: functional.conv_transpose3d(x, w, b, (1, 2, 1), (0, 1, 1), (1, 1, 0), 2, (2, 1, 1)),
        ((1, 2, 2, 2, 3), (2, 1, 2, 1, 3), (2,)),
        multilinear=True,
    ),
    "toeplitz": Example(
        lambda w: functional.toeplitz(w, (4, 3), (2, 1), (1, 2), (1, 2), 2, layout=torch.strided),
        ((2, 2, 3, 2),),
        multilinear=True,
    ),
}
MODULES: dict[str, Module] = {
    "Conv1d": (lambda: nn.Conv1d(4, 6, 3, 2, 1, 2, 2), (2, 4, 8)),
    "Conv2d": (lambda: nn.Conv2d(4, 6, (3, 2), (2, 1), (1, 2), (1, 2), 2), (2, 4, 8, 9)),
    "Conv3d": (lambda: nn.Conv3d(2, 4, (2, 1, 3), (1, 2, 1), (0, 1, 2), groups=2), (2, 2, 3, 4, 5)),
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(4, 6, 3, 2, 1, 1, 2), (2, 4, 5)),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(4, 6, (3, 2), (2, 1), (1, 2), (1, 0), 2, True, 2), (2, 4, 4, 5)),
    "ConvTranspose3d": (lambda: nn.ConvTranspose3d(2, 4, (2, 1, 3), (1, 2, 1), (0, 0, 1), groups=2), (2, 2, 3, 2, 3)),
    "LazyConv1d": (lambda: grown(nn.LazyConv1d(6, 3, 2, 1, 2, 2), (2, 4, 8)), (2, 4, 8)),
    "LazyConv2d": (lambda: grown(nn.LazyConv2d(6, (3, 2), (2, 1), (1, 2)), (2, 4, 8, 9)), (2, 4, 8, 9)),
    "LazyConv3d": (lambda: grown(nn.LazyConv3d(4, (2, 1, 3), (1, 2, 1)), (2, 2, 3, 4, 5)), (2, 2, 3, 4, 5)),
    "LazyConvTranspose1d": (lambda: grown(nn.LazyConvTranspose1d(6, 3, 2, 1, 1, 2), (2, 4, 5)), (2, 4, 5)),
    "LazyConvTranspose2d": (lambda: grown(nn.LazyConvTranspose2d(6, (3, 2), (2, 1)), (2, 4, 4, 5)), (2, 4, 4, 5)),
    "LazyConvTranspose3d": (lambda: grown(nn.LazyConvTranspose3d(4, (2, 1, 3)), (2, 2, 3, 2, 3)), (2, 2, 3, 2, 3)),
}
#: What is differentiated with respect to input, weight and bias.
WEIGHTED: dict[str, Pair] = {
    "conv1d": pair("conv1d", ((2, 4, 8), (6, 2, 3), (6,)), stride=2, padding=1, dilation=2, groups=2),
    "conv2d": pair(
        "conv2d", ((2, 4, 4, 5), (4, 2, 3, 2), (4,)), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2
    ),
    "conv3d": pair(
        "conv3d",
        ((2, 2, 3, 3, 2), (4, 1, 2, 1, 2), (4,)),
        stride=(1, 2, 1),
        padding=(0, 1, 2),
        dilation=(2, 1, 3),
        groups=2,
    ),
    "conv_transpose1d": pair(
        "conv_transpose1d",
        ((2, 4, 3), (4, 3, 3), (6,)),
        stride=3,
        padding=1,
        output_padding=2,
        groups=2,
        dilation=2,
    ),
    "conv_transpose2d": pair(
        "conv_transpose2d",
        ((2, 4, 3, 4), (4, 2, 3, 2), (4,)),
        stride=(2, 1),
        padding=(1, 2),
        output_padding=(1, 0),
        groups=2,
        dilation=(1, 3),
    ),
    "conv_transpose3d": pair(
        "conv_transpose3d",
        ((2, 2, 2, 2, 3), (2, 2, 2, 1, 2), (4,)),
        stride=(1, 2, 1),
        padding=(0, 1, 1),
        output_padding=(1, 1, 0),
        groups=2,
        dilation=(2, 1, 1),
    ),
}
TWINS: dict[str, Twins] = {
    "Conv1d": Twins("Conv1d", (4, 6, 3, 2, 1, 2, 2), (2, 4, 8)),
    "Conv2d": Twins("Conv2d", (4, 6, (3, 2), (2, 1), (1, 2), (1, 2), 2), (2, 4, 6, 5)),
    "Conv3d": Twins("Conv3d", (2, 4, (2, 1, 3), (1, 2, 1), (0, 1, 2), 1, 2), (2, 2, 3, 4, 3)),
    "ConvTranspose1d": Twins("ConvTranspose1d", (4, 6, 3, 3, 1, 2, 2, True, 2), (2, 4, 3)),
    "ConvTranspose2d": Twins("ConvTranspose2d", (4, 6, (3, 2), (2, 1), (1, 2), (1, 0), 2, True, (1, 3)), (2, 4, 3, 4)),
    "ConvTranspose3d": Twins("ConvTranspose3d", (2, 4, (2, 1, 2), (1, 2, 1), (0, 1, 1), (0, 1, 0), 2), (2, 2, 2, 2, 3)),
}
