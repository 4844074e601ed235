"""CASES 17: torch's FLOP counter counts a layer by hand as torch's own, whatever algorithm runs, module by module."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import manualconv
from manualconv import accuracy, algorithm, by_hand, functional
from manualconv import nn as ours
from tests.layers import WEIGHTED, Example

CALLS = {
    **WEIGHTED,
    "conv2d narrow and depthwise": Example("conv2d", ((1, 8, 16, 16), (8, 1, 3, 3)), (None, 1, 1, 1, 8)),
    "conv2d wide and depthwise": Example("conv2d", ((2, 32, 56, 56), (32, 1, 3, 3)), (None, 1, 1, 1, 32)),
}


def flops(run: Callable[[], object]) -> int:
    """All that a counter counts."""
    with FlopCounterMode(display=False) as counter:
        run()
    return int(counter.get_total_flops())


def forward_and_backward(apply: Callable[..., Tensor], *inputs: Tensor) -> tuple[int, int]:
    """The counts of a forward, and of the forward with its backward."""
    leaves = [t.clone().requires_grad_() for t in inputs]
    return flops(lambda: apply(*inputs)), flops(lambda: apply(*leaves).sum().backward())


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_a_layer_counts_as_torch_s(name: str, dtype: torch.dtype) -> None:
    call, tensors = CALLS[name].of, [t.to(dtype) for t in CALLS[name].tensors()]
    by_us, by_torch = (forward_and_backward(call(library), *tensors) for library in (functional, F))
    assert by_us == by_torch and by_us[0] > 0
    with by_hand():
        assert forward_and_backward(call(F), *tensors) == by_torch


@pytest.mark.parametrize("name", ["lowering", "lowering_batch_last", "shifting", "fourier", "winograd"])
def test_no_algorithm_changes_the_count(name: str) -> None:
    tensors = torch.randn(2, 8, 16, 16), torch.randn(8, 8, 3, 3)
    with accuracy("fast"), algorithm(name):
        counts = forward_and_backward(functional.conv2d, *tensors)
    assert counts == forward_and_backward(F.conv2d, *tensors)


def network(library: Any) -> nn.Module:
    """Two blocks, one inside the other."""
    return nn.Sequential(
        library.Conv2d(3, 8, 3, padding=1),
        nn.Sequential(library.Conv2d(8, 8, 3, groups=8), library.ReLU()),
        library.ConvTranspose2d(8, 2, 2, 2),
        library.Flatten(),
        library.Linear(2 * 28 * 28, 5),
    )


def test_every_module_of_a_network_has_torch_s_count() -> None:
    x, tables = torch.randn(2, 3, 16, 16), []
    for net in (network(nn), network(ours), manualconv.convert(network(nn))):
        with FlopCounterMode(display=False) as counter:
            net(x).sum().backward()
        tables.append({name: sum(counts.values()) for name, counts in counter.get_flop_counts().items()})
    assert tables[0] == tables[1] == tables[2] and tables[0]["Sequential.1"] > 0


def test_counters_one_inside_the_other_both_count_once() -> None:
    x, w = torch.randn(1, 8, 16, 16), torch.randn(8, 1, 3, 3)
    expected = flops(lambda: F.conv2d(x, w, groups=8))
    with FlopCounterMode(display=False) as outer:
        functional.conv2d(x, w, groups=8)
        assert flops(lambda: functional.conv2d(x, w, groups=8)) == expected
    assert outer.get_total_flops() == 2 * expected


def test_attention_by_hand_counts_as_torch_s() -> None:
    q = torch.randn(2, 3, 5, 8)
    with by_hand():
        ours_ = forward_and_backward(lambda *t: F.scaled_dot_product_attention(*t), q, q, q)
    reference = forward_and_backward(lambda *t: (t[0] @ t[1].mT).softmax(-1) @ t[2], q, q, q)
    assert ours_ == reference
