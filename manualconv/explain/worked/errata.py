"""What the article and its companion notes say otherwise than it is, each with the numbers that decide.

Every number is computed here; what a source says is quoted beside it.

Shapes: as of the layers.

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*, and its companion notes.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.autograd import grad

from manualconv.explain import printed
from manualconv.explain.figure import Figure
from manualconv.explain.printed import number
from manualconv.functional import conv1d, conv2d, max_pool1d
from manualconv.geometry import same_padding

RAMP = torch.arange(36.0).reshape(6, 6)
EDGES = torch.tensor([[1.0, 2, 1], [0, 0, 0], [-1, -2, -1]])


def errata() -> Figure:
    """The places where a reader of the sources would go wrong, each decided by a computed number.

    Returns:
        A `Figure` of words alone.

    Example:
        >>> "24 x 24, not 23 x 23" in errata().text
        True
    """
    parts = (_sizes, _same, _turned, _mean, _shifted)
    lines = [
        "errata of the article and its notes: what they say, and what it is",
        *(x for part in parts for x in part()),
    ]
    return Figure("errata of the sources", "\n".join(lines))


def _output(size: int, kernel: int, stride: int = 1, padding: int = 0) -> int:
    """Of a square image, by the layer itself."""
    image, filter = torch.zeros(1, 1, size, size), torch.zeros(1, 1, kernel, kernel)
    return conv2d(image, filter, None, stride, padding).shape[-1]


def _sizes() -> Iterator[str]:
    yield f"  sizes      28 x 28 under a window of 5 x 5: {_output(28, 5)} x {_output(28, 5)}, not 23 x 23"
    exact = number((224 - 11) / 4 + 1)
    plain, wide, padded = _output(224, 11, 4), _output(227, 11, 4), _output(224, 11, 4, 2)
    yield f"             AlexNet's first layer, 11 x 11, stride 4, on 224: (224 - 11) / 4 + 1 = {exact}: {plain};"
    yield f"             the 55 of its paper needs an image of 227 ({wide}), or padding 2 ({padded})"
    yield "  stride     of a deep layer: the product of the strides up to and with that layer; the notes' prose leaves"
    yield "             the layer itself out, their program takes it in"


def _same() -> Iterator[str]:
    yield "  same       'as many zeros on both sides' is possible for odd kernels alone: left and right of"
    pads = ((k, same_padding((k,), (1,))[0]) for k in (3, 4, 5, 6))
    yield "             " + ", ".join(f"{k} taps {a} and {b}" for k, (a, b) in pads)


def _turned() -> Iterator[str]:
    image, kernel = RAMP[None, None], EDGES[None, None]
    plain, turned = (conv2d(image, kernel, flip=flip).unique() for flip in (False, True))
    yield "  kernel     the formulas turn the kernel round, the figures and layers do not.  Edges of a ramp 0..35:"
    yield f"             cross-correlation, as in a layer: {' '.join(map(number, plain))} everywhere"
    yield f"             true convolution, kernel turned: {' '.join(map(number, turned))} everywhere"


def _mean() -> Iterator[str]:
    x, w = torch.ones(4, 1, 3), torch.ones(1, 1, 2)
    b = torch.zeros(1, requires_grad=True)
    z = conv1d(x, w, b)
    (summed,) = grad(z, b, torch.ones_like(z))
    yield "  mean       the article's code divides dW and db by the batch size, its faster variants db alone."
    yield f"             A layer sums: 4 samples of 2 outputs, dZ = 1: db = {number(summed)}; the mean is in the loss"


def shifts(signal: Tensor, kernel: Tensor) -> tuple[bool, bool]:
    """Whether a convolution of a signal shifted by one is its result shifted by one; and whether pooling's is.

    Both away from the border; pooling by windows of two, with stride 2.
    """
    shifted = signal.roll(1)
    before, after = (conv1d(t[None, None], kernel[None, None])[0, 0] for t in (signal, shifted))
    pooled, pooled_after = (max_pool1d(t[None], 2)[0] for t in (signal, shifted))
    return torch.equal(after[1:], before[:-1]), torch.equal(pooled[1:-1], pooled_after[1:-1])


def _shifted() -> Iterator[str]:
    signal = torch.tensor([0.0, 0, 1, 5, 2, 0, 0, 0])
    equivariant, invariant = shifts(signal, torch.tensor([1.0, -1]))
    yield "  shift      convolution is equivariant, not invariant: shift the input, and the output shifts with it"
    yield from printed.beside(("x", signal), ("shifted", signal.roll(1)))
    pooled, after = (max_pool1d(t[None], 2)[0] for t in (signal, signal.roll(1)))
    yield from printed.beside(("pooled by 2", pooled), ("pooled shifted", after))
    yield f"             conv of the shifted is the shifted conv: {'yes' if equivariant else 'no'}"
    said = "yes" if invariant else "no, it tolerates some shifts only"
    yield f"             pooling of the shifted is the same: {said}"
