"""Faults of padding: frames, modes and axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv.testing.faults.bank import plant

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
