"""Correlation by the discrete Fourier transform: long kernels cost as little as short ones.

At stride 1 the three maps are correlations and convolutions of signals, which the transform makes products.  With
``x̂ = F x`` over n positions of every axis and ẑ* the complex conjugate,

    to_output:  y[p] = F⁻¹(Σ_c x̂·ŵ*)[p − a]
    to_input:   x[i] = F⁻¹(Σ_o ŵ·ŷ)[i + a]
    to_weight:  w[k] = F⁻¹(Σ_n x̂·ŷ*)[d·k − a]

indices read modulo n.  A lag that is read must not meet another one n positions away: for all three maps alike that
is ``n ≥ I + max(a, b)``, so that the padding on one side is free.  n is rounded up to a product of 2, 3 and 5.

The error is spread over the whole output: a few roundings of its norm, where a sum of K products has √K of its own
size.  So it is exact in the sense of `manualconv.accuracy` for large windows only; nor does one NaN stay where it is.

Shapes: x ``(N, C, *I)``, w ``(O, C/g, *K)``, y ``(N, O, *P)``; stride 1, real numbers.

Source: Mathieu, Henaff and LeCun, *Fast training of convolutional networks through FFTs*, arXiv 1312.5851.
"""

from __future__ import annotations

from functools import cache
from math import log2, prod

import torch
from torch import Tensor

from manualconv.geometry import Axes, Window
from manualconv.kernels.cost import CALL, COPY, Sizes

#: Nanoseconds a multiplication in a transform, and in a product of spectra, by bytes of a number.
TRANSFORM, SPECTRUM = {4: 0.12, 8: 0.2}, {4: 0.6, 8: 1.0}
#: Terms of an output from which on the transform's error is below that of twice a direct sum's.
MANY_TERMS = 100


@cache
def fast_size(least: int) -> int:
    """The smallest product of 2, 3 and 5 that is at least `least`."""
    best: int = 2 ** (max(least, 1) - 1).bit_length()
    for five in (5**e for e in range(12)):
        for three in (3**e for e in range(20)):
            rest = five * three
            if rest >= best:
                break
            best = min(best, rest * 2 ** max(0, (-(-least // rest) - 1).bit_length()))
    return best


def _size(window: Window) -> Axes:
    """n of every axis; 2 at least, since libraries do not transform one number."""
    return tuple(fast_size(max(i + max(a, b), 2)) for i, (a, b) in zip(window.input_size, window.padding))


def refusal(sizes: Sizes) -> str | None:
    """Why a window is not taken: a stride, or a side cut off."""
    if any(s != 1 for s in sizes.window.stride):
        return "stride 1 only"
    if sizes.batch == 0 or 0 in sizes.window.output_size:
        return "nothing to transform"
    return "no negative padding" if sizes.window.is_cut else None


def accuracy(sizes: Sizes) -> str:
    """Exact for sums of many terms."""
    window = sizes.window
    return "exact" if window.taps * (sizes.channels // window.groups) >= MANY_TERMS else "fast"


def cost(map: str, sizes: Sizes) -> float:
    """Three transforms and a product a frequency."""
    window, n = sizes.window, _size(sizes.window)
    signals = sizes.batch * (sizes.channels + sizes.outputs) + sizes.outputs * sizes.channels // window.groups
    butterflies = 2.5 * prod(n) * log2(max(prod(n), 2))
    products = sizes.batch * sizes.outputs * (sizes.channels // window.groups) * prod(n) / 2
    moved = 4 * signals * prod(n) * sizes.item
    item = 8 if sizes.item > 4 else 4
    return signals * butterflies * TRANSFORM[item] + products * SPECTRUM[item] + moved * COPY + 12 * CALL


def _spectrum(t: Tensor, n: Axes) -> Tensor:
    """``F t`` over the last axes, zeros behind them."""
    axes = tuple(range(-len(n), 0))
    spectrum: Tensor = torch.fft.rfftn(t, n, axes)
    return spectrum


def _signal(spectrum: Tensor, n: Axes, start: Axes, size: Axes) -> Tensor:
    """``F⁻¹`` read from `start` on, modulo n, along every axis."""
    z = torch.fft.irfftn(spectrum, n, tuple(range(-len(n), 0)))
    for axis, (s, length, m) in enumerate(zip(start, size, n), z.dim() - len(n)):
        s %= m
        head = z.narrow(axis, s, min(length, m - s))
        z = head if length <= m - s else torch.cat((head, z.narrow(axis, 0, length - (m - s))), axis)
    fresh: Tensor = z.clone(memory_format=torch.contiguous_format)
    return fresh


def _dilated(w: Tensor, window: Window) -> Tensor:
    """w with d − 1 zeros between its taps: ``(O, C/g, *E)``."""
    if all(d == 1 for d in window.dilation):
        return w
    wide = w.new_zeros((*w.shape[:2], *window.extent))
    wide[_every_tap(window)] = w
    return wide


def _every_tap(window: Window) -> tuple[slice, ...]:
    """The taps among the positions of a dilated kernel."""
    return (slice(None), slice(None), *(slice(None, None, d) for d in window.dilation))


def _grouped(t: Tensor, axis: int, groups: int) -> Tensor:
    """The channel axis in two: groups, and channels in a group."""
    split: Tensor = t.unflatten(axis, (groups, t.shape[axis] // groups))
    return split


def to_output(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """``y[n, (g o), p] = b[(g o)] + Σ_{c,k} x[n, (g c), p + d·k − a] · w[(g o), c, k]``."""
    n, g = _size(window), window.groups
    x_hat = _grouped(_spectrum(x, n), 1, g)  # (N, g, C/g, *F)
    w_hat = _grouped(_spectrum(_dilated(w, window), n), 0, g).conj()  # (g, O/g, C/g, *F)
    y_hat = _contracted(x_hat, w_hat, "ngcf,gocf->ngof")
    y = _signal(y_hat.flatten(1, 2), n, tuple(-a for a, _ in window.padding), window.output_size)
    return y if b is None else y.add_(b.reshape(-1, *(1,) * window.ndim))


def to_input(w: Tensor, y: Tensor, window: Window) -> Tensor:
    """``x[n, (g c), i] = Σ_{o,k,p : p + d·k − a = i} w[(g o), c, k] · y[n, (g o), p]``."""
    n, g = _size(window), window.groups
    y_hat = _grouped(_spectrum(y, n), 1, g)  # (N, g, O/g, *F)
    w_hat = _grouped(_spectrum(_dilated(w, window), n), 0, g)  # (g, O/g, C/g, *F)
    x_hat = _contracted(y_hat, w_hat, "ngof,gocf->ngcf")
    return _signal(x_hat.flatten(1, 2), n, tuple(a for a, _ in window.padding), window.input_size)


def to_weight(x: Tensor, y: Tensor, window: Window) -> Tensor:
    """``w[(g o), c, k] = Σ_{n,p} x[n, (g c), p + d·k − a] · y[n, (g o), p]``."""
    n, g = _size(window), window.groups
    x_hat = _grouped(_spectrum(x, n), 1, g)  # (N, g, C/g, *F)
    y_hat = _grouped(_spectrum(y, n), 1, g).conj()  # (N, g, O/g, *F)
    w_hat = _contracted(x_hat, y_hat, "ngcf,ngof->gocf")
    w = _signal(w_hat.flatten(0, 1), n, tuple(-a for a, _ in window.padding), window.extent)
    if all(d == 1 for d in window.dilation):
        return w
    return w[_every_tap(window)].clone(memory_format=torch.contiguous_format)


def _contracted(left: Tensor, right: Tensor, equation: str) -> Tensor:
    """A product a frequency, summed over the letter the result lacks; element by element where that has length 1."""
    size = left.shape[3:]
    left, right = left.flatten(3), right.flatten(3)
    (first, second), result = equation.split("->")[0].split(","), equation.split("->")[1]
    summed = next(letter for letter in first if letter in second and letter not in result)
    lengths = {**dict(zip(first, left.shape)), **dict(zip(second, right.shape))}
    alone = {"ngof": "c", "ngcf": "o", "gocf": "n"}[result]
    if lengths[summed] == 1 and summed == alone:
        product = _aligned(left, first, result) * _aligned(right, second, result)
    else:
        product = torch.einsum(equation, left, right)
    spread: Tensor = product.unflatten(-1, size)
    return spread


def _aligned(t: Tensor, letters: str, result: str) -> Tensor:
    """t with its axes in the order of `result`, one of length 1 for a letter it lacks, the summed one gone."""
    kept = [letter for letter in letters if letter in result]
    t = t.select(next(n for n, letter in enumerate(letters) if letter not in result), 0)
    t = t.permute(*(kept.index(letter) for letter in result if letter in kept))
    for axis, letter in enumerate(result):
        if letter not in kept:
            t = t.unsqueeze(axis)
    return t
