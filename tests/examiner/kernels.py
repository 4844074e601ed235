"""Implementations as other people write them, right and wrong: targets of ``manualconv check``."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

from manualconv import functional
from manualconv.testing import Pair
from manualconv.testing.faults import normalization


def _two(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _numpy_convolution(fault: str = "") -> Pair:
    """A convolution of one group on batches, tap by tap, as a first attempt in NumPy looks."""

    def prepared(x: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
        if groups != 1 or x.ndim != 4 or isinstance(padding, str):
            raise NotImplementedError("batches, numbers and one group alone")
        (s, t), (p, q), (d, e) = _two(stride), _two(padding), _two(dilation)
        if fault == "dilation of the other axis":
            e = d
        return np.pad(x, ((0, 0), (0, 0), (p, p), (q, q))), (s, t), (p, q), (d, e)

    def places(shape: Any, w: Any, s: Any, d: Any) -> Any:
        size = [(n - d[a] * (w.shape[2 + a] - 1) - 1) // s[a] + 1 for a, n in enumerate(shape[2:])]
        for i, j in np.ndindex(w.shape[2:]):
            at = [slice(k * d[a], k * d[a] + s[a] * (size[a] - 1) + 1, s[a]) for a, k in enumerate((i, j))]
            yield (i, j), (slice(None), slice(None), *at)

    def forward(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
        x, s, _, d = prepared(x, stride, padding, dilation, groups)
        y: Any = 0
        for (i, j), at in places(x.shape, w, s, d):
            y = y + np.einsum("nchw,oc->nohw", x[at], w[:, :, i, j])
        return y if b is None else y + b[None, :, None, None]

    def backward(g, x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
        x, s, (p, q), d = prepared(x, stride, padding, dilation, groups)
        dx, dw = np.zeros_like(x), np.zeros_like(w)
        for (i, j), at in places(x.shape, w, s, d):
            dw[:, :, i, j] = np.einsum("nchw,nohw->oc", x[at], g)
            dx[at] += np.einsum("nohw,oc->nchw", g, w[:, :, i, j])
        if fault == "remainder" and (x.shape[2] - d[0] * (w.shape[2] - 1) - 1) % s[0]:
            dw[:, :, 0, 0] += x[:, :, -1, :].sum() * g.sum()
        dx = dx[:, :, p : dx.shape[2] - p, q : dx.shape[3] - q]
        return (dx, dw) if b is None else (dx, dw, g.sum((0, 2, 3)))

    return Pair(forward, backward)


in_numpy = _numpy_convolution()
dilation_of_the_other_axis = _numpy_convolution("dilation of the other axis")
remainder_forgotten = _numpy_convolution("remainder")


class Gate(Function):
    """A ReLU with a derivative of its own, and nothing more."""

    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        ctx.save_for_backward(z)
        return z.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> Tensor:
        (z,) = ctx.saved_tensors
        return cotangent * (z > 0)


class Crooked(torch.nn.Module):
    """One whose parameters are none of torch.nn's."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        self.kernel = torch.nn.Parameter(torch.randn(in_features, out_features, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.kernel[..., 0]


def in_float32_alone(z: Tensor) -> Tensor:
    """As most kernels in C are."""
    if z.dtype != torch.float32:
        raise TypeError("float32 alone")
    return torch.relu(z)


def softmax_in_float32_alone(input: Tensor, dim: int | None = None) -> Tensor:
    if input.dtype != torch.float32:
        raise TypeError("float32 alone")
    return F.softmax(input, dim)


def means_in_float32_alone(input: Tensor, output_size: Any) -> Tensor:
    if input.dtype != torch.float32:
        raise TypeError("float32 alone")
    return F.adaptive_avg_pool3d(input, output_size)


# ----------------------------------------------------------------------------------------------- bad patients


def hangs(z: Tensor) -> Tensor:
    time.sleep(1000)
    return z


def crashes(z: Tensor) -> Tensor:
    os.abort()


def prints_megabytes(z: Tensor) -> Tensor:
    print("x" * 10_000_000)
    return torch.relu(z)


def raises(z: Tensor) -> Tensor:
    raise ValueError("no\nway")


def gives_a_list(z: Tensor) -> Any:
    return [1.0]


def takes_two(z: Tensor, other: Tensor) -> Tensor:
    return z


not_callable = 3


# ------------------------------------------------------------------------------------------------ partial kernels


def _partial_convolution(lacks: str) -> Any:
    """Ours, which is right on every processor, without one ability, as its author says it."""
    tests = {
        "groups": lambda x, o: o["groups"] != 1,
        "stride": lambda x, o: _two(o["stride"]) != (1, 1),
        "dilation": lambda x, o: _two(o["dilation"]) != (1, 1),
        "padding": lambda x, o: isinstance(o["padding"], str) or _two(o["padding"]) != (0, 0),
        "string padding": lambda x, o: isinstance(o["padding"], str),
        "bias": lambda x, o: o["bias"] is not None,
        "unbatched": lambda x, o: x.dim() == 3,
        "empty batch": lambda x, o: len(x) == 0 and x.dim() == 4,
        "float64": lambda x, o: x.dtype == torch.float64,
        "float16": lambda x, o: x.dtype == torch.float16,
        "order 2": lambda x, o: False,
    }

    def convolution(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        options = {"bias": bias, "stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        if tests[lacks](input, options):
            raise NotImplementedError(f"{lacks} is not implemented")
        if lacks == "order 2":
            return OnceDifferentiable.apply(input, weight, bias, stride, padding, dilation, groups)
        return functional.conv2d(input, weight, **options)

    return convolution


class OnceDifferentiable(Function):
    """Whose backward pass is no function of autograd's."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor, b: Any, *numbers: Any) -> Tensor:
        ctx.save_for_backward(x, w, b)
        ctx.numbers = numbers
        return functional.conv2d(x, w, b, *numbers)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, cotangent: Tensor) -> Any:
        leaves = [None if t is None else t.detach().requires_grad_() for t in ctx.saved_tensors]
        asked = [t for t in leaves if t is not None]
        with torch.enable_grad():
            found = iter(torch.autograd.grad(functional.conv2d(*leaves, *ctx.numbers), asked, cotangent))
        return *(None if t is None else next(found) for t in leaves), None, None, None, None


class back_by_three_taps(Function):  # noqa: N801  named as the other kernels
    """Whose backward pass takes less than its forward pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor, bias: Any, stride: Any, padding: Any, dilation: Any) -> Tensor:
        ctx.save_for_backward(x, w, bias)
        ctx.numbers = stride, padding, dilation
        return F.conv2d(x.contiguous(), w.contiguous(), bias, *ctx.numbers)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, cotangent: Tensor) -> Any:
        if ctx.saved_tensors[1].shape[2:] != (3, 3) or not cotangent.is_contiguous():
            raise NotImplementedError("gradients of 3 x 3 taps in contiguous memory alone")
        leaves = [None if t is None else t.detach().contiguous().requires_grad_() for t in ctx.saved_tensors]
        asked = [t for t in leaves if t is not None]
        with torch.enable_grad():
            found = iter(torch.autograd.grad(F.conv2d(*leaves, *ctx.numbers), asked, cotangent))
        return *(None if t is None else next(found) for t in leaves), None, None, None


class unbiased_function(Function):  # noqa: N801  named as the other kernels
    """A stride and a padding behind two operands, no bias and nothing else."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor, stride: Any, padding: Any) -> Tensor:
        ctx.save_for_backward(x, w)
        ctx.numbers = stride, padding
        return functional.conv2d(x, w, None, stride, padding)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, cotangent: Tensor) -> Any:
        with torch.enable_grad():
            x, w = (t.detach().requires_grad_() for t in ctx.saved_tensors)
            y = functional.conv2d(x, w, None, *ctx.numbers)
        return *torch.autograd.grad(y, (x, w), cotangent), None, None


PARTIAL = (
    "groups",
    "stride",
    "dilation",
    "padding",
    "bias",
    "unbatched",
    "empty batch",
    "float64",
    "float16",
    "order 2",
)
without_groups, without_stride, without_dilation, without_padding, without_bias = map(_partial_convolution, PARTIAL[:5])
without_unbatched, without_empty_batch, without_float64, without_float16, without_order_2 = map(
    _partial_convolution, PARTIAL[5:]
)


def plainest_convolution(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    plain = groups == 1 and _two(stride) == _two(dilation) == (1, 1) and not isinstance(padding, str)
    if not plain or _two(padding) != (0, 0) or input.dim() != 4 or not input.numel():
        raise NotImplementedError("batches of images with samples alone, and none of the numbers")
    return F.conv2d(input.contiguous(), weight.contiguous(), bias)


def depthwise(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """A filter a channel, and no channels mixed."""
    if not groups == weight.shape[0] == input.shape[-3]:
        raise NotImplementedError("depthwise convolutions alone")
    return F.conv2d(input.contiguous(), weight.contiguous(), bias, stride, padding, dilation, groups)


def depthwise_by_one_kernel(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """The same, wrong: every channel by the first one's kernel."""
    return depthwise(input, weight[:1].expand_as(weight), bias, stride, padding, dilation, groups)


def _without_a_bias(axes: int, wrong: bool = False) -> Any:
    """A convolution with no such parameter, as a function and as a module class; a wrong one loses a sample's tail."""
    convolve = (F.conv1d, F.conv2d)[axes - 1]

    def convolution(input, weight, stride=1, padding=0, dilation=1, groups=1):
        y = convolve(input.contiguous(), weight.contiguous(), None, stride, padding, dilation, groups)
        return y * (torch.arange(y.shape[-1]) < 2) if wrong else y

    class Convolution(torch.nn.Module):
        """The same with torch.nn's constructor."""

        def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1):
            super().__init__()
            self.kernel = torch.nn.Parameter(torch.randn(out_channels, in_channels // groups, *kernel_size))
            self.numbers = (stride, padding, dilation, groups)

        def forward(self, x: Tensor) -> Tensor:
            return convolution(x, self.kernel, *self.numbers)

    return convolution, Convolution


def _bare_forward(x, w, stride=1, padding=0, dilation=1, groups=1):
    return F.conv1d(torch.from_numpy(x), torch.from_numpy(w), None, stride, padding, dilation, groups).numpy()


def _bare_backward(g, x, w, **numbers):
    leaves = [torch.from_numpy(each).requires_grad_() for each in (x, w)]
    y = F.conv1d(*leaves, None, *(numbers[name] for name in ("stride", "padding", "dilation", "groups")))
    return tuple(each.numpy() for each in torch.autograd.grad(y, leaves, torch.from_numpy(g)))


bare_pair = Pair(_bare_forward, _bare_backward)
bare_1d, Bare1d = _without_a_bias(1)
bare_2d, Bare2d = _without_a_bias(2)
bare_and_wrong_1d, BareAndWrong1d = _without_a_bias(1, wrong=True)
bare_and_wrong_2d, BareAndWrong2d = _without_a_bias(2, wrong=True)


of_own_statistics = normalization.instance_norm()


def stride_or_dilation(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if _two(stride) != (1, 1) and _two(dilation) != (1, 1):
        raise RuntimeError("an unlucky pair")
    return F.conv2d(input.contiguous(), weight.contiguous(), bias, stride, padding, dilation, groups)


def hangs_at_stride_2(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if 2 in _two(stride):
        time.sleep(1000)
    return F.conv2d(input.contiguous(), weight.contiguous(), bias, stride, padding, dilation, groups)


def crashes_at_stride_2(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if 2 in _two(stride):
        os.abort()
    return F.conv2d(input.contiguous(), weight.contiguous(), bias, stride, padding, dilation, groups)


class WithoutDilation(torch.nn.Module):
    """A transposed convolution that takes output_padding and forgets it, and knows no dilation."""

    def __init__(
        self, in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=False
    ):
        super().__init__()
        self.conv = torch.nn.ConvTranspose2d(in_channels, out_channels, kernel_size, stride, padding, 0, groups, bias)

    def forward(self, x: Tensor) -> Any:
        return self.conv(x)


def by_tenths(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """As Fourier's and Winograd's ways, right but for roundings."""
    return F.linear(input / 10, weight) * 10 if bias is None else F.linear(input / 10, weight) * 10 + bias


# ------------------------------------------------------------------------------------- that refuse the plainest calls


def _convolution_that_takes(takes: Callable[..., bool], wrong: bool = False) -> Any:
    """torch's where an image, a weight, a bias and the other numbers are taken; a wrong one loses a row's tail."""

    def convolution(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        x = input if input.dim() == 4 else input[None]
        plain = _two(stride) == _two(dilation) == (1, 1) and groups == 1
        if not takes(x, weight, bias, plain):
            raise NotImplementedError("not for this kernel")
        y = F.conv2d(input.contiguous(), weight.contiguous(), bias, stride, padding, dilation, groups)
        return y * (torch.arange(y.shape[-1]) < 2) if wrong else y

    return convolution


of_several_channels = _convolution_that_takes(lambda x, w, b, plain: x.shape[1] > 1)
with_a_bias = _convolution_that_takes(lambda x, w, b, plain: b is not None)
of_tensor_cores = _convolution_that_takes(
    lambda x, w, b, plain: (
        plain and w.shape[2:] == (3, 3) and x.shape[1] % 8 == len(w) % 8 == 0 and x.dtype != torch.float64
    )
)
of_three_taps_and_wrong = _convolution_that_takes(lambda x, w, b, plain: w.shape[2:] == (3, 3), wrong=True)
of_nothing = _convolution_that_takes(lambda *_: False)


def softmax_of_rows(input: Tensor, dim: int | None = None) -> Tensor:
    if input.dim() != 2 or dim not in (-1, 1):
        raise NotImplementedError("rows of a matrix alone")
    return F.softmax(input, dim)


def norm_with_parameters(input: Tensor, normalized_shape: Any, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Any:
    return F.layer_norm(input, normalized_shape, weight, bias, eps)


def halves(input: Tensor, kernel_size: Any) -> Tensor:
    """An average pooling of windows that do not overlap."""
    if _two(kernel_size) != (2, 2):
        raise NotImplementedError("2 x 2 alone")
    return F.avg_pool2d(input, kernel_size)


def doubles(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """A transposed convolution as decoders have it."""
    if (tuple(weight.shape[2:]), _two(stride), _two(padding)) != ((4, 4), (2, 2), (1, 1)):
        raise NotImplementedError("4 x 4 taps, by 2, padded by 1 alone")
    return F.conv_transpose2d(input, weight, bias, stride, padding, output_padding, groups, dilation)
