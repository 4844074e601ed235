"""``make workers``: two workers that torchrun starts beside one process; one is killed, and the run goes on.

Everything stays on this machine. The network is the tiny one, with batch normalisation; it is compared without dropout,
of which each worker draws its own masks, and stopped and gone on with.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tests.train.conftest import write_data
from tests.train.equality import differing
from tests.train.programs import ROOT, called
from tests.train.tiny import in_place_of_lenet, without_dropout
from tests.train.worker import EXACT, KILLED_AT, STOPPED_AT, words
from train import checkpoint, torchrun
from train.cli import main

WORKERS = 2
PATIENCE = 180  # seconds until a job that does not end fails the test; it needs about eight


def launched(*command: str) -> subprocess.CompletedProcess[str]:
    """What torchrun starts, in as many workers, over the loopback interface alone."""
    environment = {name: value for name, value in os.environ.items() if name not in torchrun.NAMES}
    environment |= {"OMP_NUM_THREADS": "1"} | ({"GLOO_SOCKET_IFNAME": "lo"} if sys.platform == "linux" else {})
    agent = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(WORKERS)]
    return subprocess.run(
        [*agent, "-m", *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE
    )


@dataclass
class Trials:
    """``found`` is what each worker says of the laws and of each run; the folders of the runs are in ``folder``."""

    folder: Path
    found: list[dict[str, Any]]

    def off_one_process(self) -> float:
        """The largest difference of a weight after a whole run by several workers and by one process."""
        ours, theirs = (checkpoint.load(self.folder / name / "last.pt")["state"] for name in ("joint", "one"))
        return max(float((ours[name] - theirs[name]).abs().max()) for name in theirs)

    def differing(self, name: str) -> str | None:
        """Where a run that was ended and went on differs from the one that nobody disturbed."""
        return differing(self.folder / "whole", self.folder / name)


def tried(folder: Path) -> Trials:
    """All but the kill."""
    data = write_data(folder / "data")
    with in_place_of_lenet(without_dropout):
        alone = called(main, *words(data, folder / "one"), "--dtype", "float64")
    assert alone.code == 0, alone
    ended = launched("tests.train.worker", "trials", str(folder), str(data))
    assert ended.returncode == 0, ended.stderr
    texts = [(folder / f"worker{rank}.json").read_text(encoding="utf-8") for rank in range(WORKERS)]
    return Trials(folder, [json.loads(text) for text in texts])


def killed(folder: Path) -> tuple[subprocess.CompletedProcess[str], float]:
    """A job of which one worker is killed, and the seconds from its start to its end."""
    begin = time.perf_counter()
    ended = launched(
        "tests.train.worker", "train", "SIGKILL", str(KILLED_AT), *words(folder / "data", folder / "killed")
    )
    return ended, time.perf_counter() - begin


def gone_on(folder: Path) -> subprocess.CompletedProcess[str]:
    """The same job started again."""
    return launched("tests.train.worker", "train", "none", "0", "--resume", str(folder / "killed"))


def report(folder: Path) -> bool:
    """Print what was compared; whether all is as it must be."""
    trials = tried(folder)
    found = trials.found[0]
    counts = [sum(len(worker["evaluated"][-1][2]) for worker in trials.found), *found["evaluated"][-1][:2]]
    print(f"gradients of whole numbers, {WORKERS} workers beside one process, joined batches of {EXACT}:", end=" ")
    print("the same bits" if not any(found["exact"]) else f"off by {found['exact']}")
    print(f"uneven shares, batch normalisation: off by {max(found['rounded']):.1e}, {max(found['normalised']):.1e}")
    print(f"a whole run in float64: weights off by {trials.off_one_process():.1e} from one process")
    print(f"evaluation: {counts[0]} images looked at once each, (loss, accuracy) {counts[1]}, one process {counts[2]}")
    codes = [worker["stopped"][0] for worker in trials.found]
    print(f"SIGTERM to one worker after step {STOPPED_AT}: both end with {codes}, gone on:", end=" ")
    print(trials.differing("stopped") or "bit for bit the run undisturbed")
    job, seconds = killed(folder)
    print(f"SIGKILL to one worker after step {KILLED_AT}: the job ended {seconds:.0f} s after its start", end=", ")
    again = gone_on(folder)
    print(f"code {job.returncode}; gone on, code {again.returncode}:", end=" ")
    print(trials.differing("killed") or "bit for bit the run undisturbed")
    print(*(line for line in again.stdout.splitlines() if "goes on" in line or "test accuracy" in line), sep="\n")
    fine = codes == [128 + signal.SIGTERM] * WORKERS and not any(found["exact"]) and trials.off_one_process() < 1e-10
    return fine and not any(trials.differing(name) for name in ("stopped", "killed"))


if __name__ == "__main__":
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(not report(Path(temporary)))
