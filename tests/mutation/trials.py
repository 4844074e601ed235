"""One copy of the tree and one `worker` in it: tests are run there, with a mutant in place or without."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.mutation.reach import Test
from tests.suite import ROOT

#: What the suite needs of a checkout.
COPIED = ("manualconv", "tests", "train", "docs", "pyproject.toml", "Makefile", "MANIFEST.in", ".gitignore")
NOT_COPIED = shutil.ignore_patterns("__pycache__", ".*_cache", ".hypothesis")
#: What the tests would each import: those that ask whether a module is there yet ask in a process of their own.
PRELOADED = ("hypothesis.extra.numpy", "scipy.ndimage", "scipy.special", "tomllib", "torch._dynamo")
#: Processor seconds that a mutant may take beyond what its tests take without it: compiling, and being slow.
GRACE = 60
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTEST_PLUGINS": "_hypothesis_pytestplugin",
    "PYTHONHASHSEED": "0",
    "TORCHINDUCTOR_COMPILE_THREADS": "1",
}


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant: killed, survived, timeout or invalid; by which test, of how many that were run."""

    kind: str
    by: str = ""
    tests: int = 0


@dataclass
class Trials:
    """A copy of the tree, with a worker that is started at the first request and again after it has died."""

    profile: str = "mc-smoke"
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="mutation-tree-")))
    process: subprocess.Popen[str] | None = None

    def __post_init__(self) -> None:
        self.tree = self.folder / "tree"
        self.tree.mkdir()
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, self.tree / name, ignore=NOT_COPIED)
            elif (ROOT / name).exists():
                shutil.copy2(ROOT / name, self.tree / name)
        for page in ROOT.glob("*.md"):
            shutil.copy2(page, self.tree)
        # Bytecode that is known by its source's hash, and stays so: two mutants may have the same time and length.
        words = ["-m", "compileall", "-q", "--invalidation-mode", "checked-hash", "manualconv", "tests"]
        subprocess.run([sys.executable, *words], cwd=self.tree, check=True)

    def close(self) -> None:
        """End the worker and remove the copy."""
        if self.process is not None:
            self.process.communicate()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, words: Sequence[str], seconds: float, cache: Path | None = None, **more: Any) -> dict[str, Any]:
        """The worker's answer."""
        if self.process is None or self.process.poll() is not None:
            command = [sys.executable, "-W", "ignore", "-m", "tests.mutation.worker", *PRELOADED]
            environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": str(self.tree)}
            environment["MANUALCONV_PROFILE"] = self.profile
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(command, cwd=self.tree, env=environment, stdin=pipe, stdout=pipe, text=True)
        assert self.process.stdin is not None and self.process.stdout is not None
        kept = {"NUMBA_CACHE_DIR": str(cache or self.folder / "numba")}
        request = {"words": list(words), "seconds": int(seconds), "environment": kept, "traced": False, **more}
        print(json.dumps(request), file=self.process.stdin, flush=True)
        said = self.process.stdout.readline()
        if not said:
            raise RuntimeError(f"the worker ended with {self.process.wait()}")
        return dict(json.loads(said))

    def tried(self, file: str, text: str, rounds: Sequence[Sequence[Test]]) -> Outcome:
        """What becomes of a mutant whose file has this text: its tests in rounds, until one fails."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                compile(text, file, "exec")
        except (SyntaxError, ValueError):
            return Outcome("invalid")
        path, ran = self.tree / file, 0
        before, times = path.read_text(encoding="utf-8"), path.stat()
        path.write_text(text, encoding="utf-8")
        try:
            for tests in rounds:
                with tempfile.TemporaryDirectory(prefix="numba-", dir=self.folder) as empty:
                    # Numba knows a kernel by the time and length of its file, which are no mutant's alone.
                    cache = Path(empty) if compiles(before) else None
                    seconds = GRACE + 3 * sum(test.seconds for test in tests)
                    names = [test.name for test in tests]
                    words = ["-x", *dict.fromkeys(name.partition("::")[0] for name in names)]
                    said = self.ask(words, seconds, cache, tests=names)
                ran += len(said["seconds"])
                if said["code"] is None:
                    return Outcome("timeout", tests=ran)
                if said["code"] not in (0, 5):
                    return Outcome("killed", (said["failed"] or ["the process"])[0], ran)
        finally:
            path.write_text(before, encoding="utf-8")
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        return Outcome("survived", tests=ran)


def compiles(text: str) -> bool:
    """Whether a file has kernels for Numba: their caches are told apart by the file that they stand in, no other."""
    return re.search(r"kernels\.compiling import .*\b(compiled|part)\b", text) is not None


def callers(root: Path, file: str) -> list[str]:
    """The files that import names of a file: where nobody sees which of its lines run, these are asked for tests."""
    dotted = file.removesuffix(".py").replace("/", ".")
    paths = [path for path in (root / "manualconv").rglob("*.py") if f"from {dotted} import" in path.read_text("utf-8")]
    return sorted(path.relative_to(root).as_posix() for path in paths)


def fingerprint(root: Path, names: Mapping[str, Any] | Sequence[str]) -> str:
    """What the text of files or of folders amounts to."""
    digest = hashlib.sha256()
    for name in sorted(names):
        paths = sorted((root / name).rglob("*.py")) if (root / name).is_dir() else [root / name]
        for path in paths:
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
