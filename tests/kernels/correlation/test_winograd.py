"""Correlation by minimal filtering: its matrices, in fractions."""

from fractions import Fraction

import pytest

from manualconv.kernels.correlation import winograd


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
