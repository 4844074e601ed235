"""Layers that take derivative rules: where they carry them, how they show them, and how they are given to a model.

    layer's own  >  the model's, the innermost first  >  the ``with`` block's  >  exact          slot by slot

A layer carries the rules that it runs under: they are copied and pickled with it (where the functions can be), they
hold in every thread, and they hold when activation checkpointing runs its forward a second time.  What a rule is stands
in `manualconv.autograd.rules`.
"""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

import torch

from manualconv.autograd.slots import SLOTS, WEIGHTED, PoolRule, Rule, Rules, SlopeRule, check_known
from manualconv.nn._tracing import in_own_block

#: Where a layer of torch's that was restored keeps the rules it had.
KEPT = "_rules_when_by_hand"


class Ruled(torch.nn.Module):
    """A layer that takes rules, which `manualconv.set_rules` puts into `derivative_rules`."""

    derivative_rules: Rules | None = None
    derivative_slots: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """A forward of one's own runs under the layer's rules too, whatever functions it calls."""
        super().__init_subclass__(**kwargs)
        if "forward" in vars(cls) and not cls.__module__.startswith("manualconv.nn."):
            cls.forward = in_own_block(cls.forward)

    def extra_repr(self) -> str:
        """torch's, and after it what the layer does otherwise."""
        return ", ".join(part for part in (super().extra_repr(), otherwise(self)) if part)


class Weighted(Ruled):
    """A convolution or a fully connected layer, which hands its rules to the function that it runs."""

    derivative_slots = WEIGHTED


class Sloped(Ruled):
    """An activation."""

    derivative_slots = ("slope",)


class Pooled(Ruled):
    """A pool."""

    derivative_slots = ("pool",)


def otherwise(module: torch.nn.Module) -> str:
    """What is not torch's in a layer: ``rules=(weight=halved), ties='split'``; empty if nothing is."""
    rules, ties = vars(module).get("derivative_rules"), vars(module).get("ties", "first")
    parts = (f"rules=({rules.named()})" if rules is not None else "", f"ties={ties!r}" if ties != "first" else "")
    return ", ".join(part for part in parts if part)


M = TypeVar("M", bound=torch.nn.Module)

#: The attribute of a layer of ours that holds the rules it runs under, and of any module those set on it and above it.
_ATTRIBUTE, _SET, _ABOVE = "derivative_rules", "_rules_set_here", "_rules_from_above"


def set_rules(
    module: M,
    *,
    input: Rule | None = None,
    weight: Rule | None = None,
    bias: Rule | None = None,
    slope: SlopeRule | None = None,
    pool: PoolRule | None = None,
    **unknown: object,
) -> M:
    """Replace derivative rules of a layer, or of every layer in a model; slots not given have none set here.

    Args:
        module: a layer with the slots of `manualconv.autograd.slots`, of `manualconv.nn` or of torch's and converted
            (`manualconv.convert`), or a module that holds some, each of which takes the rules of its own slots.  Layers
            added to it later are exact until the rules are set again.
        input, weight, bias: functions of ``(x, w, grad_output, window)`` that return that slot's gradient, see
            `manualconv.Rules`; without any, the rules set on this module before are removed.
        slope: a function of ``(z, grad_output)``, of activations.
        pool: a function of ``(x, grad_output, window)``, of pools.

    Returns:
        The module, changed in place.

    Raises:
        TypeError: a rule that cannot be called, or not with its slot's arguments; a slot that there is not, or that no
            layer of the module has.
    """
    check_known("set_rules", unknown)
    rules = Rules(input, weight, bias, slope, pool)
    _check_taken(module, rules)
    _put(module, rules if rules.given() else None)
    _hand_down(module, getattr(module, _ABOVE, None))
    return module


def _check_taken(module: torch.nn.Module, rules: Rules) -> None:
    """Refuse rules that no layer would ask for."""
    there = {slot for layer in module.modules() for slot in _slots(layer)}
    missing = [slot for slot in (rules.given() or SLOTS) if slot not in there]
    if not missing or (there and not rules.given()):
        return
    kinds = " or ".join(dict.fromkeys(SLOTS[slot].layers for slot in missing))
    has = f"; it has {', '.join(slot for slot in SLOTS if slot in there)}" if there else ""
    raise TypeError(
        f"set_rules(): {type(module).__name__} has no layer that takes derivative rules for {', '.join(missing)}, that "
        f"is {kinds} of manualconv.nn{has}; manualconv.convert(model) has torch.nn's take them"
    )


def _slots(module: torch.nn.Module) -> tuple[str, ...]:
    """The slots of a layer of ours, and of a converted one, which has the place for rules itself."""
    return _slots_of_type(module) if hasattr(module, _ATTRIBUTE) else ()


def _slots_of_type(module: torch.nn.Module) -> tuple[str, ...]:
    """The slots of a layer of ours, or of torch's once it is converted."""
    from manualconv import nn  # these layers, made of the classes above

    for cls in type(module).__mro__:
        ours = cls if hasattr(cls, "derivative_slots") else vars(nn).get(cls.__name__)
        if hasattr(ours, "derivative_slots"):
            slots: tuple[str, ...] = ours.derivative_slots  # type: ignore[union-attr]
            return slots
    return ()


def _put(module: torch.nn.Module, rules: Rules | None, attribute: str = _SET) -> None:
    """Set the attribute, or take it away: a module without rules is as it was made."""
    if rules is not None:
        setattr(module, attribute, rules)
    elif attribute in module.__dict__:
        delattr(module, attribute)


def _hand_down(module: torch.nn.Module, above: Rules | None) -> None:
    """Give a module what is set above it, and its children that with its own over it; a layer, that of its slots."""
    own: Rules | None = getattr(module, _SET, None)
    rules = above if own is None else own.over(above)
    _put(module, above, _ABOVE)
    slots = _slots(module)
    if slots:
        of_layer = None if rules is None else rules.of(slots)
        if hasattr(type(module), _ATTRIBUTE):
            _put(module, of_layer, _ATTRIBUTE)
        else:
            setattr(module, _ATTRIBUTE, of_layer)
    elif KEPT in vars(module):  # restored: `convert` puts these in force again
        setattr(module, KEPT, None if rules is None else rules.of(_slots_of_type(module)))
    for child in module.children():
        _hand_down(child, rules)
