"""The glossary is of words in use, its names exist, and the docstrings that a reader meets first link it."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from tests.pages import DOCS

ROOT = DOCS.parent
PAGE = (DOCS / "GLOSSARY.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\w+) \| ([^|]*) ?\| ([^|]+) \| ([^|]+) \|$", PAGE, flags=re.MULTILINE)[1:]
WORDS = [word for word, *_ in ROWS]


def test_about_25_words_stand_in_order_each_with_a_sentence_or_two_and_an_example() -> None:
    assert 20 <= len(ROWS) <= 30
    assert len(ROWS) == len(re.findall(r"^\| ", PAGE, flags=re.MULTILINE)) - 1
    assert sorted(set(WORDS)) == WORDS
    for _, _, meaning, example in ROWS:
        assert 1 <= len(re.findall(r"[.?] (?=[A-Z])|\.$", meaning)) <= 3
        assert example.strip()


@pytest.fixture(scope="module")
def text() -> str:
    """All that stands in the package and the tests, but the glossary's own."""
    files = (path for room in ("manualconv", "tests") for path in sorted((ROOT / room).rglob("*.py")))
    return "\n".join(path.read_text(encoding="utf-8") for path in files if path != Path(__file__))


@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_used(word: str, text: str) -> None:
    plural = word[:-1] + "ies" if word.endswith("y") else word + "s"
    assert len(re.findall(rf"\b(?:{word}|{plural})\b", text, flags=re.IGNORECASE)) >= 3


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(manualconv\.[\w.]+)`", PAGE))))
def test_a_name_exists(name: str) -> None:
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found = import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            found = getattr(found, part)
        return
    raise AssertionError(name)


@pytest.mark.parametrize("room", ["geometry", "definitions", "autograd", "testing"])
def test_the_first_docstrings_link_it(room: str) -> None:
    assert "Words: docs/GLOSSARY.md" in (import_module(f"manualconv.{room}").__doc__ or "")


def test_the_readme_links_it() -> None:
    assert "(docs/GLOSSARY.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
