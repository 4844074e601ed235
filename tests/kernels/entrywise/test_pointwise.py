"""Gates: the quick products and the careful selects are one function; slopes by value are the recorded ones."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad

from manualconv import functional
from manualconv.kernels.entrywise import pointwise
from manualconv.testing.cases.tensors import LAYOUTS, laid_out
from tests.activations import SPECIAL

VALUES = (-2.5, -0.0, 0.0, 1e-310, 3.0, torch.inf, -torch.inf, torch.nan)


GATES: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], Callable[[float, float], float]]] = {
    "gate": (lambda t, z: pointwise.gate(t, z.clamp(min=0)), lambda t, z: 0.0 if z <= 0 else t),
    "inside": (lambda t, z: pointwise.inside(t, z, -0.5, 1.25), lambda t, z: t if -0.5 < z < 1.25 else 0.0),
    "leak": (lambda t, z: pointwise.leak(t, z, 0.3), lambda t, z: t if z > 0 else 0.3 * t),
    "leak upwards": (lambda t, z: pointwise.leak(t, z, -2.0), lambda t, z: t if z > 0 else -2.0 * t),
}


@pytest.mark.parametrize("name", GATES)
@pytest.mark.parametrize("small", [0, 2**20], ids=["product", "select"])
@given(
    shape=st.tuples(*(st.integers(1, 4),) * 3),
    seed=st.integers(0, 999),
    special=st.sampled_from((0.0, 0.1)),
    layout=st.sampled_from(LAYOUTS[:4]),
)
def test_a_gate_is_what_it_says_of_every_entry(
    name: str, small: int, shape: tuple[int, ...], seed: int, special: float, layout: str
) -> None:
    generator = torch.Generator().manual_seed(seed)
    t, y = (torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(2))
    strange = torch.tensor(VALUES, dtype=torch.float64)[torch.randint(len(VALUES), (2, *shape), generator=generator)]
    at = torch.rand((2, *shape), generator=generator) < special
    t, y = torch.where(at[0], strange[0], t), torch.where(at[1], strange[1], y)
    t, y = laid_out(t, layout), laid_out(y, layout)
    before = t.clone(), y.clone()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pointwise, "SMALL", small)
        kept = GATES[name][0](t, y)
    expected = [GATES[name][1](a, b) for a, b in zip(t.flatten().tolist(), y.flatten().tolist())]
    assert torch.allclose(kept.flatten(), torch.tensor(expected, dtype=torch.float64), rtol=0, atol=0, equal_nan=True)
    for now, then in zip((t, y), before):
        assert torch.allclose(now, then, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "silu", "gelu", "elu", "celu", "hardswish"])
def test_slopes_by_value_are_those_that_are_recorded(name: str) -> None:
    z = torch.cat([SPECIAL[SPECIAL.isfinite()], torch.linspace(-7, 7, 301, dtype=torch.float64)]).requires_grad_()
    y, cotangent = getattr(functional, name)(z), torch.linspace(-1, 2, len(z), dtype=torch.float64)
    by_value, recorded = (grad(y, z, cotangent, create_graph=flag, retain_graph=True)[0] for flag in (False, True))
    torch.testing.assert_close(by_value, recorded.detach(), rtol=1e-14, atol=1e-15)
