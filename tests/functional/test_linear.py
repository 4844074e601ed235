"""linear: the trilinear form with zero spatial axes."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import grad

from manualconv import functional
from manualconv.testing.cases.tensors import filled
from manualconv.testing.referee import leaves


@given(
    lead=st.lists(st.integers(0, 3), max_size=3).map(tuple),
    features=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    seed=st.integers(0, 999),
    shapes=st.sampled_from((("vector", None), ("matrix", None), ("matrix", "full"), ("matrix", "one"))),
)
def test_any_leading_axes_and_torch_s_odd_shapes(
    lead: tuple[int, ...], features: tuple[int, int], seed: int, shapes: tuple[str, str | None]
) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = filled("small", (*lead, features[0]), generator).double()
    weight, bias = shapes
    w = filled("small", features[:1] if weight == "vector" else features[::-1], generator).double()
    b = None if bias is None else filled("small", (features[1] if bias == "full" else 1,), generator).double()
    inputs = leaves(x, w, b)
    ours = functional.linear(*inputs)
    theirs = F.linear(*inputs)
    assert torch.equal(ours, theirs)
    cotangent = filled("small", ours.shape, generator).double()
    assert all(map(torch.equal, grad(ours, inputs, cotangent), grad(theirs, inputs, cotangent)))


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.complex128])
def test_other_dtypes_are_torch_s(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    x, w, b = (filled("small", s, generator).to(dtype) for s in ((3, 4), (2, 4), (2,)))
    y = functional.linear(x, w, b)
    assert y.dtype == dtype
    assert torch.equal(y, F.linear(x, w, b))
