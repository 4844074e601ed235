"""Every operation equals its loops exactly, and its derivatives of three orders equal difference quotients exactly.

Most operations are linear in each tensor, or on straight pieces, so a difference quotient with step 1 on small integers
has no error at all: every comparison of them is exact; the others are smooth, and compared up to rounding.  How often:
a part of `GOALS` in an ordinary run, all of it by ``make prove``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from torch import Tensor
from torch.autograd import grad, gradcheck, gradgradcheck

from manualconv import functional
from manualconv.testing.catalogue import OPERATIONS as CATALOGUE
from manualconv.testing.catalogue import Question
from manualconv.testing.judge import ROUNDING
from manualconv.testing.ledger import EXACT, FIRST, LEDGER, SECOND, THIRD, checked

pytestmark = pytest.mark.filterwarnings("ignore:Using a target size")
OPERATIONS = {label: proof for each in CATALOGUE.values() for label, proof in each.proofs.items()}

GOALS = {EXACT: 2000, FIRST: 200, SECOND: 60, THIRD: 10}
#: One part in so many of the goals.
PART = int(os.environ.get("MANUALCONV_PROOF_PART", "40"))

INEXACT_NOWHERE = {"eps": 1.0, "atol": 0.0, "rtol": 0.0, "nondet_tol": 0.0}
#: A smooth function's quotient has the error of its third derivative, and of rounding.
SMOOTH = {"eps": 1e-5, "atol": 1e-5, "rtol": 1e-5, "nondet_tol": 0.0}


def allowed(question: Question) -> dict[str, float]:
    """How far a difference quotient may be from the derivative."""
    return INEXACT_NOWHERE if question.exact else SMOOTH


def leaves(question: Question) -> tuple[Tensor, ...]:
    """The question's tensors, asking for gradients."""
    return tuple(t.detach().requires_grad_() for t in question.inputs)


def equals_the_loops(question: Question) -> None:
    inputs = leaves(question)
    y = question.by_hand(*inputs)
    got = (y, *grad(y, inputs, question.cotangent))
    expected = [torch.from_numpy(np.asarray(t)) for t in question.loops()]
    assert len(got) == len(expected)
    if question.exact:
        assert all(map(torch.equal, got, expected))
    else:
        room = question.roundings * ROUNDING[torch.float64]
        torch.testing.assert_close(list(got), expected, rtol=room, atol=room)


def has_its_first_derivative_in_every_mode(question: Question) -> None:
    assert gradcheck(
        question.by_hand,
        leaves(question),
        check_forward_ad=True,
        check_batched_grad=True,
        check_batched_forward_grad=not question.random,
        check_undefined_grad=True,
        check_grad_dtypes=True,
        **allowed(question),
    )


def has_its_second_derivative(question: Question) -> None:
    cotangent = question.cotangent.detach().requires_grad_()
    assert gradgradcheck(
        question.by_hand,
        leaves(question),
        cotangent,
        check_fwd_over_rev=True,
        check_batched_grad=True,
        **allowed(question),
    )


def has_its_third_derivative(question: Question) -> None:
    """∂Σ⟨gradient, direction⟩ is linear in the tensors, the cotangent and the directions: its quotient is exact too."""
    inputs, count = leaves(question), len(question.inputs)

    def second(*tensors: Tensor) -> tuple[Tensor, ...]:
        at, cotangent, directions = tensors[:count], tensors[count], tensors[count + 1 :]
        first = grad(question.by_hand(*at), at, cotangent, create_graph=True)
        total = sum((g * v).sum() for g, v in zip(first, directions))
        return grad(total, (*at, cotangent), create_graph=True, materialize_grads=True)

    directions = [(t + 1).detach().requires_grad_() for t in inputs]
    assert gradcheck(second, (*inputs, question.cotangent.detach().requires_grad_(), *directions), **allowed(question))


CHECKS: dict[str, Callable[[Question], None]] = {
    EXACT: equals_the_loops,
    FIRST: has_its_first_derivative_in_every_mode,
    SECOND: has_its_second_derivative,
    THIRD: has_its_third_derivative,
}


def test_every_public_function_that_has_a_derivative_of_its_own_is_proved() -> None:
    """Counts and a norm have none, and flatten relabels axes."""
    proved = {name.split(",")[0] for name in OPERATIONS}
    names = {name for name in functional.__all__ if name not in proved and name[:-2] not in proved}
    assert names == {"Connections", "connections", "flatten", "spectral_norm"}


@pytest.mark.parametrize("kind", CHECKS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_proof(name: str, kind: str) -> None:
    operation, before = OPERATIONS[name], LEDGER[name, kind]
    goal = max(GOALS[kind] // (5 * PART if operation.seldom and PART > 1 else PART), 1)

    @settings(
        max_examples=goal, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(operation.cases)
    def prove(case: Any) -> None:
        with checked(name, kind):
            CHECKS[kind](operation.question(case if kind == EXACT else operation.smaller(case)))

    prove()
    assert LEDGER[name, kind] - before >= goal


def size(question: Question) -> int:
    """Numbers that its tensors hold together, times those of the result."""
    return sum(t.numel() for t in question.inputs) * question.cotangent.numel()


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_hundred_runs_give_the_same_bits(name: str) -> None:
    found: list[Any] = []

    @settings(max_examples=8, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(OPERATIONS[name].cases)
    def draw(case: Any) -> None:
        found.append(case)

    draw()
    # The largest of eight: of no samples there is nothing to repeat, and one number has no order of summation.
    question = max(map(OPERATIONS[name].question, found), key=size)
    assert size(question) > 4
    generator = torch.Generator().manual_seed(0)
    inputs, cotangent = (
        # By less than leads out of the probabilities.
        [t + torch.rand(t.shape, generator=generator, dtype=t.dtype) / 16 for t in question.inputs],
        question.cotangent + torch.rand(question.cotangent.shape, generator=generator, dtype=torch.float64),
    )

    def run() -> tuple[Tensor, ...]:
        at = [t.detach().requires_grad_() for t in inputs]
        y = question.by_hand(*at)
        return (y, *grad(y, at, cotangent))

    first = run()
    assert all(torch.equal(a, b) for _ in range(99) for a, b in zip(run(), first, strict=True))
