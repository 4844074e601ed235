"""Sums and selections: on small integers value and gradients are exactly those of torch and its autograd."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad

from manualconv import definitions
from manualconv.geometry import Window
from manualconv.testing.cases import (
    AdaptivePooling,
    Convolution,
    Padding,
    Pooling,
    TransposedConvolution,
    adaptive_poolings,
    convolutions,
    paddings,
    poolings,
    transposed_convolutions,
)
from manualconv.testing.cases.averaging import DIVISIBLE, averages, options
from manualconv.testing.referee import convolution, transposed

#: A function of torch's, its tensors, a cotangent, and what the definition says: value and gradients.
Comparison = tuple[Callable[..., Tensor], list[Tensor], Tensor, list[Any]]


def arrays(*tensors: Tensor) -> list[Any]:
    """NumPy's."""
    return [t.detach().numpy() for t in tensors]


def convolved(case: Convolution) -> Comparison:
    inputs = [t.contiguous() for t in case.batched()]
    x, w, dz = arrays(*inputs)
    b = torch.arange(len(w)).double() - 2
    results = [definitions.conv(x, w, b.numpy(), case.window), *definitions.conv_gradients(x, w, dz, case.window)]
    return lambda x, w, b: convolution(x, w, b, case.window), [*inputs[:2], b], inputs[2], results


def fully_connected(case: Convolution) -> Comparison:
    inputs = [t.contiguous() for t in case.batched()]
    x, w, dz = arrays(*inputs)
    b = torch.arange(len(w)).double() - 2
    results = [definitions.linear(x, w, b.numpy()), *definitions.linear_gradients(x, w, dz)]
    return F.linear, [*inputs[:2], b], inputs[2], results


def transposed_convolved(case: TransposedConvolution) -> Comparison:
    dz, w, x = (t.contiguous() for t in case.of.batched())
    b = torch.arange(dz.shape[1]).double() - 2
    window = case.of.window
    forward = definitions.conv_transpose(*arrays(x, w, b), window)
    results = [forward, *definitions.conv_transpose_gradients(*arrays(x, w, dz), window)]
    return lambda x, w, b: transposed(x, w, b, case), [x, w, b], dz, results


def trained_sum(case: Pooling) -> Comparison:
    window = case.window.unpadded()
    x = F.pad(case.input(), case.window.frame)
    w, b = torch.arange(2 * x.shape[1]).double().reshape(2, -1) - 2
    dz = case.cotangent(window.output_size)
    ones = torch.ones((x.shape[1], 1, *window.kernel_size)).double()
    each = Window(
        window.input_size, window.kernel_size, window.stride, window.dilation, window.padding, groups=x.shape[1]
    )

    def apply(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        w, b = (t.reshape(-1, *(1,) * window.ndim) for t in (w, b))
        return w * convolution(x, ones, None, each) + b

    results = [
        definitions.subsample(*arrays(x, w, b), window),
        *definitions.subsample_gradients(*arrays(x, w, dz), window),
    ]
    return apply, [x, w, b], dz, results


def highest(case: Pooling) -> Comparison:
    x, window = case.input().contiguous(), case.window
    z, winner = definitions.max_pool(x.numpy(), window, case.ceil_mode)
    dz = case.cotangent(z.shape[2:])
    layer = getattr(F, f"max_pool{window.ndim}d")
    numbers = {**case.sizes, "dilation": window.dilation, "ceil_mode": case.ceil_mode}
    back = definitions.max_pool_gradient(dz.numpy(), winner, window)
    return lambda x: layer(x, **numbers), [x], dz, [z, back]


def averaged(case: Pooling) -> Comparison:
    """Of multiples of every count."""
    divisor = definitions.divisors(case.window, case.ceil_mode, case.count_include_pad, case.divisor_override)
    x, dz = DIVISIBLE * case.input().contiguous(), DIVISIBLE * case.cotangent(divisor.shape)
    layer = getattr(F, f"avg_pool{case.window.ndim}d")
    forward = definitions.avg_pool(x.numpy(), case.window, divisor)
    back = definitions.avg_pool_gradient(dz.numpy(), case.window, divisor)
    return lambda x: layer(x, **options(case)), [x], dz, [forward, back]


def put_back(case: Pooling) -> Comparison:
    """Every position at most once: torch adds up no cotangents either."""
    size, output = case.window.input_size, tuple(max(i // 2, 1) for i in case.window.input_size)
    x, dz = case.cotangent(output, seed=2), case.cotangent(size, seed=3)
    generator = torch.Generator().manual_seed(case.seed)
    order = [torch.randperm(prod(size), generator=generator)[: prod(output)] for _ in range(prod(x.shape[:2]))]
    index = torch.stack(order).reshape(x.shape) if order else torch.empty(x.shape, dtype=torch.int64)
    kernel = tuple(i - p + 1 for i, p in zip(size, output))
    layer = getattr(F, f"max_unpool{len(size)}d")
    results = [
        definitions.max_unpool(*arrays(x, index), size),
        definitions.max_unpool_gradient(*arrays(dz, index)),
    ]
    return lambda x: layer(x, index, kernel, 1, 0, size), [x], dz, results


def adapted(case: AdaptivePooling, name: str) -> Comparison:
    """Of multiples of every number of positions."""
    x, dz = (2520.0**case.ndim * t for t in (case.input(), case.cotangent()))
    layer = getattr(F, f"adaptive_{name}_pool{case.ndim}d")
    if name == "avg":
        forward = definitions.adaptive_avg_pool(x.numpy(), case.output_size)
        back = definitions.adaptive_avg_pool_gradient(dz.numpy(), case.input_size)
    else:
        forward, winner = definitions.adaptive_max_pool(x.numpy(), case.output_size)
        back = definitions.adaptive_max_pool_gradient(dz.numpy(), winner, case.input_size)
    return lambda x: layer(x, case.output_size), [x], dz, [forward, back]


def divided(case: AdaptivePooling) -> Comparison:
    """Windows two wide of an image, its parts placed by samples that are odd sixteenths."""
    x = F.pad(case.input().contiguous(), (1, 1, 1, 1))
    size, output = tuple(x.shape[2:]), tuple(min(p, i) for p, i in zip(case.output_size, case.input_size))
    generator = torch.Generator().manual_seed(case.seed)
    samples = (2 * torch.randint(0, 8, (*x.shape[:2], 2), generator=generator) + 1).double() / 16
    z, winner = definitions.fractional_max_pool(*arrays(x, samples), (2, 2), output)
    dz = case.cotangent()[..., : output[0], : output[1]].contiguous()

    def apply(x: Tensor) -> Tensor:
        return F.fractional_max_pool2d(x, 2, output, _random_samples=samples)

    return apply, [x], dz, [z, definitions.adaptive_max_pool_gradient(dz.numpy(), winner, size)]


def padded(case: Padding) -> Comparison:
    x, dz = case.input(), case.cotangent()
    results = [
        definitions.extend(x.numpy(), case.padding, case.mode),
        definitions.fold_back(dz.numpy(), case.input_size, case.padding, case.mode),
    ]
    return lambda x: F.pad(x, case.frame, case.mode), [x], dz, results


def folded(case: Convolution, back: bool) -> Comparison:
    """Unfold, or the way back; torch has them for images only."""
    window, x = case.window, case.batched()[0].contiguous()
    generator = torch.Generator().manual_seed(case.seed)
    v = torch.randint(-3, 4, (*x.shape[:1], x.shape[1] * window.taps, window.placements), generator=generator).double()
    padding = tuple(a for a, _ in window.padding)
    numbers = (window.kernel_size, window.dilation, padding, window.stride)
    results = [definitions.unfold(x.numpy(), window), definitions.fold(v.numpy(), window)]
    if back:
        return lambda v: F.fold(v, window.input_size, *numbers), [v], x, results[::-1]
    return lambda x: F.unfold(x, *numbers), [x], v, results


def dropped(case: Pooling) -> Comparison:
    """Of a half or three quarters: torch's mask is where something is left of ones."""
    p, x, dz = (0.5, 0.75)[case.seed % 2], case.input().contiguous(), case.cotangent(case.window.input_size)

    def apply(x: Tensor) -> Tensor:
        torch.manual_seed(case.seed)
        return F.dropout(x, p)

    mask = (apply(torch.ones_like(x)) != 0).numpy()
    results = [definitions.dropout(x.numpy(), mask, p), definitions.dropout_gradient(dz.numpy(), mask, p)]
    return apply, [x], dz, results


ANY = st.sampled_from((2, 1, 3))
POOLINGS = ANY.flatmap(lambda ndim: poolings(ndim, dilated=True))
UNDILATED = ANY.flatmap(lambda ndim: poolings(ndim, dilated=False))
PARTS = ANY.flatmap(adaptive_poolings)
IMAGES = convolutions(2, symmetric=True, groups=(1,))
MODES = ("constant", "reflect", "replicate", "circular")
FAMILIES: dict[str, tuple[st.SearchStrategy[Any], Callable[[Any], Comparison]]] = {
    "conv": (ANY.flatmap(convolutions), convolved),
    "conv_transpose": (ANY.flatmap(transposed_convolutions), transposed_convolved),
    "linear": (convolutions(0, groups=(1,)), fully_connected),
    "max_pool": (POOLINGS, highest),
    "max_unpool": (POOLINGS, put_back),
    "avg_pool": (averages(2, 1, 3), averaged),
    "subsample": (UNDILATED, trained_sum),
    "adaptive_avg_pool": (PARTS, lambda case: adapted(case, "avg")),
    "adaptive_max_pool": (PARTS, lambda case: adapted(case, "max")),
    "fractional_max_pool": (adaptive_poolings(2), divided),
    "extend": (ANY.flatmap(lambda ndim: paddings(ndim, modes=MODES)), padded),
    "unfold": (IMAGES, lambda case: folded(case, back=False)),
    "fold": (IMAGES, lambda case: folded(case, back=True)),
    "dropout": (UNDILATED, dropped),
}


@pytest.mark.parametrize("name", FAMILIES)
@given(data=st.data())
def test_forward_and_backward_are_exactly_torch_s(name: str, data: st.DataObject) -> None:
    strategy, compared = FAMILIES[name]
    apply, tensors, cotangent, expected = compared(data.draw(strategy))
    if not tensors[0].numel():  # torch refuses some of no samples
        return
    inputs = [t.detach().requires_grad_() for t in tensors]
    z = apply(*inputs)
    for got, said in zip((z, *grad(z, inputs, cotangent)), expected, strict=True):
        assert torch.equal(got, torch.from_numpy(np.asarray(said, np.float64)))


@given(case=POOLINGS)
def test_masks_mark_the_maxima(case: Pooling) -> None:
    """One tap a window, or all that attain the maximum; where none ties they are the same."""
    x, window = case.input().numpy(), case.window
    z, winner = definitions.max_pool(x, window, case.ceil_mode)
    first, tied = definitions.max_pool_mask(winner, window), definitions.max_pool_tied_mask(x, window, case.ceil_mode)
    taps = tuple(range(z.ndim, first.ndim))
    assert (first.sum(taps) == 1).all()
    assert (first <= tied).all()
    # Under the mask the windows' sum is their maximum: pooling is linear there, and backward its transpose.
    dz = case.cotangent(z.shape[2:]).numpy()
    assert (z * dz).sum() == (x * definitions.max_pool_gradient(dz, winner, window)).sum()
    if case.fill == "distinct":
        assert (first == tied).all()
