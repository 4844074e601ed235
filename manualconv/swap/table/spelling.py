"""Forms of a call that torch has for many operations: with ``out=``, in place, with an axis left to torch's guess."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import torch
from torch import Tensor

Operation = Callable[..., Any]


def to_out(ours: Operation) -> Operation:
    """The form that takes ``out=``."""

    @wraps(ours)
    def spelled(*args: Any, out: Tensor | None = None, **kwargs: Any) -> Any:
        y = ours(*args, **kwargs)
        return y if out is None else filled((y,), (out,))[0]

    return spelled


def filled(results: Any, out: Sequence[Tensor] | None) -> Any:
    """Results, written into `out` if it is there."""
    # A product by one checks, resizes and fills `out` by torch's rules for it.
    return results if out is None else tuple(torch.mul(part, 1, out=place) for part, place in zip(results, out))


def in_place(ours: Operation) -> Operation:
    """The form that overwrites its input."""

    @wraps(ours)
    def spelled(input: Tensor) -> Tensor:
        y = ours(input)
        if not torch.can_cast(y.dtype, input.dtype):
            raise RuntimeError(
                f"result type {y.dtype} can't be cast to the desired output type {input.dtype}: "
                f"{ours.__name__}_ writes into its input; use {ours.__name__}"
            )
        return input.copy_(y)

    return spelled
