"""What the distributions must and may not have, what their description says, and how they are installed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from manualconv.kernels import compiling
from tests.packaging.archive import faults_of_source, faults_of_wheel

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXTRAS = PROJECT["optional-dependencies"]
TRACKED = ["README.md", "manualconv/__init__.py", "manualconv/py.typed", "tests/test_cli.py", "train/mnist/x.gz"]


def test_a_source_that_is_not_the_repository_is_found() -> None:
    whole = {*TRACKED, "PKG-INFO", "setup.cfg", "manualconv.egg-info/SOURCES.txt"}
    assert faults_of_source(whole, TRACKED) == []
    changed = whole - {"tests/test_cli.py"} | {"manualconv/__pycache__/loops.nbc"}
    assert faults_of_source(changed, TRACKED) == [
        "not in the source: tests/test_cli.py",
        "only in the source: manualconv/__pycache__/loops.nbc",
    ]


def test_a_wheel_that_is_not_the_package_alone_is_found() -> None:
    whole = {"manualconv/__init__.py", "manualconv/py.typed", "manualconv-1.0.dist-info/METADATA"}
    assert faults_of_wheel(whole, TRACKED, "1.0") == []
    changed = whole - {"manualconv/py.typed"} | {"train/cli.py"}
    assert faults_of_wheel(changed, TRACKED, "1.0") == [
        "not in the wheel: manualconv/py.typed",
        "in the wheel beside the package: train/cli.py",
    ]


def texts() -> list[Path]:
    """Every text of the repository that a reader may take advice from."""
    kinds = {".py", ".md", ".toml", ".in", ""}
    folders = ("manualconv", "train", "tests", "docs", ".ci")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*")] + list(ROOT.iterdir())
    kept = [path for path in files if path.is_file() and path.suffix in kinds and path != Path(__file__).resolve()]
    return [path for path in kept if not {"__pycache__", ".git", "runs"} & set(path.relative_to(ROOT).parts)]


#: The name on the index is somebody else's, or nobody's.
FROM_THE_INDEX = re.compile(
    r"""\b(?:pip3?|uv|pipx|poetry|conda)\s+(?:install|add)\b[^\n`)]*?[ \t'"]manualconv\b(?!/|\.\w)"""
)


def test_no_text_advises_the_index() -> None:
    assert len(texts()) > 400
    advising = [p.relative_to(ROOT).as_posix() for p in texts() if FROM_THE_INDEX.search(p.read_text(encoding="utf-8"))]
    assert advising == []
    for advice in ("pip install manualconv", "pip install -U 'manualconv[fast]'", "uv add manualconv"):
        assert FROM_THE_INDEX.search(f"say: {advice}.")
    assert not FROM_THE_INDEX.search("pip install '.[fast]' in the clone of manualconv/")


def test_every_extra_that_a_text_names_is_one_and_readme_has_each() -> None:
    named = {extra for p in texts() for extra in re.findall(r"""\.\[(\w+)\]['"`]""", p.read_text(encoding="utf-8"))}
    assert {"fast", "testing"} <= named <= set(EXTRAS)
    rows = re.findall(r"^\| `(\w+)` \|", README.split("## Install\n")[1].split("\n## ")[0], flags=re.MULTILINE)
    assert sorted(rows) == sorted(EXTRAS)


def test_the_numba_that_is_asked_for_is_the_one_that_is_worked_with() -> None:
    oldest = "numba>=" + ".".join(map(str, compiling.OLDEST))
    found = {each for extra in EXTRAS.values() for each in extra if each.startswith("numba")}
    assert found == {oldest}


def test_the_description_claims_what_has_run() -> None:
    """Pythons from the first that may install it; no address while there is none."""
    assert "urls" not in PROJECT
    versions = [tuple(map(int, v.split("."))) for c in PROJECT["classifiers"] for v in re.findall(r":: (3\.\d+)$", c)]
    first = tuple(map(int, PROJECT["requires-python"].removeprefix(">=").split(".")))
    assert versions and all(version >= first for version in versions)
    said = README.split("## Systems\n")[1].split("\n## ")[0]
    assert all("Python " + ".".join(map(str, version)) in said for version in versions)
    assert "Operating System :: POSIX :: Linux" in PROJECT["classifiers"] and "run on Linux" in said


@pytest.mark.skipif(shutil.which("make") is None, reason="no make here")
def test_the_target_builds_what_is_looked_into() -> None:
    """`make package` itself downloads what builds; here only that it leads to the program."""
    said = subprocess.run(["make", "--dry-run", "package", "VENV=none"], cwd=ROOT, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    assert "none/bin/python -m tests.packaging" in said.stdout
