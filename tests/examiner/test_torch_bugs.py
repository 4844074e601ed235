"""docs/TORCH_BUGS.md: every program fails where torch is wrong; one that no longer does is to be taken out.

With another torch, or on a processor with other instructions, torch may be right.
"""

from __future__ import annotations

import re

import pytest
import torch

from tests.pages import DOCS

PAGE = (DOCS / "TORCH_BUGS.md").read_text(encoding="utf-8")
BUGS = dict(re.findall(r"^## (.*?)$.*?```python\n(.*?)```", PAGE, flags=re.MULTILINE | re.DOTALL))


HERE = f"torch {torch.__version__.partition('+')[0]} passes on {torch.backends.cpu.get_cpu_capability()}"


@pytest.mark.parametrize("program", BUGS.values(), ids=BUGS)
def test_torch_is_still_wrong(program: str) -> None:
    try:
        exec(compile(program, "docs/TORCH_BUGS.md", "exec"), {})
    except AssertionError:
        return
    if HERE in PAGE:
        pytest.fail("torch is right: take it out of the page")
    pytest.skip(f"right here: {HERE}")


def test_there_are_some() -> None:
    assert len(BUGS) == PAGE.count("\n## ") > 3
