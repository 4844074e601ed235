"""A function of tensors on the CPU that runs elsewhere: on a device, in a narrower dtype."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor

CPU, WIDE = torch.device("cpu"), torch.float64


def moved(apply: Callable[..., Any], device: torch.device, narrow: torch.dtype = WIDE) -> Callable[..., Any]:
    """The function with its operands moved in front of every call, and its results moved back behind it.

    Operands of float64 are given as `narrow`, and what comes back in it is given back as float64.  Moving is
    differentiable, so that every mode sees one function of tensors on the CPU.
    """

    def to(place: torch.device, was: torch.dtype, will: torch.dtype) -> Callable[[Any], Any]:
        def move(value: Any) -> Any:
            if isinstance(value, (tuple, list)):
                return type(value)(map(move, value))
            return value.to(place, will if value.dtype == was else value.dtype) if isinstance(value, Tensor) else value

        return move

    @wraps(apply)
    def there(*args: Any, **options: Any) -> Any:
        operands = [v for v in (*args, *options.values()) if isinstance(v, Tensor)]
        dtype = narrow if any(t.dtype == WIDE for t in operands) else WIDE
        if device == CPU and dtype == WIDE:
            return apply(*args, **options)
        forth, back = to(device, WIDE, dtype), to(CPU, dtype, WIDE)
        return back(apply(*map(forth, args), **{name: forth(value) for name, value in options.items()}))

    return there
