"""The reference for float64 has no rounding: it is compared with fractions."""

import math
from collections.abc import Sequence
from fractions import Fraction

import pytest
import torch
from torch import Tensor

from manualconv.bench.reference import exact_sums, fixed, halves, relative_error


def drawn(*size: int, seed: int = 0) -> Tensor:
    return fixed(torch.randn(size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64))


def product(operands: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """y = xw and its gradients: a convolution of kernel 1 as a matrix product."""
    x, w, gy = operands
    return x @ w, gy @ w.T, x.T @ gy


def fractions(a: Tensor, b: Tensor) -> list[list[Fraction]]:
    columns = list(zip(*b.tolist()))
    return [
        [sum((Fraction(p) * Fraction(q) for p, q in zip(row, column)), Fraction(0)) for column in columns]
        for row in a.tolist()
    ]


def test_halves_add_up_and_have_16_bits_each() -> None:
    t = drawn(40)
    upper, lower = halves(t)
    assert torch.equal(upper + lower, t)
    for half in (upper, lower):
        unit = 2.0 ** (math.frexp(float(half.abs().max()))[1] - 17)
        assert torch.equal((half / unit).round() * unit, half)


def test_sums_are_exact() -> None:
    x, w, gy = drawn(3, 50), drawn(50, 4, seed=1), drawn(3, 4, seed=2)
    found = exact_sums(product, (x, w, gy))
    for (total, rest), (a, b) in zip(found, ((x, w), (gy, w.T), (x.T, gy))):
        sums = [[Fraction(p) + Fraction(q) for p, q in zip(*rows)] for rows in zip(total.tolist(), rest.tolist())]
        assert sums == fractions(a, b)
    assert 0 < relative_error(product((x, w, gy)), found) < 1e-15


def test_the_error_is_that_of_the_worst_tensor() -> None:
    exact = [(torch.tensor([3.0, 4.0], dtype=torch.float64), torch.zeros(2, dtype=torch.float64))] * 2
    good, bad = torch.tensor([3.0, 4.0]), torch.tensor([3.0, 4.5])
    assert relative_error((good, bad), exact) == pytest.approx(0.1)
    assert math.isnan(relative_error((torch.tensor([3.0, math.nan]), bad), exact))
