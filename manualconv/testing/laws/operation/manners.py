"""Laws of manners: what a call owes its operands, its results and the memory around it."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.autograd import grad

from manualconv.testing.laws.operation.asked import Asked, Broken, law

#: torch's switch for the memory of `torch.empty`.
_MEMORY: Any = torch.utils.deterministic
#: Seconds after which a result is read again.
LATER = 0.02


@law("gradients", share=0.3)
def operands_are_left_as_they_are(asked: Asked) -> None:
    leaves, cotangent = asked.leaves(), asked.question.cotangent
    before = [t.detach().clone() for t in (*leaves, cotangent)]
    asked.both(inputs=leaves)
    for name, t, was in zip((*asked.names, "the cotangent"), (*leaves, cotangent), before):
        if not torch.equal(t, was):
            t.detach().copy_(was)
            raise Broken(f"{name} is edited by the call")


@law("gradients", share=0.3)
def results_have_memory_of_their_own(asked: Asked) -> None:
    leaves = asked.leaves()
    mine = {t.untyped_storage().data_ptr() for t in (*leaves, asked.question.cotangent) if t.numel()}
    y, *_ = asked.both(inputs=leaves)
    if y.numel() and y.untyped_storage().data_ptr() in mine:
        raise Broken("y shares its memory with an operand: editing one edits the other")


@law("gradients", share=0.3)
def memory_that_was_used_before_does_not_show(asked: Asked) -> None:
    """Free memory of the sizes of the results is full of NaN while the call allocates."""
    sizes = [t.numel() for t in (*asked.question.inputs, asked.question.cotangent)]
    with _poisoned():
        torch.full((4 * sum(sizes) + 16,), torch.nan)
        for size in sizes:
            stale = [torch.full((max(size, 1),), torch.nan, dtype=torch.float64) for _ in range(8)]
            del stale
        results = asked.both()
    asked.judged(results, "definition", "holds memory that nobody wrote")


@contextmanager
def _poisoned() -> Iterator[None]:
    """`torch.empty` gives NaN."""
    before = torch.are_deterministic_algorithms_enabled(), _MEMORY.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True, warn_only=True)
    _MEMORY.fill_uninitialized_memory = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        _MEMORY.fill_uninitialized_memory = before[1]


@law("gradients", share=0.05)
def a_result_is_finished_when_it_is_returned(asked: Asked) -> None:
    """The value and its gradients, read at once and again a little later."""
    results = asked.both()
    at_once = [t.detach().clone() for t in results]
    time.sleep(LATER)
    for name, t, was in zip(asked.slots, results, at_once):
        if not torch.equal(torch.nan_to_num(t.detach()), torch.nan_to_num(was)):
            raise Broken(f"{name} changes after it was returned")


@law("gradients", share=0.1)
def results_are_plain_tensors(asked: Asked) -> None:
    """A class of its own may put off the work until somebody looks."""
    for name, t in zip(asked.slots, [asked.value(), *asked.both()[1:]]):
        if type(t) is not Tensor:
            raise Broken(f"{name} is a {type(t).__name__}, a class of its own, not a plain tensor")


@law("gradients", share=0.3)
def editing_an_operand_afterwards_changes_no_result(asked: Asked) -> None:
    """Nor the gradients, unless torch's error says that they can no longer be computed."""
    leaves = [t.clone().detach().requires_grad_() if n < asked.count else t for n, t in enumerate(asked.leaves())]
    copies = [t.clone() if n < asked.count else t for n, t in enumerate(leaves)]
    y = asked.value(copies)
    before = y.detach().clone()
    with torch.no_grad():
        for t in copies[: asked.count]:
            t.detach().add_(1)
    if not torch.equal(torch.nan_to_num(y.detach()), torch.nan_to_num(before)):
        raise Broken("y changes when an operand is edited afterwards")
    try:
        found = grad(y, leaves[: asked.count], asked.question.cotangent.to(y.dtype), allow_unused=True)
    except RuntimeError:
        return
    results = [before, *(torch.zeros_like(t) if g is None else g for g, t in zip(found, leaves))]
    asked.judged(results, "definition", "is that of operands edited after the forward pass, without an error")
