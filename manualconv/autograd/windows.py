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

import torch
from torch import Tensor

from manualconv.autograd.kinds import Linear
from manualconv.geometry import Axes, Window
from manualconv.kernels.movement.windows import crop, overlap_add, pad, windows
from manualconv.torch_internals import shaped


class Windows(Linear):
    """``v[b, (c k), p] = x[b, c, s·p + d·k − a]``."""

    @staticmethod
    def forward(x: Tensor, window: Window) -> Tensor:
        lead = x.dim() - window.ndim
        v = windows(pad(x, window, lead), window, lead)  # (*B, C, *K, *P), a view
        v = v.clone(memory_format=torch.contiguous_format)
        return shaped(v, (*x.shape[: lead - 1], x.shape[lead - 1] * window.taps, window.placements))

    @staticmethod
    def adjoint(v_bar: Tensor, shape: Axes, window: Window) -> Tensor:
        x_bar: Tensor = OverlapAdd.call(v_bar, window)
        return x_bar


class OverlapAdd(Linear):
    """``x[b, c, i] = Σ_{k,p : s·p + d·k − a = i} v[b, (c k), p]``."""

    @staticmethod
    def forward(v: Tensor, window: Window) -> Tensor:
        lead = v.dim() - 1
        channels = v.shape[-2] // window.taps
        v = v.reshape(*v.shape[:-2], channels, *window.kernel_size, *window.output_size)
        x = overlap_add(v, window, lead)  # (*B, C, *(I + a + b))
        return crop(x, window, lead).clone(memory_format=torch.contiguous_format) if window.is_padded else x

    @staticmethod
    def adjoint(x_bar: Tensor, shape: Axes, window: Window) -> Tensor:
        v_bar: Tensor = Windows.call(x_bar, window)
        return v_bar
