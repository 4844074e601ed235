"""What a call is: a function of differentiable tensors, and their shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

IMAGES, ROWS = (2, 4, 6, 5), (2, 3, 4)
Call = tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]
Calls = dict[Callable[..., Any], list[Call]]
