"""docs/TORCH_BUGS.md: every program fails where torch is wrong; one that no longer does is to be taken out."""

from __future__ import annotations

import re

import pytest

from tests.pages import DOCS

PAGE = (DOCS / "TORCH_BUGS.md").read_text(encoding="utf-8")
BUGS = dict(re.findall(r"^## (.*?)$.*?```python\n(.*?)```", PAGE, flags=re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("program", BUGS.values(), ids=BUGS)
def test_torch_is_still_wrong(program: str) -> None:
    with pytest.raises(AssertionError):
        exec(compile(program, "docs/TORCH_BUGS.md", "exec"), {})


def test_there_are_some() -> None:
    assert len(BUGS) == PAGE.count("\n## ") > 3
