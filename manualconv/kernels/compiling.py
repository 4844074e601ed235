"""Loops compiled by Numba, where it is installed, and threads to run them on.

Numba is an extra: ``pip install manualconv[fast]``.  Nothing needs it, and it is imported when the first layer comes
that loops may compute.  A compiled loop is kept in a cache beside its file, so that a machine compiles it once; where
nothing can be written it is compiled once a process.  It runs without the interpreter's lock, so that threads share the
work: torch's own, since Numba's thread layers do not admit two callers at once.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from typing import Any, TypeVar

import torch
from torch import Tensor

from manualconv.torch_internals import is_plain, thread_team

Loop = TypeVar("Loop", bound=Callable[..., object])

#: What loops compute with.
NUMBERS = (torch.float32, torch.float64)
#: Nanoseconds of work from which on handing a share to another thread pays.
SHARED = 2e5
#: Nanoseconds a call has to save before a loop is worth compiling.
COMPILING = 2e5


@cache
def is_installed() -> bool:
    """Whether Numba is there and can be imported; one that is broken is as good as none, which is said once.

    The import takes half a second: whoever asks asks everything else before.
    """
    if find_spec("numba") is None:
        return False
    try:
        import_module("numba")
    except Exception as error:  # whatever is wrong with it
        warnings.warn(
            f"Numba is installed, but importing it fails ({type(error).__name__}: {error}): manualconv goes "
            "without; to mend it: pip install --upgrade 'manualconv[fast]', or be rid of it: pip uninstall numba",
            RuntimeWarning,
            stacklevel=2,
        )
        return False
    return True


def is_compilable(t: Tensor) -> bool:
    """Whether a loop may read t: Numba is there, and t holds numbers of the processor's, here and now."""
    # First of all is_plain: a compiler does not trace the cache behind is_installed.
    return is_plain(t) and t.dtype in NUMBERS and t.device.type == "cpu" and is_installed()


def values(t: Tensor) -> Tensor:
    """The plain numbers of t in order, for ``numpy()``."""
    return t.detach().resolve_neg().contiguous()


def compiled(loop: Loop) -> Loop:
    """The loop in machine code.

    Sums may be taken in any order and products added without a rounding between; NaN, infinities and division keep
    their meaning.
    """
    from numba import njit

    options: dict[str, Any] = {"nogil": True, "fastmath": {"contract", "reassoc", "nsz"}}
    try:
        fast: Loop = njit(cache=True, **options)(loop)
    except RuntimeError:  # no place to cache it
        fast = njit(**options)(loop)
    return fast


_pools: dict[int, ThreadPoolExecutor] = {}
#: Whether this process has its parent's threads in name only, torch's and ours alike.
_forked: list[bool] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: _forked.append(True))


def share(run: Callable[[int, int], object], units: int, nanoseconds: float) -> None:
    """Run units ``0 … units − 1`` in consecutive shares, ``run(first, last + 1)``, one on each of torch's threads.

    Torch's own threads, where it has a team that can be asked: its threads wait for more work with their core held, so
    that others would stand in line behind them.
    """
    workers = 1 if _forked or nanoseconds < SHARED else min(torch.get_num_threads(), units)
    if workers <= 1:
        run(0, units)
        return
    ends = [units * worker // workers for worker in range(workers + 1)]
    # A thread that comes too late finds nothing left; taking the next share is one step under the interpreter's lock.
    shares, failures = iter(list(pairwise(ends))), list[BaseException]()

    def work() -> None:
        try:
            for first, last in shares:
                run(first, last)
        except BaseException as failure:  # raised where the work was asked for, whatever thread it comes from
            failures.append(failure)

    team = thread_team()
    if team is not None:
        team(work, workers)
    else:
        pool = _pools.setdefault(workers, ThreadPoolExecutor(workers - 1, "manualconv"))
        others = [pool.submit(work) for _ in range(workers - 1)]
        work()
        for other in others:
            other.result()
    if failures:
        raise failures[0]
