"""docs/EXAMINE.md: its kernel has the mistake that the page says, and is right without it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from manualconv.testing.examiner import explaining
from tests.examiner.test_examiner import examined, failures
from tests.pages import DOCS

PAGE = (DOCS / "EXAMINE.md").read_text(encoding="utf-8")
(KERNEL,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
LAWS = ["definition"]


def test_the_kernel_fails_in_the_page_s_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explaining, "EXPLAINING", 60.0)
    (tmp_path / "kernel.py").write_text(KERNEL, encoding="utf-8")
    _, outcomes = examined(f"{tmp_path}/kernel.py:conv2d", "conv2d", only=LAWS)
    assert outcomes[0].sentence in PAGE, outcomes[0].sentence


def test_and_without_its_mistake_it_passes(tmp_path: Path) -> None:
    assert "j * dilation[0]" in KERNEL
    mended = KERNEL.replace("j * dilation[0]", "j * dilation[1]")
    (tmp_path / "mended.py").write_text(mended, encoding="utf-8")
    abilities, outcomes = examined(f"{tmp_path}/mended.py:conv2d", "conv2d", only=LAWS)
    assert failures(abilities, outcomes) == []
    assert len(outcomes) == 2
