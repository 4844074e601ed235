"""Faults of the index relation: axes, padding, dilation, stride remainder, kernel flip."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv.geometry import Window, per_axis
from manualconv.testing.laws.convolution.form import TRANSPOSED
from manualconv.testing.laws.convolution.implementations import Rule, layer, torch_s
from manualconv.testing.laws.convolution.layer import Layer
from manualconv.testing.referee import convolution
from tests.faults.bank import (
    input_gradient_of,
    plant,
    plant_rules,
    to_input,
    to_weight,
    weight_gradient_of,
)

Change = Callable[[Window], Window]


def on(change: Change) -> Rule:
    """torch's convolution with a changed window; the output cut to the size it should have."""

    def rule(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
        y = convolution(x, w, b, change(window))
        return y[(..., *(slice(p) for p in window.output_size))]

    return rule


def over(window: Window) -> list[int]:
    """The spatial axes."""
    return list(range(2, 2 + window.ndim))


# --------------------------------------------------------------------------------------------------------- axes

plant(
    "padding of the axes exchanged", "axes", layer(on(lambda v: replace(v, padding=v.padding[::-1]))), "tinygrad#17805"
)
plant("stride of the axes exchanged", "axes", layer(on(lambda v: replace(v, stride=v.stride[::-1]))), "tinygrad#17805")
plant(
    "dilation of the axes exchanged",
    "axes",
    layer(on(lambda v: replace(v, dilation=v.dilation[::-1]))),
    "tt-metal#19542",
)


def _square_kernel_transposed(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    square = window.ndim > 1 and w.shape[-1] == w.shape[-2]
    return convolution(x, w.mT if square else w, b, window)


plant("square kernels transposed", "axes", layer(_square_kernel_transposed), by="C8")
plant(
    "stride of the last axis on every axis",
    "axes",
    layer(on(lambda v: replace(v, stride=v.stride[-1:] * v.ndim))),
)

# ------------------------------------------------------------------------------------------------------ padding


def _same(pair: Callable[[int, int], tuple[int, int]]) -> Layer:
    """A layer that is right but for what the word 'same' means: pair(kernel, dilation)."""

    def conv(x: Tensor, w: Tensor, b: Tensor | None, stride: Any, padding: Any, dilation: Any, groups: int) -> Tensor:
        if padding == "same":
            padding = tuple(pair(k, d) for k, d in zip(w.shape[2:], per_axis(dilation, w.dim() - 2)))
        return torch_s(x, w, b, stride, padding, dilation, groups)

    return conv


plant(
    "'same' ignores dilation",
    "padding",
    _same(lambda k, d: ((k - 1) // 2, k - 1 - (k - 1) // 2)),
    "root#21685",
    by="C13",
)
plant(
    "'same' puts the odd one on the left",
    "padding",
    _same(lambda k, d: (d * (k - 1) - d * (k - 1) // 2, d * (k - 1) // 2)),
    "burn#2676",
    by="C13",
)
plant(
    "before and after exchanged",
    "padding",
    layer(on(lambda v: replace(v, padding=tuple((b, a) for a, b in v.padding)))),
    "onnxruntime#27375",
)
plant(
    "the left padding on both sides",
    "padding",
    layer(on(lambda v: replace(v, padding=tuple((a, a) for a, _ in v.padding)))),
    "onnxruntime#27375",
)


def _padded_by_the_edge(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    return convolution(F.pad(x, window.frame, mode="replicate"), w, b, window.unpadded())


plant("padded by the edge instead of zeros", "padding", layer(_padded_by_the_edge))


def _crop_forgotten(w: Tensor, y: Tensor, window: Window) -> Tensor:
    framed = to_input(w, y, window.unpadded())
    return framed[(..., *(slice(i) for i in window.input_size))]


plant_rules("the gradient keeps its frame", "padding", "#188344", to_input=_crop_forgotten)

# ----------------------------------------------------------------------------------------------------- dilation


def _dilated_twice(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    stuffed = w.new_zeros((*w.shape[:2], *window.extent))
    stuffed[(..., *(slice(None, None, d) for d in window.dilation))] = w
    return convolution(x, stuffed, b, replace(window, kernel_size=window.extent))


def _undilated(window: Window) -> Window:
    return replace(window, dilation=(1,) * window.ndim)


plant("dilation applied twice", "dilation", layer(_dilated_twice), "root#22474")
plant("dilation ignored", "dilation", layer(on(_undilated)))
plant_rules("dilation ignored in the weight gradient", "dilation", to_weight=weight_gradient_of(on(_undilated)))
plant_rules("dilation ignored in the input gradient", "dilation", to_input=input_gradient_of(on(_undilated)))

# --------------------------------------------------------------------------------------------- stride remainder


def _without_remainder(w: Tensor, y: Tensor, window: Window, more: int = 0) -> Tensor:
    """The transposed convolution as long as its windows reach, and `more`."""
    return TRANSPOSED[window.ndim](y, w, None, window.stride, 0, more, window.groups, window.dilation)


def _too_large(w: Tensor, y: Tensor, window: Window) -> Tensor:
    largest = tuple(s - 1 for s in window.stride)
    full = TRANSPOSED[window.ndim](y, w, None, window.stride, 0, largest, window.groups, window.dilation)
    return full[(..., *(slice(a, None) for a, _ in window.padding))]


def _remainder_in_front(w: Tensor, y: Tensor, window: Window) -> Tensor:
    front = [side for r in reversed(window.leftover) for side in (r, 0)]
    return F.pad(_without_remainder(w, y, window), front)[window.inner(2)]


def _remainder_repeats_the_edge(w: Tensor, y: Tensor, window: Window) -> Tensor:
    behind = [side for r in reversed(window.leftover) for side in (0, r)]
    return F.pad(_without_remainder(w, y, window), behind, mode="replicate")[window.inner(2)]


def _input_gradient_too_small(w: Tensor, y: Tensor, window: Window) -> Tensor:
    return _without_remainder(w, y, window)[
        (..., *(slice(a, a + i) for i, (a, _) in zip(window.input_size, window.padding)))
    ]


def _kernel_too_large(x: Tensor, y: Tensor, window: Window) -> Tensor:
    turned = Window(window.input_size, window.output_size, window.dilation, window.stride, window.padding)
    planes = [
        convolution(x_g.transpose(0, 1), y_g.transpose(0, 1), None, turned).transpose(0, 1)
        for x_g, y_g in zip(x.chunk(window.groups, 1), y.chunk(window.groups, 1))
    ]
    return torch.cat(planes)


remainder = "stride remainder"
plant_rules("input gradient too small", remainder, "backpack#30", to_input=_input_gradient_too_small)
plant_rules("input gradient too large", remainder, to_input=_too_large)
plant_rules("weight gradient larger than the kernel", remainder, "opacus PR#245", to_weight=_kernel_too_large)
plant_rules("the remainder put in front", remainder, "CMU10-714#6", to_input=_remainder_in_front)
plant_rules("the remainder not zero", remainder, to_input=_remainder_repeats_the_edge)

# -------------------------------------------------------------------------------------------------- kernel flip


def _flipped(axes: Callable[[Window], list[int]]) -> Rule:
    return lambda x, w, b, window: convolution(x, w.flip(axes(window)), b, window)


def _last(window: Window) -> list[int]:
    return [-1]


plant("convolution for correlation", "kernel flip", layer(_flipped(over)))
plant("kernel flipped along one axis", "kernel flip", layer(_flipped(_last)))
plant_rules(
    "kernel flipped in the input gradient",
    "kernel flip",
    to_input=lambda w, y, window: to_input(w.flip(over(window)), y, window),
)
plant_rules(
    "one axis flipped in the input gradient",
    "kernel flip",
    to_input=lambda w, y, window: to_input(w.flip(-1), y, window),
)
plant_rules(
    "weight gradient flipped", "kernel flip", to_weight=lambda x, y, window: to_weight(x, y, window).flip(over(window))
)
