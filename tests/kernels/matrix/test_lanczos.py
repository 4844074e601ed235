"""The spectral norm without the matrix: against a whole decomposition, and where the space runs out."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from manualconv.kernels.matrix.lanczos import largest_singular_value


def norm(matrix: Tensor, tolerance: float = 1e-9, steps: int = 500) -> float:
    """‖matrix‖₂ through its products alone."""
    generator = torch.Generator().manual_seed(1)
    start = torch.randn(matrix.shape[1], generator=generator, dtype=matrix.dtype)
    return largest_singular_value(lambda v: matrix @ v, lambda y: matrix.mH @ y, start, tolerance, steps)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@given(rows=st.integers(1, 12), columns=st.integers(1, 12), rank=st.integers(0, 12), seed=st.integers(0, 999))
def test_equals_the_decomposition(dtype: torch.dtype, rows: int, columns: int, rank: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    left = torch.randn(rows, rank, generator=generator, dtype=dtype)
    matrix = left @ torch.randn(rank, columns, generator=generator, dtype=dtype)
    assert norm(matrix) == pytest.approx(np.linalg.norm(matrix.numpy(), 2), rel=1e-9, abs=1e-12)


def test_equal_largest_singular_values_are_no_trouble() -> None:
    assert norm(torch.eye(7, dtype=torch.float64) * 3) == pytest.approx(3, rel=1e-12)


def test_too_few_steps_are_said() -> None:
    matrix = torch.linspace(1, 2, 200, dtype=torch.float64).diag()
    with pytest.raises(RuntimeError, match=r"after 3 steps its relative error may be .* above tolerance=1\.0e-09"):
        norm(matrix, steps=3)
    assert norm(matrix) == pytest.approx(2, rel=1e-9)
