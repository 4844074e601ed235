"""What is asked of any operation: its two passes against the definitions, its modes, and its manners.

A law takes an `Asked` and raises `Broken` where it does not hold.  The target runs first; only then the judgement, in
another process, computes what the results should be, and answers with the difference alone.
"""

from __future__ import annotations

import gc
import re
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad, grad, gradcheck, gradgradcheck
from torch.autograd.gradcheck import GradcheckError

from manualconv.testing.catalogue import Question
from manualconv.torch_internals import function_modes, mode_count

#: A difference quotient with step 1 of what is linear in each tensor, on small whole numbers, has no error at all.
EXACTLY: dict[str, Any] = {"eps": 1.0, "atol": 0.0, "rtol": 0.0}
SMOOTHLY: dict[str, Any] = {"eps": 1e-5, "atol": 1e-5, "rtol": 1e-5}
#: torch's switch for the memory of `torch.empty`.
_MEMORY: Any = torch.utils.deterministic
#: Seconds after which a result is read again.
LATER = 0.02


@dataclass(frozen=True)
class Kind:
    """What results are judged by.

    Attributes:
        name: ``definition``; ``real DTYPE`` for the question's numbers with all digits of a dtype; ``numbers`` for
            `arrays`, other tensors and another cotangent, whose answers are ours, which the definitions prove.
        base: the dtype that a narrow target is given for float64.
        first: the first slot that is asked about.
    """

    name: str
    base: str = "float64"
    first: int = 0
    arrays: tuple[Any, ...] = ()


class Broken(AssertionError):
    """A law that does not hold: what is wrong, in words, and the difference if there is one."""

    def __init__(self, words: str, difference: Any = None) -> None:
        super().__init__(words)
        self.words, self.difference = words, difference


class Unfit(Broken):
    """A result of which nothing can be asked; `says_no` if that is an ability the target has not."""

    def __init__(self, words: str, says_no: bool = False) -> None:
        super().__init__(words)
        self.says_no = says_no


@dataclass(frozen=True)
class Asked:
    """A question put to a target: `apply` is its function of the tensors, `judge` says how far an answer is off.

    `alone` is the function without what makes whole numbers of its answers, where the question has such.
    """

    question: Question
    apply: Callable[..., Any]
    judge: Callable[..., Any]
    names: tuple[str, ...]
    alone: Callable[..., Any] | None = None

    @cached_property
    def slots(self) -> tuple[str, ...]:
        """What the results are called: the value, and a gradient for each tensor that has one."""
        return ("y", *(f"d{name}" for name in self.names[: self.count]))

    @property
    def count(self) -> int:
        """Tensors that are differentiated."""
        return len(self.question.inputs) - self.question.constants

    def leaves(self, dtype: torch.dtype | None = None) -> list[Tensor]:
        """The tensors as they lie, asking for gradients where there are any."""
        inputs = [t if dtype is None or not t.is_floating_point() else t.to(dtype) for t in self.question.inputs]
        return [t.detach().requires_grad_() if n < self.count else t for n, t in enumerate(inputs)]

    def value(self, inputs: Sequence[Tensor] | None = None) -> Tensor:
        """The forward pass."""
        y: Tensor = self.apply(*(self.leaves() if inputs is None else inputs))
        if not isinstance(y, Tensor):
            raise Unfit(f"the result is {type(y).__name__}, not a tensor")
        return y

    def both(self, dtype: torch.dtype | None = None, inputs: Sequence[Tensor] | None = None) -> list[Tensor]:
        """The value and its gradients under the question's cotangent."""
        leaves = self.leaves(dtype) if inputs is None else list(inputs)
        y = self.value(leaves)
        if not y.requires_grad:
            raise Unfit("the result has no graph: nothing can be differentiated through it", says_no=True)
        if y.shape != self.question.cotangent.shape:
            shapes = [tuple(t.shape) for t in (y, self.question.cotangent)]
            raise Broken(f"y has the shape {shapes[0]}, should have {shapes[1]}")
        found = grad(y, leaves[: self.count], self.question.cotangent.to(y.dtype), allow_unused=True)
        for name, g in zip(self.slots[1:], found):
            if g is None:
                raise Broken(f"{name} is missing: no gradient reaches it")
        return [y.detach(), *found]

    def judged(self, results: Sequence[Tensor], kind: str, words: str, first: int = 0) -> None:
        """Raise if the definitions differ, from the first slot that is asked about on."""
        difference = self.judge(Kind(kind, first=first), [t.detach() for t in results])
        if difference is not None:
            raise Broken(f"{self.slots[difference.slot]} {words}", difference)


@dataclass(frozen=True)
class Law:
    """A law: what must be there that it can be asked, and whether it is asked of few numbers (`small`)."""

    name: str
    holds: Callable[[Asked], None]
    needs: frozenset[str] = frozenset()
    small: bool = False
    share: float = 1.0


LAWS: dict[str, Law] = {}


def law(*needs: str, small: bool = False, share: float = 1.0) -> Callable[[Callable[[Asked], None]], Any]:
    """Enter a law under the words of its name; `share` of the profile's cases are asked."""

    def enter(holds: Callable[[Asked], None]) -> Callable[[Asked], None]:
        name = re.sub(r" s\b", "'s", holds.__name__.replace("_", " "))
        LAWS[name] = Law(name, holds, frozenset(needs), small, share)
        return holds

    return enter


# ----------------------------------------------------------------------------------------- the two passes


@law()
def the_value_is_the_definition_s(asked: Asked) -> None:
    asked.judged([asked.value()], "definition", "is wrong")


@law("gradients")
def the_gradients_are_the_definition_s(asked: Asked) -> None:
    asked.judged(asked.both(), "definition", "is wrong", first=1)


@law("gradients", "float64", share=0.3)
def float64_is_computed_as_float64(asked: Asked) -> None:
    """On numbers with all their digits, which a lower precision inside cannot hold."""
    _rounds_like(asked, torch.float64)


@law("gradients", "float32", share=0.3)
def float32_is_off_by_the_roundings_of_its_sum(asked: Asked) -> None:
    _rounds_like(asked, torch.float32)


@law("gradients", "float16", share=0.3)
def float16_is_off_by_the_roundings_of_its_sum(asked: Asked) -> None:
    _rounds_like(asked, torch.float16)


@law("gradients", "bfloat16", share=0.3)
def bfloat16_is_off_by_the_roundings_of_its_sum(asked: Asked) -> None:
    _rounds_like(asked, torch.bfloat16)


def _rounds_like(asked: Asked, dtype: torch.dtype) -> None:
    asked = replace(asked, apply=asked.alone or asked.apply)
    inputs = [t.requires_grad_() if n < asked.count else t for n, t in enumerate(real(asked.question, dtype))]
    results = asked.both(dtype, inputs)
    for name, t in zip(asked.slots, results):
        if t.dtype != dtype:
            raise Broken(f"{name} is {t.dtype} where the operands are {dtype}")
    asked.judged(results, f"real {str(dtype).removeprefix('torch.')}", "has lost digits")


def real(question: Question, dtype: torch.dtype) -> list[Tensor]:
    """The question's tensors with all digits that the dtype holds; whole numbers stay between their neighbours."""
    found = []
    for n, t in enumerate(question.inputs):
        if t.is_floating_point():
            places = torch.arange(1, t.numel() + 1, dtype=torch.float64).reshape(t.shape)
            t = (t.double() * (1 - 0.25 * torch.frac(places * (0.6180339887498949 + 0.1 * n)))).to(dtype)
        found.append(t)
    return found


# ------------------------------------------------------------------------------------ further derivatives


@law("gradients", "order 2", small=True, share=0.1)
def the_second_derivative_is_the_first_one_s(asked: Asked) -> None:
    cotangent = asked.question.cotangent.detach().requires_grad_()
    _differentiates(lambda: gradgradcheck(asked.apply, asked.leaves(), cotangent, **_room(asked.question)), "second")


@law("gradients", "order 3", small=True, share=0.05)
def the_third_derivative_is_the_second_one_s(asked: Asked) -> None:
    leaves, count = asked.leaves(), asked.count

    def second(*tensors: Tensor) -> tuple[Tensor, ...]:
        at, cotangent, directions = tensors[:count], tensors[count], tensors[count + 1 :]
        first = grad(asked.apply(*at, *leaves[count:]), at, cotangent, create_graph=True)
        total = sum((g * v).sum() for g, v in zip(first, directions))
        if not isinstance(total, Tensor) or not total.requires_grad:
            return tuple(t * 0 for t in (*at, cotangent))
        return grad(total, (*at, cotangent), create_graph=True, materialize_grads=True)

    directions = [(t + 1).detach().requires_grad_() for t in leaves[:count]]
    operands = (*leaves[:count], asked.question.cotangent.detach().requires_grad_(), *directions)
    _differentiates(lambda: gradcheck(second, operands, **_room(asked.question)), "third")


def _room(question: Question) -> dict[str, Any]:
    return EXACTLY if question.exact else SMOOTHLY


def _differentiates(check: Callable[[], bool], which: str) -> None:
    try:
        check()
    except GradcheckError as error:
        raise Broken(f"the {which} derivative is wrong: {_in_a_line(error)}") from None


def _in_a_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:160]


@law("gradients", "forward mode", share=0.2)
def forward_mode_pairs_with_the_gradients(asked: Asked) -> None:
    """⟨J·v, ȳ⟩ = ⟨v, Jᵀ·ȳ⟩."""
    question, count = asked.question, asked.count
    directions = [t.detach().flip(-1) + 1 if t.dim() else t.detach() + 1 for t in question.inputs[:count]]
    with forward_ad.dual_level():
        primals = [t.detach().clone() if 0 in t.stride() else t.detach() for t in question.inputs]
        duals = [forward_ad.make_dual(t, v) for t, v in zip(primals, directions)]
        tangent = forward_ad.unpack_dual(asked.apply(*duals, *question.inputs[count:])).tangent
    if tangent is None:
        raise Unfit("forward mode gives no tangent", says_no=True)
    ahead = (tangent * question.cotangent).sum()
    back = sum((v * g).sum() for v, g in zip(directions, asked.both()[1:]))
    scale = sum((v * g).abs().sum() for v, g in zip(directions, asked.both()[1:]))
    if (ahead - back).abs() > (0 if question.exact else 1e-9) * scale + (0 if question.exact else 1e-12):
        raise Broken(f"forward mode gives <J v, y> = {float(ahead):g}, the gradients give {float(back):g}")


@law("vmap", share=0.1)
def vmap_is_a_stack_of_calls(asked: Asked) -> None:
    leaves = [t.detach() for t in asked.question.inputs]
    dims = tuple(0 if t.is_floating_point() else None for t in leaves)
    stacks = [torch.stack([t, t.flip(-1) if t.dim() else t]) if d == 0 else t for t, d in zip(leaves, dims)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        got = torch.vmap(asked.apply, dims, randomness="same")(*stacks)
    each = [asked.value([t[n] if d == 0 else t for t, d in zip(stacks, dims)]) for n in (0, 1)]
    _alike(asked, got, torch.stack(each), "under vmap y differs from that of each call")


@law("compile", small=True, share=0.02)
def compiled_it_is_as_eager(asked: Asked) -> None:
    torch.compiler.reset()
    compiled = torch.compile(asked.apply, backend="aot_eager")
    eager, leaves = asked.both(), asked.leaves()
    y = compiled(*leaves)
    found = [y, *grad(y, leaves[: asked.count], asked.question.cotangent)]
    for name, one, other in zip(asked.slots, found, eager):
        _alike(asked, one, other, f"compiled, {name} is another")


@law("gradients", "autocast", share=0.1)
def under_autocast_gradients_have_the_operands_dtype(asked: Asked) -> None:
    leaves = [t.detach().float().requires_grad_() if n < asked.count else t for n, t in enumerate(asked.leaves())]
    with torch.autocast("cpu", torch.bfloat16):
        y = asked.value(leaves)
    found = grad(y.float(), leaves[: asked.count], asked.question.cotangent.float(), allow_unused=True)
    for name, g in zip(asked.slots[1:], found):
        if g is not None and g.dtype != torch.float32:
            raise Broken(f"under autocast {name} is {g.dtype} for an operand of float32")


def _alike(asked: Asked, one: Tensor, other: Tensor, words: str) -> None:
    room = 0.0 if asked.question.exact else 1e-9
    if one.shape != other.shape or not torch.allclose(one, other, rtol=room, atol=room, equal_nan=True):
        raise Broken(words)


# --------------------------------------------------------------------------------------------------- manners


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
        if t.is_floating_point():  # probabilities stay probabilities
            t.mul_(0.5) if ((t >= 0) & (t <= 1)).all() else t.add_(1)
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
