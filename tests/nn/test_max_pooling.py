"""MaxPool2d: torch's arguments and repr; our arithmetic."""

import torch
from hypothesis import given

from manualconv import nn
from tests.strategies import Pooling, poolings


@given(case=poolings(dilated=True))
def test_max_pooling_computes_what_torch_s_does(case: Pooling) -> None:
    results = []
    for layers in (nn, torch.nn):
        x = case.input().requires_grad_()
        module = layers.MaxPool2d(
            **case.sizes, dilation=case.window.dilation, ceil_mode=case.ceil_mode, return_indices=True
        )
        y, index = module(x)
        results.append((y, index, *torch.autograd.grad(y, x, case.cotangent(y.shape[2:]))))
    assert all(map(torch.equal, *results))


def test_the_module_is_torch_s_in_all_but_arithmetic() -> None:
    ours, theirs = nn.MaxPool2d((3, 2), padding=1), torch.nn.MaxPool2d((3, 2), padding=1)
    assert isinstance(ours, type(theirs))
    assert repr(ours) == repr(theirs)
    assert not ours.state_dict()


def test_a_pooling_of_single_positions_is_a_copy() -> None:
    x = torch.ones(1, 1, 2, 2)
    y = nn.MaxPool2d(1)(x)
    assert torch.equal(y, x)
    assert y.data_ptr() != x.data_ptr()
