"""How an activation runs: under the slope rule that is in force, and into its input if asked to."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from manualconv.autograd.pointwise import Pointwise
from manualconv.autograd.replaced import under_rule
from manualconv.autograd.slots import Rules, slope_in_force
from manualconv.torch_internals import may_be_differentiated


def run(
    function: type[Pointwise], input: Tensor, *numbers: Any, inplace: bool = False, of_output: bool = False
) -> Tensor:
    """``function(input)``, into `input` itself if asked to.

    A plain copy into it has torch's checks and its version counter.  A function whose slope is not written in the
    output keeps its input, which must not be what is overwritten: where a derivative may be asked for, it gets a copy.
    So does a slope rule.
    """
    rules = slope_in_force()
    if rules is not None:
        return _ruled(function, input, numbers, inplace, rules)
    if not inplace:
        y: Tensor = function.call(input, *numbers)
        return y
    z = input.clone() if not of_output and may_be_differentiated(input) else input
    return input.copy_(function.call(z, *numbers))


def _ruled(function: type[Pointwise], input: Tensor, numbers: tuple[Any, ...], inplace: bool, rules: Rules) -> Tensor:
    z = input.clone() if inplace and may_be_differentiated(input) else input
    y = under_rule(function.call(z, *numbers), z, None, rules)
    return input.copy_(y) if inplace else y
