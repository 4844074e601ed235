"""IDX files of unsigned bytes, gzipped or not: every defect has a name, and none costs more memory than the cap.

The format (all integers big-endian, 32 bits)::

    images   2051 = 0x0803, count, rows, columns, then count·rows·columns bytes
    labels   2049 = 0x0801, count,                then count bytes

``bytes expected = header + product of the sizes``, known from the header alone. Reading stops one byte past it, so a
file that inflates without end is refused after that byte.
"""

import gzip
import io
import math
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from train.errors import (
    CorruptedFile,
    HtmlPage,
    MissingFile,
    NotAFile,
    NotGzip,
    OversizedFile,
    SwappedFiles,
    TrailingBytes,
    TruncatedFile,
    UnnamedGzip,
    UnreadableFile,
    WrongMagic,
)

MAGIC = {"images": 2051, "labels": 2049}
AXES = {"images": 3, "labels": 1}
CAP = 256 * 2**20  # bytes; MNIST's largest file is 47 MB
BLOCK = 2**20
GZIP = b"\x1f\x8b"


def read_idx(path: Path, kind: str) -> tuple[bytearray, tuple[int, ...]]:
    """Return the whole decompressed file and its sizes: (count, rows, columns) for images, (count,) for labels.

    A bytearray, since torch wants memory it may write to and a second copy would double the peak.

    Raises a subclass of ``DataError`` for every defect that the file alone can show.
    """
    with _opened(path) as stream:
        header = _take(stream, 4 + 4 * AXES[kind], path)
        _check_start(header, kind, path)
        sizes = struct.unpack(f">{AXES[kind]}I", header[4:])
        expected = math.prod(sizes)
        if expected > CAP:
            shape = "x".join(map(str, sizes))
            raise OversizedFile(f"{path} declares {shape} bytes, more than the {CAP >> 20} MiB this program reads.")
        contents = bytearray(len(header) + expected)
        contents[: len(header)] = header
        _fill(stream, memoryview(contents)[len(header) :], path)
        _check_end(stream, len(contents), path)
    return contents, sizes


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The decompressed stream; what the system or gzip refuses comes out as a ``DataError``."""
    try:
        if not os.path.exists(path):
            raise MissingFile(f"{path} does not exist.")
        if not path.is_file():
            raise NotAFile(f"{path} is not a regular file.")
        with path.open("rb") as raw:
            start = raw.read(512)
            raw.seek(0)
            _check_container(start, path)
            yield cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if path.suffix == ".gz" else cast(BinaryIO, raw)
    except EOFError as error:
        raise TruncatedFile(f"{path} is truncated: its gzip stream ends before its end mark.") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise CorruptedFile(f"{path} is corrupted: gzip says {str(error)!r}.") from error
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror or error}.") from error


def _check_container(start: bytes, path: Path) -> None:
    if start.lstrip().startswith((b"<!", b"<html", b"<HTML", b"<?xml")):
        raise HtmlPage(f"{path} is a web page, not data: a server's error page was probably saved under this name.")
    zipped = start.startswith(GZIP)
    if start and path.suffix == ".gz" and not zipped:
        raise NotGzip(f"{path} is named .gz but does not hold gzip data.")
    if path.suffix != ".gz" and zipped:
        raise UnnamedGzip(f"{path} holds gzip data: add .gz to its name, or decompress it.")


def _take(stream: BinaryIO, count: int, path: Path) -> bytes:
    taken = stream.read(count)
    if len(taken) < count:
        raise TruncatedFile(f"{path} is truncated: {len(taken)} bytes, and its header alone takes {count}.")
    return taken


def _check_start(header: bytes, kind: str, path: Path) -> None:
    (magic,) = struct.unpack(">I", header[:4])
    if magic == MAGIC[kind]:
        return
    for other, number in MAGIC.items():
        if magic == number:
            raise SwappedFiles(f"{path} holds {other} where {kind} should be: two files have been swapped.")
    raise WrongMagic(f"{path} starts with the number {magic}, not with the {MAGIC[kind]} of an IDX file of {kind}.")


def _fill(stream: BinaryIO, room: memoryview, path: Path) -> None:
    """By blocks: gzip unpacks as much as it is asked for into memory of its own, and then copies it."""
    filled = 0
    while filled < len(room):
        count = cast(io.BufferedIOBase, stream).readinto(room[filled : filled + BLOCK])
        if not count:
            raise TruncatedFile(f"{path} is truncated: its header declares {len(room)} bytes of data, {filled} came.")
        filled += count


def _check_end(stream: BinaryIO, expected: int, path: Path) -> None:
    """One byte more must not come. The attempt also makes gzip compare its CRC-32."""
    message = f"{path} has trailing bytes after the {expected} that its header declares."
    try:
        if stream.read(1):
            raise TrailingBytes(message)
    except gzip.BadGzipFile as error:
        # gzip files may be concatenated, so bytes behind the first stream are read as the header of a second one.
        if "Not a gzipped file" in str(error):
            raise TrailingBytes(message) from error
        raise
