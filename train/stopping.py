"""Signals that end a run, where it is well: after a step, or between two batches of an evaluation."""

import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
T = TypeVar("T")


class Stopped(Exception):
    """The run ends here because of a signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.name, self.code = signal.Signals(number).name, 128 + number


class Stop:
    """Remembers the first signal; a second one ends the process at once, as if nobody listened."""

    def __init__(self) -> None:
        self.number: int | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """The handler of a signal."""
        self.number = number
        for each in SIGNALS:
            if signal.getsignal(each) is self:
                signal.signal(each, signal.SIG_DFL)

    def check(self) -> None:
        """Raise ``Stopped`` if there was a signal."""
        if self.number is not None:
            raise Stopped(self.number)

    def between(self, items: Iterable[T]) -> Iterator[T]:
        """Pass ``items`` on, checking before each."""
        for item in items:
            self.check()
            yield item


@contextmanager
def watched_signals() -> Iterator[Stop]:
    """Listen inside. A signal that is ignored stays so: ``nohup`` and a shell's background jobs mean it."""
    stop = Stop()
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {
            each: signal.getsignal(each) for each in SIGNALS if signal.getsignal(each) not in (signal.SIG_IGN, None)
        }
    for each in before:
        signal.signal(each, stop)
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
