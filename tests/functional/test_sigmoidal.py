"""sigmoid, tanh, silu, gelu, … against torch: far out at three orders, half precision, complex numbers."""

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from torch.autograd import grad

from manualconv import functional
from manualconv.functional import sigmoidal
from manualconv.testing.catalogue import activation
from tests.activations import SPECIAL, both, drawn, orders
from tests.layers import spread_out

#: Beside the catalogue's; gelu has its kinds by name alone, and a test of them.
MORE: dict[str, tuple[tuple[Any, ...], ...]] = {"softplus": ((1, 20), (1, 0.0), (-1.0, 3.0)), "gelu": ((),)}
ARGUMENTS: dict[str, st.SearchStrategy[tuple[Any, ...]]] = {
    each.name: st.sampled_from((*(() if each.name == "gelu" else each.drawn), *MORE.get(each.name, ())))
    for each in activation.OPERATIONS
    if hasattr(F, each.name) and hasattr(sigmoidal, each.name)
}
NAMES = pytest.mark.parametrize("name", ARGUMENTS)


@NAMES
def test_far_out_three_orders_are_finite_and_torch_s(name: str) -> None:
    """Where torch's own are not NaN: mish's and gelu's are, at higher orders, and with AVX-512 gelu(inf) in float32."""
    ours, theirs = both(name)
    for dtype, places in ((torch.float64, 13), (torch.float32, 5)):
        z = SPECIAL.to(dtype)
        cotangents = [torch.linspace(1, 2, len(z), dtype=dtype)] * 3
        for order, (got, expected) in enumerate(
            zip(orders(ours, z, cotangents), orders(theirs, z, cotangents), strict=True)
        ):
            assert got[z.isfinite()].isfinite().all()
            same = expected.isfinite() if order else z.isnan() | ~expected.isnan()
            tolerance = 10.0**-places * 10**order
            torch.testing.assert_close(got[same], expected[same], rtol=tolerance, atol=tolerance, equal_nan=True)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_gelu_of_infinity_is_infinity(dtype: torch.dtype) -> None:
    assert torch.equal(
        functional.gelu(torch.full((64,), torch.inf, dtype=dtype)), torch.full((64,), torch.inf, dtype=dtype)
    )


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_gelu_by_tanh_is_finite_at_three_orders(dtype: torch.dtype) -> None:
    z = torch.tensor([-1000.0, -20, 0, 20, 1000], dtype=dtype)
    for order, t in enumerate(orders(lambda z: functional.gelu(z, "tanh"), z, [torch.ones_like(z)] * 3)):
        assert t.isfinite().all()
        assert t[-1] == (1000, 1, 0, 0)[order]


@NAMES
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_rounded_once(name: str, dtype: torch.dtype) -> None:
    ours, theirs = both(name)
    z, cotangent = (spread_out((4, 25)) * 2).to(dtype), spread_out((4, 25), 1).to(dtype)
    # The slopes of sigmoid and tanh are written in the rounded output, torch's too.
    wide = z if name in ("sigmoid", "tanh") else z.double()
    for got, reference in zip(orders(ours, z, [cotangent]), orders(theirs, wide, [cotangent.to(wide.dtype)])):
        assert got.dtype == dtype
        torch.testing.assert_close(got, reference.to(dtype), rtol=torch.finfo(dtype).eps, atol=1e-6)


def test_sigmoid_and_tanh_are_torch_s_to_the_last_bit() -> None:
    for name in ("sigmoid", "tanh"):
        ours, theirs = both(name)
        assert all(torch.equal(ours(z), theirs(z)) for z in (drawn((9, 7), 0), drawn((9, 7), 1).float()))


def test_known_values() -> None:
    """SPEC's: σ′ = σ(1 − σ), 1 − tanh², and both at ±1000; LeNet's tanh is one at one."""
    z = torch.tensor([-1000.0, 0.0, 0.5, 1000.0], dtype=torch.float64, requires_grad=True)
    assert functional.scaled_tanh(torch.ones(2, dtype=torch.int64)).dtype == torch.float32
    y = functional.scaled_tanh(torch.tensor([1.0, -1.0, 0.0, 1000.0]).double())
    scaled = 1.7159 * math.tanh(2 / 3)
    assert y.tolist() == pytest.approx([scaled, -scaled, 0, 1.7159], abs=1e-15) and abs(y[0].item() - 1) < 2e-5
    y = functional.sigmoid(z)
    assert y.tolist() == pytest.approx([0, 0.5, 1 / (1 + math.exp(-0.5)), 1], rel=4e-16, abs=0)
    assert grad(y.sum(), z)[0].tolist() == pytest.approx([0, 0.25, 0.2350037122015945, 0], abs=1e-16)
    y = functional.tanh(z)
    assert y.tolist() == pytest.approx([-1, 0, math.tanh(0.5), 1], abs=1e-16)
    assert grad(y.sum(), z)[0].tolist() == pytest.approx([0, 1, 1 - math.tanh(0.5) ** 2, 0], abs=1e-16)
