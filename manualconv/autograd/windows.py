"""Windows of a tensor side by side, and added up again: the pair known as im2col and col2im.

    Windows       v[b, (c k), p] = x[b, c, s·p + d·k − a]                      x = 0 outside
    OverlapAdd    x[b, c, i] = Σ_{k,p : s·p + d·k − a = i} v[b, (c k), p]      ⟨Windows x, v⟩ = ⟨x, OverlapAdd v⟩

Both are linear and each is the other's adjoint, so each is the other's derivative at every order.  Windows copies
position i once for every tap that reaches it: OverlapAdd(Windows(x)) is x times that number, the coverage count.

A convolution is one matrix product on Windows(x), and its input gradient OverlapAdd of one matrix product.

Shapes: x ``(*B, C, *I)``, v ``(*B, C·ΠK, ΠP)``, channels and taps as one axis, channels outermost; a mapped axis is one
more of ``*B``.

Source: Chellapilla, Puri and Simard, *High performance convolutional neural networks for document processing* (2006).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from manualconv.autograd.function import Map
from manualconv.geometry import Window
from manualconv.kernels.windows import crop, overlap_add, pad, windows
from manualconv.torch_internals import shaped


class Windows(Map):
    """``v[b, (c k), p] = x[b, c, s·p + d·k − a]``."""

    @staticmethod
    def forward(x: Tensor, window: Window) -> Tensor:
        lead = x.dim() - window.ndim
        v = windows(pad(x, window, lead), window, lead)  # (*B, C, *K, *P), a view
        v = v.clone(memory_format=torch.contiguous_format)
        return shaped(v, (*x.shape[: lead - 1], x.shape[lead - 1] * window.taps, window.placements))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, ctx.window = inputs

    @staticmethod
    def backward(ctx: Any, v_bar: Tensor) -> tuple[Tensor, None]:
        return OverlapAdd.call(v_bar, ctx.window), None

    @staticmethod
    def jvp(ctx: Any, x_dot: Tensor, _: None) -> Tensor:
        v_dot: Tensor = Windows.call(x_dot, ctx.window)
        return v_dot

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, None], x: Tensor, window: Window) -> tuple[Tensor, int]:
        return Windows.call(x.movedim(in_dims[0], 0), window), 0


class OverlapAdd(Map):
    """``x[b, c, i] = Σ_{k,p : s·p + d·k − a = i} v[b, (c k), p]``."""

    @staticmethod
    def forward(v: Tensor, window: Window) -> Tensor:
        lead = v.dim() - 1
        channels = v.shape[-2] // window.taps
        v = v.reshape(*v.shape[:-2], channels, *window.kernel_size, *window.output_size)
        x = overlap_add(v, window, lead)  # (*B, C, *(I + a + b))
        return crop(x, window, lead).clone(memory_format=torch.contiguous_format) if window.is_padded else x

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, ctx.window = inputs

    @staticmethod
    def backward(ctx: Any, x_bar: Tensor) -> tuple[Tensor, None]:
        return Windows.call(x_bar, ctx.window), None

    @staticmethod
    def jvp(ctx: Any, v_dot: Tensor, _: None) -> Tensor:
        x_dot: Tensor = OverlapAdd.call(v_dot, ctx.window)
        return x_dot

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, None], v: Tensor, window: Window) -> tuple[Tensor, int]:
        return OverlapAdd.call(v.movedim(in_dims[0], 0), window), 0
