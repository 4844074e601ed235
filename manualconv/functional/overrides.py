"""Arguments that handle themselves, and tensors that only torch's operators know.

torch's functions ask their arguments for ``__torch_function__`` first.  `asking` puts the same question before ours.

* A handler is called as torch calls it: by torch's function of the same name, in torch's order of precedence, with the
  arguments as torch passes them on, because handlers look functions up in tables.  `manualconv.by_hand` is on
  meanwhile, so that what a handler unwraps is computed here.
* torch.fx's Proxy gets ours, so that a traced graph stays by hand; so does every handler where torch has no such
  function.
* A mode of torch's (``with torch.device(...)``, a user's TorchFunctionMode) is no argument.  It sees the functions of
  torch's that ours are made of, not ours.
* A tensor whose numbers are not strided in memory (sparse, mkldnn, nested), a quantised one, and a subclass that
  handles torch's operators (``__torch_dispatch__``: DTensor) are torch's own: torch's function computes with them.
* While torch.jit traces, torch's function is what it records: see `manualconv.functional.tracing`.
* A call that is refused is refused in torch's words: see `manualconv.functional.refusals.refusal`.

Source: PyTorch's notes "Extending PyTorch" (Extending torch with a Tensor-like type).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.fx import Proxy
from torch.overrides import handle_torch_function

import manualconv
from manualconv.autograd.slots import Rules, in_force
from manualconv.functional.refusals.refusal import Refusal, explained, writes_and_draws
from manualconv.functional.tracing import is_beyond_torch, recorded_as_torch_s, without_defaults
from manualconv.torch_internals import handles_itself, is_known_to_torch_alone, tracer

#: Types that ask for nothing.  Most arguments are of one of them, so that one look-up a value is all that is paid.
_PLAIN = frozenset({int, float, bool, complex, str, tuple, list, type(None), torch.Size, torch.dtype})
_TENSORS = frozenset({Tensor, torch.nn.Parameter})
_STRIDED = torch.strided

#: Where torch.nn.functional's is no more than a call of the tensor's method.
_METHODS = ("sigmoid", "tanh")

#: The functions with rules that torch's ExpandedWeights compute the gradients of.
_EXPANDED = frozenset({F.conv1d, F.conv2d, F.conv3d, F.linear})


def asking(ours: Callable[..., Any], theirs: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """A public function that asks its arguments first, found and pickled under `manualconv.functional`.

    Args:
        ours: the function.
        theirs: torch's that it stands for, unless the name says it.
    """
    name = ours.__name__
    home = torch if name in _METHODS else torch.nn.functional
    theirs = theirs or getattr(home, name, None) or getattr(torch, name, None)
    words, touched = getattr(torch.nn.functional, name, theirs), writes_and_draws(ours)

    @wraps(ours)
    def asked(*args: Any, **kwargs: Any) -> Any:
        if tracer():
            return recorded_as_torch_s(name, theirs, args, kwargs)
        ordinary = True
        for value in (*args, *kwargs.values()) if kwargs else args:
            kind = type(value)
            if kind not in _PLAIN and (
                kind not in _TENSORS or value.layout is not _STRIDED or value.is_nested or value.is_quantized
            ):
                ordinary = False
        if not ordinary:
            answer = _answered(asked, theirs, args, kwargs)
            if answer is not NotImplemented:
                return answer
        try:
            return ours(*args, **kwargs)
        except Refusal as refusal:
            kwargs = without_defaults(kwargs)
            beyond = name != "pad" and is_beyond_torch(args, kwargs)  # which has no pairs of ours
            raise explained(refusal, name, None if beyond else words, args, kwargs, *touched) from None

    asked.__module__ = "manualconv.functional"
    return asked


def _answered(asked: Callable[..., Any], theirs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What a handler, or torch's own function, makes of the call; NotImplemented if it is ours to compute."""
    values = (*args, *kwargs.values())
    relevant = tuple(value for value in values if handles_itself(value))
    if not relevant and (theirs is None or not any(is_known_to_torch_alone(value) for value in values)):
        return NotImplemented
    kwargs = without_defaults(kwargs)
    if not relevant:
        return theirs(*args, **kwargs)
    refuse_rules(theirs, map(type, relevant), kwargs.get("rules"))
    if theirs is None or is_beyond_torch(args, kwargs) or any(isinstance(value, Proxy) for value in relevant):
        return handle_torch_function(asked, relevant, *args, **kwargs)
    # The block comes from a floor above, where torch's names are known: asked for by its public name, when needed.
    block = manualconv.by_hand()
    block.offers = True
    with block:
        return theirs(*args, **kwargs)


def refuse_rules(function: Any, kinds: Iterable[type], own: Rules | None = None) -> None:
    """Refuse derivative rules where torch's ExpandedWeights compute a layer's gradients, by formulas of their own.

    Raises:
        RuntimeError: rules are in force, and an argument is an ExpandedWeight.
    """
    if function in _EXPANDED and any(kind.__name__ == "ExpandedWeight" for kind in kinds) and in_force(own) is not None:
        raise RuntimeError(
            f"derivative rules for {function.__name__}() of an ExpandedWeight, which computes gradients by formulas of "
            "its own, so that the rules would be ignored; torch.func.vmap(torch.func.grad(...)) follows them"
        )
