"""The error of every kernel on realistic shapes, in roundings: bounded, typical, and beside torch's own.

    e ≤ K + 2 everywhere; its 99th percentile ≤ 4·√K, and ≤ 2 × that of torch's kernel (or 2 roundings, where both are
    nearly exact)

float32 is measured against float64; float64 against sums that are exact (`manualconv.bench.reference`).

Source: `manualconv.testing.judge`.
"""

from dataclasses import replace
from functools import cache
from math import prod, sqrt

import pytest
import torch
from torch import Tensor

from manualconv.bench.reference import exact_sums, fixed
from manualconv.geometry import Window
from manualconv.kernels.correlation.chooser import ALGORITHMS
from manualconv.kernels.correlation.cost import MAPS, Sizes
from manualconv.testing.judge import ROUNDING
from tests.kernels.correlation.three_maps import EXACT, by_torch, maps
from tests.kernels.machine import needs_numba


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


def takes(name: str, window: Window) -> bool:
    """Whether an algorithm is one for the window."""
    if name == "matrix" or window.ndim == 0:
        return name == "matrix" and window.ndim == 0
    return EXACT[name].refusal(Sizes(2, 64, 64, torch.float32, window)) is None


def normal(window: Window, samples: int, channels: int, outputs: int) -> list[Tensor]:
    """x, w and y, drawn."""
    generator = torch.Generator().manual_seed(0)
    shapes = (
        (samples, channels, *window.input_size),
        (outputs, channels // window.groups, *window.kernel_size),
        (samples, outputs, *window.output_size),
    )
    return [torch.randn(s, generator=generator, dtype=torch.float64) for s in shapes]


@cache
def drawn(name: str, dtype: torch.dtype) -> tuple[list[Tensor], list[tuple[Tensor, Tensor, Tensor, int, Tensor]]]:
    """x, w and y; per map the exact result in two parts, the scale Σ|a|·|b|, the longest sum, torch's e."""
    window, samples, channels, outputs = SHAPES[name]
    operands = [fixed(t).to(dtype) for t in normal(window, samples, channels, outputs)]
    if dtype == torch.float64:
        exact = exact_sums(lambda parts: by_torch(*parts, window), operands)
    else:
        exact = [(t, torch.zeros_like(t)) for t in by_torch(*(t.double() for t in operands), window)]
    scales = by_torch(*(t.double().abs() for t in operands), window)
    taps = prod(window.kernel_size)
    terms = (
        taps * channels // window.groups,
        taps * outputs // window.groups,
        samples * prod(window.output_size),
    )
    theirs = map(errors, by_torch(*operands, window), *zip(*exact), scales)
    return operands, [(*e, s, k, t) for e, s, k, t in zip(exact, scales, terms, theirs)]


def errors(got: Tensor, total: Tensor, lost: Tensor, scale: Tensor) -> Tensor:
    """e of every entry."""
    return (((got.double() - total) - lost).abs() / (ROUNDING[got.dtype] * scale)).flatten()


def percentile(e: Tensor) -> float:
    """The 99th."""
    return float(e.quantile(0.99))


CASES = [
    pytest.param(name, shape, id=f"{name}, {shape}", marks=needs_numba if name == "loops" else ())
    for name in EXACT
    for shape, (window, *_) in SHAPES.items()
    if takes(name, window)
]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize(("algorithm", "shape"), CASES)
def test_error_is_bounded_typical_and_beside_torch_s(algorithm: str, shape: str, dtype: torch.dtype) -> None:
    operands, expected = drawn(shape, dtype)
    found = maps(EXACT[algorithm], *operands, SHAPES[shape][0])
    for rule, got, (total, lost, scale, terms, theirs) in zip(MAPS, found, expected):
        e = errors(got, total, lost, scale)
        print(
            f"{algorithm:20} {shape:24} {str(dtype)[6:]} {rule:10} K {terms:5}  "
            f"max {float(e.max()):6.2f}  p99 {percentile(e):5.2f}  torch {percentile(theirs):5.2f}"
        )
        assert e.max() <= terms + 2, rule
        assert percentile(e) <= 4 * sqrt(terms), rule
        assert percentile(e) <= 2 * max(percentile(theirs), 1.0), rule


# ---------------------------------------------------------------------------------------- the fast tier, by norms


def long(size: int, kernel: int, padding: int, groups: int) -> Window:
    """A window on a signal."""
    return Window((size,), (kernel,), (1,), (1,), ((padding, padding),), groups, accuracy="fast")


#: name → the algorithm, a window, samples, channels of x and of y, and ‖error‖ over that of torch's.
FAST: dict[str, tuple[str, Window, int, int, int, float]] = {
    "winograd, exact": ("winograd", square(18, 3), 2, 64, 64, 2.0),
    "winograd": ("winograd", replace(square(18, 3), accuracy="fast"), 2, 64, 64, 20.0),
    "winograd_dilated": (
        "winograd_dilated",
        Window((18, 18), (3, 3), (1, 1), (2, 2), ((2, 2), (2, 2)), accuracy="fast"),
        *(2, 64, 64, 20.0),
    ),
    "fourier, 1,024 taps": ("fourier", long(1024, 1024, 1023, 8), 1, 8, 8, 2.0),
    "fourier, 31x31": ("fourier", replace(square(40, 31, groups=8), accuracy="fast"), 1, 8, 8, 2.0),
    "overlap_save": ("overlap_save", long(4096, 256, 255, 2), 1, 2, 2, 2.0),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("name", FAST)
def test_the_tiers_hold(name: str, dtype: torch.dtype) -> None:
    algorithm, window, samples, channels, outputs, times = FAST[name]
    given = [t.to(dtype) for t in normal(window, samples, channels, outputs)]
    exact = by_torch(*(t.double() for t in given), window)
    for ours, theirs, right in zip(maps(ALGORITHMS[algorithm], *given, window), by_torch(*given, window), exact):
        admitted = times * float((theirs - right).norm()) if dtype == torch.float32 else 1e-12 * float(right.norm())
        assert float((ours - right).norm()) <= admitted
