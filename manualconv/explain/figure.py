"""What every command of this folder returns: words that stand alone, and the files that can be made beside them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing


@dataclass(frozen=True)
class Figure:
    """A figure: ``print`` it, `save` it, or let a notebook show its words, its first picture, or its page.

    Nothing opens a window.

    Attributes:
        name: what it shows, one line.
        text: all that it says, readable without the pictures.
        files: by file name, what makes its bytes; nothing is drawn before it is asked for.

    Example:
        >>> from manualconv.explain import Figure
        >>> figure = Figure("one", "1", {"one.txt": lambda: b"1"})
        >>> print(figure)
        1
    """

    name: str
    text: str
    files: Mapping[str, Callable[[], bytes]] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text

    def save(self, folder: str | Path) -> list[Path]:
        """Write every file into a folder, which is made if it is not there; their paths come back.

        A file is whole or not there: it is written beside its place and then moved.

        Raises:
            OSError: if the folder cannot be made or written; it names the path.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        return [_write(folder / name, make()) for name, make in self.files.items()]

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(self.text)

    def _repr_html_(self) -> str | None:
        page = self._bytes(".html")
        if page is None:
            return None
        return (
            f'<iframe srcdoc="{escape(page.decode())}" title="{escape(self.name)}" width="100%" height="720"></iframe>'
        )

    def _bytes(self, suffix: str) -> bytes | None:
        return next((make() for name, make in self.files.items() if name.endswith(suffix)), None)

    def _repr_png_(self) -> bytes | None:
        return self._bytes(".png")


def _write(path: Path, content: bytes) -> Path:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    return path


def png(drawing: Drawing, dots: int = 100) -> bytes:
    """A matplotlib figure as PNG; dots per inch.  It needs no display, and the same drawing gives the same bytes."""
    buffer = BytesIO()
    drawing.savefig(buffer, format="png", dpi=dots, metadata={"Software": None})
    return buffer.getvalue()
