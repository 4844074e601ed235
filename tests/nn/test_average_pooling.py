"""AvgPool2d: torch's arguments and repr; our arithmetic."""

import torch
from hypothesis import given

from manualconv import nn
from tests.strategies import Pooling, poolings


@given(case=poolings(dilated=False))
def test_average_pooling_computes_what_torch_s_does(case: Pooling) -> None:
    options = {name: getattr(case, name) for name in ("ceil_mode", "count_include_pad", "divisor_override")}
    results = []
    for layers in (nn, torch.nn):
        x = (144 * case.input()).requires_grad_()
        y = layers.AvgPool2d(**case.sizes, **options)(x)
        results.append((y, *torch.autograd.grad(y, x, 144 * case.cotangent(y.shape[2:]))))
    assert all(map(torch.equal, *results))


def test_the_module_is_torch_s_in_all_but_arithmetic() -> None:
    ours, theirs = nn.AvgPool2d((3, 2), padding=1), torch.nn.AvgPool2d((3, 2), padding=1)
    assert isinstance(ours, type(theirs))
    assert repr(ours) == repr(theirs)
    assert not ours.state_dict()


def test_a_pooling_of_single_positions_is_a_copy() -> None:
    x = torch.ones(1, 1, 2, 2)
    y = nn.AvgPool2d(1)(x)
    assert torch.equal(y, x)
    assert y.data_ptr() != x.data_ptr()
