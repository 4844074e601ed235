"""The error of every kernel on realistic shapes, in roundings: bounded, typical, and beside torch's own.

    e ≤ K + 2 everywhere; its 99th percentile ≤ 4·√K, and ≤ 2 × that of torch's kernel (or 2 roundings, where both are
    nearly exact)

float32 is measured against float64; float64 against sums that are exact: operands of 48 bits after the point are cut in
three pieces of 17 bits, whose products add up without rounding, and the nine sums are added with their errors kept.

Source: Ozaki, Ogita, Oishi and Rump, *Error-free transformations of matrix multiplication* (2012);
`manualconv.testing.judge`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import prod, sqrt
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import grad

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
from manualconv.kernels.correlation.cost import Sizes
from manualconv.testing.judge import ROUNDING
from manualconv.testing.referee import convolution

ALGORITHMS = {
    "lowering": lowering,
    "lowering_batch_last": lowering_batch_last,
    "lowering_rows": lowering_rows,
    "shifting": shifting,
    "matrix": matrix,
    "clipping": clipping,
    "loops": loops,
}
MAPS = ("to_output", "to_input", "to_weight")


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


def torch_s(rule: str, a: Tensor, b: Tensor, window: Window) -> Tensor:
    """One of the three maps by torch's own kernels."""
    if rule == "to_output":
        return convolution(a, b, None, window)
    channels = a.shape[1] * window.groups if rule == "to_input" else a.shape[1] // window.groups
    lead = (b.shape[0], channels) if rule == "to_input" else (b.shape[1], channels)
    size = window.input_size if rule == "to_input" else window.kernel_size
    leaf = a.new_zeros((*lead, *size), requires_grad=True)
    y = convolution(leaf, a, None, window) if rule == "to_input" else convolution(a, leaf, None, window)
    return grad(y, leaf, b)[0]


def pieces(t: Tensor) -> list[Tensor]:
    """A float64 tensor of multiples of 2⁻⁴⁸ below 8 as three that add up to it, 17 bits each."""
    parts = []
    for bits in (14, 31):
        part = (t * 2.0**bits).round() / 2.0**bits
        parts.append(part)
        t = t - part
    return [*parts, t]


def exact(rule: str, a: Tensor, b: Tensor, window: Window) -> tuple[Tensor, Tensor]:
    """The map of float64 tensors without an error, as a sum and what it lost to rounding."""
    total, lost = torch.zeros(()).double(), torch.zeros(()).double()
    for p in pieces(a):
        for q in pieces(b):
            term = torch_s(rule, p, q, window)
            added = total + term
            back = added - total
            lost = lost + ((total - (added - back)) + (term - back))  # Knuth's two-sum
            total = added
    return total, lost


@cache
def drawn(name: str, dtype: torch.dtype) -> dict[str, tuple[Tensor, Tensor, Tensor, Tensor, Tensor, int, Tensor]]:
    """Per map: its operands, the exact result in two parts, the scale Σ|a|·|b|, the longest sum, torch's e."""
    window, samples, channels, outputs = SHAPES[name]
    generator = torch.Generator().manual_seed(0)
    shapes = (
        (samples, channels, *window.input_size),
        (outputs, channels // window.groups, *window.kernel_size),
        (samples, outputs, *window.output_size),
    )
    x, w, y = (torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes)
    x, w, y = ((t * 2.0**48).round() / 2.0**48 for t in (x, w, y))
    x, w, y = (t.to(dtype) for t in (x, w, y))
    taps = prod(window.kernel_size)
    found = {}
    for rule, a, b, terms in (
        ("to_output", x, w, taps * channels // window.groups),
        ("to_input", w, y, taps * outputs // window.groups),
        ("to_weight", x, y, samples * prod(window.output_size)),
    ):
        wide = (a.double(), b.double())
        if dtype == torch.float64:
            total, lost = exact(rule, a, b, window)
        else:
            total, lost = torch_s(rule, *wide, window), torch.zeros(()).double()
        scale = torch_s(rule, wide[0].abs(), wide[1].abs(), window)
        theirs = errors(torch_s(rule, a, b, window), total, lost, scale)
        found[rule] = (a, b, total, lost, scale, terms, theirs)
    return found


def errors(got: Tensor, total: Tensor, lost: Tensor, scale: Tensor) -> Tensor:
    """e of every entry."""
    return (((got.double() - total) - lost).abs() / (ROUNDING[got.dtype] * scale)).flatten()


def percentile(e: Tensor) -> float:
    """The 99th."""
    return float(e.quantile(0.99))


CASES = [
    (algorithm, shape)
    for algorithm, module in ALGORITHMS.items()
    for shape, (window, *_) in SHAPES.items()
    if takes(module, window)
]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize(("algorithm", "shape"), CASES, ids=[f"{a}, {s}" for a, s in CASES])
def test_error_is_bounded_typical_and_beside_torch_s(algorithm: str, shape: str, dtype: torch.dtype) -> None:
    window = SHAPES[shape][0]
    for rule, (a, b, total, lost, scale, terms, theirs) in drawn(shape, dtype).items():
        apply: Callable[..., Tensor] = getattr(ALGORITHMS[algorithm], rule)
        got = apply(a, b, None, window) if rule == "to_output" else apply(a, b, window)
        e = errors(got, total, lost, scale)
        print(
            f"{algorithm:20} {shape:24} {str(dtype)[6:]} {rule:10} K {terms:5}  "
            f"max {float(e.max()):6.2f}  p99 {percentile(e):5.2f}  torch {percentile(theirs):5.2f}"
        )
        assert e.max() <= terms + 2, rule
        assert percentile(e) <= 4 * sqrt(terms), rule
        assert percentile(e) <= 2 * max(percentile(theirs), 1.0), rule


def test_the_pieces_add_up_and_the_exact_sum_is_exact() -> None:
    generator = torch.Generator().manual_seed(1)
    t = (torch.randn(50, generator=generator).double() * 2.0**48).round() / 2.0**48
    assert torch.equal(sum(pieces(t)), t)
    integers = torch.randint(-(2**20), 2**20, (3, 40), generator=generator)
    w = torch.randint(-(2**20), 2**20, (2, 40), generator=generator)
    total, lost = exact("to_output", integers.double() / 2.0**20, w.double() / 2.0**20, SHAPES["fully connected"][0])
    assert torch.equal((total + lost) * 2.0**40, (integers @ w.T).double())
