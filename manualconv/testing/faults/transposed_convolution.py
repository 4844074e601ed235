"""Faults of transposed convolution: torch's, called or put together wrongly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv.geometry import per_axis
from manualconv.testing.cases.tensors import behind
from manualconv.testing.faults.bank import plant
from manualconv.testing.faults.derived import with_gradient_of

TORCH_S: dict[int, Callable[..., Tensor]] = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


def right(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """torch's, of contiguous tensors."""
    apply = TORCH_S[weight.dim() - 2]
    return apply(input.contiguous(), weight.contiguous(), bias, stride, padding, output_padding, groups, dilation)


def changed(**become: Callable[[Any], Any]) -> Callable[..., Tensor]:
    """torch's with other arguments where it takes them, cut or filled with zeros to the right size."""

    def layer(*args: Any, **options: Any) -> Tensor:
        size = right(*args, **options).shape
        names = ("input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation")
        given: dict[str, Any] = {**dict(zip(names, args)), **options}
        ndim = given["weight"].dim() - 2
        for name, change in become.items():
            value: Any = given.get(name, {"dilation": 1, "stride": 1, "groups": 1, "bias": None}.get(name, 0))
            given[name] = change(value if name in ("input", "weight", "bias", "groups") else per_axis(value, ndim))
        try:
            return fitted(right(**given), size)
        except RuntimeError:  # no layer has such numbers
            return right(*args, **options)

    return layer


def fitted(y: Tensor, size: torch.Size) -> Tensor:
    """Cut, or filled with zeros behind."""
    more = [side for have, need in zip(reversed(y.shape), reversed(size)) for side in (0, max(need - have, 0))]
    return F.pad(y, more)[tuple(slice(n) for n in size)]


def _exchanged_channels(w: Tensor) -> Tensor:
    return w.transpose(0, 1) if w.shape[0] == w.shape[1] else w


def _bias_of_each_tap(input: Tensor, weight: Tensor, bias: Tensor | None = None, *args: Any, **options: Any) -> Tensor:
    y = right(input, weight, None, *args, **options)
    if bias is None:
        return y
    groups = options.get("groups", 1)
    ones = torch.ones_like(weight[:, :1])[: groups * (weight.shape[0] // groups)]
    counted = right(torch.ones_like(input), ones, None, *args, **{**options, "groups": 1})
    return y + counted.clamp(max=1) * bias.reshape(-1, *(1,) * (weight.dim() - 2))


def _bias_not_behind(input: Tensor, weight: Tensor, bias: Tensor | None = None, *args: Any, **options: Any) -> Tensor:
    y = right(input, weight, None, *args, **options)
    if bias is None:
        return y
    more = per_axis(options.get("output_padding", 0), weight.dim() - 2)
    inside = torch.zeros_like(y)
    inside[behind(*(slice(size - o) for size, o in zip(y.shape[1 - weight.dim() + 1 :], more)))] = 1
    return y + inside * bias.reshape(-1, *(1,) * (weight.dim() - 2))


def _flipped(w: Tensor) -> Tensor:
    return w.flip(tuple(range(2, w.dim())))


def _rotated_groups(input: Tensor, weight: Tensor, *args: Any, **options: Any) -> Tensor:
    groups = options.get("groups", 1)
    return right(input, weight.roll(weight.shape[0] // groups, 0), *args, **options)


def _first_sample(x: Tensor) -> Tensor:
    return x[:1].expand(x.shape)


FAMILY = "transposed convolution"
AXES = "numbers of one axis used on another, as in tinygrad#17805"
plant(
    FAMILY,
    "conv_transpose2d",
    ("stride exchanged between axes", changed(stride=lambda s: s[::-1]), AXES),
    ("padding exchanged between axes", changed(padding=lambda p: p[::-1]), AXES),
    ("kernel not turned", changed(weight=_flipped), "convolution for correlation: the article's full convolution"),
    ("input and output channels exchanged", changed(weight=_exchanged_channels), "the weight's layout (C, O/g, *K)"),
    ("bias forgotten", changed(bias=lambda b: None), "a bias that no test looks at"),
    ("bias only where a window reaches", _bias_of_each_tap, "a bias added in the loop over taps"),
    ("bias missing in the output padding", _bias_not_behind, "rows of output_padding added after the bias"),
    ("groups rotated", _rotated_groups, "channels of groups in another order, as in tensorflow#50397"),
    (
        "weight gradient of a kernel that is not turned",
        with_gradient_of(right, changed(weight=_flipped)),
        "the three maps exchanged: to_weight of another layer",
    ),
)
plant(
    FAMILY,
    "conv_transpose1d",
    ("dilation ignored", changed(dilation=lambda d: (1,) * len(d)), "onnxruntime#2518: strides and dilations together"),
    ("output padding put in front", changed(padding=lambda p: tuple(max(v - 1, 0) for v in p)), "CMU10-714#6"),
    ("stride ignored", changed(stride=lambda s: (1,) * len(s)), "zeros between entries forgotten"),
    (
        "gradient as if not dilated",
        with_gradient_of(right, changed(dilation=lambda d: (1,) * len(d))),
        "dilation left out of the backward pass",
    ),
)
plant(
    FAMILY,
    "conv_transpose3d",
    (
        "output padding left empty",
        changed(output_padding=lambda o: (0,) * len(o)),
        "tvm#19524: rows of output_padding filled with zeros",
    ),
    ("padding ignored at the front", changed(padding=lambda p: (0,) * len(p)), "a crop from the end alone"),
    ("samples of the first one", changed(input=_first_sample), "an index of the batch left out"),
    (
        "gradient of the first stride on all axes",
        with_gradient_of(right, changed(stride=lambda s: s[:1] * len(s))),
        AXES,
    ),
)
