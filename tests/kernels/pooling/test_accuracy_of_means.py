"""The error of window sums and means, in roundings: bounded, typical, and beside torch's own.

    window sums     e ≤ the additions on an entry's way, log₂ K or two by doubling, K − 1 tap by tap, and one for u²
    means           e ≤ K + 1, in half precision 1 + (K + 2)·u32/u: one rounding at the end
    powers' means   e ≤ K + 2, relative: half of what the K squares lose, and the root's own

and of each the 99th percentile ≤ 4·√K and, as the largest, ≤ 2 × that of torch (or 2 roundings, where both are nearly
exact).  Those of normalisations stand in tests/kernels/entrywise/test_accuracy_of_magnitudes.py.

Source: Higham, *Accuracy and Stability of Numerical Algorithms*, sections 3.1 and 4.2; `manualconv.testing.judge`.
"""

from collections.abc import Callable
from math import inf, prod, sqrt
from typing import Any
from unittest import mock

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import grad

from manualconv import functional
from manualconv.geometry import Window
from manualconv.kernels.pooling import doubling
from manualconv.kernels.pooling.summation import spread_windows, sum_windows
from manualconv.testing.judge import ROUNDING, errors

Shape = tuple[int, ...]
U32 = ROUNDING[torch.float32]


def drawn(shape: Shape, seed: int = 0) -> Tensor:
    """Normally distributed float32 numbers."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def bounded_typical_and_beside(name: str, ours: Tensor, theirs: Tensor | None, bound: float, terms: float) -> None:
    """Everything that is asked of the errors of one result."""
    worst, typical = float(ours.max()), float(ours.quantile(0.99))
    print(f"{name:44} bound {bound:7.1f}  max {worst:6.2f}  p99 {typical:5.2f}", end="")
    assert worst <= bound, name
    assert typical <= 4 * sqrt(terms), name
    if theirs is not None:
        print(f"  torch {float(theirs.max()):6.2f} {float(theirs.quantile(0.99)):5.2f}", end="")
        assert worst <= 2 * max(float(theirs.max()), 1.0), name
        assert typical <= 2 * max(float(theirs.quantile(0.99)), 1.0), name
    print()


# ---------------------------------------------------------------------------------------------------- window sums

WINDOWS = {
    "31x31": Window((40, 40), (31, 31), (1, 1), (1, 1), ((15, 15), (15, 15))),
    "64x7, dilated": Window((70, 40), (32, 7), (1, 1), (2, 3), ((20, 20), (5, 4))),
    "255 of a signal": Window((600,), (255,), (1,), (1,), ((100, 127),)),
    "17x3x9 stride 2": Window((30, 12, 20), (17, 3, 9), (1, 2, 1), (1, 1, 1), ((8, 8), (1, 1), (4, 4))),
}


def additions(taps: int, doubled: bool) -> int:
    """On the way of an entry into a sum of so many."""
    return taps.bit_length() + taps.bit_count() - 2 if doubled else taps - 1


@pytest.mark.parametrize("doubled", [True, False], ids=["doubling", "taps"])
@pytest.mark.parametrize("name", WINDOWS)
def test_window_sums_lose_a_rounding_an_addition(name: str, doubled: bool) -> None:
    window = WINDOWS[name]
    bound = sum(additions(k, doubled) for k in window.kernel_size) + 1
    with mock.patch.object(doubling, "MOVING", -inf if doubled else inf):
        for apply, size in ((sum_windows, window.input_size), (spread_windows, window.output_size)):
            t = drawn((2, 3, *size))
            got, exact, scale = apply(t, window), apply(t.double(), window), apply(t.double().abs(), window)
            assert got.dtype == torch.float32
            bounded_typical_and_beside(
                f"{apply.__name__}, {name}", errors(got, exact, scale), None, bound, prod(window.kernel_size)
            )


# ---------------------------------------------------------------------------------------------------------- pools

#: name → what is pooled, the call, and the numbers that a mean is over at most.
POOLS: dict[str, tuple[Shape, Callable[[Any, Tensor], Tensor], int]] = {
    "avg_pool1d 25": ((2, 8, 300), lambda library, x: library.avg_pool1d(x, 25, 3, 12), 25),
    "avg_pool2d 2x2": ((2, 8, 28, 28), lambda library, x: library.avg_pool2d(x, 2), 4),
    "avg_pool2d 3x3 stride 2": ((2, 8, 28, 28), lambda library, x: library.avg_pool2d(x, 3, 2, 1), 9),
    "avg_pool2d 31x31": (
        (1, 4, 48, 48),
        lambda library, x: library.avg_pool2d(x, 31, 1, 15, count_include_pad=False),
        961,
    ),
    "avg_pool3d 2x3x3": ((1, 4, 8, 12, 12), lambda library, x: library.avg_pool3d(x, (2, 3, 3), (1, 2, 1)), 18),
    "adaptive_avg_pool2d": ((2, 8, 30, 31), lambda library, x: library.adaptive_avg_pool2d(x, (7, 6)), 36),
    "global adaptive_avg_pool2d": ((8, 64, 14, 14), lambda library, x: library.adaptive_avg_pool2d(x, 1), 196),
}


def value_and_gradient(
    apply: Callable[[Tensor], Tensor], x: Tensor, change: Callable[[Tensor], Tensor]
) -> list[Tensor]:
    """y and x̄, the cotangent a given function of one that does not depend on the dtype."""
    leaf = x.detach().requires_grad_()
    y = apply(leaf)
    return [y.detach(), *grad(y, leaf, change(drawn(tuple(y.shape), 1)).to(y.dtype))]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("name", POOLS)
def test_means_lose_a_rounding_a_term(name: str, dtype: torch.dtype) -> None:
    """As adjoint of the pooling the gradient of |ȳ| is the sum of absolute values that its error is measured by."""
    shape, apply, terms = POOLS[name]
    x, u = drawn(shape).to(dtype), ROUNDING[dtype]

    def rounded(g: Tensor) -> Tensor:
        return g.to(dtype)

    ours = value_and_gradient(lambda t: apply(functional, t), x, rounded)
    try:
        theirs = value_and_gradient(lambda t: apply(F, t), x, rounded)
    except NotImplementedError:  # volumes in half precision
        theirs = []
    exact = value_and_gradient(lambda t: apply(F, t), x.double(), rounded)
    scale = value_and_gradient(lambda t: apply(F, t), x.double().abs(), lambda g: rounded(g).abs())
    bound = terms + 1 if dtype == torch.float32 else 1 + (terms + 2) * U32 / u
    for part, result in enumerate(("forward", "gradient")):
        e = errors(ours[part], exact[part], scale[part])
        beside = errors(theirs[part], exact[part], scale[part]) if theirs else None
        bounded_typical_and_beside(f"{name} {str(dtype)[6:]} {result}", e, beside, bound, terms)


def test_means_of_squares_and_their_roots() -> None:
    x, terms = drawn((2, 8, 30, 30)), 25
    ours, theirs, exact = (
        apply(t, 2, 5, 2) for apply, t in ((functional.lp_pool2d, x), (F.lp_pool2d, x), (F.lp_pool2d, x.double()))
    )
    e, beside = errors(ours, exact, exact), errors(theirs, exact, exact)
    bounded_typical_and_beside("lp_pool2d 5x5", e, beside, terms + 2, terms)
