"""Other derivatives for a layer or for a whole model; what a rule is stands in `manualconv.autograd.rules`.

    layer's own  >  the model's, the innermost first  >  the ``with`` block's  >  exact          slot by slot

A layer carries the rules that it runs under: they are copied and pickled with it (where the functions can be), they
hold in every thread, and they hold when activation checkpointing runs its forward a second time.
"""

from __future__ import annotations

from typing import TypeVar

import torch

from manualconv.autograd.rules import Rule, Rules, exact_bias, exact_input, exact_weight

__all__ = ["Rule", "Rules", "exact_bias", "exact_input", "exact_weight", "set_rules"]

M = TypeVar("M", bound=torch.nn.Module)

#: The attribute of a layer of ours that holds the rules it runs under, and of any module those set on it and above it.
_ATTRIBUTE, _SET, _ABOVE = "derivative_rules", "_rules_set_here", "_rules_from_above"


def set_rules(module: M, *, input: Rule | None = None, weight: Rule | None = None, bias: Rule | None = None) -> M:
    """Replace derivative rules of a layer, or of every layer in a model; slots not given have none set here.

    Args:
        module: a convolution, transposed convolution or fully connected layer, of `manualconv.nn` or of torch's and
            converted (`manualconv.convert`), or a module that holds some.  Layers added to it later are exact until
            the rules are set again.
        input, weight, bias: functions of ``(x, w, grad_output, window)`` that return that slot's gradient, see
            `manualconv.Rules`; without any, the rules set on this module before are removed.

    Returns:
        The module, changed in place.

    Raises:
        TypeError: a rule that cannot be called, or a module without a layer that takes rules.
    """
    rules = Rules(input, weight, bias)
    if not any(_takes_rules(layer) for layer in module.modules()):
        raise TypeError(
            f"set_rules(): {type(module).__name__} has no layer that takes derivative rules, that is a convolution or "
            "fully connected layer of manualconv.nn; manualconv.convert(model) has torch.nn's take them"
        )
    _put(module, None if rules == Rules() else rules)
    _hand_down(module, getattr(module, _ABOVE, None))
    return module


def _takes_rules(module: torch.nn.Module) -> bool:
    # A converted layer of torch's has the attribute itself.
    return hasattr(module, _ATTRIBUTE)


def _put(module: torch.nn.Module, rules: Rules | None, attribute: str = _SET) -> None:
    """Set the attribute, or take it away: a module without rules is as it was made."""
    if rules is not None:
        setattr(module, attribute, rules)
    elif attribute in module.__dict__:
        delattr(module, attribute)


def _hand_down(module: torch.nn.Module, above: Rules | None) -> None:
    """Give a module what is set above it, and its children that with its own over it."""
    own: Rules | None = getattr(module, _SET, None)
    rules = above if own is None else own.over(above)
    _put(module, above, _ABOVE)
    if _takes_rules(module) and not hasattr(type(module), _ATTRIBUTE):
        setattr(module, _ATTRIBUTE, rules)
    elif _takes_rules(module):
        _put(module, rules, _ATTRIBUTE)
    for child in module.children():
        _hand_down(child, rules)
