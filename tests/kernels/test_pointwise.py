"""The gate of a ReLU: the quick product and the careful select are one function."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from manualconv.kernels import pointwise
from tests.tensors import LAYOUTS, laid_out

VALUES = (-2.5, -0.0, 0.0, 1e-310, 3.0, torch.inf, -torch.inf, torch.nan)


@pytest.mark.parametrize("small", [0, 2**20], ids=["product", "select"])
@given(
    shape=st.tuples(*(st.integers(1, 4),) * 3),
    seed=st.integers(0, 999),
    special=st.sampled_from((0.0, 0.1)),
    layout=st.sampled_from(LAYOUTS[:4]),
)
def test_the_gate_is_open_where_the_output_is_not_at_most_zero(
    small: int, shape: tuple[int, ...], seed: int, special: float, layout: str
) -> None:
    generator = torch.Generator().manual_seed(seed)
    t, y = (torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(2))
    strange = torch.tensor(VALUES, dtype=torch.float64)[torch.randint(len(VALUES), (2, *shape), generator=generator)]
    at = torch.rand((2, *shape), generator=generator) < special
    t, y = torch.where(at[0], strange[0], t), torch.where(at[1], strange[1], y).clamp(min=0)
    t, y = laid_out(t, layout), laid_out(y, layout)
    before = t.clone(), y.clone()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pointwise, "SMALL", small)
        kept = pointwise.gate(t, y)
    expected = [a if not b <= 0 else 0.0 for a, b in zip(t.flatten().tolist(), y.flatten().tolist())]
    assert torch.allclose(kept.flatten(), torch.tensor(expected, dtype=torch.float64), rtol=0, atol=0, equal_nan=True)
    for now, then in zip((t, y), before):
        assert torch.allclose(now, then, rtol=0, atol=0, equal_nan=True)
