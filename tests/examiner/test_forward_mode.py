"""The law that pairs forward mode with the gradients: right tangents pass at any size, wrong ones at none."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import Function

from manualconv.testing.catalogue import Question
from manualconv.testing.catalogue.adaptive_pooling import ANY, averaged
from manualconv.testing.catalogue.question import SMOOTH
from manualconv.testing.examiner.asking import drawn
from manualconv.testing.laws.operation import LAWS, Asked, Broken
from tests.examiner.test_examiner import examined, failures

LAW = LAWS["forward mode pairs with the gradients"]


def numbers(size: int, seed: int) -> Tensor:
    """Whole numbers of 43 bits, so that products have more than float64 holds."""
    return torch.randint(-(2**43), 2**43, (size,), generator=torch.Generator().manual_seed(seed)).double()


class Twice(Function):
    """x beside x, with a tangent that `missed` is added to."""

    @staticmethod
    def forward(x: Tensor, missed: float) -> Tensor:
        return torch.cat([x, x])

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.missed = inputs[1]

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> tuple[Tensor, None]:
        return sum(cotangent.chunk(2)), None

    @staticmethod
    def jvp(ctx: Any, x_dot: Tensor, _: None) -> Tensor:
        return torch.cat([x_dot, x_dot]) + ctx.missed


def asked(x: Tensor, cotangent: Tensor, missed: float = 0.0, roundings: float = 0.0) -> Asked:
    """The law's question of a layer that gives its operand twice."""
    question = Question(lambda _: Twice.apply, (x,), cotangent, list, roundings)
    return Asked(question, lambda x: Twice.apply(x, missed), lambda *_: None, ("X",), "relu", {})


def test_whole_numbers_whose_products_do_not_fit_are_not_accused() -> None:
    for seed in range(20):
        LAW.holds(asked(numbers(9, seed), numbers(18, seed + 100)))


@pytest.mark.parametrize("roundings", [0.0, SMOOTH])
def test_a_tangent_that_is_wrong_is_noticed(roundings: float) -> None:
    small = torch.arange(1.0, 5.0, dtype=torch.float64)
    with pytest.raises(Broken, match="forward mode gives <J v, y>"):
        LAW.holds(asked(small, small.repeat(2), 1e-7 if roundings else 1.0, roundings))
    with pytest.raises(Broken):
        LAW.holds(asked(small, small.repeat(2), torch.nan, roundings))
    with pytest.raises(Broken):
        LAW.holds(asked(numbers(9, 0), numbers(18, 1).abs(), 2.0**10))


def test_means_are_drawn_of_numbers_that_every_dtype_of_a_target_holds() -> None:
    """Also where it takes float32 alone; and every interval's length divides them."""
    for case in drawn(ANY, 200, 0):
        question = averaged(case)
        for t in (*question.inputs, question.cotangent, *map(torch.as_tensor, question.loops())):
            assert torch.equal(t.float().double(), t)
            assert torch.equal(t, t.round())


@pytest.mark.parametrize(
    ("name", "operation"), [("softmax_in_float32_alone", "softmax"), ("means_in_float32_alone", "adaptive_avg_pool3d")]
)
def test_one_in_float32_alone_is_off_by_its_own_roundings(name: str, operation: str) -> None:
    found, outcomes = examined(name, operation, cases=60, only=("definition", "forward mode", "vmap", "threads"))
    assert failures(found, outcomes) == []
    assert not found["forward mode"]
    assert bool(found["order 2"]) == (operation == "softmax")
