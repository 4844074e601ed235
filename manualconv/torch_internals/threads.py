"""Torch's own team of threads."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from pathlib import Path

import torch


@cache
def thread_team() -> Callable[[Callable[[], None], int], None] | None:
    """What runs a function on n of torch's threads at once, the caller's among them; None where it cannot be asked.

    Torch's wheels for Linux bring GNU's OpenMP, whose threads are reached by the entry point that its compiler calls.
    """
    libraries = list((Path(torch.__file__).parent / "lib").glob("libgomp*.so*"))
    try:
        region = ctypes.CDLL(str(libraries[0])).GOMP_parallel
    except (IndexError, OSError, AttributeError):
        return None
    entry = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
    region.argtypes, region.restype = (entry, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint), None

    def together(work: Callable[[], None], workers: int) -> None:
        region(entry(lambda _: work()), None, workers, 0)

    return together
