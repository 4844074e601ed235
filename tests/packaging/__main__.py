"""``python -m tests.packaging``: build the distributions, look into them, try both; exits with 1 on any fault.

source   has every file of the repository and no other; `make test` passes in it
wheel    has the package alone; installed away from the clone, README's examples and the command line run, and a wrong
         kernel is found out, by `manualconv check` and by pytest
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

import manualconv
from manualconv.cli import COMMANDS
from tests.packaging.archive import faults_of_source, faults_of_wheel, files_of
from tests.packaging.kernels import KERNEL, MENDED, REMAINDER

ROOT = Path(__file__).resolve().parents[2]
#: What the environment of the clone says about modules is not for those who have installed the wheel.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def run(*command: str | Path, cwd: Path, words: str = "", code: int = 0) -> list[str]:
    """What is wrong with a command's end, or with what it says: `words` is a pattern."""
    print("+", *command, flush=True)
    ended = subprocess.run(command, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, encoding="utf-8")
    said = ended.stdout + ended.stderr
    if ended.returncode == code and re.search(words, said):
        return []
    return [f"{' '.join(map(str, command))}: exit status {ended.returncode}\n{said[-3000:]}"]


def tracked() -> list[str]:
    """The files of the repository."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [os.fsdecode(name) for name in listed.split(b"\0") if name]


def built(folder: Path) -> tuple[Path, Path]:
    """The source distribution, and the wheel that is made of it, for which it must be whole."""
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "build", "--outdir", folder, ROOT], check=True, stdout=subprocess.DEVNULL)
    (source,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return source, wheel


def faults_of_suite(source: Path, folder: Path, words: str) -> list[str]:
    """`make test` in the unpacked source, in this environment, where nothing is to be set up."""
    with tarfile.open(source) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = folder.iterdir()
    stamp = folder / "ready"
    stamp.touch()
    return run("make", "test", f"VENV={sys.prefix}", f"READY={stamp}", f"ARGS={words}", cwd=unpacked)


def installed(wheel: Path, folder: Path) -> Path:
    """The scripts of an environment that has the wheel, and of this one everything else."""
    venv.create(folder, with_pip=False)
    base = {"base": str(folder), "platbase": str(folder)}
    packages, scripts = (Path(sysconfig.get_path(kind, vars=base)) for kind in ("purelib", "scripts"))
    pip = [sys.executable, "-m", "pip", "--python", scripts / "python", "install", "--quiet", "--no-deps", wheel]
    subprocess.run(pip, env=ENVIRONMENT, check=True)
    # Behind it, else pip would find the clone's.  A folder that a .pth file names comes after the environment's own,
    # and its .pth files are not read: this clone, which is installed there to be edited, is not found.
    (packages / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return scripts


def faults_of_installed(scripts: Path, folder: Path) -> list[str]:
    """What does not run away from the clone: the import, README's examples, the command line."""
    python, command = scripts / "python", scripts / "manualconv"
    where = "import manualconv; print(manualconv.__file__)"
    faults = run(python, "-c", where, cwd=folder, words=re.escape(str(scripts.parent)))
    examples = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    for number, example in enumerate(examples):
        file = folder / f"example_{number}.py"
        file.write_text(example, encoding="utf-8")
        raises = "F.batch_norm" in example  # torch's has no third derivative, and the example ends by showing that
        faults += run(python, file, cwd=folder, code=int(raises), words="RuntimeError: batch_norm" if raises else "")
    faults += run(command, "--version", cwd=folder, words=f"manualconv {re.escape(manualconv.__version__)}\n")
    for name in COMMANDS:
        faults += run(command, name, "--help", cwd=folder, words=name)
    sizes = ("--input", "1,4,9,9", "--weight", "4,4,3,3")
    faults += run(command, "choice", *sizes, cwd=folder, words="to_output")
    return faults + run(command, "bench", "--only", "A1", "--quick", "--dtype", "float32", cwd=folder, words="A1")


#: The extra `testing` is not there.
BARE = "import sys; sys.modules['hypothesis'] = None; from manualconv.cli import main; sys.exit(main(sys.argv[1:]))"


def faults_of_examiner(scripts: Path, folder: Path) -> list[str]:
    """A wrong kernel that is not found out in the words of docs/EXAMINE.md, or a right one that is accused."""
    folder.mkdir()
    number = r"\w+\[\d.*\] is -?\d+, should be -?\d+"
    check, pytest = (scripts / "manualconv", "check"), (scripts / "python", "-m", "pytest", "--manualconv-impl")
    faults = []
    for name, kernel, words in (
        ("kernel", KERNEL, f"y is wrong where there is a dilation: {number}"),
        ("remainder", REMAINDER, f"dW is wrong where the stride leaves a remainder: {number}"),
    ):
        (folder / f"{name}.py").write_text(kernel, encoding="utf-8")
        faults += run(*check, f"{name}.py:conv2d", "--only", "definition", cwd=folder, words=words, code=1)
        only = ("--manualconv-only", "definition")
        faults += run(*pytest, f"{name}.py:conv2d", *only, cwd=folder, words=f"(?m)^{words}", code=1)
    (folder / "mended.py").write_text(MENDED, encoding="utf-8")
    few = ("--only", "definition", "--profile", "smoke")
    faults += run(*check, "mended.py:conv2d", *few, cwd=folder, words="1 passed, 0 failed")
    few = ("--manualconv-only", "definition", "--manualconv-profile", "smoke")
    faults += run(*pytest, "mended.py:conv2d", *few, cwd=folder, words="3 passed")
    faults += run(*check, "mended.py:conv9d", cwd=folder, words="'conv9d' is no operation", code=2)
    faults += run(*pytest, "mended.py:conv9d", cwd=folder, words="'conv9d' is no operation", code=4)
    missing = r"hypothesis is missing: pip install '\.\[testing\]' in a clone brings it"
    return faults + run(scripts / "python", "-c", BARE, "check", "mended.py:conv2d", cwd=folder, words=missing, code=2)


def main(arguments: Sequence[str] | None = None) -> bool:
    """Build and try, and say whether all is right."""
    parser = argparse.ArgumentParser("python -m tests.packaging", description=__doc__)
    parser.add_argument("--suite", default="", metavar="ARGS", help="for pytest, in the unpacked source (default none)")
    options = parser.parse_args(arguments)
    source, wheel = built(ROOT / "dist")
    faults = faults_of_source(files_of(source), tracked())
    faults += faults_of_wheel(files_of(wheel), tracked(), manualconv.__version__)
    with tempfile.TemporaryDirectory() as name:
        away, unpacked = Path(name) / "away", Path(name) / "source"
        away.mkdir()
        unpacked.mkdir()
        scripts = installed(wheel, Path(name) / "environment")
        faults += faults_of_installed(scripts, away)
        faults += faults_of_examiner(scripts, away / "examined")
        faults += faults_of_suite(source, unpacked, options.suite)
    for file in (source, wheel):
        print(f"{file.relative_to(ROOT)}  {file.stat().st_size / 2**20:.1f} MiB  {len(files_of(file))} files")
    print(*faults, f"{len(faults)} faults", sep="\n")
    return not faults


if __name__ == "__main__":
    sys.exit(not main())
