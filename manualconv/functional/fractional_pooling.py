"""Fractional max pooling: as many windows as are asked for, of one size, placed at random so that they fill the input.

    max   y[p] = x[i*(p)],  i*(p) = argmax over a(p) ≤ i < a(p) + K                Select at i*
          a(p) = ⌊(p + u)·α⌋ − ⌊u·α⌋,  α = (I − K)/(P − 1),  a(P − 1) = I − K      0 ≤ u < 1 drawn

u is drawn for every sample, channel and axis.  Steps between windows are ⌊α⌋ or ⌈α⌉, in an order that u decides; for a
given u the layer is a maximum like any other, and its derivative the same pair.

Source: Graham, *Fractional max-pooling*, arXiv 1412.6071, section 2: the pseudorandom sequence.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from manualconv.autograd.selection import Select, argmax_fractional
from manualconv.functional.precision import cast
from manualconv.functional.refusals import sized_pooling as refusals

Numbers = int | Sequence[int]
Ratios = float | Sequence[float]


def _fractional(
    ndim: int,
    input: Tensor,
    kernel_size: Numbers,
    output_size: Numbers | None,
    output_ratio: Ratios | None,
    return_indices: bool,
    samples: Tensor | None,
) -> Tensor | tuple[Tensor, Tensor]:
    kernel, size = refusals.of_fractions(ndim, input, kernel_size, output_size, output_ratio, samples)
    if samples is None:
        batch = 1 if input.dim() == ndim + 1 else input.shape[0]
        # The call that torch makes: equal seeds place equal windows.
        samples = torch.rand(batch, input.shape[-ndim - 1], ndim, dtype=input.dtype, device=input.device)
    input, drawn = cast(f"fractional_max_pool{ndim}d", input, samples)
    drawn = drawn.to(input.device)
    x = input.unsqueeze(0) if input.dim() == ndim + 1 else input
    with torch.no_grad():
        index = argmax_fractional(x.detach(), drawn, kernel, size)
    y = Select.call(x, index, ndim)
    if input.dim() == ndim + 1:
        y, index = y.squeeze(0), index.squeeze(0)
    return (y, index) if return_indices else y


def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Numbers,
    output_size: Numbers | None = None,
    output_ratio: Ratios | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Tensor | tuple[Tensor, Tensor]:
    """2-D fractional max pooling: the largest entry of each of `output_size` windows placed at random.

    Args:
        input: ``(N, C, H, W)`` or ``(C, H, W)``; floating point.
        kernel_size: size of a window, an int or a tuple of two.
        output_size: ``(PH, PW)``, or an int for all axes.
        output_ratio: in its place: what part of the input's size, a tuple of two numbers between 0 and 1.
        return_indices: also return the flat positions of the maxima in ``H×W``, int64.
        _random_samples: u, ``(N, C, 2)`` in input's dtype, 0 ≤ u < 1; drawn as torch draws it if None.

    Returns:
        ``(N, C, PH, PW)`` or ``(C, PH, PW)``, and the indices in the same shape if asked for; in float32 where
        autocast wants it.

    Raises:
        AttributeError, IndexError, TypeError, ValueError, RuntimeError, NotImplementedError: as
            torch.nn.functional.fractional_max_pool2d.
    """
    return _fractional(2, input, kernel_size, output_size, output_ratio, return_indices, _random_samples)


def fractional_max_pool3d(
    input: Tensor,
    kernel_size: Numbers,
    output_size: Numbers | None = None,
    output_ratio: Ratios | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Tensor | tuple[Tensor, Tensor]:
    """3-D fractional max pooling: the largest entry of each of `output_size` windows placed at random.

    Args:
        input: ``(N, C, D, H, W)`` or ``(C, D, H, W)``; floating point.
        kernel_size: size of a window, an int or a tuple of three.
        output_size: ``(PD, PH, PW)``, or an int for all axes.
        output_ratio: in its place: what part of the input's size, a tuple of three numbers between 0 and 1.
        return_indices: also return the flat positions of the maxima in ``D×H×W``, int64.
        _random_samples: u, ``(N, C, 3)`` in input's dtype, 0 ≤ u < 1; drawn as torch draws it if None.

    Returns:
        ``(N, C, PD, PH, PW)`` or ``(C, PD, PH, PW)``, and the indices in the same shape if asked for; in float32 where
        autocast wants it.

    Raises:
        AttributeError, IndexError, TypeError, ValueError, RuntimeError, NotImplementedError: as
            torch.nn.functional.fractional_max_pool3d.
    """
    return _fractional(3, input, kernel_size, output_size, output_ratio, return_indices, _random_samples)
