"""Operations that torch reaches under private names too, each asked for where it is first named."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch

from manualconv.torch_internals.optional import private

_RAW = "torch._C._nn"
#: Those that stand elsewhere.
_ELSEWHERE = {
    **{name.strip("_"): f"torch.{name}" for name in ("_convolution", "_convolution_mode", "_softmax", "_log_softmax")},
    **{name: f"torch.{name}" for name in ("_adaptive_avg_pool2d", "_adaptive_avg_pool3d")},
    "pad_circular": f"{_RAW}._pad_circular",
}


class _Asked(dict[str, Callable[..., Any]]):
    """Torch's operation by name.  One that is missing cannot be called: what stands here then is never met."""

    def __missing__(self, name: str) -> Callable[..., Any]:
        self[name] = private(_ELSEWHERE.get(name, f"{_RAW}.{name}"), lambda *_, **__: None)
        return self[name]


UNDERSCORED = _Asked()


def underscored(*names: str) -> dict[str, Callable[..., Any]]:
    """Those of these names that torch has among its raw operations."""
    raw = private(_RAW)
    return {name: UNDERSCORED[name] for name in names if hasattr(raw, name)}


def registered() -> list[str]:
    """Every operator, ``namespace.name``; a namespace of ``torch.ops`` lists those alone that were asked for."""
    names: list[str] = private("torch._C._dispatch_get_all_op_names", list)()
    return sorted({name.partition(".")[0].replace("::", ".") for name in names})


@cache
def is_pointwise(name: str) -> bool:
    """Whether torch tags an operator of this name as one number of each number; in place and operators' own too."""
    plain = name.strip("_")
    for spelling in (plain, _REFLECTED.get(plain, plain)):
        packet = getattr(private("torch.ops.aten"), spelling, None)
        if packet is not None and any(
            torch.Tag.pointwise in getattr(packet, overload).tags for overload in packet.overloads()
        ):
            return True
    return False


#: Python's names of operators whose own name is another.
_REFLECTED = {
    **{f"{letter}{name}": name for letter in "ri" for name in ("add", "sub", "mul", "pow")},
    **dict.fromkeys(("truediv", "rtruediv", "itruediv", "divide", "floordiv", "rfloordiv"), "div"),
    "invert": "bitwise_not",
    "and": "bitwise_and",
    "or": "bitwise_or",
    "pos": "positive",
}
