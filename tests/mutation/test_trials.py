"""A copy of a small tree and its worker: what becomes of a mutant, and what the next one meets."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.mutation import reach, trials
from tests.mutation.trials import Outcome, Trials

TESTS = {
    "test_good.py": "from manualconv import small\n\ndef test_it():\n    assert small.f(1) == 2\n",
    "test_other.py": "def test_it():\n    pass\n",
}
CONFTEST = """
from hypothesis import settings
settings.register_profile("mc-smoke", max_examples=5)
"""
NAMES = ("tests/test_other.py::test_it", "tests/test_good.py::test_it")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of one small package and two tests, from which copies are made."""
    root = tmp_path / "root"
    (root / "manualconv").mkdir(parents=True)
    (root / "manualconv" / "__init__.py").write_text("", encoding="utf-8")
    (root / "manualconv" / "small.py").write_text("def f(x):\n    return x + 1\n", encoding="utf-8")
    (root / "tests").mkdir()
    for name, text in TESTS.items():
        (root / "tests" / name).write_text(text, encoding="utf-8")
    (root / "tests" / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    monkeypatch.setattr(trials, "ROOT", root)
    monkeypatch.setattr(trials, "PRELOADED", ())
    monkeypatch.setattr(trials, "GRACE", 4)
    # The worker is this checkout's: the small tree has none.
    worker = Path(trials.__file__).with_name("worker.py")
    real = subprocess.Popen

    def popen(command: list[str], **more: Any) -> Any:
        return real([sys.executable, str(worker)] if "tests.mutation.worker" in command else command, **more)

    monkeypatch.setattr(trials.subprocess, "Popen", popen)
    return root


def test_a_mutant_is_killed_survives_hangs_or_is_no_python(tree: Path) -> None:
    both = [[reach.Test(name, 0.0)] for name in NAMES]
    here = Trials()
    try:
        copy = here.tree / "manualconv" / "small.py"
        times = copy.stat().st_mtime_ns
        texts = {
            "killed": "def f(x):\n    return x - 1\n",
            "survived": "def f(x):\n    return 1 + x\n",
            "timeout": "def f(x):\n    while True:\n        pass\n",
            "invalid": "def f(x):\n    return x +\n",
        }
        # A second time, the other way round: what one mutant leaves must not reach the next.
        for kind in (*texts, "survived", "killed"):
            outcome = here.tried("manualconv/small.py", texts[kind], both)
            by = NAMES[1] if kind == "killed" else ""
            assert outcome == Outcome(kind, by, {"invalid": 0, "timeout": 1}.get(kind, 2)), kind
            assert copy.read_text(encoding="utf-8") == (tree / "manualconv" / "small.py").read_text(encoding="utf-8")
            assert copy.stat().st_mtime_ns == times
        greedy = "def f(x):\n    return [0] * 2**40\n"
        assert here.tried("manualconv/small.py", greedy, both).kind == "killed"
        crash = "import os\n\ndef f(x):\n    os.abort()\n"
        assert here.tried("manualconv/small.py", crash, both) == Outcome("killed", "the process", 1)
        broken = "1 // 0\n\ndef f(x):\n    return x + 1\n"
        assert here.tried("manualconv/small.py", broken, both) == Outcome("killed", "tests/test_good.py", 1)
        if find_spec("coverage") is not None:
            answer = here.ask(["tests"], 20, traced=True)
            assert answer["lines"]["manualconv/small.py"]["2"] == [NAMES[1]]
    finally:
        here.close()
    assert not here.folder.exists()
