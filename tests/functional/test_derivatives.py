"""Every public function, differentiated numerically: orders one to three, reverse, forward, batched."""

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from manualconv import functional
from tests.layers import FUNCTIONS, MEASUREMENTS, Example, spread_out

EVERY = pytest.mark.parametrize("example", FUNCTIONS.values(), ids=FUNCTIONS)
MULTILINEAR = {name: example for name, example in FUNCTIONS.items() if example.multilinear}


def test_no_public_function_is_missing() -> None:
    assert set(FUNCTIONS) | MEASUREMENTS == set(functional.__all__)


@EVERY
def test_first_order_in_every_mode(example: Example) -> None:
    assert gradcheck(
        example.by_hand,
        example.leaves(),
        check_forward_ad=True,
        check_batched_grad=True,
        check_batched_forward_grad=not example.random,  # the old vmap draws no numbers
        check_undefined_grad=True,
        check_grad_dtypes=True,
        nondet_tol=0.0,
    )


@EVERY
def test_second_order_and_forward_over_reverse(example: Example) -> None:
    assert gradgradcheck(
        example.by_hand,
        example.leaves(),
        gen_non_contig_grad_outputs=True,
        check_fwd_over_rev=True,
        check_batched_grad=True,
        nondet_tol=0.0,
    )


def integers(example: Example) -> tuple[Tensor, ...]:
    """Whole numbers, on which a multilinear layer and its difference quotient with step 1 are exact."""
    return tuple(t.detach().mul(3).round().requires_grad_() for t in example.leaves())


EXACTLY = {"eps": 1.0, "atol": 0, "rtol": 0, "check_forward_ad": True}


@pytest.mark.parametrize("example", MULTILINEAR.values(), ids=MULTILINEAR)
def test_a_multilinear_layer_s_difference_quotient_with_step_one_is_exact(example: Example) -> None:
    assert gradcheck(example.by_hand, integers(example), **EXACTLY)


@pytest.mark.parametrize("example", MULTILINEAR.values(), ids=MULTILINEAR)
def test_so_are_those_of_its_gradients_which_are_multilinear_too(example: Example) -> None:
    inputs = integers(example)
    cotangent = spread_out(example.by_hand(*inputs).shape).mul(3).round().requires_grad_()

    def gradients(cotangent: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
        y = example.by_hand(*inputs)
        return torch.autograd.grad(y, inputs, cotangent, create_graph=True)

    assert gradcheck(gradients, (cotangent, *inputs), eps=1.0, atol=0, rtol=0)


def test_max_pooling_is_linear_between_ties_so_its_difference_quotient_is_exact() -> None:
    example = FUNCTIONS["max_pool2d"]
    far_apart = tuple(t.detach().flatten().argsort().reshape(t.shape).mul(3.0) for t in example.leaves())
    assert gradcheck(example.by_hand, tuple(t.double().requires_grad_() for t in far_apart), **EXACTLY)


@EVERY
def test_third_order(example: Example) -> None:
    def second(*inputs: Tensor) -> tuple[Tensor, ...]:
        first = torch.autograd.grad(example.by_hand(*inputs).pow(3).sum(), inputs, create_graph=True)
        return torch.autograd.grad(sum(g.pow(2).sum() for g in first), inputs, create_graph=True)

    assert gradcheck(second, example.leaves())
