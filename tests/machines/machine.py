"""The machines that one processor can play, and an environment without Numba."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

#: What the environment says of instructions: to torch's own kernels, MKL, oneDNN and Numba.
LEVELS = ("ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS", "ONEDNN_MAX_CPU_ISA", "NUMBA_CPU_NAME")
SETTINGS = (*LEVELS, "NUMBA_DISABLE_JIT", "MANUALCONV_TEST_THREADS")

ABSENT, COMPILING, TOLD_NOT_TO = "absent", "compiling", "NUMBA_DISABLE_JIT=1"


@dataclass(frozen=True)
class Machine:
    """A machine: words for it, what it lets each library use, torch's threads, and what Numba does.

    `capable` has the names that torch gives to processors with these instructions; empty if every one has them.
    """

    words: str
    threads: int
    numba: str
    levels: tuple[str, ...] = ()
    capable: frozenset[str] = field(default_factory=frozenset)

    def environment(self, outside: Mapping[str, str]) -> dict[str, str]:
        """The variables of its run; none of the settings comes from outside."""
        kept = {name: value for name, value in outside.items() if name not in SETTINGS}
        told = {"NUMBA_DISABLE_JIT": "1"} if self.numba == TOLD_NOT_TO else {}
        # A thread that waits sleeps: there may be more of them than cores.
        threads = {"MANUALCONV_TEST_THREADS": str(self.threads), "OMP_WAIT_POLICY": "PASSIVE"}
        return kept | dict(zip(LEVELS, self.levels)) | told | threads

    def missing(self, capability: str, has_numba: bool) -> str | None:
        """What a processor, or the environment, lacks to play it; None if it can."""
        if self.capable and capability not in self.capable:
            return f"the processor is {capability}"
        return "no Numba is installed" if self.numba != ABSENT and not has_numba else None


#: Four runs that meet every level of instructions, every number of threads and everything that Numba may do.
MACHINES = {
    "baseline": Machine("SSE 4.2", 1, ABSENT, ("default", "SSE4_2", "SSE41", "generic")),
    "avx2": Machine("AVX2", 2, COMPILING, ("avx2", "AVX2", "AVX2", "haswell"), frozenset({"AVX2", "AVX512"})),
    "own": Machine("the processor's own", 4, COMPILING),
    "uncompiled": Machine("the processor's own", 2, TOLD_NOT_TO),
}


def capability() -> str:
    """torch's name for the widest instructions of this processor, whatever the environment says."""
    code = "import torch; print(torch.backends.cpu.get_cpu_capability())"
    kept = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    return subprocess.run([sys.executable, "-c", code], env=kept, capture_output=True, text=True, check=True).stdout[
        :-1
    ]


def entries(package: str) -> set[str]:
    """What a distribution puts into the folder of packages; nothing if it is not installed."""
    try:
        files = distribution(package).files or []
    except PackageNotFoundError:
        return set()
    return {file.parts[0] for file in files}


def without_numba(folder: Path) -> Path:
    """The interpreter of an environment in `folder` that has what this one has, but Numba and what it compiles by.

    It is made of links: torch is not installed twice, and of Numba there is nothing to find, neither for an import nor
    for who asks what is installed, in the tests or in the processes that they start.  An import that is blocked would
    show all but the import.
    """
    venv.create(folder, with_pip=False, clear=True)
    base = {"base": str(folder), "platbase": str(folder)}
    left_out = entries("numba") | entries("llvmlite") | {"__pycache__"}
    for kind in ("purelib", "platlib", "scripts"):  # ruff, for one, is a script that its module looks for
        here, there = Path(sysconfig.get_path(kind)), Path(sysconfig.get_path(kind, vars=base))
        there.mkdir(parents=True, exist_ok=True)
        for entry in here.iterdir():
            if entry.name not in left_out and not (there / entry.name).exists():
                (there / entry.name).symlink_to(entry, entry.is_dir())
    return Path(sysconfig.get_path("scripts", vars=base)) / Path(sys.executable).name
