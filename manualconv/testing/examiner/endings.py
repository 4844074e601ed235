"""How the processes of an examination come to an end with it: none is left at work."""

from __future__ import annotations

import ctypes
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import active_children
from multiprocessing.process import BaseProcess
from typing import Any

#: What ends the command from outside, where the system has it.
SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
#: Linux's word for: at my parent's end send me this signal.
PR_SET_PDEATHSIG = 1
#: The code that the command ends with, once it was told to.
_told: list[int] = []


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """What ends the command ends its processes first; the exit code is 128 and the signal's number."""

    def end(number: int, _: Any) -> None:
        for each in handled:
            signal.signal(each, signal.SIG_IGN)
        _told.append(128 + number)
        for process in active_children():
            process.kill()
        raise SystemExit(128 + number)

    here = threading.current_thread() is threading.main_thread()
    # What is ignored, as under nohup, stays so.
    handled = {each: signal.getsignal(each) for each in SIGNALS if here and signal.getsignal(each) == signal.SIG_DFL}
    for each in handled:
        signal.signal(each, end)
    try:
        yield
    finally:
        for each, before in handled.items():
            signal.signal(each, before)


def started(context: Any, runs: Callable[..., None], *given: Any) -> BaseProcess:
    """A process of a command that was not told to end, also while it started: else SystemExit."""
    if not _told:
        process: BaseProcess = context.Process(target=runs, args=given, daemon=True)
        process.start()
        if not _told:
            return process
        process.kill()
    raise SystemExit(_told[0])


def end_with_the_parent() -> None:
    """Of a copy that `os.fork` made: be killed when the process ends that it is a copy of, even if that is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
