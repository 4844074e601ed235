"""Every label that a docstring cites is explained in docs/SOURCES.md, and every file named there cites it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def cited(text: str) -> set[str]:
    """The labels behind "article" or "notes", in brackets, and the figures."""
    behind = re.findall(r"\b(?:article|notes)\b[^().;]*\(([^()]*)\)", text)
    figures = re.findall(r"\bFigs? (\d+(?:(?:, | and )\d+)*)", text)
    return {label for part in behind for label in re.findall(r"\b[A-F]\d{1,2}\b", part)} | {
        f"Fig {number}" for part in figures for number in re.findall(r"\d+", part)
    }


def citations(root: Path) -> Iterator[tuple[str, str]]:
    """Label and file, of the package and of its user."""
    for folder in ("manualconv", "train"):
        for path in sorted((root / folder).rglob("*.py")):
            yield from ((label, path.relative_to(root).as_posix()) for label in cited(path.read_text(encoding="utf-8")))


def explained(document: str) -> list[tuple[str, str]]:
    """Label and file, of every row of the table."""
    rows = re.findall(r"^\| ((?:[A-F]|Fig )\d+) \|.*\| ([^|]*) \|$", document, flags=re.MULTILINE)
    return [(label, file) for label, files in rows for file in re.findall(r"\(\.\./([^)]+)\)", files)]


def test_the_table_and_the_docstrings_cite_the_same() -> None:
    table = explained((ROOT / "docs" / "SOURCES.md").read_text(encoding="utf-8"))
    assert len(table) == len(set(table)) > 30
    assert sorted(table) == sorted(citations(ROOT))


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("Source: article (B3), collected notes\n(softmax, B14).", {"B3", "B14"}),
        ("article (B4), Figs 10, 11", {"B4", "Fig 10", "Fig 11"}),
        ("Networks*, Figs 12 and 13; notes on\nconvolution (B8, B9).", {"B8", "B9", "Fig 12", "Fig 13"}),
        ("C3  16 maps of LeNet; row (A1) of the suite", set()),
    ],
)
def test_labels_are_found(text: str, labels: set[str]) -> None:
    assert cited(text) == labels
