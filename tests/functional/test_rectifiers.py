"""relu, relu6, hardtanh, …, elu against torch: values, gradients of three orders, kinks, dtypes, in-place forms."""

import inspect
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad

from manualconv import functional
from manualconv.functional import rectifiers
from manualconv.testing.cases.tensors import LAYOUTS
from manualconv.testing.catalogue import activation
from manualconv.testing.judge import error
from tests.activations import SPECIAL, both, drawn, orders, outcome
from tests.layers import FUNCTIONS, rounded, spread_out

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
IN_PLACE = [name for name in ARGUMENTS if "inplace" in inspect.signature(getattr(functional, name)).parameters]
SHAPES = st.lists(st.integers(0, 4), min_size=2, max_size=4).map(tuple)


@NAMES
@given(shape=SHAPES, seed=st.integers(0, 999), layout=st.sampled_from(LAYOUTS), data=st.data())
def test_values_and_gradients_are_torch_s(
    name: str, shape: tuple[int, ...], seed: int, layout: str, data: st.DataObject
) -> None:
    ours, theirs = both(name, *data.draw(ARGUMENTS[name]))
    z, cotangent = drawn(shape, seed, layout), drawn(shape, seed + 1, layout)
    (y, z_bar), (expected, expected_bar) = (orders(f, z, [cotangent]) for f in (ours, theirs))
    # expm1 in one unit of the last place, 2u, between two products, u each; by ours and by torch's, which are two.
    assert error(y, expected, expected.abs()) <= (8 if name in ("elu", "celu", "selu") else 0)
    assert min(shape) < 2 or y.stride() == expected.stride()
    if name == "hardsigmoid":
        # torch multiplies by a sixth of single precision; ours by one of the dtype's.
        rounded(z_bar, cotangent * ((z > -3) & (z < 3)) * (1 / 6))
    else:
        assert error(z_bar, expected_bar, 3 * cotangent.abs() * (1 + expected.abs())) <= 4


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
@pytest.mark.parametrize("dtype", [torch.int64, torch.int8, torch.uint8, torch.bool, torch.complex64])
def test_other_dtypes_are_taken_or_refused_as_torch_does(name: str, dtype: torch.dtype) -> None:
    arguments = {"hardtanh": (-1.5, 2.5), "threshold": (0.5, 7.5)}.get(name, ())
    z = torch.tensor([-2, 0, 1, 5]).to(dtype)
    ours, theirs = (outcome(apply, z) for apply in both(name, *arguments))
    if isinstance(theirs, Tensor):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
    else:
        assert ours == theirs


@given(name=st.sampled_from(IN_PLACE), seed=st.integers(0, 999), data=st.data())
def test_in_place_writes_into_its_input_and_derives_as_torch(name: str, seed: int, data: st.DataObject) -> None:
    arguments = data.draw(ARGUMENTS[name])
    refused = name in ("leaky_relu", "elu", "celu") and arguments[0] < 0  # by torch's backward, for what it kept
    z, cotangent = drawn((3, 4), seed), drawn((3, 4), seed + 1)
    results = []
    for apply in both(name, *arguments):
        leaf = z.clone().requires_grad_()
        x = leaf * 1
        address, version = x.data_ptr(), x._version
        y = apply(x, inplace=True)
        assert y is x and x.data_ptr() == address and x._version == version + 1
        results.append([y.detach(), *(grad(y, leaf, cotangent) if not refused else ())])
    # Products of a cotangent, two numbers of the layer and an exponential: a few roundings of their size, or of 1.
    torch.testing.assert_close(
        *results, rtol=8 * torch.finfo(torch.float64).eps, atol=1e-6 if name == "hardsigmoid" else 1e-13
    )


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_refuses_a_leaf_as_torch_does(name: str) -> None:
    for apply in both(name, *{"threshold": (0.5, 1.0)}.get(name, ())):
        with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place"):
            apply(spread_out((3,)).requires_grad_(), inplace=True)


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
