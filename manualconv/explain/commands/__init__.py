"""The sub-commands that show something, a file each with one ``COMMAND``: options, and how a figure is made of them.

`show` makes the figure, prints and saves it.  None imports torch before it runs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from manualconv.explain.figure import Figure


def add_out(parser: argparse.ArgumentParser) -> None:
    """The option that every such command has."""
    parser.add_argument("--out", type=Path, metavar="DIR", help="save the pictures into this folder")


def show(make: Callable[[], Figure], out: Path | None = None) -> int:
    """Make a figure, print it, and save it where that was asked for: each file is named, with its size.

    Raises:
        ValueError: if the library that draws is not installed.
    """
    try:
        figure = make()
        print(figure)
        paths = [] if out is None else figure.save(out)
    except ModuleNotFoundError as error:
        raise ValueError(f"pictures are drawn by {error.name}, which is not here: pip install '.[explain]'") from None
    for path in paths:
        print(f"wrote {path}, {path.stat().st_size:,} bytes")
    return 0
