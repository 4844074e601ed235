"""Loops compiled by Numba, where it is installed, and threads to run them on.

Numba is an extra: ``pip install '.[fast]'`` in the clone.  Nothing needs it, and the first layer that loops could
compute imports it.  A compiled loop is kept (`code_cache`), so a machine compiles it once.  A loop runs without the
interpreter's lock, so threads share the work.  They are torch's own threads: Numba's thread layers do not allow two
callers at once.
"""

from __future__ import annotations

import math
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

#: Every loop that was asked for; `beforehand` compiles them.
LOOPS: list[Any] = []
#: The dtypes that loops compute with.
NUMBERS = (torch.float32, torch.float64)
#: The first Numba that is worked with, as pyproject.toml has it.
OLDEST = (0, 60)
#: Nanoseconds of work from which it pays to hand a share to another thread.
SHARED = 2e5
#: Nanoseconds that a call must save for a loop to be worth compiling.
COMPILING = 2e5


def _reason_against(numba: Any) -> str | None:
    """Why this Numba is not worked with; None if it is."""
    if numba.version_info.short < OLDEST:
        return f"{numba.__version__} is older than {OLDEST[0]}.{OLDEST[1]}; to mend it: pip install --upgrade numba"
    if numba.config.DISABLE_JIT:
        return "NUMBA_DISABLE_JIT has it compile nothing"
    return None


@cache
def is_installed() -> bool:
    """Whether Numba is here and compiles.  One that is broken, too old or told not to counts as none, after a warning.

    Importing Numba takes half a second, so callers test cheaper conditions first.
    """
    try:
        if find_spec("numba") is None:
            return False
        reason = _reason_against(import_module("numba"))
    except Exception as error:  # whatever is wrong with it
        reason = (
            f"importing it fails ({type(error).__name__}: {error}); to mend it: pip install --upgrade numba, "
            "or be rid of it: pip uninstall numba"
        )
    if reason is not None:
        said = f"Numba is installed, but manualconv goes without it: {reason}"
        warnings.warn(said, RuntimeWarning, stacklevel=2)
    return reason is None


def is_compilable(t: Tensor) -> bool:
    """Whether a loop may read t: Numba is there, and t is a plain tensor with its numbers in the CPU's memory."""
    # is_plain comes first: a compiler cannot trace the cache behind is_installed.
    return is_plain(t) and t.dtype in NUMBERS and t.device.type == "cpu" and is_installed()


def array(t: Tensor) -> Any:
    """The plain numbers of t as NumPy's, in order, which share memory with t where that is contiguous."""
    # Forced, one step leaves the graph and takes a sign that is only marked.
    return t.contiguous().numpy(force=True)


def numbers(t: Tensor) -> Any:
    """The same in one row."""
    return array(t).reshape(-1)


def all_finite(numbers: Any) -> bool:
    """Whether no number of an array, or of a tensor, is a NaN or an infinity.  A sum that overflows says no, too."""
    from numpy import errstate

    with errstate(invalid="ignore", over="ignore"):
        return math.isfinite(numbers.sum())


def compiled(loop: Loop) -> Loop:
    """The loop in machine code.

    Sums may be taken in any order and products added without a rounding between; NaN, infinities and division keep
    their meaning.
    """
    from manualconv.kernels.code_cache import kept

    fast: Loop = kept(_jit(loop), loop)
    LOOPS.append(fast)
    return fast


def part(loop: Loop) -> Loop:
    """A piece of compiled loops, which alone may call it: it stands in each of them as if written there.

    That compiles several times faster than a function apart, whose code would be made twice.
    """
    fast: Loop = _jit(loop, inline="always")
    return fast


def _jit(loop: Loop, **options: Any) -> Any:
    from numba import njit

    # No C code calls a loop: the wrapper for that takes half of a small loop's compilation.
    options |= {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
    return njit(fastmath={"contract", "reassoc", "nsz"}, **options)(loop)


_pools: dict[int, ThreadPoolExecutor] = {}
#: Whether this process was forked: then the parent's threads, torch's and ours, exist in name only.
_forked: list[bool] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: _forked.append(True))


def share(run: Callable[[int, int], object], units: int, nanoseconds: float) -> None:
    """Run units ``0 … units − 1`` in consecutive shares, ``run(first, last + 1)``, one on each of torch's threads.

    These are torch's own threads, where torch has a team that can be asked.  They keep their cores while they wait for
    work, so other threads would have to queue behind them.
    """
    workers = 1 if _forked or nanoseconds < SHARED else min(torch.get_num_threads(), units)
    if workers <= 1:
        run(0, units)
        return
    ends = [units * worker // workers for worker in range(workers + 1)]
    # A late thread finds no share left.  Taking the next share is one step under the interpreter's lock.
    shares, failures = iter(list(pairwise(ends))), list[BaseException]()

    def work() -> None:
        try:
            for first, last in shares:
                run(first, last)
        except BaseException as failure:  # raised below, in the thread that asked for the work
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
