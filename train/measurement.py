"""One backend measured in a process of its own: ``python -m train.measurement``, a JSON object as its only argument.

A fresh process, because memory that one backend has touched would hide the peak of the next. Prints a JSON object.
"""

import json
import sys
import time
from argparse import Namespace
from dataclasses import asdict, dataclass
from itertools import chain, count, islice
from pathlib import Path

from train import data, machine
from train.batches import training_batches
from train.errors import TrainError
from train.machine import Machine
from train.optimisation import optimisation
from train.recipe import ARCH, EPOCHS, LR
from train.training import steps, steps_in

WARM_UP = 20  # steps of a throw-away network: libraries choose their kernels and threads start


@dataclass(frozen=True)
class Measured:
    """``peak``: bytes above the level after the imports, None where the system keeps silent; ``losses``: one a step."""

    seconds: float
    images: int
    peak: int | None
    losses: list[float]


def memory(field: str) -> int | None:
    """VmRSS (now) or VmHWM (the highest so far) of this process, in bytes; None where there is no /proc."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))


def measure(options: Namespace) -> Measured:
    """Train ``options.steps`` steps, or for None one epoch over all training images, none kept for validation."""
    place = machine.prepare(options.backend, "cpu", options.dtype, options.threads)
    before = memory("VmRSS")
    split = data.load(Path(options.data_dir) if options.data_dir else None).training.first(options.max_train)
    _losses(options, place, split, WARM_UP)
    wanted = options.steps or steps_in(len(split), options.batch_size)
    begin = time.perf_counter()
    losses = _losses(options, place, split, wanted)
    seconds = time.perf_counter() - begin
    after = memory("VmHWM")
    peak = after - before if after is not None and before is not None else None
    return Measured(seconds, len(split), peak, losses)


def _losses(options: Namespace, place: Machine, split: data.Split, wanted: int) -> list[float]:
    """Build the network anew and train it for ``wanted`` steps, as many epochs as that takes, of the default run."""
    model = machine.build(ARCH, place, options.seed)
    optimizer, schedule = optimisation(model, LR, max(EPOCHS * steps_in(len(split), options.batch_size), wanted))
    size, seed = options.batch_size, options.seed
    epochs = (training_batches(split, size, seed, epoch, place.dtype, place.device) for epoch in count(1))
    taken = islice(chain.from_iterable(epochs), wanted)
    return [step.loss for step in steps(model, place.layers.CrossEntropyLoss(), optimizer, schedule, taken)]


def main() -> int:
    """Return 0 with JSON on stdout, or 1 with one sentence on stderr."""
    try:
        print(json.dumps(asdict(measure(Namespace(**json.loads(sys.argv[1]))))))
    except TrainError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
