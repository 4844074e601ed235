"""docs/EXAMINE.md: its kernels have the mistakes that the page says, and are right without them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from manualconv.testing.examiner import explaining, report
from manualconv.testing.examiner.asking import GRADIENTS, VALUE
from tests.examiner.test_examiner import examined, failures
from tests.packaging.kernels import KERNEL, MENDED, REMAINDER
from tests.pages import DOCS

PAGE = (DOCS / "EXAMINE.md").read_text(encoding="utf-8")
_, SIGNALS, PROOF = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
(IN_C,) = re.findall(r"```c\n(.*?)```", PAGE, flags=re.DOTALL)
LAWS = ["definition"]
#: Laws whose own calls pad, which the page's kernels do not.
PADDED = ["C18", "C24", "C25", "C36"]


@pytest.mark.parametrize(("kernel", "law"), [(KERNEL, VALUE), (REMAINDER, GRADIENTS)], ids=["dilation", "remainder"])
def test_the_kernel_fails_in_the_page_s_words(
    kernel: str, law: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explaining, "EXPLAINING", 60.0)
    (tmp_path / "kernel.py").write_text(kernel, encoding="utf-8")
    _, outcomes = examined(f"{tmp_path}/kernel.py:conv2d", "conv2d", cases=150, only=LAWS)
    (sentence,) = [outcome.sentence for outcome in outcomes if outcome.law == law]
    words, place, numbers = re.fullmatch(r"(.*: )(\w+\[.*\]) (is .*, should be .*)", sentence).groups()
    assert words in PAGE
    assert re.search(re.escape(words) + r"\w+\[.*\] is -?\d+, should be -?\d+", PAGE), (place, numbers)


def test_and_without_its_mistake_it_passes(tmp_path: Path) -> None:
    (tmp_path / "mended.py").write_text(MENDED, encoding="utf-8")
    abilities, outcomes = examined(f"{tmp_path}/mended.py:conv2d", "conv2d", only=[*LAWS, *PADDED])
    assert failures(abilities, outcomes) == []
    assert [report.verdict(outcome) for outcome in outcomes] == [report.PASSED] * 6


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_the_kernel_in_c_passes_and_is_proved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kernel.c").write_text(IN_C, encoding="utf-8")
    (tmp_path / "signals.py").write_text(SIGNALS, encoding="utf-8")
    (build,) = re.findall(r"`(cc .*?)`", PAGE)
    subprocess.run(build.split(), cwd=tmp_path, check=True, timeout=120)
    monkeypatch.chdir(tmp_path)
    abilities, outcomes = examined(
        f"{tmp_path}/signals.py:conv1d", "conv1d", cases=8, only=[*LAWS, *PADDED, "roundings"]
    )
    assert failures(abilities, outcomes) == []
    assert {report.verdict(outcome) for outcome in outcomes} == {report.PASSED}
    assert not abilities["bias"] and not abilities["dilation"]
    names: dict[str, object] = {}
    exec(compile(SIGNALS + PROOF, "signals.py", "exec"), names)
    names["test_conv1d_is_right"]()
