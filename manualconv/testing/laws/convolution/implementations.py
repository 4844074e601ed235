"""Implementations of convolution that are right, each in the signature of torch.nn.functional.conv2d.

Ours, torch's, and four written in other ways: a law that any of these breaks is not a law.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

from manualconv import definitions
from manualconv.geometry import Window, per_axis, same_padding
from manualconv.testing.cases.tensors import behind
from manualconv.testing.laws.convolution.layer import Layer
from manualconv.testing.laws.law import Implementation
from manualconv.testing.referee import BY_HAND, convolution

Rule = Callable[[Tensor, Tensor, Tensor | None, Window], Tensor]


def window_of(x: Tensor, w: Tensor, stride: Any, padding: Any, dilation: Any, groups: int) -> Window:
    """torch's arguments as one window."""
    ndim = w.dim() - 2
    kernel, spacing = tuple(w.shape[2:]), per_axis(dilation, ndim)
    pairs = same_padding(kernel, spacing) if padding == "same" else padding
    return Window(tuple(x.shape[x.dim() - ndim :]), kernel, per_axis(stride, ndim), spacing, pairs, groups)


def layer(rule: Rule) -> Layer:
    """A rule for batched tensors and a window as a layer with torch's arguments, unbatched inputs too."""

    def conv(x: Tensor, w: Tensor, b: Tensor | None, stride: Any, padding: Any, dilation: Any, groups: int) -> Tensor:
        window = window_of(x, w, stride, padding, dilation, groups)
        if x.dim() == w.dim():
            return rule(x, w, b, window)
        return rule(x.unsqueeze(0), w, b, window).squeeze(0)

    return conv


def spread(b: Tensor, window: Window) -> Tensor:
    """A bias in the shape in which it is added to the output."""
    return b.reshape(-1, *(1,) * window.ndim)


# ---------------------------------------------------------------------------------------------- ours and torch's


def by_hand(x: Tensor, w: Tensor, b: Tensor | None, *numbers: Any) -> Tensor:
    """Ours."""
    return BY_HAND[w.dim() - 2](x, w, b, *numbers)


def torch_s(x: Tensor, w: Tensor, b: Tensor | None, *numbers: Any) -> Tensor:
    """torch's."""
    return layer(convolution)(x, w, b, *numbers)


# ------------------------------------------------------------------------------------------ written in other ways


class _Loops(Function):
    """The definitions as one closed triple: `slot` says which of x, w, y is empty."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, slot: str, window: Window) -> Tensor:
        ctx.save_for_backward(a, b)
        ctx.slot, ctx.window = slot, window
        rule = {"y": definitions.to_output, "x": definitions.to_input, "w": definitions.to_weight}[slot]
        with np.errstate(invalid="ignore"):  # inf − inf
            return torch.from_numpy(rule(a.detach().numpy(), b.detach().numpy(), window))

    @staticmethod
    def backward(ctx: Any, bar: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        a, b = ctx.saved_tensors
        window, slot = ctx.window, ctx.slot
        if slot == "y":  # of x, w
            return _Loops.apply(b, bar, "x", window), _Loops.apply(a, bar, "w", window), None, None
        if slot == "x":  # of w, y
            return _Loops.apply(bar, b, "w", window), _Loops.apply(bar, a, "y", window), None, None
        return _Loops.apply(bar, b, "x", window), _Loops.apply(a, bar, "y", window), None, None  # of x, y


def by_loops(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """manualconv.definitions, differentiated by itself."""
    y: Tensor = _Loops.apply(x, w, "y", window)
    return y if b is None else y + spread(b, window)


def framed(x: Tensor, window: Window) -> Tensor:
    """x with its padding."""
    return F.pad(x, window.frame)


def by_einsum(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """All windows at once as a strided view of ``(N, g, C/g, *K, *P)``, summed by one einsum; torch differentiates."""
    x = framed(x, window)
    n, g = x.shape[0], window.groups
    stride = x.stride()
    taps = tuple(d * t for d, t in zip(window.dilation, stride[2:]))
    steps = tuple(s * t for s, t in zip(window.stride, stride[2:]))
    view = x.as_strided(
        (*x.shape[:2], *window.kernel_size, *window.output_size), (*stride[:2], *taps, *steps), x.storage_offset()
    )
    view = view.reshape(n, g, x.shape[1] // g * prod(window.kernel_size), prod(window.output_size))
    y = torch.einsum("ngkp,gok->ngop", view, w.reshape(g, w.shape[0] // g, prod(w.shape[1:])))
    y = y.reshape(n, w.shape[0], *window.output_size)
    return y.clone() if b is None else y + spread(b, window)


def by_taps(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """A sum over taps of shifted inputs, element by element; torch differentiates."""
    x = framed(x, window)
    n, g = x.shape[0], window.groups
    w_g = w.reshape(1, g, w.shape[0] // g, *w.shape[1:])
    y = x.new_zeros((n, g, w.shape[0] // g, *window.output_size))
    for k in definitions.indices(window.kernel_size):
        x_k = x[window.tap(k, lead=2)].unflatten(1, (g, 1, x.shape[1] // g))
        w_k = w_g[behind(*k)]
        y = y + (x_k * w_k.reshape(*w_k.shape, *(1,) * window.ndim)).sum(3)
    y = y.flatten(1, 2)
    return y if b is None else y + spread(b, window)


def by_fourier(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """The convolution theorem, on one group and stride 1; the rest by strides and blocks.  Exact to rounding only."""
    if not x.numel():  # FFT libraries refuse to transform nothing
        return by_taps(x, w, b, window)
    x = framed(x, window)
    g, over = window.groups, tuple(range(-window.ndim, 0))
    stuffed = w.new_zeros((*w.shape[:2], *window.extent))
    stuffed[behind(*(slice(None, None, d) for d in window.dilation))] = w
    size = x.shape[2:]
    x_f = torch.fft.rfftn(x, size, over).unflatten(1, (g, x.shape[1] // g))
    w_f = torch.fft.rfftn(stuffed, size, over).unflatten(0, (g, w.shape[0] // g))
    y_f = torch.einsum("ngc...,goc...->ngo...", x_f, w_f.conj()).flatten(1, 2)
    y: Tensor = torch.fft.irfftn(y_f, size, over)
    y = y[behind(*(slice(0, s * (p - 1) + 1, s) for s, p in zip(window.stride, window.output_size)))]
    return y.clone() if b is None else y + spread(b, window)


EVERYTHING = frozenset(
    {
        "bitwise",
        "nan local",
        "direct",
        "second order",
        "forward mode",
        "vmap",
        "autocast",
        "one node",
        "quick",
        "batched",
    }
)

GOOD = {
    "by hand": Implementation(by_hand, EVERYTHING),
    "torch": Implementation(torch_s, EVERYTHING - {"one node", "batched"}),
    "loops": Implementation(layer(by_loops), frozenset({"bitwise", "nan local", "second order"})),
    "einsum": Implementation(layer(by_einsum), EVERYTHING - {"vmap", "autocast", "one node", "batched"}),
    "taps": Implementation(layer(by_taps), EVERYTHING - {"vmap", "autocast", "one node", "batched"}),
    "fourier": Implementation(layer(by_fourier), frozenset({"second order", "forward mode", "quick"}), tolerance=1e-8),
}
