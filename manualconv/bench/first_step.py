"""The first training step of a process, whether or not the loops that it needs were compiled by an earlier one.

Every line is processes of their own: each has imported torch and the library, builds the network and takes two steps.
"Nothing kept" is Numba's folder of machine code being empty, as on a new machine; "kept" is what that process has left
there, as `manualconv compile` does.  Seconds are by the clock; "of the processor" are those of the first step, on all
threads.  Each is the median of three processes.  "Loops" are those compiled.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import torch

from manualconv import nn
from manualconv.bench import nets
from manualconv.kernels import beforehand

NETS = ("N1", "N2")
WAYS = ("manualconv, nothing kept", "manualconv, kept", "torch")


@dataclass(frozen=True)
class FirstStep:
    """What one process saw, in seconds: `processor` is that of the first step, on all threads."""

    first: float
    processor: float
    second: float
    loops: int


def taken(id: str, library: str) -> FirstStep:
    """Two steps of a net in this process, which has taken none."""
    step = nets.step(id, torch.nn if library == "torch" else nn, torch.float32)
    begin, processor = perf_counter(), process_time()
    step()
    ended, spent = perf_counter(), process_time() - processor
    step()
    return FirstStep(ended - begin, spent, perf_counter() - ended, beforehand.compiled())


def _process(id: str, library: str, folder: Path) -> FirstStep:
    """What another process saw that keeps its loops in a folder.

    Raises:
        RuntimeError: it failed; the message has its last line, or its exit code.
    """
    command = [sys.executable, "-m", "manualconv.bench.first_step", id, library]
    environment = os.environ | {"NUMBA_CACHE_DIR": str(folder)}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    if ended.returncode:
        words = ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"]
        raise RuntimeError(f"a first step of {id} by {library} failed: {words[-1]}")
    return FirstStep(**json.loads(ended.stdout))


def _median(steps: Iterable[FirstStep]) -> FirstStep:
    many = [asdict(each) for each in steps]
    return FirstStep(**{name: statistics.median(each[name] for each in many) for name in many[0]})


def measure(ids: Iterable[str] = NETS, repeats: int = 3) -> dict[tuple[str, str], FirstStep]:
    """By net and way.

    Raises:
        RuntimeError: a process failed.
    """
    found: dict[tuple[str, str], list[FirstStep]] = {}
    for id in ids:
        for _ in range(repeats):
            with TemporaryDirectory() as folder:
                for way in WAYS:
                    found.setdefault((id, way), []).append(_process(id, way.split(",")[0], Path(folder)))
    return {key: _median(steps) for key, steps in found.items()}


def table(steps: dict[tuple[str, str], FirstStep]) -> str:
    """The rows as plain text."""
    columns = f"{'first step s':>14}{'of the processor':>18}{'second step ms':>16}{'loops':>7}"
    lines = [f"{'a network':<20}{'library and loops':<26}{columns}"]
    for (id, way), each in steps.items():
        times = f"{each.first:>14.2f}{each.processor:>18.2f}{1e3 * each.second:>16.1f}"
        lines.append(f"{nets.NAMES[id]:<20}{way:<26}{times}{each.loops:>7}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(json.dumps(asdict(taken(*sys.argv[1:]))))
