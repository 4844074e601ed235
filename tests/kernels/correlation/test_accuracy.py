"""The error of every kernel on realistic shapes, in roundings: bounded, typical, and beside torch's own.

    e ≤ K + 2 everywhere; its 99th percentile ≤ 4·√K, and ≤ 2 × that of torch's kernel (or 2 roundings, where both are
    nearly exact)

float32 is measured against float64; float64 against sums that are exact (`manualconv.bench.reference`).

Source: `manualconv.testing.judge`.
"""

from collections.abc import Sequence
from functools import cache
from math import prod, sqrt
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import grad

from manualconv.bench.reference import exact_sums, fixed
from manualconv.geometry import Window
from manualconv.kernels.correlation import (
    clipping,
    loops,
    lowering,
    lowering_batch_last,
    lowering_rows,
    matrix,
    shifting,
)
from manualconv.kernels.correlation.cost import MAPS, Sizes
from manualconv.testing.judge import ROUNDING
from manualconv.testing.referee import convolution
from tests.kernels.correlation.three_maps import Three, maps
from tests.kernels.machine import needs_numba

ALGORITHMS = {
    "lowering": lowering,
    "lowering_batch_last": lowering_batch_last,
    "lowering_rows": lowering_rows,
    "shifting": shifting,
    "matrix": matrix,
    "clipping": clipping,
    "loops": loops,
}


def square(size: int, kernel: int, stride: int = 1, groups: int = 1) -> Window:
    """A window on a square image, padded by half the kernel."""
    half = (kernel // 2, kernel // 2)
    return Window((size, size), (kernel, kernel), (stride, stride), (1, 1), (half, half), groups)


#: name → window, samples, channels of x and of y: first layers, the middle and the end of common networks.
SHAPES: dict[str, tuple[Window, int, int, int]] = {
    "5x5 of LeNet": (square(14, 5), 8, 6, 16),
    "7x7 stride 2 of ResNet": (square(32, 7, 2), 2, 3, 16),
    "3x3 of 64": (square(14, 3), 2, 64, 32),
    "3x3 of 256": (square(5, 3), 1, 256, 32),
    "1x1 of 256": (square(7, 1), 2, 256, 32),
    "3x3 depthwise": (square(14, 3, groups=32), 2, 32, 32),
    "3x3 in 4 groups": (square(10, 3, groups=4), 2, 64, 64),
    "fully connected": (Window((), (), (), (), ()), 64, 256, 32),
}


def takes(algorithm: Any, window: Window) -> bool:
    """Whether an algorithm is one for the window."""
    if algorithm is matrix or window.ndim == 0:
        return algorithm is matrix and window.ndim == 0
    if algorithm is loops:
        return window.groups == 32 or window.kernel_size == (7, 7)
    return algorithm.refusal(Sizes(2, 64, 64, torch.float32, window)) is None


def by_torch(operands: Sequence[Tensor], window: Window) -> Three:
    """The three maps by torch's own kernels."""
    x, w, y = operands
    x, w = x.detach().requires_grad_(), w.detach().requires_grad_()
    z = convolution(x, w, None, window)
    return (z.detach(), *grad(z, (x, w), y))


@cache
def drawn(name: str, dtype: torch.dtype) -> tuple[list[Tensor], list[tuple[Tensor, Tensor, Tensor, int, Tensor]]]:
    """x, w and y; per map the exact result in two parts, the scale Σ|a|·|b|, the longest sum, torch's e."""
    window, samples, channels, outputs = SHAPES[name]
    generator = torch.Generator().manual_seed(0)
    shapes = (
        (samples, channels, *window.input_size),
        (outputs, channels // window.groups, *window.kernel_size),
        (samples, outputs, *window.output_size),
    )
    operands = [fixed(torch.randn(s, generator=generator, dtype=torch.float64)).to(dtype) for s in shapes]
    if dtype == torch.float64:
        exact = exact_sums(lambda parts: by_torch(parts, window), operands)
    else:
        exact = [(t, torch.zeros_like(t)) for t in by_torch([t.double() for t in operands], window)]
    scales = by_torch([t.double().abs() for t in operands], window)
    taps = prod(window.kernel_size)
    terms = (
        taps * channels // window.groups,
        taps * outputs // window.groups,
        samples * prod(window.output_size),
    )
    theirs = map(errors, by_torch(operands, window), *zip(*exact), scales)
    return operands, [(*e, s, k, t) for e, s, k, t in zip(exact, scales, terms, theirs)]


def errors(got: Tensor, total: Tensor, lost: Tensor, scale: Tensor) -> Tensor:
    """e of every entry."""
    return (((got.double() - total) - lost).abs() / (ROUNDING[got.dtype] * scale)).flatten()


def percentile(e: Tensor) -> float:
    """The 99th."""
    return float(e.quantile(0.99))


CASES = [
    pytest.param(algorithm, shape, id=f"{algorithm}, {shape}", marks=needs_numba if module is loops else ())
    for algorithm, module in ALGORITHMS.items()
    for shape, (window, *_) in SHAPES.items()
    if takes(module, window)
]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize(("algorithm", "shape"), CASES)
def test_error_is_bounded_typical_and_beside_torch_s(algorithm: str, shape: str, dtype: torch.dtype) -> None:
    operands, expected = drawn(shape, dtype)
    found = maps(ALGORITHMS[algorithm], *operands, SHAPES[shape][0])
    for rule, got, (total, lost, scale, terms, theirs) in zip(MAPS, found, expected):
        e = errors(got, total, lost, scale)
        print(
            f"{algorithm:20} {shape:24} {str(dtype)[6:]} {rule:10} K {terms:5}  "
            f"max {float(e.max()):6.2f}  p99 {percentile(e):5.2f}  torch {percentile(theirs):5.2f}"
        )
        assert e.max() <= terms + 2, rule
        assert percentile(e) <= 4 * sqrt(terms), rule
        assert percentile(e) <= 2 * max(percentile(theirs), 1.0), rule
