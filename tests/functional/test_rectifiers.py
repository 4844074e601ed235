"""relu, relu6, hardtanh, …, elu against torch: kinks, infinities and half precision."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad

from manualconv.functional import rectifiers
from manualconv.testing.catalogue import activation
from tests.activations import SPECIAL, both, orders, outcome
from tests.layers import FUNCTIONS, spread_out

#: Beside the catalogue's: numbers with rounding, one-sided and empty limits.
MORE: dict[str, tuple[tuple[float, ...], ...]] = {
    "hardtanh": ((-1.0, 1.0), (-3.0, 0.5), (2.0, 2.0)),
    "threshold": ((1.5, -1.0), (-2.0, 0.0)),
    "leaky_relu": ((0.01,), (0.2,), (3.0,)),
}
ARGUMENTS: dict[str, st.SearchStrategy[tuple[Any, ...]]] = {
    each.name: st.sampled_from((*each.drawn, *MORE.get(each.name, ())))
    for each in activation.OPERATIONS
    if hasattr(rectifiers, each.name)
}
NAMES = pytest.mark.parametrize("name", ARGUMENTS)


@NAMES
@given(data=st.data())
def test_kinks_and_infinities_are_torch_s(name: str, data: st.DataObject) -> None:
    """At two orders, where torch has them: its slopes at NaN differ between the entries of a vector and the rest."""
    ours, theirs = both(name, *data.draw(ARGUMENTS[name]))
    for dtype, places in ((torch.float64, 14), (torch.float32, 5)):
        z = SPECIAL.to(dtype)
        known = 1 if name == "hardsigmoid" else 2
        cotangents = [torch.linspace(1, 2, len(z), dtype=dtype)] * known
        for got, expected in zip(orders(ours, z, cotangents), orders(theirs, z, cotangents)):
            rtol = 1e-7 if name == "hardsigmoid" else 10.0**-places
            torch.testing.assert_close(got, expected, rtol=rtol, atol=10.0**-places, equal_nan=True)


@NAMES
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_rounded_once(name: str, dtype: torch.dtype) -> None:
    ours, theirs = both(name, *FUNCTIONS[name].arguments)
    z, cotangent = (spread_out((4, 25)) * 2).to(dtype), spread_out((4, 25), 1).to(dtype)
    for got, expected in zip(orders(ours, z, [cotangent]), orders(theirs, z, [cotangent])):
        assert got.dtype == dtype
        torch.testing.assert_close(got, expected, rtol=torch.finfo(dtype).eps, atol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("least", [0.7, 0.3, 1e-3])
@pytest.mark.parametrize("name", [name for name in ARGUMENTS if name.endswith("shrink")])
def test_the_threshold_of_a_shrink_is_rounded_as_torch_s(name: str, least: float, dtype: torch.dtype) -> None:
    z = torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16).view(dtype)
    ours, theirs = both(name, least)
    for got, expected in zip(orders(ours, z, [z.flip(0)]), orders(theirs, z, [z.flip(0)])):
        torch.testing.assert_close(got, expected, rtol=0, atol=0, equal_nan=True)


@NAMES
def test_the_output_may_be_edited_where_torch_s_may(name: str) -> None:
    def edited(apply: Any) -> Tensor:
        z = spread_out((3, 4)).requires_grad_()
        return grad(apply(z).mul_(2).sum(), z)[0]

    ours, theirs = (outcome(edited, apply) for apply in both(name, *{"threshold": (0.5, 1.0)}.get(name, ())))
    if name == "relu":
        assert ours == theirs
    else:
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)
