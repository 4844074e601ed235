"""Adapters of at most 15 lines make what other people wrote examinable, and a bug in one of them is found."""

from __future__ import annotations

import ast
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from manualconv.testing.examiner import explaining, patient
from tests.examiner.test_examiner import examined, failures

FOLDER = Path(__file__).with_name("adapters")
#: The adapter, the operation, and the package that it adapts.
ADAPTERS = {
    "scipy_signal": ("conv1d", "scipy"),
    "scipy_special": ("sigmoid", "scipy"),
    "numpy_windows": ("conv2d", "numpy"),
    "numba_loops": ("avg_pool1d", "numba"),
    "aten": ("conv_transpose2d", "torch"),
    "c_kernel": ("linear", "ctypes"),
    "unfold_nd": ("unfold", "unfoldNd"),
}
#: No direct sum: zero times NaN is NaN outside of the windows that hold it.
FAST = {"unfold_nd"}


@pytest.fixture(scope="module", autouse=True)
def _beside_its_library(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where the C kernel is compiled, if it can be."""
    here = tmp_path_factory.mktemp("library")
    if shutil.which("cc"):
        command = ["cc", "-O2", "-shared", "-fPIC", "-o", here / "dense.so", FOLDER / "dense.c"]
        subprocess.run(command, check=True, timeout=120)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        yield


def is_here(package: str) -> bool:
    """Whether what an adapter needs is installed."""
    return bool(shutil.which("cc")) if package == "ctypes" else find_spec(package) is not None


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_is_enough(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    operation, package = ADAPTERS[name]
    if not is_here(package):
        pytest.skip("there is no C compiler" if package == "ctypes" else f"{package} is not installed")
    if name == "scipy_signal":  # the laws of convolution are asked of numpy_windows
        monkeypatch.setattr(patient, "FAMILIES", {})
    tier = "fast" if name in FAST else "direct"
    abilities, outcomes = examined(f"{FOLDER}/{name}.py:{operation}", operation, cases=25, tier=tier)
    assert failures(abilities, outcomes) == []
    assert not abilities["forward"] and not abilities["gradients"]
    assert sum(outcome.reached for outcome in outcomes) > 100


def lines(text: str) -> int:
    """Those that are neither blank nor the docstring."""
    docstring = ast.parse(text).body[0]
    assert isinstance(docstring, ast.Expr)
    return sum(bool(line.strip()) for line in text.splitlines()[docstring.end_lineno :])


def test_none_has_more_than_15_lines_and_five_are_examined_here() -> None:
    found = {name: lines((FOLDER / f"{name}.py").read_text(encoding="utf-8")) for name in ADAPTERS}
    assert {name: count for name, count in found.items() if count > 15} == {}
    assert sum(is_here(package) for _, package in ADAPTERS.values()) >= 5
    assert lines('"""Two\nlines."""\n\nx = 1\n\ny = 2\n') == 2


def test_a_bug_in_one_of_them_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explaining, "EXPLAINING", 60.0)
    right = (FOLDER / "numpy_windows.py").read_text(encoding="utf-8")
    fault = "np.ravel(dilation)[[0, 0]]"  # the second axis gets the dilation of the first
    assert right.count("np.broadcast_to(dilation, 2)") == 1
    (tmp_path / "askew.py").write_text(right.replace("np.broadcast_to(dilation, 2)", fault), encoding="utf-8")
    abilities, outcomes = examined(f"{tmp_path}/askew.py:conv2d", "conv2d", cases=25, only=["definition"])
    assert not abilities["dilation"] or abilities["dilation"].startswith("failed: wrong")
    assert any(outcome.sentence.startswith("y is wrong where there is a dilation") for outcome in outcomes), outcomes
