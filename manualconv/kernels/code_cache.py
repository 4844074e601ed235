"""Machine code that Numba keeps between processes: where, what a first call says, and what a broken cache costs.

Numba keeps a loop's code in ``__pycache__`` beside the loop's file; where that cannot be written, in the user's cache
folder; in ``NUMBA_CACHE_DIR`` if that is set.  It is found again by the files of the kernels, the types of the loop's
arguments and the processor, so that neither old code nor another machine's is run.  A cache that cannot be read or
written costs compiling anew, after one warning; one that another version wrote, without.  This file imports Numba.

Source: Numba's manual, "Notes on Caching" and "Event API".
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from numba.core import event
from numba.core.caching import FunctionCache

#: Where loops come from; what else a program compiles is not announced.
ROOM = "manualconv."


class _Forgiving(FunctionCache):
    """A cache whose failures are warnings: what is damaged is thrown away, and compiled anew."""

    def __init__(self, loop: Callable[..., object]) -> None:
        super().__init__(loop)
        # Numba looks at the loop's own file alone, but the code has what it calls from others in it, too.
        self._cache_file._source_stamp = _stamp(Path(loop.__code__.co_filename).parent)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The code for these types; None if there is none that can be read."""
        try:
            return super().load_overload(sig, target_context)
        except Exception as error:  # a damaged file may fail in any way
            if not isinstance(error, (ImportError, AttributeError)):  # code of a version that had other names is old
                _warn(self.cache_path, f"read ({type(error).__name__}: {error})", "they are compiled anew")
            with suppress(OSError):  # said by then, or when the code is written
                self.flush()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the code, if that can be written."""
        try:
            super().save_overload(sig, data)
        except Exception as error:
            _warn(self.cache_path, f"written ({type(error).__name__}: {error})", "each process compiles them anew")


@cache
def _stamp(room: Path) -> tuple[tuple[str, int, int], ...]:
    """The files that the code of a room's loops may come from, with their times and sizes."""
    files = sorted({path for folder in (room, Path(__file__).parent) for path in folder.rglob("*.py")})
    return tuple((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in files)


#: What was said to the user of this process, once.
_warned: list[str] = []
_said: list[str] = []


def _warn(path: str, done: str, so: str) -> None:
    if not _warned:
        _warned.append(f"compiled loops kept in {path} cannot be {done}: {so}; another folder: NUMBA_CACHE_DIR")
        warnings.warn(_warned[0], RuntimeWarning, stacklevel=2)


class _Announcement(event.Listener):
    """One line on standard error before the first loop that this process compiles.

    Of the workers that torchrun starts on a machine, which all compile, the first says it for all.
    """

    def on_start(self, event: Any) -> None:
        """Say it, if the loop is one of ours."""
        loop = event.data["dispatcher"].py_func
        if _said or not loop.__module__.startswith(ROOM) or os.environ.get("LOCAL_RANK", "0") != "0":
            return
        _said.append("manualconv: compiling loops for this processor, once; `manualconv compile` does it beforehand")
        with suppress(AttributeError, OSError, ValueError):  # there may be no standard error, or none that is open
            sys.stderr.write(f"{_said[0]}\n")
            sys.stderr.flush()

    def on_end(self, event: Any) -> None:
        """Nothing."""


@cache
def _announced() -> None:
    event.register("numba:compile", _Announcement())


def kept(dispatcher: Any, loop: Callable[..., object]) -> Any:
    """The dispatcher with its code kept between processes, where there is a place for it."""
    _announced()
    with suppress(RuntimeError, OSError):  # no place at all, or no file of the loop's text
        dispatcher._cache = _Forgiving(loop)
    return dispatcher
