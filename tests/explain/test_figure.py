"""A figure: whole files or none, its folder named where it cannot be written, the same bytes twice."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import matplotlib.figure
import pytest

from manualconv.explain import Figure
from manualconv.explain.figure import png


def drawing() -> matplotlib.figure.Figure:
    figure = matplotlib.figure.Figure(figsize=(1, 1))
    figure.subplots().plot([0, 1])
    return figure


def test_files_are_made_when_they_are_saved(tmp_path: Path) -> None:
    made: list[int] = []
    figure = Figure("a", "words", {"a.txt": lambda: bytes([made.append(1) or 65])})
    assert not made
    (path,) = figure.save(tmp_path / "new" / "folder")
    assert path.read_bytes() == b"A"
    assert str(figure) == "words"


def test_a_file_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    def broken() -> bytes:
        raise RuntimeError

    Figure("a", "", {"a.txt": lambda: b"old"}).save(tmp_path)
    with pytest.raises(RuntimeError):
        Figure("a", "", {"a.txt": broken}).save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_bytes() == b"old"


def test_a_folder_that_cannot_be_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OSError, match="file"):
        Figure("a", "", {"a.txt": bytes}).save(tmp_path / "file" / "inside")


def test_a_drawing_is_the_same_bytes_twice_and_a_notebook_shows_it() -> None:
    assert png(drawing()) == png(drawing())
    figure = Figure("a", "", {"a.txt": bytes, "a.png": lambda: png(drawing())})
    shown = figure._repr_png_()
    assert shown is not None
    assert shown.startswith(b"\x89PNG")
    assert Figure("a", "")._repr_png_() is None


def test_a_notebook_shows_the_page_the_picture_or_the_words() -> None:
    page = b'<p title="a">1 &lt; 2</p>'
    shown = Figure("x < y", "words", {"a.png": lambda: b"png", "a.html": lambda: page})
    html = shown._repr_html_() or ""
    frame = re.fullmatch(r'<iframe srcdoc="([^"]*)" title="x &lt; y" [^>]*></iframe>', html)
    assert frame and unescape(frame.group(1)).encode() == page
    assert shown._repr_png_() == b"png"
    printed: list[str] = []
    printer = SimpleNamespace(text=printed.append)
    words = Figure("name", "words")
    words._repr_pretty_(printer, False)
    assert printed == ["words"] and words._repr_html_() is None and words._repr_png_() is None
