"""What is asked of rectifiers and sigmoids alike: dtypes that are no float, and writing into the input."""

import inspect

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad

from manualconv import functional
from tests.activations import both, drawn, outcome
from tests.functional import test_rectifiers, test_sigmoidal
from tests.layers import spread_out

ARGUMENTS = {**test_rectifiers.ARGUMENTS, **test_sigmoidal.ARGUMENTS}
NAMES = pytest.mark.parametrize("name", ARGUMENTS)
IN_PLACE = [name for name in ARGUMENTS if "inplace" in inspect.signature(getattr(functional, name)).parameters]


@NAMES
@pytest.mark.parametrize("dtype", [torch.int64, torch.int8, torch.uint8, torch.bool, torch.complex64])
def test_other_dtypes_are_taken_or_refused_as_torch_does(name: str, dtype: torch.dtype) -> None:
    arguments = {"hardtanh": (-1.5, 2.5), "threshold": (0.5, 7.5)}.get(name, ())
    z = torch.tensor([-2, 0, 1, 5]).to(dtype)
    ours, theirs = (outcome(apply, z) for apply in both(name, *arguments))
    if isinstance(theirs, Tensor):
        exact = {"rtol": 0, "atol": 0} if name in test_rectifiers.ARGUMENTS else {}
        torch.testing.assert_close(ours, theirs, **exact)
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
