"""The versions that pyproject.toml claims, the interpreters that are here, and an environment for one of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.suite import ROOT

CLAIMS = (ROOT / "pyproject.toml").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Version:
    """A Python, as ``3.10``, and the torch that pip is asked for."""

    python: str
    torch: str


def claimed(what: str, text: str = CLAIMS) -> str:
    """The oldest Python (`requires-python`) or torch that pyproject.toml takes."""
    found = re.search(what + r'[^\n]*?>=([\d.]+)"', text)
    assert found is not None, what
    return found[1]


#: The oldest torch on the oldest Python, and on each later one the newest that the index has for it.
NEWER = [f"3.{minor}" for minor in range(int(claimed("requires-python").split(".")[1]) + 1, 15)]
VERSIONS = {"oldest": Version(claimed("requires-python"), f"torch=={claimed('dependencies')}.0")}
VERSIONS |= {python: Version(python, "torch") for python in NEWER}


def candidates(python: str) -> Iterator[str]:
    """Interpreters that may be of a version: on the path, and those that pyenv has."""
    yield from filter(None, [shutil.which(f"python{python}")])
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    yield from map(str, sorted(pyenv.glob(f"{python}.*/bin/python"), reverse=True))


def interpreter(python: str) -> str | None:
    """One that runs and is of the version; None if there is none."""
    code = "import sys; print('{}.{}'.format(*sys.version_info))"
    for each in candidates(python):
        ended = subprocess.run([each, "-c", code], capture_output=True, text=True)
        if ended.returncode == 0 and ended.stdout.strip() == python:
            return each
    return None


def made(version: Version, folder: Path) -> str | None:
    """Make an environment, or finish one that was begun; why it cannot be had, or None if it is there."""
    whole = folder / "whole"
    if whole.exists():
        return None
    base = interpreter(version.python)
    if base is None:
        return f"no Python {version.python} on this machine"
    python = folder / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in ([base, "-m", "venv", str(folder)], [*pip, version.torch, "--editable", f"{ROOT}[dev]"]):
        ended = subprocess.run(command, capture_output=True, text=True)
        if ended.returncode != 0:
            said = [line for line in ended.stderr.splitlines() if line.strip()]
            errors = [line for line in said if line.startswith("ERROR")]
            return (errors or said or ["no reason is given"])[-1].removeprefix("ERROR: ")
    whole.touch()
    return None


def has(folder: Path) -> tuple[str, str]:
    """The Python and the torch of an environment."""
    code = "import platform, torch; print(platform.python_version(), torch.__version__)"
    ended = subprocess.run([str(folder / "bin" / "python"), "-c", code], capture_output=True, text=True, check=True)
    python, torch = ended.stdout.split()
    return python, torch
