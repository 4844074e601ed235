"""Laws of calls among others: before, after and between other calls, on other threads, with and without a graph."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import torch
from torch import Tensor
from torch.autograd import grad

from manualconv import functional
from manualconv.testing.catalogue import Question
from manualconv.testing.laws.operation.asked import Asked, Broken, are_probabilities, counted, law

#: Calls at once, and how many there are of each question.
THREADS, ROUNDS = 4, 8
#: Seconds after which Python lets another thread run: often within one call.
OFTEN = 1e-5


@law("gradients", "determinism", share=0.3)
def the_same_call_gives_the_same_bits(asked: Asked) -> None:
    for name, one, other in zip(asked.slots, asked.both(), asked.both()):
        if not torch.equal(one, other):
            raise Broken(f"{name} differs between two calls with the same operands")


@law("gradients", share=0.3)
def other_numbers_in_the_same_memory_give_other_results(asked: Asked) -> None:
    """What is remembered by shape, by address or by version is not looked up."""
    held = [t.clone() for t in others(asked)]
    asked.both(inputs=asked.differentiated(held))
    for t, true in zip(held, asked.question.inputs):
        t.data.copy_(true)  # which no version counter sees
    asked.judged(
        asked.both(inputs=asked.differentiated(held)), "definition", "is that of an earlier call with other numbers"
    )


@law("gradients", share=0.3)
def an_earlier_call_is_as_it_was(asked: Asked) -> None:
    """Its value after another call with other numbers, and its gradients, which are asked for only then."""
    leaves = asked.leaves()
    y = asked.value(leaves)
    before = y.detach().clone()
    asked.both(inputs=asked.differentiated(others(asked)))
    if not torch.equal(torch.nan_to_num(y.detach()), torch.nan_to_num(before)):
        raise Broken("y changes when the function is called again")
    found = grad(y, leaves[: asked.count], asked.question.cotangent.to(y.dtype))
    asked.judged([before, *found], "definition", "is that of a later call")


@law("gradients", "determinism", share=0.1)
def a_graph_that_is_walked_twice_gives_the_same_twice(asked: Asked) -> None:
    leaves = asked.leaves()
    y, cotangent = asked.value(leaves), asked.question.cotangent
    for name, one, other in zip(asked.slots[1:], *_walked_twice(y, leaves[: asked.count], cotangent)):
        if not torch.equal(torch.nan_to_num(one), torch.nan_to_num(other)):
            raise Broken(f"{name} is another when the same graph is walked again")


def _walked_twice(y: Tensor, leaves: Sequence[Tensor], cotangent: Tensor) -> list[list[Tensor]]:
    walks = (grad(y, leaves, cotangent, retain_graph=True, materialize_grads=True) for _ in range(2))
    return [[g.clone() for g in walk] for walk in walks]


@law("gradients", share=0.2)
def each_gradient_alone_is_what_it_is_among_all(asked: Asked) -> None:
    """Where the other tensors ask for none."""
    results = asked.both()[:1]
    for slot in range(asked.count):
        leaves = [t.detach().requires_grad_(n == slot) for n, t in enumerate(asked.leaves())]
        y = asked.value(leaves)
        if not y.requires_grad:
            raise Broken(f"where {asked.names[slot]} alone asks for a gradient the result has no graph")
        results += grad(y, leaves[slot], asked.question.cotangent.to(y.dtype), materialize_grads=True)
    asked.judged(results, "definition", "is wrong where nothing else is asked for", first=1)


@law("gradients", share=0.2)
def a_tensor_in_two_places_gets_both_gradients(asked: Asked) -> None:
    """As two tensors of the same numbers do, of which the sum is."""
    if asked.question.random:
        return
    for here, there in permutations(range(asked.count), 2):
        inputs = [asked.question.inputs[here if n == there else n] for n in range(len(asked.question.inputs))]
        if not is_taken(asked.question, inputs):
            continue
        two = asked.differentiated([t.clone() for t in inputs])
        y = asked.value(two)
        cotangent = counted(y)
        expected = grad(y, two[: asked.count], cotangent, materialize_grads=True)
        one = [two[here if n == there else n] for n in range(len(two))]
        y = asked.value(one)
        found = list(grad(y, one[: asked.count], cotangent, materialize_grads=True))
        found[here] = expected[here]  # both places got the sum
        found[there] = found[there] - expected[here]
        names = f"{asked.names[here]} and {asked.names[there]}"
        asked.are_ours([y, *found], two, cotangent, f"is wrong where one tensor is both {names}")


def is_taken(question: Question, inputs: Sequence[Tensor]) -> bool:
    """Whether a call takes other tensors and gives numbers: our own layers are asked without any."""
    if any(are_probabilities(was) and not are_probabilities(t) for t, was in zip(inputs, question.inputs)):
        return False
    try:
        y = question.of(functional)(*(t.to("meta") for t in inputs))
    except Exception:  # of torch's types, which are many
        return False
    return all(t.numel() for t in (y, *inputs))


@law(share=0.2)
def without_a_graph_the_value_is_the_same(asked: Asked) -> None:
    """Where nothing asks for a gradient, without grad mode, and in inference mode."""
    plain = [t.detach() for t in asked.question.inputs]
    asked.judged([asked.value(plain)], "definition", "is wrong where no operand asks for a gradient")
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            y = asked.value()
        asked.judged([y], "definition", f"is wrong under torch.{mode.__name__}")


@law("gradients", share=0.05)
def threads_do_not_disturb_one_another(asked: Asked) -> None:
    if asked.question.random:
        return
    both = asked.differentiated(asked.question.inputs), asked.differentiated(others(asked))
    alone = [asked.both(inputs=inputs) for inputs in both]
    before = sys.getswitchinterval()
    sys.setswitchinterval(OFTEN)
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            found = list(pool.map(lambda n: asked.both(inputs=both[n % 2]), range(2 * ROUNDS)))
    finally:
        sys.setswitchinterval(before)
    for n, results in enumerate(found):
        for name, one, other in zip(asked.slots, results, alone[n % 2]):
            asked.alike(one, other, f"{name} is another while other threads call the function")


def others(asked: Asked) -> list[Tensor]:
    """Other numbers of the same kind: each tensor backwards."""
    return [t.flip(tuple(range(t.dim()))) if t.is_floating_point() else t for t in asked.question.inputs]
