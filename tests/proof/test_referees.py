"""Values and gradients of every operation are the loops' and torch's, in as many cases as any other property draws.

The questions are the proofs', which ask each a few times in an ordinary run.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from manualconv import functional
from manualconv.testing.catalogue import Question
from manualconv.testing.catalogue.activation import ENTRYWISE
from manualconv.testing.judge import ROUNDING
from manualconv.testing.referee import REFEREE, two_orders
from tests.proof.test_proof import OPERATIONS, equals_the_loops

pytestmark = pytest.mark.filterwarnings("ignore:Using a target size")
EVERY = pytest.mark.parametrize("name", OPERATIONS)


@EVERY
@given(data=st.data())
def test_values_and_gradients_are_the_loops(name: str, data: st.DataObject) -> None:
    equals_the_loops(OPERATIONS[name].question(data.draw(OPERATIONS[name].cases)))


def answers(question: Question, library: Any, dtype: torch.dtype) -> list[Tensor]:
    """A library's value, gradients, and theirs in random directions."""
    apply, count = question.of(library), len(question.inputs) - question.constants
    *inputs, cotangent = (t.to(dtype) for t in (*question.inputs, question.cotangent))
    # Of the same numbers: what every number of terms divides stays divisible.
    order = torch.Generator().manual_seed(0)
    directions = [t.flatten()[torch.randperm(t.numel(), generator=order)].reshape(t.shape) for t in inputs[:count]]
    if library is REFEREE and not question.random:  # torch misreads some that lie unlike; a mask is drawn as they lie
        *inputs, cotangent = (t.contiguous() for t in (*inputs, cotangent))

    def layer(*leading: Tensor) -> Tensor:
        y: Tensor = apply(*leading, *inputs[count:])
        return y

    return two_orders(layer, inputs[:count], cotangent, directions)


@EVERY
@given(data=st.data(), dtype=st.sampled_from((torch.float64, torch.float32)))
def test_values_and_gradients_of_two_orders_are_torch_s(name: str, data: st.DataObject, dtype: torch.dtype) -> None:
    """In float32 to three digits at least: how many more, tests of each layer's accuracy say.

    Second derivatives of what is smooth are compared in float64 alone: terms with powers of 1/√ε cancel in them, and of
    batch norm's at ε = 0.01 three digits of float32 are not left.
    """
    question = OPERATIONS[name].question(data.draw(OPERATIONS[name].cases))
    if not question.cotangent.numel() or not question.inputs[0].numel():
        return  # some of which torch refuses: the loops know their shapes
    ours, theirs = (answers(question, library, dtype) for library in (functional, REFEREE))
    assert all(t.dtype == dtype for t in ours)
    if question.exact and dtype == torch.float64:
        assert all(map(torch.equal, ours, theirs))
        return
    both_orders = question.exact or dtype == torch.float64
    count = len(ours) if both_orders else 1 + len(question.inputs) - question.constants
    # Whole numbers may be large, so that a count divides them, and cancel: roundings are of the terms.
    operands = (*question.inputs, question.cotangent)
    terms = max(float(t.double().abs().sum()) for t in operands) if question.exact else 0.0
    for n, (got, expected) in enumerate(zip(ours[:count], theirs[:count], strict=True)):
        # A second derivative is a sum of products of the first ones' factors.
        roundings = (question.roundings or 8) * (8 if n > len(question.inputs) else 1)
        room = min(roundings * ROUNDING[dtype], 2.0**-10)
        largest = 1.0 if dtype == torch.float64 else max(1.0, float(expected.detach().abs().max()), terms)
        torch.testing.assert_close(got, expected, rtol=room, atol=room * largest)


#: Where results lie of convolutions, norms, max pooling and dropout, their own tests ask; torch's logsigmoid and other
#: poolings lie otherwise than their input now and then.
LAID_OUT = (*(name for name in ENTRYWISE if name != "logsigmoid"), "pad", "max_unpool2d", "max_unpool3d")


@pytest.mark.parametrize("name", LAID_OUT)
@given(data=st.data())
def test_a_value_lies_in_memory_as_torch_s(name: str, data: st.DataObject) -> None:
    question = OPERATIONS[name].question(data.draw(OPERATIONS[name].cases))
    ours, theirs = (question.of(library)(*question.inputs) for library in (functional, REFEREE))
    if min(min(t.shape, default=2) for t in (*question.inputs, ours)) > 1:
        assert ours.stride() == theirs.stride()
