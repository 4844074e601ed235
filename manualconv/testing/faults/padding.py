"""Faults of padding, folding and linear layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv.geometry import per_axis
from manualconv.testing.faults.bank import plant
from manualconv.testing.faults.derived import going_back, half, rounded, with_gradient_of
from manualconv.testing.referee import REFEREE

Layer = Callable[..., Tensor]
Pads = tuple[int, ...]


def padded(change: Callable[[Pads, str], tuple[Pads, str]]) -> Layer:
    """torch's with another frame or mode, cut or filled to the right size."""

    def layer(input: Tensor, pad: Any, mode: str = "constant", value: float | None = None) -> Tensor:
        size = F.pad(input, pad, mode, value).shape
        pads, how = change(tuple(pad), mode)
        try:
            y = F.pad(input, pads, how, value if how == "constant" else None)
        except RuntimeError:  # too small a tensor for the other frame
            return F.pad(input, pad, mode, value)
        more = [side for have, need in zip(reversed(y.shape), reversed(size)) for side in (0, max(need - have, 0))]
        return F.pad(y, more)[tuple(slice(n) for n in size)]

    return layer


def _sides(pads: Pads, mode: str) -> tuple[Pads, str]:
    return tuple(side for a, b in zip(pads[::2], pads[1::2]) for side in (b, a)), mode


def _axes(pads: Pads, mode: str) -> tuple[Pads, str]:
    pairs = list(zip(pads[::2], pads[1::2]))[::-1]
    return tuple(side for pair in pairs for side in pair), mode


def _uncut(pads: Pads, mode: str) -> tuple[Pads, str]:
    return tuple(max(side, 0) for side in pads), mode


def _instead(old: str, new: str) -> Callable[[Pads, str], tuple[Pads, str]]:
    return lambda pads, mode: (pads, new if mode == old else mode)


def _value_ignored(input: Tensor, pad: Any, mode: str = "constant", value: float | None = None) -> Tensor:
    return F.pad(input, pad, mode)


def _frame_without_gradient(input: Tensor, pad: Any, mode: str = "constant", value: float | None = None) -> Tensor:
    inner = F.pad(input, [min(side, 0) for side in pad])
    filled = F.pad(input, pad, mode, value).detach()
    mask = F.pad(torch.ones_like(inner), [max(side, 0) for side in pad])
    return torch.where(mask > 0, F.pad(inner, [max(side, 0) for side in pad]), filled)


def _nothing_right(pads: Pads, mode: str) -> tuple[Pads, str]:
    return (tuple(0 if b == 0 else side for a, b in zip(pads[::2], pads[1::2]) for side in (a, b)), mode)


PADDING = "padding"
plant(
    PADDING,
    "pad",
    ("sides exchanged", padded(_sides), "onnxruntime#27375, of convolution's padding"),
    ("axes in another order", padded(_axes), "torch counts axes from the last one"),
    ("nothing cut off", padded(_uncut), "tinygrad#7918: negative sides"),
    ("reflected with its edge", padded(_instead("reflect", "replicate")), "two modes that agree on one pixel"),
    ("circular by reflection", padded(_instead("circular", "replicate")), "two modes taken for each other"),
    ("circular with nothing on the right is not padded", padded(_nothing_right), "#24504"),
    ("its value ignored", _value_ignored, "an option accepted and not read"),
    ("the frame sends nothing back", _frame_without_gradient, "#68879: pixels that are used twice"),
)

# --------------------------------------------------------------------------------------------------- windows and sums


def unfolded(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Layer:
    """Windows as columns, in any number of dimensions, with other numbers."""

    def layer(input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
        ndim = _ndim(input, kernel_size, 2)
        right = _numbers(ndim, kernel_size, dilation, padding, stride)
        y: Tensor = REFEREE.unfold(input, *right.values())
        other: Tensor = REFEREE.unfold(input, *{**right, **change(right)}.values())
        return _fitted(other, y.shape)

    return layer


def _ndim(input: Tensor, kernel_size: Any, lead: int) -> int:
    return input.dim() - lead if isinstance(kernel_size, int) else len(kernel_size)


def _numbers(ndim: int, kernel: Any, dilation: Any, padding: Any, stride: Any) -> dict[str, Any]:
    pairs = padding if isinstance(padding, tuple) and padding and isinstance(padding[0], tuple) else None
    return {
        "kernel": per_axis(kernel, ndim),
        "dilation": per_axis(dilation, ndim),
        "padding": pairs or tuple((p, p) for p in per_axis(padding, ndim)),
        "stride": per_axis(stride, ndim),
    }


def _fitted(y: Tensor, size: torch.Size) -> Tensor:
    more = [side for have, need in zip(reversed(y.shape), reversed(size)) for side in (0, max(need - have, 0))]
    return F.pad(y, more)[tuple(slice(n) for n in size)]


def _taps_first(input: Tensor, kernel_size: Any, *args: Any, **options: Any) -> Tensor:
    y = unfolded(lambda numbers: {})(input, kernel_size, *args, **options)
    taps = int(torch.Size(per_axis(kernel_size, _ndim(input, kernel_size, 2))).numel())
    turned: Tensor = y.unflatten(-2, (-1, taps)).transpose(-3, -2).flatten(-3, -2)
    return turned


def folded(change: Callable[[dict[str, Any]], dict[str, Any]], averaged: bool = False) -> Layer:
    """Columns added up, with other numbers."""

    def layer(
        input: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
    ) -> Tensor:
        ndim = 2 if isinstance(output_size, int) else len(output_size)
        right = _numbers(ndim, kernel_size, dilation, padding, stride)
        size = per_axis(output_size, ndim)
        y: Tensor = REFEREE.fold(input, size, *{**right, **change(right)}.values())
        if averaged:
            y = y / REFEREE.fold(torch.ones_like(input), size, *right.values()).clamp(min=1)
        return y

    return layer


def _half_folded(input: Tensor, *args: Any, **options: Any) -> Tensor:
    return folded(lambda numbers: {})(half(input), *args, **options)


FOLDING = "folding"
plant(
    FOLDING,
    "unfold",
    ("taps before channels", _taps_first, "im2col's two orders of rows"),
    ("dilation ignored", unfolded(lambda n: {"dilation": (1,) * len(n["dilation"])}), "dilation left out"),
    ("stride ignored", unfolded(lambda n: {"stride": (1,) * len(n["stride"])}), "an option accepted and not read"),
    (
        "padding on the wrong side",
        unfolded(lambda n: {"padding": tuple((b + a, 0) for a, b in n["padding"])}),
        "a frame put in front",
    ),
    (
        "gradient of undilated windows",
        with_gradient_of(unfolded(lambda n: {}), unfolded(lambda n: {"dilation": (1,) * len(n["dilation"])})),
        "dilation left out of the backward pass",
    ),
)
plant(
    FOLDING,
    "fold",
    ("overlaps averaged", folded(lambda n: {}, averaged=True), "#21817: col2im as the inverse of im2col"),
    (
        "gradient of averaged overlaps",
        with_gradient_of(folded(lambda n: {}), folded(lambda n: {}, averaged=True)),
        "#21817",
    ),
    ("half of its gradient", _half_folded, "a factor lost on the way back"),
)

# ------------------------------------------------------------------------------------------------------------- linear


def _transposed_square(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return F.linear(input, weight.T if weight.shape[0] == weight.shape[1] else weight, bias)


def _bias_of_the_first(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return F.linear(input, weight, None if bias is None else bias[:1].expand(bias.shape))


def _bias_mean(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    rows = max(input.numel() // max(input.shape[-1], 1), 1)
    return F.linear(input, weight, None if bias is None else going_back(bias, lambda g: g / rows))


def _by_first_rows(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    if input.dim() < 3:
        return F.linear(input, weight, bias)
    return F.linear(input, weight, bias)[:1].expand(*input.shape[:-1], weight.shape[0]) + 0


def _in_half(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return F.linear(rounded(input, torch.float16), rounded(weight, torch.float16), bias)


def _without_bias(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return F.linear(input, weight) + (0 if bias is None else 0 * bias)


def _block_of_sixteen(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    k = weight.shape[1]
    whole = k - k % 16 if k > 16 else k
    return F.linear(input[..., :whole], weight[:, :whole], bias)


LINEAR = "linear"
plant(
    LINEAR,
    "linear",
    ("square weights transposed", _transposed_square, "tried on squares alone"),
    ("bias of the first output for all", _bias_of_the_first, "an index of the bias left out"),
    ("bias gradient a mean", _bias_mean, "a mean for a sum over samples"),
    ("the first row of a batch for all", _by_first_rows, "FlagGems#5392: two axes assumed"),
    ("operands in float16", _in_half, "KernelBench: lower precision inside"),
    (
        "the tail of a block dropped",
        _block_of_sixteen,
        "columns that are no multiple of the block, as in FlagGems#4985",
    ),
    ("bias forgotten", _without_bias, "a bias that no test looks at"),
)
