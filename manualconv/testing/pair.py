"""A forward and a backward pass in NumPy, as somebody wrote them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Pair:
    """An implementation without torch, to be examined by ``manualconv check FILE.py:NAME --as OPERATION``.

    Attributes:
        forward: ``forward(*tensors, **options)`` of NumPy arrays returns an array; `options` have the names of
            ``torch.nn.functional.OPERATION``, and all of them come.
        backward: ``backward(grad_output, *tensors, **options)`` returns a tuple with one array a tensor; None for one
            that has no gradient.

    Example:
        >>> square = Pair(lambda x: x * x, lambda g, x: (2 * x * g,))
        >>> square.forward(3.0), square.backward(1.0, 3.0)
        (9.0, (6.0,))
    """

    forward: Callable[..., Any]
    backward: Callable[..., Any]
