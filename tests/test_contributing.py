"""CONTRIBUTING.md cannot go stale: its files exist, speak of what they are the example of, and are all of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
#: What the files of each section's table are an example of.
EXAMPLES = {"an activation": r"hard_?shrink", "a kernel": "clipping", "a layer": r"lp_?pool|Power"}


def table(section: str) -> list[str]:
    """The files in the first column."""
    text = PAGE.split(f"## How to add {section}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `([^`]+)` \|", text, flags=re.MULTILINE)


def test_every_path_leads_somewhere() -> None:
    paths = set(re.findall(r"`((?:manualconv|tests|train|docs)/[^`]*|README\.md)`", PAGE))
    assert len(paths) > 30
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("section", EXAMPLES)
def test_every_file_of_a_table_speaks_of_its_example(section: str) -> None:
    files = table(section)
    assert len(files) >= 5
    about = re.compile(EXAMPLES[section], re.IGNORECASE)
    assert [file for file in files if not about.search(file + (ROOT / file).read_text(encoding="utf-8"))] == []


def test_no_other_file_of_the_package_speaks_of_the_activation() -> None:
    about = re.compile(EXAMPLES["an activation"], re.IGNORECASE)
    bank = ROOT / "manualconv" / "testing" / "faults"  # a fault of it is welcome there, and not needed
    files = [path for path in sorted((ROOT / "manualconv").rglob("*.py")) if bank not in path.parents]
    speaking = {path.relative_to(ROOT).as_posix() for path in files if about.search(path.read_text(encoding="utf-8"))}
    assert speaking == set(table("an activation"))
