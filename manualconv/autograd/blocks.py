"""The blocks of rules that a thread is inside of, and how a checkpoint finds those of its forward again.

What a rule is stands in `manualconv.autograd.slots`; here a block is whatever has ``over``, its rules before others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from manualconv.torch_internals import checkpoints_run


class Visit:
    """Which kinds of layer have run in a block since it was entered: a Rules may be entered many times."""

    def __init__(self, rules: Any) -> None:
        self.rules = rules
        self.weighted = self.slope = self.pool = False


class _Block(threading.local):
    """The blocks that this thread is inside of, outermost first; each holds what it inherits too."""

    def __init__(self) -> None:
        # Not a default of the class: Dynamo would not notice a block entered after it has compiled the first layer.
        self.stack: tuple[Any, ...] = (None,)
        self.entered: tuple[Any, ...] = ()
        self.visits: tuple[Visit, ...] = ()

    def enter(self, rules: Any) -> None:
        """Begin a block inside the others."""
        self.stack = (*self.stack, rules.over(self.stack[-1]))
        self.entered = (*self.entered, rules)

    def leave(self, rules: Any) -> None:
        """End it, wherever in the stack it is: those that were entered after it stay."""
        later: tuple[Any, ...] = ()
        while self.entered[-1] is not rules:
            later = (self.entered[-1], *later)
            self.stack, self.entered = self.stack[:-1], self.entered[:-1]
        self.stack, self.entered = self.stack[:-1], self.entered[:-1]
        for each in later:
            self.enter(each)

    def ended(self, rules: Any) -> Visit:
        """The visit that ends with a block: a generator's block may end while one entered later is on."""
        at = len(self.visits) - 1
        while self.visits[at].rules is not rules:
            at -= 1
        visit = self.visits[at]
        self.visits = (*self.visits[:at], *self.visits[at + 1 :])
        return visit

    def met(self, kind: str) -> None:
        """A layer of this kind runs."""
        for visit in self.visits:
            setattr(visit, kind, True)


block = _Block()


class Carried:
    """A block of the rules that a layer carries, around its forward; it has nothing to warn of.

    Rules are such a block too, but Dynamo enters no frozen dataclass that was made outside its graph.
    """

    def __init__(self, rules: Any) -> None:
        self._rules = rules

    def __enter__(self) -> None:
        block.enter(self._rules)

    def __exit__(self, *_: object) -> None:
        block.leave(self._rules)


class _Again:
    """The blocks of another moment, in place of those there are; by default none."""

    def __init__(self, stack: tuple[Any, ...] = (None,), entered: tuple[Any, ...] = ()) -> None:
        self._then = (stack, entered, ())

    def __enter__(self) -> None:
        self._now = block.stack, block.entered, block.visits
        block.stack, block.entered, block.visits = self._then

    def __exit__(self, *_: object) -> None:
        block.stack, block.entered, block.visits = self._now


def _in_these_blocks(function: Callable[..., Any]) -> Callable[..., Any]:
    """What a checkpoint keeps, to run it now and again in the backward pass: under the rules that are in force now."""
    stack, entered = block.stack, block.entered

    def run(*args: Any, **kwargs: Any) -> Any:
        if block.stack is stack:
            return function(*args, **kwargs)
        with _Again(stack, entered):
            return function(*args, **kwargs)

    return run


#: At the first block: torch's checkpoints ask `_in_these_blocks` what they keep.  One whose forward ran before has no
#: blocks to find again, and is run again in none.
hand_to_checkpoints = checkpoints_run(_in_these_blocks, _Again)
