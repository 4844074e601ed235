"""A file replaced whole: whoever reads it, and whoever loses power, has the old file or the new one.

The order is what makes it so: write a temporary file in the same folder, flush it to the disk, read it again and
compare, give the old file its second name, rename, flush the folder; only then is what the second name stood for gone.
"""

import errno
import os
import shutil
import stat
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import TypeVar

from train.errors import OutputError

BLOCK = 2**20
T = TypeVar("T")


def temporary(path: Path, process: int | str) -> Path:
    """Where a process writes before it renames; with "*" the pattern of every process."""
    return path.with_name(f".{path.name}.{process}.tmp")


def write(path: Path, contents: bytes | memoryview, keep: Path | None = None) -> None:
    """Replace ``path``; what was there is ``keep`` afterwards. Raises ``OutputError`` if the system refuses."""
    new, old = temporary(path, os.getpid()), temporary(keep or path, f"{os.getpid()}-old")
    try:
        _fill(new, memoryview(contents), _mode(path))
        kept = keep is not None and _second_name(path, old)
        _rename(new, path)
        if keep is not None and kept:
            _rename(old, keep)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}{_room(path.parent)}.") from error
    finally:
        for left in (new, old):
            with suppress(OSError):  # what cannot be removed must not hide why nothing was written
                left.unlink(missing_ok=True)


def sweep(path: Path) -> None:
    """Remove the temporary files of processes that were killed; the caller knows that none is at work."""
    for left in path.parent.glob(temporary(path, "*").name):
        with suppress(OSError):
            left.unlink()


def _once_more(call: Callable[..., T]) -> Callable[..., T]:
    """An I/O error of a disk or a network may pass: one second attempt."""

    @wraps(call)
    def attempt(*arguments: object) -> T:
        try:
            return call(*arguments)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return call(*arguments)

    return attempt


def _mode(path: Path) -> int | None:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return None


@_once_more
def _fill(path: Path, contents: memoryview, mode: int | None) -> None:
    """``tempfile`` would leave the file readable to its owner only; here it has the target's mode, or the user's."""
    path.unlink(missing_ok=True)
    how = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, how, 0o666)
    try:
        if mode is not None and hasattr(os, "fchmod"):
            os.fchmod(descriptor, mode)
        written = 0
        while written < len(contents):
            written += os.write(descriptor, contents[written : written + BLOCK])
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    _compare(path, contents)


def _compare(path: Path, contents: memoryview) -> None:
    with path.open("rb") as file:
        found = iter(lambda: file.read(BLOCK), b"")
        same = all(contents[at * BLOCK : (at + 1) * BLOCK] == block for at, block in enumerate(found))
        if not same or file.tell() != len(contents):
            raise OSError(errno.EIO, "what was written is not what is read")


@_once_more
def _second_name(path: Path, name: Path) -> bool:
    """Whether there is a file to keep. A link costs nothing; a file system without links is given a copy."""
    name.unlink(missing_ok=True)
    if not path.exists():
        return False
    try:
        os.link(path, name)
    except OSError:
        shutil.copyfile(path, name)
    return True


def _rename(old: Path, new: Path) -> None:
    os.replace(old, new)
    _flush_folder(new.parent)


@_once_more
def _flush_folder(folder: Path) -> None:
    """Make the rename itself durable. Windows cannot open a folder, and needs no such thing."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _room(folder: Path) -> str:
    """So much is free, if the system tells."""
    try:
        return f"; {shutil.disk_usage(folder).free:,} bytes are free there"
    except OSError:
        return ""
