"""layer_norm, group_norm and local_response_norm: the loops' values, torch's at two orders."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import grad

from manualconv import definitions, functional
from manualconv.testing.cases import Normalization, normalizations
from manualconv.testing.referee import two_orders
from tests.functional.test_batch_normalization import near
from tests.layers import spread_out

AXES = normalizations(kinds=("layer", "group"))


@given(case=AXES)
def test_two_orders_are_torch_s(case: Normalization) -> None:
    weight, bias = case.parameters()
    given = {name: t for name, t in (("weight", weight), ("bias", bias)) if t is not None}
    # torch's second derivative takes no β without γ.
    more = {"weight": torch.ones_like(bias)} if weight is None and bias is not None else {}
    ours, theirs = (
        two_orders(
            lambda x, *t, f=library, more=more: case.apply(f, x, **{**more, **dict(zip(given, t))}),
            [case.input(), *given.values()],
            case.cotangent(),
            [case.cotangent(4), *(t + 1 for t in given.values())],
        )
        for library, more in ((functional, {}), (F, more))
    )
    near(ours, theirs)


@given(
    shape=st.tuples(st.sampled_from((2, 1, 3, 0)), st.integers(1, 6), st.integers(1, 3), st.integers(1, 3)),
    ndim=st.sampled_from((2, 1, 3)),
    size=st.integers(1, 8),
    numbers=st.tuples(*[st.sampled_from((0.5, 0.75, 1.5))] * 3),
    seed=st.integers(0, 99),
)
def test_local_response_is_the_loops_and_torch_s(
    shape: tuple[int, ...], ndim: int, size: int, numbers: tuple[float, float, float], seed: int
) -> None:
    shape = (*shape, 2)[: ndim + 2]
    x, g = spread_out(shape, seed), spread_out(shape, seed + 1)
    expected = [
        torch.from_numpy(definitions.local_response_norm(x.numpy(), size, *numbers)),
        torch.from_numpy(definitions.local_response_norm_gradient(x.numpy(), g.numpy(), size, *numbers)),
    ]
    results = [
        two_orders(lambda t, f=f: f.local_response_norm(t, size, *numbers), [x], g, [spread_out(shape, seed + 2)])
        for f in (functional, F)
    ]
    near(results[0][:2], expected)
    near(*results)


def test_local_response_of_half_precision_is_rounded_once() -> None:
    """torch has no kernel for images of half precision."""
    x = spread_out((2, 5, 3, 4))
    for dtype in (torch.float16, torch.bfloat16):
        exact = functional.local_response_norm(x.to(dtype).double(), 3, 0.5, 0.75, 1.0)
        y = functional.local_response_norm(x.to(dtype), 3, 0.5, 0.75, 1.0)
        assert y.dtype == dtype
        torch.testing.assert_close(y.double(), exact, rtol=torch.finfo(dtype).eps, atol=0)
    with pytest.raises(NotImplementedError):
        F.local_response_norm(x.half(), 3)


@pytest.mark.parametrize("shape", [(2, 0, 3, 2), (2, 0, 4), (0, 3, 4)])
def test_local_response_of_nothing_is_nothing_as_torch_s(shape: tuple[int, ...]) -> None:
    x = torch.ones(shape, requires_grad=True)
    y = functional.local_response_norm(x, 3)
    assert y.shape == F.local_response_norm(x, 3).shape == shape
    assert grad(y, x, torch.ones(shape))[0].shape == shape
