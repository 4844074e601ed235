"""What the words of a command line are read as: each says in a sentence what it cannot be.  No torch."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

DTYPES = ("float32", "float64")
PICTURES = (".svg", ".png", ".pdf")


def sizes(text: str) -> tuple[int, ...]:
    """``4,64,56,56`` as a tuple."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"whole numbers with commas between, as 4,64,56,56, not {text!r}") from None


def file(text: str) -> Path:
    """A path that can be written: found out before an hour of measuring, not behind it."""
    path = Path(text)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = not os.path.lexists(path)
        if new or not (path.is_fifo() or path.is_char_device()):  # whose reader would see an end
            path.open("ab").close()
        if new:
            path.unlink()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise argparse.ArgumentTypeError(f"{text!r} cannot be written: {reason}") from None
    return path


def named_file(text: str) -> tuple[str, Path]:
    """``1 thread=runs/one.json`` as a name and the path of a file that is there."""
    name, _, path = text.partition("=")
    if not name or not Path(path).is_file():
        raise argparse.ArgumentTypeError(f"NAME=FILE with a file that is there, not {text!r}")
    return name, Path(path)


def picture(text: str) -> Path:
    """A `file` of a kind that is drawn."""
    if Path(text).suffix.lower() not in PICTURES:
        raise argparse.ArgumentTypeError(f"a picture ends in {', '.join(PICTURES)}, not {text!r}")
    return file(text)


def lengths(text: str) -> tuple[int, ...]:
    """``224`` or ``224x320``, one length per axis, as a tuple."""
    try:
        return tuple(int(part) for part in text.lower().replace("×", "x").split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"one length or one per axis, as 224 or 224x320, not {text!r}") from None


def padding(text: str) -> str | tuple[int | tuple[int, int], ...]:
    """``same``, ``2``, ``1x2``, ``1:0`` for a side before and one after, ``1:0x2:2``; as `geometry.sides` takes it."""
    if text in ("valid", "same", "full"):
        return text
    parts = [part.split(":") for part in text.lower().replace("×", "x").split("x")]
    try:
        if any(len(part) > 2 for part in parts):
            raise ValueError
        numbers = [tuple(map(int, part)) for part in parts]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"'valid', 'same', 'full', or numbers as 2, 1x2, or 1:0x2:2 for before:after on each axis, not {text!r}"
        ) from None
    if all(len(part) == 1 for part in parts):
        return tuple(n for (n,) in numbers)
    return tuple((pair[0], pair[-1]) for pair in numbers)
