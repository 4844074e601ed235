"""The calls that crashed or hung a torch once, made one after another, what came of each on a line of its own.

``python -m tests.bad_input.dangerous torch 3`` begins with the fourth on torch's names; ``ours`` is the other library.
A call that takes longer than its time ends the process, as a crash does: the one that has no line did it.
"""

from __future__ import annotations

import faulthandler
import json
import subprocess
import sys
from pathlib import Path

import torch
from torch import Tensor

from tests.bad_input.calls import OURS, TORCH, Outcome, outcome
from tests.bad_input.table import ROWS

SECONDS = 20
DANGEROUS = tuple(row for row in ROWS if row.dangerous)


def _main(library: str, start: str) -> None:
    torch.set_num_threads(1)
    for row in DANGEROUS[int(start) :]:
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        came = outcome(row.call, {"torch": TORCH, "ours": OURS}[library])
        faulthandler.cancel_dump_traceback_later()
        value = came.value.tolist() if isinstance(came.value, Tensor) else None
        print(json.dumps([came.error and came.error.__name__, came.message, value]), flush=True)


def outcomes(library: str) -> list[Outcome]:
    """What came of every dangerous call, in processes that may die."""
    came: list[Outcome] = []
    while len(came) < len(DANGEROUS):
        command = [sys.executable, "-m", "tests.bad_input.dangerous", library, str(len(came))]
        limit = SECONDS * len(DANGEROUS)
        child = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=limit)
        for line in child.stdout.splitlines():
            error, message, value = json.loads(line)
            came.append(Outcome(None if error is None else _ERRORS[error], message, value))
        if len(came) < len(DANGEROUS):
            came.append(Outcome(SystemExit, f"died with {child.returncode}: {child.stderr[-500:]}"))
    return came


_ERRORS: dict[str, type[BaseException]] = {
    error.__name__: error for error in (RuntimeError, TypeError, ValueError, NotImplementedError, IndexError)
}

if __name__ == "__main__":
    _main(*sys.argv[1:])
