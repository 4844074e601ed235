"""torch.nn.functional as the referee, called as our functions are: `REFEREE`.

What ours take beyond torch's arguments (a padding for every side, unfolding in any dimension, sub-sampling, the matrix
of a convolution) is made of torch's own functions.  Convolutions get contiguous operands: where an axis of length 1
leaves open how a tensor lies, torch 2.14.1 reads x as one memory format and w as another.  Its convolution then raises
("slow_conv2d: grad_weight must be contiguous", as in pytorch/vision#6001) or, with groups, sums the wrong numbers in
silence.  tests/functional/test_layout.py has the cases.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import functional
from manualconv.geometry import Window
from manualconv.testing.cases import TransposedConvolution
from manualconv.testing.cases.tensors import behind

Sizes = tuple[int, ...]
Pairs = tuple[tuple[int, int], ...]
CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
BY_HAND = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}


def _framed(x: Tensor, padding: Pairs) -> Tensor:
    """One-sided padding, which torch's layers lack, is put on beforehand."""
    return F.pad(x, [side for pair in reversed(padding) for side in pair]).contiguous()


def _conv(
    x: Tensor, w: Tensor, b: Tensor | None, stride: Sizes, padding: Pairs, dilation: Sizes, groups: int
) -> Tensor:
    return CONVOLUTIONS[w.dim() - 2](_framed(x, padding), w.contiguous(), b, stride, 0, dilation, groups)


def _conv_transpose(
    x: Tensor, w: Tensor, b: Tensor | None, stride: Sizes, padding: Pairs, more: Sizes, groups: int, dilation: Sizes
) -> Tensor:
    """One-sided padding is cut off afterwards."""
    layer, x, w = TRANSPOSED[w.dim() - 2], x.contiguous(), w.contiguous()
    if all(lo == hi for lo, hi in padding):
        return layer(x, w, b, stride, tuple(lo for lo, _ in padding), more, groups, dilation)
    y = layer(x, w, b, stride, 0, more, groups, dilation)
    return y[behind(*(slice(lo, size - hi) for size, (lo, hi) in zip(y.shape[-len(padding) :], padding)))]


def _taps(x: Tensor, kernel: Sizes, channels: int) -> Tensor:
    """The weight that copies each tap of a window into a channel of its own."""
    return torch.eye(prod(kernel), dtype=x.dtype).reshape(-1, 1, *kernel).repeat(channels, *(1,) * (len(kernel) + 1))


def _unfold(x: Tensor, kernel: Sizes, dilation: Sizes, padding: Pairs, stride: Sizes) -> Tensor:
    """torch's knows images only."""
    x = _framed(x, padding)
    if len(kernel) == 2:
        return F.unfold(x, kernel, dilation, 0, stride)
    channels = x.shape[-len(kernel) - 1]
    y = CONVOLUTIONS[len(kernel)](x, _taps(x, kernel, channels), None, stride, 0, dilation, channels)
    return y.flatten(-len(kernel))


def _fold(v: Tensor, size: Sizes, kernel: Sizes, dilation: Sizes, padding: Pairs, stride: Sizes) -> Tensor:
    framed = tuple(i + a + b for i, (a, b) in zip(size, padding))
    if len(kernel) == 2:
        y = F.fold(v, framed, kernel, dilation, 0, stride)
    else:
        extents = [(i - d * (k - 1) - 1, s) for i, k, d, s in zip(framed, kernel, dilation, stride)]
        columns, channels = v.unflatten(-1, [room // s + 1 for room, s in extents]), v.shape[-2] // prod(kernel)
        more = [room % s for room, s in extents]
        y = TRANSPOSED[len(kernel)](columns, _taps(v, kernel, channels), None, stride, 0, more, channels, dilation)
    return y[behind(*(slice(a, a + i) for i, (a, _) in zip(size, padding)))]


def _subsample(
    x: Tensor, w: Tensor, b: Tensor | None, kernel: Sizes, stride: Sizes, activation: Any = torch.sigmoid
) -> Tensor:
    """A depthwise convolution with ones, a scale, a shift."""
    ones, along = torch.ones((len(w), 1, *kernel), dtype=x.dtype, device=x.device), (-1, *(1,) * len(kernel))
    u = CONVOLUTIONS[len(kernel)](x, ones, stride=stride, groups=len(w)) * w.reshape(along)
    u = u if b is None else u + b.reshape(along)
    y: Tensor = u if activation is None else activation(u)
    return y


def _toeplitz(
    w: Tensor, size: Sizes, stride: Sizes, padding: Pairs, dilation: Sizes, groups: int, layout: torch.layout
) -> Tensor:
    """What the convolution makes of each one-hot input is a column."""
    each = torch.eye(w.shape[1] * groups * prod(size), dtype=w.dtype).reshape(-1, w.shape[1] * groups, *size)
    return _conv(each, w, None, stride, padding, dilation, groups).flatten(1).T


def _with_a_scale(norm: Any) -> Callable[..., Tensor]:
    """torch's second derivative takes no β without γ."""

    def apply(x: Tensor, *given: Any, weight: Tensor | None, bias: Tensor | None, **options: Any) -> Tensor:
        if weight is None and bias is not None:
            weight = torch.ones_like(bias)
        y: Tensor = norm(x, *given, weight=weight, bias=bias, **options)
        return y

    return apply


def _contiguous_places(unpool: Any) -> Callable[..., Tensor]:
    """Whose gradient torch refuses where they lie otherwise."""
    return lambda y, index, *given: unpool(y, index.contiguous(), *given)


#: torch's, called as ours.
REFEREE = SimpleNamespace(
    **{
        **vars(F),
        **{f"conv{n}d": _conv for n in CONVOLUTIONS},
        **{f"conv_transpose{n}d": _conv_transpose for n in CONVOLUTIONS},
        **{f"subsample{n}d": _subsample for n in CONVOLUTIONS},
        **{
            f"{kind}_norm": _with_a_scale(getattr(F, f"{kind}_norm"))
            for kind in ("batch", "instance", "layer", "group")
        },
        **{f"max_unpool{n}d": _contiguous_places(getattr(F, f"max_unpool{n}d")) for n in CONVOLUTIONS},
        "unfold": _unfold,
        "fold": _fold,
        "toeplitz": _toeplitz,
        "hardsigmoid": lambda z: F.relu6(z + 3) / 6,  # the slope of torch's own is 1/6 in float32
        "gelu": lambda z, approximate: F.gelu(z, approximate=approximate),
        "scaled_tanh": lambda z: 1.7159 * torch.tanh(z * (2 / 3)),
    }
)


def in_window(library: Any, x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """A library's convolution in the window's dimension."""
    numbers = (window.stride, window.padding, window.dilation, window.groups)
    layer = getattr(library, f"conv{window.ndim}d") if window.ndim else library.linear
    y: Tensor = layer(x, w, b, *(numbers if window.ndim else ()))
    return y


def transposed_in_window(library: Any, x: Tensor, w: Tensor, b: Tensor | None, case: TransposedConvolution) -> Tensor:
    """A library's transposed convolution in the window's dimension."""
    window, layer = case.of.window, getattr(library, f"conv_transpose{case.of.window.ndim}d")
    y: Tensor = layer(x, w, b, window.stride, case.padding, case.output_padding, window.groups, window.dilation)
    return y


convolution, by_hand = partial(in_window, REFEREE), partial(in_window, functional)
transposed, transposed_by_hand = partial(transposed_in_window, REFEREE), partial(transposed_in_window, functional)


def leaves(*tensors: Tensor | None) -> list[Tensor]:
    """Those that are there, as they lie in memory, asking for gradients."""
    return [t.detach().requires_grad_() for t in tensors if t is not None]


def first_gradients(y: Tensor, inputs: Sequence[Tensor], cotangent: Tensor) -> list[Tensor]:
    """∂⟨y, cotangent⟩/∂inputs, differentiable again; zeros where y does not depend on an input."""
    return list(torch.autograd.grad(y, inputs, cotangent, create_graph=True, materialize_grads=True))


def second_gradients(
    gradients: Sequence[Tensor], inputs: Sequence[Tensor], directions: Sequence[Tensor]
) -> list[Tensor]:
    """∂Σ⟨gradient, direction⟩/∂inputs."""
    total = torch.stack([(g * v).sum() for g, v in zip(gradients, directions, strict=True)]).sum()
    return list(torch.autograd.grad(total, inputs, create_graph=True, materialize_grads=True))


def two_orders(
    layer: Callable[..., Tensor],
    tensors: Sequence[Tensor | None],
    cotangent: Tensor,
    directions: Sequence[Tensor | None],
) -> list[Tensor]:
    """y, its gradients by the tensors that there are, and theirs along the directions, by the tensors and ȳ."""
    inputs, cotangent = leaves(*tensors), cotangent.clone().requires_grad_()
    y = layer(*inputs)
    first = first_gradients(y, inputs, cotangent)
    return [y, *first, *second_gradients(first, [*inputs, cotangent], [v for v in directions if v is not None])]


def raised(call: Callable[[], object]) -> Exception:
    """What a call raises."""
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError("accepted")
