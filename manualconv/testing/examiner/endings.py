"""How the processes of an examination come to an end with it: none is left at work."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import active_children
from multiprocessing.connection import wait
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
        process: BaseProcess = context.Process(target=_bound, args=(runs, *given), daemon=True)
        process.start()
        if not _told:
            return process
        process.kill()
    raise SystemExit(_told[0])


def _bound(runs: Callable[..., None], *given: Any) -> None:
    """What a process of an examination does: end with the command, and leave nothing of its own behind."""
    _end_with_the_command()
    if sys.platform == "linux":
        # tqdm, Numba and others make locks of the way in which processes start.  A name of such a lock outlives a
        # process that is killed; those of a fork have none.
        multiprocessing.set_start_method("fork", force=True)
    runs(*given)


def _end_with_the_command() -> None:
    """Be killed when the command's process ends, even if that is killed: then the pipe from it is closed."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    if sys.platform != "linux":
        threading.Thread(
            target=lambda: wait([parent.sentinel]) and os.kill(os.getpid(), signal.SIGTERM), daemon=True
        ).start()
        return
    import fcntl

    # By the kernel: a thread of Python's would wait for a kernel in C that hangs.
    pipe = parent.sentinel
    fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(pipe, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)
    if wait([pipe], 0):
        os.kill(os.getpid(), signal.SIGKILL)


def end_with_the_parent() -> None:
    """Of a copy that `os.fork` made: be killed when the process ends that it is a copy of, even if that is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
