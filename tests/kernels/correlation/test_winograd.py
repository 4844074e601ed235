"""Correlation by minimal filtering: the loops, exactly on small integers; its errors, and what is refused."""

from dataclasses import replace
from fractions import Fraction
from unittest import mock

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import manualconv
from manualconv import functional
from manualconv.geometry import Window
from manualconv.kernels.correlation import winograd
from manualconv.kernels.correlation.cost import Sizes
from manualconv.kernels.correlation.direct import PRODUCTS
from manualconv.testing.cases import Convolution, convolutions
from tests.kernels.correlation.three_maps import by_loops, is_fresh, maps


def taken(case: Convolution, tier: str) -> Convolution:
    """The drawn layer with stride, dilation and groups 1 and padding below the kernel."""
    window = case.window
    padding = tuple((min(a, k - 1), min(b, k - 1)) for (a, b), k in zip(window.padding, window.kernel_size))
    size = tuple(max(1, p + k - 1 - a - b) for p, k, (a, b) in zip(window.output_size, window.kernel_size, padding))
    ones = (1,) * window.ndim
    batch = case.batch or 1  # of no samples nothing is transformed: refused
    return replace(case, batch=batch, window=Window(size, window.kernel_size, ones, ones, padding, accuracy=tier))


@pytest.mark.parametrize("ndim", [1, 2, 3])
@given(data=st.data())
def test_the_three_maps_are_the_loops(ndim: int, data: st.DataObject) -> None:
    """Exactly with two outputs a tile, where all constants are halves; else within roundings of sizes and constants."""
    tier = data.draw(st.sampled_from(("exact", "fast")))
    case = taken(data.draw(convolutions(ndim)), tier)
    x, w, y = case.batched()
    with mock.patch.object(winograd, "BLOCK_BYTES", data.draw(st.sampled_from((1, 2**22)))):
        results = maps(winograd, x, w, y, case.window)
    for got, exact in zip(results, by_loops(x, w, y, case.window)):
        assert got.shape == exact.shape and is_fresh(got)
        if tier == "exact" and max(case.window.kernel_size) <= 3:
            assert torch.equal(got, exact)
        else:
            assert float((got - exact).abs().max()) <= 1e-8 * (1 + float(exact.abs().max()))


@given(case=convolutions(2))
def test_operands_are_not_written(case: Convolution) -> None:
    case = taken(case, "fast")
    x, w, y = case.batched()
    before = [t.clone() for t in (x, w, y)]
    maps(winograd, x, w, y, case.window)
    assert all(map(torch.equal, before, (x, w, y)))


@pytest.mark.parametrize(("m", "r"), [(2, 2), (2, 3), (4, 3), (2, 5), (4, 4)])
def test_the_matrices_compute_outputs_of_polynomials_exactly(m: int, r: int) -> None:
    """Aᵀ[(G g) ⊙ (Bᵀ d)] = Σ_k g[k]·d[p + k] in fractions."""
    a, g, b = winograd.transforms(m, r)
    signal = [Fraction(n * n - 7, 3) for n in range(m + r - 1)]
    taps = [Fraction(5 - 2 * k, 2) for k in range(r)]

    def product(matrix: list[list[Fraction]], vector: list[Fraction]) -> list[Fraction]:
        return [sum((entry * v for entry, v in zip(row, vector)), Fraction(0)) for row in matrix]

    middle = [u * v for u, v in zip(product(g, taps), product(b, signal))]
    assert product(a, middle) == [sum(taps[k] * signal[p + k] for k in range(r)) for p in range(m)]


def errors(dtype: torch.dtype, tier: str) -> list[float]:
    """Relative L2 errors of the three maps over torch's own, on a layer of 64 channels."""
    generator = torch.Generator().manual_seed(0)
    sizes = ((2, 64, 18, 18), (64, 64, 3, 3), (2, 64, 18, 18))
    exact = [torch.randn(size, dtype=torch.float64, generator=generator) for size in sizes]
    exact[1] /= 24
    window = Window((18, 18), (3, 3), (1, 1), (1, 1), ((1, 1), (1, 1)), accuracy=tier)

    def of_torch(x: Tensor, w: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        x, w = x.clone().requires_grad_(), w.clone().requires_grad_()
        z = torch.nn.functional.conv2d(x, w, padding=1)
        return (z.detach(), *torch.autograd.grad(z, (x, w), y))

    x, w, y = (t.to(dtype) for t in exact)
    right = of_torch(*exact)

    def error(t: Tensor, e: Tensor) -> float:
        return float((t.double() - e).norm() / e.norm())

    ours = [error(t, e) for t, e in zip(maps(winograd, x, w, y, window), right)]
    theirs = [error(t, e) for t, e in zip(of_torch(x, w, y), right)]
    return ours if dtype == torch.float64 else [a / b for a, b in zip(ours, theirs)]


def test_the_tiers_hold() -> None:
    assert max(errors(torch.float32, "exact")) <= 2
    assert max(errors(torch.float32, "fast")) <= 20
    assert max(errors(torch.float64, "fast")) <= 1e-12


def test_it_is_chosen_neither_for_one_tap_nor_for_whole_numbers() -> None:
    with manualconv.accuracy("fast"):
        assert manualconv.choice((4, 256, 56, 56), (64, 256, 1, 1))["output"] in PRODUCTS
        whole = manualconv.choice((16, 512, 14, 14), (512, 512, 3, 3), padding=1, dtype=torch.int64)
    assert whole["output"] in PRODUCTS


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"stride": 2}, "stride and dilation 1"),
        ({"dilation": 2}, "stride and dilation 1"),
        ({"padding": 3}, "padding from 0 to K - 1"),
    ],
)
def test_what_it_does_not_take_is_refused(options: dict[str, int], reason: str) -> None:
    with manualconv.algorithm("winograd"), pytest.raises(RuntimeError, match=reason):
        functional.conv2d(torch.ones(1, 2, 9, 9), torch.ones(2, 2, 3, 3), **options)
    sizes = Sizes(1, 2, 2, torch.float32, Window((9,), (7,), (1,), (1,), ((0, 0),)))
    assert winograd.refusal(sizes) == "kernels of 2 to 5 taps an axis, or 1"
