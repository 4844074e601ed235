"""Faults of the index relation: axes, padding, dilation, stride remainder, kernel flip."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv.geometry import Window, per_axis
from manualconv.testing.cases.tensors import behind
from manualconv.testing.faults.convolution.apart import (
    input_gradient_of,
    plant,
    to_input,
    to_weight,
    weight_gradient_of,
)
from manualconv.testing.laws.convolution.form import TRANSPOSED
from manualconv.testing.laws.convolution.implementations import Rule, layer, torch_s
from manualconv.testing.laws.convolution.layer import Layer
from manualconv.testing.referee import convolution

Change = Callable[[Window], Window]


def on(change: Change) -> Rule:
    """torch's convolution with a changed window; the output cut to the size it should have."""

    def rule(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
        y = convolution(x, w, b, change(window))
        return y[behind(*(slice(p) for p in window.output_size))]

    return rule


def changed(**numbers: Callable[[Any], Any]) -> Layer:
    """A layer that is right for another window: what becomes of the numbers of each name."""
    return layer(on(lambda v: replace(v, **{name: become(getattr(v, name)) for name, become in numbers.items()})))


def over(window: Window) -> list[int]:
    """The spatial axes."""
    return list(range(2, 2 + window.ndim))


# --------------------------------------------------------------------------------------------------------- axes


def _square_kernel_transposed(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    square = window.ndim > 1 and w.shape[-1] == w.shape[-2]
    return convolution(x, w.mT if square else w, b, window)


plant(
    "axes",
    ("padding of the axes exchanged", changed(padding=lambda p: p[::-1]), "tinygrad#17805"),
    ("stride of the axes exchanged", changed(stride=lambda s: s[::-1]), "tinygrad#17805"),
    ("dilation of the axes exchanged", changed(dilation=lambda d: d[::-1]), "tt-metal#19542"),
    ("stride of the last axis on every axis", changed(stride=lambda s: s[-1:] * len(s))),
)
plant("axes", ("square kernels transposed", layer(_square_kernel_transposed)), by="C8")

# ------------------------------------------------------------------------------------------------------ padding


def _same(pair: Callable[[int, int], tuple[int, int]]) -> Layer:
    """A layer that is right but for what the word 'same' means: pair(kernel, dilation)."""

    def conv(x: Tensor, w: Tensor, b: Tensor | None, stride: Any, padding: Any, dilation: Any, groups: int) -> Tensor:
        if padding == "same":
            padding = tuple(pair(k, d) for k, d in zip(w.shape[2:], per_axis(dilation, w.dim() - 2)))
        return torch_s(x, w, b, stride, padding, dilation, groups)

    return conv


def _padded_by_the_edge(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    return convolution(F.pad(x, window.frame, mode="replicate"), w, b, window.unpadded())


def _crop_forgotten(w: Tensor, y: Tensor, window: Window) -> Tensor:
    framed = to_input(w, y, window.unpadded())
    return framed[behind(*(slice(i) for i in window.input_size))]


plant(
    "padding",
    ("'same' ignores dilation", _same(lambda k, d: ((k - 1) // 2, k - 1 - (k - 1) // 2)), "root#21685"),
    (
        "'same' puts the odd one on the left",
        _same(lambda k, d: (d * (k - 1) - d * (k - 1) // 2, d * (k - 1) // 2)),
        "burn#2676",
    ),
    by="C13",
)
plant(
    "padding",
    ("before and after exchanged", changed(padding=lambda p: tuple((b, a) for a, b in p)), "onnxruntime#27375"),
    ("the left padding on both sides", changed(padding=lambda p: tuple((a, a) for a, _ in p)), "onnxruntime#27375"),
    ("padded by the edge instead of zeros", layer(_padded_by_the_edge)),
    ("the gradient keeps its frame", {"to_input": _crop_forgotten}, "#188344"),
)

# ----------------------------------------------------------------------------------------------------- dilation


def _dilated_twice(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    stuffed = w.new_zeros((*w.shape[:2], *window.extent))
    stuffed[behind(*(slice(None, None, d) for d in window.dilation))] = w
    return convolution(x, stuffed, b, replace(window, kernel_size=window.extent))


def _undilated(window: Window) -> Window:
    return replace(window, dilation=(1,) * window.ndim)


plant(
    "dilation",
    ("dilation applied twice", layer(_dilated_twice), "root#22474"),
    ("dilation ignored", layer(on(_undilated))),
    ("dilation ignored in the weight gradient", {"to_weight": weight_gradient_of(on(_undilated))}),
    ("dilation ignored in the input gradient", {"to_input": input_gradient_of(on(_undilated))}),
)

# --------------------------------------------------------------------------------------------- stride remainder


def _without_remainder(w: Tensor, y: Tensor, window: Window, more: int = 0) -> Tensor:
    """The transposed convolution as long as its windows reach, and `more`."""
    return TRANSPOSED[window.ndim](y, w, None, window.stride, 0, more, window.groups, window.dilation)


def _too_large(w: Tensor, y: Tensor, window: Window) -> Tensor:
    largest = tuple(s - 1 for s in window.stride)
    full = TRANSPOSED[window.ndim](y, w, None, window.stride, 0, largest, window.groups, window.dilation)
    return full[behind(*(slice(a, None) for a, _ in window.padding))]


def _remainder_in_front(w: Tensor, y: Tensor, window: Window) -> Tensor:
    front = [side for r in reversed(window.leftover) for side in (r, 0)]
    return F.pad(_without_remainder(w, y, window), front)[window.inner(2)]


def _remainder_repeats_the_edge(w: Tensor, y: Tensor, window: Window) -> Tensor:
    more = [side for r in reversed(window.leftover) for side in (0, r)]
    return F.pad(_without_remainder(w, y, window), more, mode="replicate")[window.inner(2)]


def _input_gradient_too_small(w: Tensor, y: Tensor, window: Window) -> Tensor:
    inner = (slice(a, a + i) for i, (a, _) in zip(window.input_size, window.padding))
    return _without_remainder(w, y, window)[behind(*inner)]


def _kernel_too_large(x: Tensor, y: Tensor, window: Window) -> Tensor:
    turned = Window(window.input_size, window.output_size, window.dilation, window.stride, window.padding)
    planes = [
        convolution(x_g.transpose(0, 1), y_g.transpose(0, 1), None, turned).transpose(0, 1)
        for x_g, y_g in zip(x.chunk(window.groups, 1), y.chunk(window.groups, 1))
    ]
    return torch.cat(planes)


plant(
    "stride remainder",
    ("input gradient too small", {"to_input": _input_gradient_too_small}, "backpack#30"),
    ("input gradient too large", {"to_input": _too_large}),
    ("weight gradient larger than the kernel", {"to_weight": _kernel_too_large}, "opacus PR#245"),
    ("the remainder put in front", {"to_input": _remainder_in_front}, "CMU10-714#6"),
    ("the remainder not zero", {"to_input": _remainder_repeats_the_edge}),
)

# -------------------------------------------------------------------------------------------------- kernel flip


def _flipped(axes: Callable[[Window], list[int]]) -> Rule:
    return lambda x, w, b, window: convolution(x, w.flip(axes(window)), b, window)


def _last(window: Window) -> list[int]:
    return [-1]


plant(
    "kernel flip",
    ("convolution for correlation", layer(_flipped(over))),
    ("kernel flipped along one axis", layer(_flipped(_last))),
    (
        "kernel flipped in the input gradient",
        {"to_input": lambda w, y, window: to_input(w.flip(over(window)), y, window)},
    ),
    ("one axis flipped in the input gradient", {"to_input": lambda w, y, window: to_input(w.flip(-1), y, window)}),
    ("weight gradient flipped", {"to_weight": lambda x, y, window: to_weight(x, y, window).flip(over(window))}),
)
