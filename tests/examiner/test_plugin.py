"""``pytest --manualconv-impl``: a law is a test, whoever runs it; without the option nothing happens."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from manualconv.testing import plugin
from manualconv.testing.options import add_options, wish

ROOT = Path(__file__).resolve().parents[2]
#: Notes who imports it; of several samples it computes the first alone.
KERNEL = """
import os, pathlib, torch
with open(pathlib.Path(__file__).with_name("imports.txt"), "a") as file:
    print(os.getpid(), file=file)

def relu(z):
    y = torch.relu(z)
    return y if z.dim() < 2 or len(z) < 2 else torch.cat([y[:1], y[1:] * 0])
"""
#: The same, right: what does not need a failure is asked of it, since one is shrunk for seconds.
RIGHT = KERNEL.partition("    y = ")[0] + "    return torch.relu(z)\n"
#: What takes seconds to ask for.
DEAR = ("order 2", "order 3", "compile", "vmap", "forward mode", "autocast", "float16", "bfloat16", "determinism")
EXAMINED = ("--manualconv-impl", "kernel.py:relu", "--manualconv-profile", "smoke", "--manualconv-dtype", "float64")
CHEAPLY = (*EXAMINED, "--manualconv-without", *DEAR)
#: Of a right kernel.
ONE_LAW = (*CHEAPLY, "--manualconv-only", "the value is the definition")


def ran(folder: Path, *words: str, code: str = "") -> subprocess.CompletedProcess[str]:
    """Pytest in a folder of its own, where warnings are errors."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    call = ("-c", code) if code else ("-m", "pytest")
    command = [sys.executable, *call, "-p", "manualconv.testing.plugin", "-W", "error", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A kernel, and a test that has nothing to do with it."""
    (tmp_path / "kernel.py").write_text(KERNEL, encoding="utf-8")
    (tmp_path / "test_own.py").write_text("def test_own():\n    pass\n", encoding="utf-8")
    return tmp_path


def test_a_law_that_fails_is_a_test_that_fails_with_the_line_and_the_program(folder: Path) -> None:
    laws = ("--manualconv-only", "value", "second derivative")
    ended = ran(folder, "-v", "-rs", *CHEAPLY, *laws)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "manualconv::relu::the value is the definition's FAILED" in ended.stdout
    assert "manualconv::relu::the second derivative is the first one's SKIPPED" in ended.stdout
    assert "needs order 2: --without" in ended.stdout
    assert "manualconv::relu::abilities PASSED" in ended.stdout
    assert "test_own.py::test_own PASSED" in ended.stdout
    lines = ended.stdout.splitlines()
    begin = next(n for n, line in enumerate(lines) if line.startswith("y is wrong where there is more than one sample"))
    assert re.search(r"y\[.*\] is 0, should be 1$", lines[begin])
    assert lines[begin + 1] == "likely: only the first sample is computed, or samples are mixed"
    program = [line.removeprefix("| ") for line in lines[begin + 2 :] if line.startswith("| ")]
    again = subprocess.run([sys.executable, "-c", "\n".join(program)], cwd=folder, capture_output=True, text=True)
    assert "AssertionError" in again.stderr


def test_workers_of_xdist_share_one_examination(folder: Path) -> None:
    (folder / "kernel.py").write_text(RIGHT, encoding="utf-8")
    ended = ran(folder, "-n", "2", *ONE_LAW, "--manualconv-json", "found.json", "-m", "manualconv")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = json.loads((folder / "found.json").read_text(encoding="utf-8"))["results"]
    assert [each["operation"] for each in found] == ["relu"]
    assert found[0]["laws"]["the value is the definition's"]["verdict"] == "passed"
    imports = (folder / "imports.txt").read_text(encoding="utf-8").split()
    assert len(set(imports)) == 2  # once to see whether it can be, once to be examined
    assert "2 passed" in ended.stdout


def test_a_law_can_be_asked_for_by_its_name(folder: Path) -> None:
    """And then nothing else is run."""
    name = "manualconv::relu::the value is the definition's"
    (folder / "kernel.py").write_text(RIGHT, encoding="utf-8")
    ended = ran(folder, "-v", "-p", "no:xdist", "--strict-markers", name, *CHEAPLY)
    assert ended.returncode == 0
    assert "collected 1 item" in ended.stdout
    assert "1 passed in" in ended.stdout


def test_without_its_option_it_loads_nothing(folder: Path) -> None:
    """Though the extra is missing; with the option that is said in a sentence."""
    code = """
import sys
sys.modules["numpy"] = None
import pytest
code = pytest.main(sys.argv[1:])
print([name for name in ("torch", "numpy") if sys.modules.get(name)])
sys.exit(code)
"""
    ended = ran(folder, code=code)
    assert (ended.returncode, ended.stdout.splitlines()[-1]) == (0, "[]"), ended.stdout + ended.stderr
    ended = ran(folder, *EXAMINED, code=code)
    assert ended.returncode == 4
    assert "--manualconv-impl: numpy is missing: pip install '.[testing]' in a clone brings it" in ended.stderr


def test_a_second_registration_is_none() -> None:
    """The name of the entry point is the module's, by which ``-p`` asks for it, too."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (name, module) = re.findall(r'pytest11\]\n"(.*)" = "(.*)"', text)[0]
    assert name == module == plugin.__name__


# ------------------------------------------------------------------------------------------------- wrong usage


def configured(*words: str, args: tuple[str, ...] = ()) -> Any:
    """What pytest hands to the plugin."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--manualconv-impl", dest="manualconv_target")
    add_options(parser.add_argument, "manualconv-")
    return SimpleNamespace(option=parser.parse_args(words), args=list(args))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("no_such_file.py:relu",), "no_such_file.py cannot be imported: FileNotFoundError: there is no file"),
        (("tests.examiner.kernels:raizes", "--manualconv-as", "relu"), "has no raizes (raises, crashes?)"),
        (("kernel.py:conv9d",), "'conv9d' is no operation: say which it is by --as (conv"),
        (("torch", "--manualconv-as", "reluu"), "there is no operation 'reluu' (relu"),
        (("torch", "--manualconv-as", "relu", "--manualconv-only", "no law"), "no law has 'no law' in its name"),
        (("torch", "--manualconv-only", "relu"), "one operation of a library is asked for by --as relu"),
        (("torch", "--manualconv-as", "relu", "--manualconv-only", "gradiant"), "near are: the gradients are the"),
        (("torch", "--manualconv-as", "relu", "--manualconv-require", "wings"), "there is no ability 'wings'"),
    ],
)
def test_what_there_is_not_is_wrong_usage_in_the_words_of_the_command(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(pytest.UsageError) as refused:
        plugin.Plugin(configured("--manualconv-impl", *words))
    assert str(refused.value).startswith("--manualconv-impl: ")
    assert said in str(refused.value)


def test_a_law_by_a_name_that_there_is_not_is_wrong_usage() -> None:
    config = configured("--manualconv-impl", "torch", "--manualconv-as", "relu", args=("manualconv::relu::wings",))
    with pytest.raises(
        pytest.UsageError, match="there is no manualconv::relu::wings; there are: manualconv::relu::the"
    ):
        plugin.Plugin(config)


def test_a_target_that_cannot_be_imported_ends_pytest_with_4(folder: Path) -> None:
    (folder / "kernel.py").write_text("import os\nos.abort()\n", encoding="utf-8")
    ended = ran(folder, *EXAMINED)
    assert ended.returncode == 4
    assert "importing it ends the process (SIGABRT)" in ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr


def test_its_options_are_the_command_s() -> None:
    words = ("--manualconv-impl", "torch", "--manualconv-only", "value", "C1", "--manualconv-seed", "3")
    made = wish(vars(configured(*words).option), "manualconv-")
    assert (made.target, made.only, made.seed, made.profile) == ("torch", ("value", "C1"), 3, "ci")
