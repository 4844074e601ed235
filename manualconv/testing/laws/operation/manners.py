"""Laws of manners: what a call owes its operands, its other calls, the memory and the switches around it."""

from __future__ import annotations

import gc
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.autograd import grad

from manualconv.testing.laws.operation.asked import Asked, Broken, law
from manualconv.torch_internals import function_modes, mode_count

#: torch's switch for the memory of `torch.empty`.
_MEMORY: Any = torch.utils.deterministic
#: Seconds after which a result is read again.
LATER = 0.02


@law("gradients", "determinism", share=0.3)
def the_same_call_gives_the_same_bits(asked: Asked) -> None:
    for name, one, other in zip(asked.slots, asked.both(), asked.both()):
        if not torch.equal(one, other):
            raise Broken(f"{name} differs between two calls with the same operands")


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
def other_numbers_in_the_same_memory_give_other_results(asked: Asked) -> None:
    """What is remembered by shape or by address is not looked up."""
    held = [t.clone() for t in asked.question.inputs]
    for t in held:
        if t.is_floating_point():
            t.add_(1)
    asked.both(inputs=[t.requires_grad_() if n < asked.count else t for n, t in enumerate(held)])
    with torch.no_grad():
        for t, true in zip(held, asked.question.inputs):
            t.copy_(true)
    asked.judged(asked.both(inputs=held), "definition", "is that of an earlier call with other numbers")


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
    y = asked.value()
    at_once = y.detach().clone()
    time.sleep(LATER)
    if not torch.equal(torch.nan_to_num(y.detach()), torch.nan_to_num(at_once)):
        raise Broken("y changes after it was returned")


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


@law("gradients", share=0.3)
def switches_are_left_as_they_are(asked: Asked) -> None:
    before = _switches()
    asked.both()
    for name, was in before.items():
        now = _switches()[name]
        if now != was and not (asked.question.random and name == "the random state"):
            raise Broken(f"the call changes {name} from {was} to {now}")


def _switches() -> dict[str, Any]:
    generator = torch.random.get_rng_state()
    return {
        "the default dtype": torch.get_default_dtype(),
        "grad mode": torch.is_grad_enabled(),
        "the number of threads": torch.get_num_threads(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "anomaly mode": torch.is_anomaly_enabled(),
        "the random state": hash(generator.numpy().tobytes()),
        "the function modes": len(function_modes()),
        "the operator modes": mode_count(),
        "the garbage collector": gc.isenabled(),
        "the precision of products": torch.get_float32_matmul_precision(),
    }
