"""Activations that overwrite their input."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from manualconv.autograd.pointwise import Pointwise
from manualconv.torch_internals import may_be_differentiated


def run(function: type[Pointwise], input: Tensor, *numbers: Any, inplace: bool, of_output: bool = False) -> Tensor:
    """``function(input)``, into `input` itself if asked to.

    A plain copy into it has torch's checks and its version counter.  A function whose slope is not written in the
    output keeps its input, which must not be what is overwritten: where a derivative may be asked for, it gets a copy.
    """
    if not inplace:
        y: Tensor = function.call(input, *numbers)
        return y
    z = input.clone() if not of_output and may_be_differentiated(input) else input
    return input.copy_(function.call(z, *numbers))
