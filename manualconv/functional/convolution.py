"""Convolution in any number of dimensions: Z = W ∗ A + b.

    y[n, (g o), p] = b[(g o)] + Σ_{c,k} x[n, (g c), s·p + d·k − a] · w[(g o), c, k]

One N-dimensional `_convolution` under three names.  The derivatives stand in `manualconv.autograd.correlation`.

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*; sizes: Dumoulin, Visin, arXiv 1603.07285.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from manualconv.autograd.correlation import Convolution
from manualconv.autograd.rules import Rules, in_force, under_rules
from manualconv.functional.layout import is_channels_last
from manualconv.functional.precision import cast
from manualconv.functional.refusals.arguments import check_tensors
from manualconv.functional.refusals.convolution import check_kinds, convolution_window, read_numbers
from manualconv.geometry import Numbers
from manualconv.kernels.correlation.settings import under_settings

Padding = str | int | tuple[int, ...] | tuple[tuple[int, int], ...]


def _convolution(
    ndim: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Numbers,
    padding: Padding,
    dilation: Numbers,
    groups: int,
    flip: bool,
    rules: Rules | None,
) -> Tensor:
    check_tensors(("bias",), input=input, weight=weight, bias=bias)
    numbers = read_numbers(stride=stride, padding=padding, dilation=dilation, groups=groups)
    window = convolution_window(ndim, input.shape, weight.shape, None if bias is None else bias.shape, *numbers)
    x, w, b = cast(f"conv{ndim}d", input, weight, bias)
    check_kinds(x, w, b)
    if flip:
        w = w.flip(*range(2, w.dim()))
    batched = x.dim() != ndim + 1
    x = x if batched else x.unsqueeze(0)
    window = under_settings(window)
    if is_channels_last(x, w):
        window = replace(window, channels_last=True)
    rules = in_force(rules)
    y: Tensor = Convolution.call(x, w, b, window) if rules is None else under_rules(x, w, b, window, rules)
    if w.shape[1] == 0:  # torch's output has no channels then either; a copy has the strides of its own size
        y = y[:, :0].clone(memory_format=torch.contiguous_format)
    return y if batched else y.squeeze(0)


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Numbers = 1,
    padding: Padding = 0,
    dilation: Numbers = 1,
    groups: int = 1,
    *,
    flip: bool = False,
    rules: Rules | None = None,
) -> Tensor:
    """1-D convolution of signals.

    Args:
        input: ``(N, C, L)`` or ``(C, L)``; floating point, complex or integer.
        weight: ``(O, C/groups, K)``, of the input's dtype and device.
        bias: ``(O,)`` or None.
        stride, dilation: an int or a tuple of one.
        padding: an int, a tuple, ``'valid'``, ``'same'`` (stride 1), ``'full'``, or a ``(lo, hi)`` pair per axis.
        groups: channel blocks; divides C and O.
        flip: turn the kernel round, ``w[K − 1 − k]`` for ``w[k]``: the convolution of the mathematicians, where the
            layers called so correlate.  At stride 1 it is scipy's and numpy's ``convolve`` of each pair of channels,
            ``'full'`` and ``'valid'`` alike, and ``'same'`` for an odd kernel; for an even one torch's ``'same'``
            starts one position later than scipy's, which is ``padding=((K // 2, (K − 1) // 2),)``.
        rules: derivative rules instead of the exact ones; see `manualconv.Rules`.

    Returns:
        ``(N, O, P)`` or ``(O, P)`` with ``P = ⌊(L + lo + hi − dilation·(K − 1) − 1)/stride⌋ + 1``.  With no input
        channels the output has none either, ``(N, 0, P)``, and the bias's gradient is 0, as torch's.

    Raises:
        TypeError: an argument of another kind, or a number of more than 64 bits inside a tuple.
        ValueError: a number of more than 64 bits.
        RuntimeError: dtypes, shapes, channels, groups or a window that do not fit, with the numbers of the rule.
        NotImplementedError: bool, unsigned integers but uint8, floats of one byte.

        All as torch.nn.functional.conv1d.
    """
    return _convolution(1, input, weight, bias, stride, padding, dilation, groups, flip, rules)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Numbers = 1,
    padding: Padding = 0,
    dilation: Numbers = 1,
    groups: int = 1,
    *,
    flip: bool = False,
    rules: Rules | None = None,
) -> Tensor:
    """2-D convolution of images: `conv1d` on ``(N, C, H, W)`` or ``(C, H, W)``, weight ``(O, C/groups, KH, KW)``."""
    return _convolution(2, input, weight, bias, stride, padding, dilation, groups, flip, rules)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Numbers = 1,
    padding: Padding = 0,
    dilation: Numbers = 1,
    groups: int = 1,
    *,
    flip: bool = False,
    rules: Rules | None = None,
) -> Tensor:
    """3-D convolution of volumes: `conv1d` on ``(N, C, D, H, W)``, weight ``(O, C/groups, KD, KH, KW)``."""
    return _convolution(3, input, weight, bias, stride, padding, dilation, groups, flip, rules)
