"""Trainable sub-sampling layers.  torch.nn has none, so `manualconv.convert` never makes one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from manualconv import functional
from manualconv.functional.subsampling import Activation
from manualconv.geometry import Numbers, per_axis


class _Subsample(torch.nn.Module):
    """What the three have in common: one coefficient and one bias a channel, a window, an activation."""

    bias: Parameter | None
    ndim: int
    rule: Callable[..., Tensor]

    def __init__(
        self,
        channels: int,
        kernel_size: Numbers,
        stride: Numbers | None = None,
        bias: bool = True,
        activation: Activation | None = functional.sigmoid,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.channels, self.activation = channels, activation
        self.kernel_size = per_axis(kernel_size, self.ndim)
        self.stride = self.kernel_size if stride is None else per_axis(stride, self.ndim)
        self.weight = Parameter(torch.empty(channels, device=device, dtype=dtype))
        self.register_parameter("bias", Parameter(torch.empty_like(self.weight)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Both uniform in ``±1/√ΠK``: torch's own start of the depthwise convolution that has ΠK equal taps."""
        bound = 1 / math.sqrt(math.prod(self.kernel_size))
        for parameter in self.parameters(recurse=False):
            torch.nn.init.uniform_(parameter, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        """``σ(w·Σ x + b)``."""
        rule = type(self).rule
        return rule(input, self.weight, self.bias, self.kernel_size, self.stride, activation=self.activation)

    def extra_repr(self) -> str:
        """The arguments; an activation that is a module prints itself below."""
        parts = [f"{self.channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        if self.bias is None:
            parts.append("bias=False")
        if not isinstance(self.activation, torch.nn.Module):
            parts.append(f"activation={getattr(self.activation, '__name__', self.activation)}")
        return ", ".join(parts)


class Subsample1d(_Subsample):
    """`Subsample2d` on signals.  ``(N, C, L)`` → ``(N, C, P)``."""

    ndim, rule = 1, staticmethod(functional.subsample1d)


class Subsample2d(_Subsample):
    """The trainable sub-sampling layer of the first LeNets: ``y = σ(w[c]·Σ x + b[c])`` over each window.

    Args:
        channels: C; the layer has 2·C parameters, `weight` ``(C,)``, the coefficients, and `bias` ``(C,)``.
        kernel_size, stride: an int or a tuple of two; `stride` defaults to `kernel_size`.
        bias: without one, the C coefficients alone.
        activation: a function of one tensor or a module, the sigmoid by default (LeNet-5 of 1998 has a scaled tanh);
            None for none.
        device, dtype: of the parameters.

    Shapes: ``(N, C, H, W)`` → ``(N, C, PH, PW)``, or without N.
    """

    ndim, rule = 2, staticmethod(functional.subsample2d)


class Subsample3d(_Subsample):
    """`Subsample2d` on volumes.  ``(N, C, D, H, W)`` → ``(N, C, PD, PH, PW)``."""

    ndim, rule = 3, staticmethod(functional.subsample3d)
