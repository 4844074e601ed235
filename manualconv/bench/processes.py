"""A training step on one and on two processes, one thread each, by torch's DistributedDataParallel over gloo.

Every process has a whole batch, and the gradients are averaged before the update: two processes see twice the images in
a step.  Ours and torch's network are built in the same processes, from the same seed, and take turns, in an order that
is new in every round and the same in every process.  A step ends when all processes have ended it; the first one has
the clock.  ``times as fast`` is the median over the rounds of torch's time over ours.  ``images`` is how many times as
many images a second two processes train as one does: 2 is the most.
"""

from __future__ import annotations

import json
import random
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import distributed
from torch.multiprocessing.spawn import start_processes
from torch.nn.parallel import DistributedDataParallel

from manualconv import nn
from manualconv.bench import nets
from manualconv.bench.timing import Call, Rounds, seconds_of

LIBRARIES = {"manualconv": nn, "torch": torch.nn}
COUNTS = (1, 2)
#: How far the first loss may lie from torch's, relatively, in float32.
LOSSES = 1e-3


@dataclass(frozen=True)
class Pace:
    """The nets, and how many rounds each takes."""

    ids: tuple[str, ...] = ("N1", "R18")
    rounds: int = 25
    batch: int | None = None


@dataclass(frozen=True)
class Row:
    """A net on so many processes: the seconds of a step, by library, and how many times as fast as torch's ours is."""

    id: str
    processes: int
    seconds: dict[str, float]
    ratio: float


def _shared(module: torch.nn.Module) -> torch.nn.Module:
    """A network whose gradients all processes average; a loss has none."""
    return DistributedDataParallel(module) if list(module.parameters()) else module


def _together(step: Call) -> None:
    step()
    distributed.barrier()


def _row(id: str, pace: Pace) -> Row:
    """What each process does for a row.

    Raises:
        RuntimeError: our first loss is not torch's.
    """
    steps = {name: nets.step(id, library, torch.float32, pace.batch, _shared) for name, library in LIBRARIES.items()}
    first = {name: float(step()) for name, step in steps.items()}
    if abs(first["manualconv"] - first["torch"]) > LOSSES * abs(first["torch"]):
        raise RuntimeError(f"{nets.NAMES[id]}: the first loss is {first['manualconv']}, and torch's {first['torch']}")
    taken: dict[str, list[float]] = {name: [] for name in steps}
    order, shuffle = list(steps), random.Random(0)
    for _ in range(pace.rounds):
        shuffle.shuffle(order)
        for name in order:
            distributed.barrier()
            taken[name].append(seconds_of(partial(_together, steps[name])))
    found = Rounds(taken, dropped=0)
    seconds = {name: found.median(name) for name in taken}
    return Row(id, distributed.get_world_size(), seconds, found.ratio("manualconv", "torch").median)


def _process(rank: int, count: int, folder: str, pace: Pace) -> None:
    """One of the processes; the first writes the rows."""
    torch.set_num_threads(1)
    store = (Path(folder) / f"store{count}").as_uri()
    distributed.init_process_group("gloo", init_method=store, rank=rank, world_size=count)
    try:
        rows = [asdict(_row(id, pace)) for id in pace.ids]
        if rank == 0:
            (Path(folder) / f"rows{count}.json").write_text(json.dumps(rows), encoding="utf-8")
    finally:
        distributed.destroy_process_group()


def measure(pace: Pace = Pace()) -> list[Row]:
    """Every row, by net and number of processes.

    Raises:
        ValueError: this torch was built without processes that work together.
        RuntimeError: a process failed.
    """
    if not (distributed.is_available() and distributed.is_gloo_available()):
        raise ValueError("this torch has no torch.distributed with gloo: --processes needs one that has")
    rows = []
    with TemporaryDirectory() as folder:
        for count in COUNTS:
            start_processes(_process, (count, folder, pace), count, start_method="spawn")
            read = json.loads((Path(folder) / f"rows{count}.json").read_text(encoding="utf-8"))
            rows += [Row(**each) for each in read]
    return sorted(rows, key=lambda row: (pace.ids.index(row.id), row.processes))


def table(rows: list[Row]) -> str:
    """The rows as plain text."""
    head = f"{'a step':<20}{'processes':>10}{'torch ms':>10}{'ours ms':>10}{'times as fast':>15}"
    lines, alone = [head + f"{'images':>8}{'of torch':>10}"], {row.id: row for row in rows if row.processes == 1}
    for row in rows:
        ours, theirs = (
            row.processes * alone[row.id].seconds[name] / row.seconds[name] for name in ("manualconv", "torch")
        )
        times = f"{1e3 * row.seconds['torch']:>10.1f}{1e3 * row.seconds['manualconv']:>10.1f}{row.ratio:>15.2f}"
        lines.append(f"{nets.NAMES[row.id]:<20}{row.processes:>10}{times}{ours:>8.2f}{theirs:>10.2f}")
    return "\n".join(lines)
