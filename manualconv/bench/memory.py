"""What runs inside a call, operator by operator: its peak of live tensor memory, and the operators' names.

Every storage that an operator returns is followed until it is freed.  What a library allocates inside one operator (a
convolution's workspace) is not seen: the figure is whole for ours, which are made of operators, and a lower bound for
torch's.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from torch import Tensor

from manualconv.torch_internals import OperatorMode


class Watch(OperatorMode):
    """Follows storages and names while it is on.

    Attributes:
        peak: most bytes alive at once, of storages made since it was switched on.
        kept: bytes of the call's results.
        names: of the operators that ran; operators: how many ran.
    """

    def __init__(self) -> None:
        super().__init__()
        self.peak = self.kept = self.operators = self._alive = 0
        self.names: set[str] = set()
        self._known: set[int] = set()

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the operator, follow what it made."""
        self.names.add(str(func))
        self.operators += 1
        results = func(*args, **(kwargs or {}))
        given = {_identity(t) for t in _tensors(args)}
        for t in _tensors(results):
            if (key := _identity(t)) not in given and key not in self._known:
                self._follow(t, key)
        return results

    def _follow(self, t: Tensor, key: int) -> None:
        storage, size = t.untyped_storage(), t.untyped_storage().nbytes()
        self._known.add(key)
        self._alive += size
        self.peak = max(self.peak, self._alive)
        weakref.finalize(storage, self._freed, key, size)

    def _freed(self, key: int, size: int) -> None:
        self._known.discard(key)
        self._alive -= size


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    return [t for part in value for t in _tensors(part)] if isinstance(value, (tuple, list)) else []


def _identity(t: Tensor) -> int:
    return t.untyped_storage().data_ptr()


def watched(call: Callable[[], object]) -> Watch:
    """Run a call once under a watch."""
    watch = Watch()
    with watch:
        results = call()
    watch.kept = sum({_identity(t): t.untyped_storage().nbytes() for t in _tensors(results)}.values())
    return watch
