"""The largest singular value of matrices so small that the iteration ends by itself."""

import pytest
import torch

from manualconv.kernels.matrix.lanczos import largest_singular_value


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_it_is_torch_s_when_the_space_is_exhausted(size: int) -> None:
    generator = torch.Generator().manual_seed(size)
    a = torch.randn(size + 1, size, generator=generator, dtype=torch.float64)
    start = torch.randn(size, generator=generator, dtype=torch.float64)
    found = largest_singular_value(lambda v: a @ v, lambda y: a.mT @ y, start, 0.0, 100)
    assert found == pytest.approx(float(torch.linalg.matrix_norm(a, 2)), rel=1e-12)


def test_steps_that_are_too_few_are_said() -> None:
    a = torch.diag(torch.arange(1, 9, dtype=torch.float64))
    with pytest.raises(RuntimeError, match=r"after 3 steps its relative error may be .*, above tolerance=1\.0e-12"):
        largest_singular_value(lambda v: a @ v, lambda y: a @ y, torch.ones(8, dtype=torch.float64), 1e-12, 3)
