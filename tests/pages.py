"""Pages of docs/ as tests read them: the code is run, the links are followed."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"


def defined_on(page: str) -> Any:
    """Every name that the code of a page defines, run from top to bottom."""
    names: dict[str, Any] = {"__name__": page.removesuffix(".md").lower() + "_page"}
    for block in re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), flags=re.DOTALL):
        exec(compile(block, str(DOCS / page), "exec"), names)
    return SimpleNamespace(**names)


def links_of(page: str) -> list[Path]:
    """The files that a page links."""
    links = re.findall(r"\]\(([^)#:]+)\)", (DOCS / page).read_text(encoding="utf-8"))
    return [(DOCS / page).parent / link for link in links]
