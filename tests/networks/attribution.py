"""Which module a forbidden operator ran for, on the way forward and on the way back.

On the way forward it is the innermost module whose ``forward`` is running.  On the way back it is the one that made the
node which autograd's engine is running.  Whose a node is, is settled as modules come and go: when one is entered, what
its input was made of belongs to the module around it; when it returns, what its output was made of is its own, as far
as it was not claimed before, by that rule or by a module inside.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor
from torch.autograd.graph import Node
from torch.nn import Module
from torch.utils._python_dispatch import TorchDispatchMode
from torchvision.models.detection.image_list import ImageList

from tests.test_by_hand import FORBIDDEN

#: (module's type or None for the code around, operator)
Call = tuple["type[Module] | None", str]


def tensors_in(value: Any) -> Iterator[Tensor]:
    """The tensors of a module's output, however it packs them."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, ImageList):
        yield value.tensors
    elif isinstance(value, (tuple, list, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from tensors_in(part)


class Attribution(TorchDispatchMode):
    """Counts the forbidden operators that run, by the type of module they run for."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[Call] = Counter()
        self.operators = 0
        self._running: list[Module | None] = []
        self._owned: set[Node] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.operators += 1
        if any(part in str(func) for part in FORBIDDEN):
            owner = self._running[-1] if self._running else None
            self.calls[owner and type(owner), str(func)] += 1
        return func(*args, **(kwargs or {}))

    @contextmanager
    def over(self, model: Module) -> Iterator[None]:
        """Watch all that runs in the block, knowing the modules of `model`."""
        handles = [
            handle
            for module in model.modules()
            for handle in (
                module.register_forward_pre_hook(self._enter, prepend=True, with_kwargs=True),
                module.register_forward_hook(self._leave),
            )
        ]
        try:
            with self:
                yield
        finally:
            for handle in handles:
                handle.remove()
            self._owned.clear()

    def _enter(self, module: Module, args: Any, kwargs: Any) -> None:
        self._claim((args, kwargs))
        self._running.append(module)

    def _leave(self, module: Module, _: Any, output: Any) -> None:
        self._claim(output)
        assert self._running.pop() is module

    def _claim(self, value: Any) -> None:
        """What a value was made of, and nobody's yet, is the running module's."""
        owner = self._running[-1] if self._running else None
        waiting = [t.grad_fn for t in tensors_in(value)]
        while waiting:
            node = waiting.pop()
            # What accumulates a leaf's gradient runs no layer.
            if node is None or node in self._owned or hasattr(node, "variable"):
                continue
            self._owned.add(node)
            node.register_prehook(lambda _: self._running.append(owner))
            node.register_hook(lambda *_: self._back_out(owner))
            waiting += [parent for parent, _ in node.next_functions]

    def _back_out(self, owner: Module | None) -> None:
        assert self._running.pop() is owner
