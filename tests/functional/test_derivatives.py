"""Every public function, differentiated numerically: first and second order, reverse, forward, batched."""

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from manualconv import functional
from tests.layers import FUNCTIONS, MEASUREMENTS, Example

EVERY = pytest.mark.parametrize("example", FUNCTIONS.values(), ids=FUNCTIONS)
MULTILINEAR = {name: example for name, example in FUNCTIONS.items() if example.multilinear}


def test_no_public_function_is_missing() -> None:
    assert set(FUNCTIONS) | MEASUREMENTS == set(functional.__all__)


@EVERY
def test_first_order_in_every_mode(example: Example) -> None:
    assert gradcheck(
        example.apply,
        example.tensors(),
        check_forward_ad=True,
        check_batched_grad=True,
        check_batched_forward_grad=True,
        check_undefined_grad=True,
        check_grad_dtypes=True,
        nondet_tol=0.0,
    )


@EVERY
def test_second_order_and_forward_over_reverse(example: Example) -> None:
    assert gradgradcheck(
        example.apply,
        example.tensors(),
        gen_non_contig_grad_outputs=True,
        check_fwd_over_rev=True,
        check_batched_grad=True,
        nondet_tol=0.0,
    )


@pytest.mark.parametrize("example", MULTILINEAR.values(), ids=MULTILINEAR)
def test_a_multilinear_layer_s_difference_quotient_with_step_one_is_exact(example: Example) -> None:
    integers = tuple(t.detach().mul(3).round().requires_grad_() for t in example.tensors())
    assert gradcheck(example.apply, integers, eps=1.0, atol=0, rtol=0, check_forward_ad=True)


@pytest.mark.parametrize("name", ["conv2d", "max_pool2d", "linear", "avg_pool2d", "tanh", "cross_entropy"])
def test_third_order(name: str) -> None:
    example = FUNCTIONS[name]

    def second(*inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        first = torch.autograd.grad(example.apply(*inputs).pow(3).sum(), inputs, create_graph=True)
        return torch.autograd.grad(sum(g.pow(2).sum() for g in first), inputs, create_graph=True)

    assert gradcheck(second, example.tensors())
