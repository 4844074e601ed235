"""Operators as people register them with torch, right and wrong: targets of ``FILE.py:torch.ops.examined.NAME``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.library import custom_op


def _gate(name: str, fault: str = "") -> None:
    """A ReLU."""

    @custom_op(f"examined::{name}", mutates_args=())
    def gate(x: Tensor) -> Tensor:
        if fault == "edits":
            x.mul_(2).div_(2).add_(0.25)
        return x.clamp(min=0)

    @gate.register_fake
    def _(x: Tensor) -> Tensor:
        return x.new_empty((*x.shape, 1)) if fault == "fake" else torch.empty_like(x)

    def keep(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    def back(ctx: Any, cotangent: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return cotangent * (x > 0)

    if fault != "autograd":
        gate.register_autograd(back, setup_context=keep)


_gate("right")
_gate("fake_is_wrong", "fake")
_gate("edits_its_operand", "edits")
_gate("without_autograd", "autograd")


@custom_op("examined::convolution", mutates_args=())
def convolution(x: Tensor, w: Tensor, b: Tensor | None, stride: Sequence[int], padding: Sequence[int]) -> Tensor:
    """Of two axes and one group, without a dilation."""
    return torch.nn.functional.conv2d(x, w, b, stride, padding)


@convolution.register_fake
def _(x: Tensor, w: Tensor, b: Tensor | None, stride: Sequence[int], padding: Sequence[int]) -> Tensor:
    return torch.nn.functional.conv2d(x, w, b, stride, padding)
