"""``make crash``: runs that are killed with SIGKILL at random moments, inside the write too, and go on unattended.

Half of the kills come from outside, at a random time; half from inside a write of a checkpoint, before, in the middle
of or after a random call of the system. Whatever is left, the next start of the program goes on; when a run has ended,
its checkpoints, metrics and options are compared bit for bit with those of a run that nobody disturbed, and its folder
must hold nothing but them. A run with a checkpoint at every step may lose one step to a kill. The recipe is the
augmented one, with averaged weights.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.train.conftest import write_data
from tests.train.equality import differing
from tests.train.forks import ended, forked, warm
from tests.train.programs import FILES
from tests.train.tiny import in_place_of_lenet, small_run
from train import checkpoint, durable
from train import fit as fitting
from train.errors import CheckpointError

STEPS_AN_EPOCH = 10
CALLS = ("open", "write", "fsync", "link", "replace", "unlink")
MOST_CALLS = 90  # of the system, to one of which a kill is set: about ten checkpoints


@dataclass
class Counts:
    """What happened."""

    outside: int = 0
    met_a_write: int = 0
    inside: int = 0
    finished: int = 0
    most_lost: int = 0


class Trial:
    """One folder after another, each used until its run has ended."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.draw, self.counts = folder, random.Random(seed), Counts()
        data = write_data(folder / "data")
        self.words = [*small_run(data, 3), "--recipe", "augmented", "--checkpoint-every", "1"]
        begin = time.perf_counter()
        assert ended(forked([*self.words, "--out", str(folder / "whole")], folder / "log")) == 0
        self.seconds = time.perf_counter() - begin

    @property
    def out(self) -> Path:
        """The folder of the present run."""
        return self.folder / f"run{self.counts.finished}"

    def attempt(self, kill_outside: bool | None) -> None:
        """Start or go on; None is for no kill. A run that ends is compared."""
        at, journal = self._progress(), self.folder / "journal"
        going_on = any((self.out / name).exists() for name in ("last.pt", "previous.pt"))
        words = ["--resume", str(self.out)] if going_on else [*self.words, "--out", str(self.out)]
        mine = None if kill_outside is not False else (self.draw.randint(1, MOST_CALLS), self.draw.random())
        child = forked(words, self.folder / "log", lambda: _prepare(journal, mine))
        if kill_outside:
            time.sleep(self.draw.uniform(0, self.seconds / 2))
            os.kill(child, signal.SIGKILL)
        code = ended(child)
        if code == -signal.SIGKILL:
            self._killed(at + journal.stat().st_size if journal.exists() else at, bool(kill_outside))
        elif code:
            raise AssertionError(f"code {code}: {(self.folder / 'log').read_text(encoding='utf-8')}")
        else:
            self._finished()
        journal.unlink(missing_ok=True)

    def _killed(self, reached: int, outside: bool) -> None:
        counts, left = self.counts, any(self.out.glob(".*.tmp"))
        counts.outside += outside
        counts.inside += not outside
        counts.met_a_write += outside and left
        counts.most_lost = max(counts.most_lost, reached - self._progress())
        assert counts.most_lost <= 1, f"{counts.most_lost} steps were lost"

    def _finished(self) -> None:
        found = differing(self.folder / "whole", self.out)
        assert found is None, found
        assert sorted(os.listdir(self.out)) == FILES
        self.counts.finished += 1

    def _progress(self) -> int:
        """Steps that the newest good checkpoint has."""
        try:
            contents, _, _ = checkpoint.newest([self.out / "last.pt", self.out / "previous.pt"], lambda *_: None)
        except CheckpointError:
            return 0
        epoch, step = checkpoint.position(contents)
        return (epoch - 1) * STEPS_AN_EPOCH + step


def _prepare(journal: Path, kill: tuple[int, float] | None) -> None:
    """In the child: write a byte a step, and die at one call of the system inside a write."""
    original = fitting.steps
    descriptor = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    write = os.write

    def steps(*arguments: Any) -> Any:
        for item in original(*arguments):
            write(descriptor, b".")
            yield item

    fitting.steps = steps
    if kill is None:
        return
    at, when, count = *kill, [0]

    def counted(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def deadly(*arguments: Any, **more: Any) -> Any:
            count[0] += 1
            dies = count[0] == at
            if dies and name == "write":
                call(arguments[0], arguments[1][: int(when * len(arguments[1]))])
            if dies and (name == "write" or when < 0.5):
                os.kill(os.getpid(), signal.SIGKILL)
            result = call(*arguments, **more)
            if dies:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return deadly

    calls = {name: (getattr(os, name), counted(name, getattr(os, name))) for name in CALLS}
    whole = durable.write

    def watched(*arguments: Any) -> None:
        """Only the calls of a write count."""
        for name, (_, deadly) in calls.items():
            setattr(os, name, deadly)
        try:
            whole(*arguments)
        finally:
            for name, (plain, _) in calls.items():
                setattr(os, name, plain)

    durable.write = watched


def trial(folder: Path, kills: int, seed: int = 0) -> Counts:
    """So many kills, and the end of the run that was killed last. Raises AssertionError."""
    warm()
    with in_place_of_lenet():
        this = Trial(folder, seed)
        while this.counts.outside + this.counts.inside < kills:
            this.attempt(kill_outside=this.counts.outside <= this.counts.inside)
        if this.out.exists():
            this.attempt(kill_outside=None)
    return this.counts


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        "python -m tests.train.crash", description="Kill training runs and go on with them."
    )
    parser.add_argument("--kills", type=int, default=200, help="default 200")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default 0)")
    options = parser.parse_args()
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary:
        counts = trial(Path(temporary), options.kills, options.seed)
    print(f"{counts.outside} kills at random moments, {counts.met_a_write} of them inside a write")
    print(f"{counts.inside} kills inside a write, at a random call of the system")
    print(f"all {counts.outside + counts.inside} gone on with unattended, at most {counts.most_lost} step lost to one")
    print(f"{counts.finished} runs ended, bit for bit the one that was not killed, and no stray file")
    print(f"{time.perf_counter() - begin:.0f} s")
    sys.exit(0)
