"""The sub-commands that show something, a file each with one ``COMMAND``.  None imports torch before it runs."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from manualconv.explain.figure import Figure


def add_out(parser: argparse.ArgumentParser) -> None:
    """The option that every such command has."""
    parser.add_argument("--out", type=Path, metavar="DIR", help="save the pictures into this folder")


@contextmanager
def drawing() -> Iterator[None]:
    """Inside, a library that draws and is not installed is said in a sentence.

    Raises:
        ValueError: it is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise ValueError(f"pictures are drawn by {error.name}, which is not here: pip install '.[explain]'") from None


def show(figure: Figure, out: Path | None) -> int:
    """Print a figure, and save it where that was asked for: each file is named, with its size.

    Raises:
        ValueError: if the library that draws is not installed.
    """
    print(figure)
    if out is None:
        return 0
    with drawing():
        paths = figure.save(out)
    for path in paths:
        print(f"wrote {path}, {path.stat().st_size:,} bytes")
    return 0
