"""The slots that a derivative rule can take, and the rules that are in force where a layer runs.

    layer                                      slot      rule                           exact rule
    convolution, transposed convolution,       input     f(x, w, grad_output, window)   x̄ = (∂y/∂x)ᵀȳ
    fully connected layer                      weight    f(x, w, grad_output, window)   w̄ = (∂y/∂w)ᵀȳ
                                               bias      f(x, w, grad_output, window)   b̄ = (∂y/∂b)ᵀȳ
    activation, entry by entry                 slope     f(z, grad_output)              z̄ = φ′(z) ⊙ ȳ
    max, average, adaptive and power-average   pool      f(x, grad_output, window)      x̄ = (∂y/∂x)ᵀȳ
    pool

A layer meets the rules of its own slots and no others: a block that replaces slopes does nothing to a convolution.
What has no slot stays exact: softmax (no activation entry by entry), fractional pooling (its windows are drawn), max
unpooling, normalisations, losses, padding.  The rules are derived, and layers run under them, in
`manualconv.autograd.rules` (those with a weight) and `manualconv.autograd.replaced` (activations and pools).

Shapes: a rule's z is any shape, its x ``(N, C, *I)``, ȳ that of the output; see `manualconv.autograd.rules`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from inspect import signature
from typing import Any, NamedTuple

import torch
from torch import Tensor

from manualconv.autograd.blocks import Carried as Carried
from manualconv.autograd.blocks import Visit, block, hand_to_checkpoints
from manualconv.geometry import Intervals, Window

Rule = Callable[[Tensor, Tensor, Tensor, Window], Tensor | None]
SlopeRule = Callable[[Tensor, Tensor], Tensor | None]
PoolRule = Callable[[Tensor, Tensor, Window | Intervals], Tensor | None]


class Slot(NamedTuple):
    """A slot: the kind of layer that has it, in a word and in full, and what its rule is given."""

    kind: str
    layers: str
    arguments: tuple[str, ...]


_WEIGHTED = Slot("weighted", "a convolution or a fully connected layer", ("x", "w", "grad_output", "window"))
SLOTS: dict[str, Slot] = {
    "input": _WEIGHTED,
    "weight": _WEIGHTED,
    "bias": _WEIGHTED,
    "slope": Slot("slope", "an activation", ("z", "grad_output")),
    "pool": Slot("pool", "a pooling layer", ("x", "grad_output", "window")),
}
#: The slots of a layer with a weight.
WEIGHTED = tuple(name for name, slot in SLOTS.items() if slot is _WEIGHTED)


def exact_slope(z: Tensor, grad_output: Tensor) -> Tensor:
    """The activation's own slope: in the slot, it takes back what a block or a model around the layer says.

    Raises:
        RuntimeError: when called: which activation z is the input of, only the layer knows.
    """
    raise RuntimeError("exact_slope cannot be called: put it into the slot, where it stands for the activation's own")


def exact_pool(x: Tensor, grad_output: Tensor, window: Window | Intervals) -> Tensor:
    """The pool's own gradient: in the slot, it takes back what a block or a model around the layer says.

    Raises:
        RuntimeError: when called: which pool x is the input of, only the layer knows.
    """
    raise RuntimeError("exact_pool cannot be called: put it into the slot, where it stands for the pool's own gradient")


@dataclass(frozen=True, init=False, repr=False)
class Rules:
    """The derivative rules of a layer, one per slot; None is the exact one.  Also a block: ``with Rules(weight=f): …``.

    Every layer of manualconv that *runs* inside the block, in the thread that entered it, takes the rules of its own
    slots, whenever its backward happens.  An inner block's rules go before an outer one's, slot by slot;
    ``weight=exact_weight`` makes a slot exact again.

    Slots whose rules no layer of the block met replaced nothing: its end says so by a UserWarning, unless an exception
    ends it.  A layer that runs as compiled code counts as one that ran; a block that stands inside compiled code does
    not warn.

    Attributes:
        input, weight, bias: of convolutions, transposed convolutions and fully connected layers: functions of
            ``(x, w, grad_output, window)`` that return the gradient of that slot, with the slot's shape, dtype and
            device, or None for no gradient.  Inside autocast the dtype is the layer's.
        slope: of activations: a function of ``(z, grad_output)``, z the activation's input, that returns z's gradient.
        pool: of max, average, adaptive and power-average pools: a function of ``(x, grad_output, window)`` that returns
            x's gradient; an adaptive pool's window is an `Intervals`.

    Raises:
        TypeError: a rule that cannot be called, or not with its slot's arguments; a slot that there is not.
    """

    input: Rule | None = None
    weight: Rule | None = None
    bias: Rule | None = None
    slope: SlopeRule | None = None
    pool: PoolRule | None = None

    def __init__(
        self,
        input: Rule | None = None,
        weight: Rule | None = None,
        bias: Rule | None = None,
        slope: SlopeRule | None = None,
        pool: PoolRule | None = None,
        **unknown: object,
    ) -> None:
        check_known("Rules", unknown)
        for name, rule in zip(SLOTS, (input, weight, bias, slope, pool)):
            _check_rule(name, rule)
            object.__setattr__(self, name, rule)

    def given(self) -> dict[str, Any]:
        """The slots that have a rule, with it."""
        return {name: getattr(self, name) for name in SLOTS if getattr(self, name) is not None}

    def over(self, outer: Rules | None) -> Rules:
        """These rules, and the outer ones where there are none."""
        return self if outer is None else _checked_before({**outer.given(), **self.given()})

    def of(self, slots: Iterable[str]) -> Rules | None:
        """The rules of these slots alone; None if they have none."""
        found = {name: rule for name, rule in self.given().items() if name in slots}
        return _checked_before(found) if found else None

    def named(self) -> str:
        """``weight=halved, slope=guided``: each slot that has a rule, with the function's name."""
        return ", ".join(f"{name}={_named(rule)}" for name, rule in self.given().items())

    def __repr__(self) -> str:
        return f"Rules({self.named()})"

    def __enter__(self) -> Rules:
        hand_to_checkpoints()
        block.enter(self)
        block.visits = (*block.visits, Visit(self))
        return self

    def __exit__(self, error: object, *_: object) -> None:
        block.leave(self)
        visit = block.ended(self)
        if error is not None or torch.compiler.is_compiling():
            return
        unmet = [name for name in self.given() if not getattr(visit, SLOTS[name].kind)]
        if unmet:
            layers = " and ".join(dict.fromkeys(SLOTS[name].layers for name in unmet))
            warnings.warn(
                f"no layer met the rules of this block for {', '.join(unmet)}, so that those derivatives are exact: "
                "run a torch model inside manualconv.by_hand() or after manualconv.convert(model), and give the block "
                f"{layers} (in the thread that enters it)",
                stacklevel=2,
            )


def _checked_before(given: dict[str, Any]) -> Rules:
    """Rules made of others': their signatures are not looked at again where a layer runs."""
    rules = object.__new__(Rules)
    for name in SLOTS:
        object.__setattr__(rules, name, given.get(name))
    return rules


def _named(rule: Any) -> str:
    """A function by its name, any other rule by its type's."""
    return getattr(rule, "__name__", type(rule).__name__)


def check_known(caller: str, unknown: Iterable[str]) -> None:
    """Refuse slots that there are not, with those there are."""
    for name in unknown:
        there_are = "; ".join(
            f"{', '.join(names)}: a function of ({', '.join(slot.arguments)}), of {slot.layers}"
            for slot in dict.fromkeys(SLOTS.values())
            for names in [[name for name in SLOTS if SLOTS[name] is slot]]
        )
        raise TypeError(f"{caller}(): there is no slot {name!r}; the slots are {there_are}")


def _check_rule(name: str, rule: Any) -> None:
    """Refuse what cannot be the rule of a slot; a callable whose signature cannot be read may be one."""
    if rule is None:
        return
    needed = f"Rules(): {name} must be a function of ({', '.join(SLOTS[name].arguments)})"
    if not callable(rule):
        raise TypeError(f"{needed} or None, not {type(rule).__name__}")
    if torch.compiler.is_compiling():  # Dynamo has no signatures to look at; a wrong one fails when it is called
        return
    try:
        taken = signature(rule)
    except (TypeError, ValueError):
        return
    try:
        taken.bind(*SLOTS[name].arguments)
    except TypeError:
        raise TypeError(f"{needed}, but {_named(rule)} takes {taken}") from None


# --------------------------------------------------------------------------------------------- which rules are in force


def in_force(own: Rules | None) -> Rules | None:
    """The rules of a layer with a weight that runs now: its own before the block's; None if every slot is exact.

    Raises:
        TypeError: rules of its own for a slot that it has not.
    """
    rules: Rules | None = block.stack[-1]
    if rules is not None:
        block.met(_WEIGHTED.kind)
    if own is not None:
        if own.slope is not None or own.pool is not None:
            raise TypeError(
                f"{own!r} for a convolution or fully connected layer, which has the slots {', '.join(WEIGHTED)}: "
                "slope is a slot of activations, pool one of pools; a `with` block of rules reaches them all"
            )
        rules = own.over(rules)
    exact = rules is None or (rules.input is None and rules.weight is None and rules.bias is None)
    return None if exact else rules


def slope_in_force() -> Rules | None:
    """The rules of an activation that runs now; None if its slope is exact."""
    return None if block.stack[-1] is None else _of_block("slope", exact_slope)


def pool_in_force() -> Rules | None:
    """The rules of a pool that runs now; None if its gradient is exact."""
    return None if block.stack[-1] is None else _of_block("pool", exact_pool)


def _of_block(slot: str, exact: Callable[..., Tensor]) -> Rules | None:
    """The block's rules for a layer of one slot that runs now; None if that slot is exact."""
    block.met(slot)
    rules: Rules = block.stack[-1]
    rule = getattr(rules, slot)
    return None if rule is None or rule is exact else rules
