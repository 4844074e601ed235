"""A run and its folder: one that starts, or one that was stopped and goes on."""

import sys
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from train import architectures, checkpoint, data, datasets, machine, output
from train.data import Split
from train.errors import DataError, ForeignCheckpoint, MissingCheckpoint, OptionError
from train.machine import Machine
from train.models import Network
from train.options import FitOptions, from_plain, gone_on, plain
from train.output import BEST, GRADIENTS, LAST, METRICS, OPTIONS, PREVIOUS, MetricsFile
from train.recipe import LR, LRS
from train.state import State
from train.training import fitting_batch_size, optimisation, steps_in

LEAST_SECONDS = 10  # between two checkpoints that nobody has asked for
SHARE = 0.01  # of the time, that they may take


@dataclass
class Run:
    """Everything one training run works with; ``folder`` is its own, and locked by ``metrics``."""

    options: FitOptions
    machine: Machine
    mnist: data.Mnist
    training: Split
    validation: Split
    criterion: nn.Module
    state: State
    folder: Path
    metrics: MetricsFile
    came_from: Path | None = None
    saved_at: float = field(default_factory=time.perf_counter)
    cost: float = 0.0  # seconds that the last checkpoint took

    @property
    def network(self) -> Network:
        """What the options chose."""
        return architectures.named(self.options.arch, self.mnist.kind)

    @property
    def batch_size(self) -> int:
        """Chosen, or fitted when the run started."""
        assert self.options.batch_size is not None
        return self.options.batch_size

    @property
    def best(self) -> Path:
        """The checkpoint of the best epoch so far."""
        return self.folder / BEST

    @property
    def last(self) -> Path:
        """The checkpoint to go on from."""
        return self.folder / LAST

    def is_due(self) -> bool:
        """Whether a step is to be followed by a checkpoint."""
        if self.options.checkpoint_every is not None:
            return self.state.step % self.options.checkpoint_every == 0
        return time.perf_counter() - self.saved_at >= max(LEAST_SECONDS, self.cost / SHARE)

    def save(self, keep: bool = True) -> None:
        """Write last.pt, after which the one before it is previous.pt if ``keep``. Raises as ``checkpoint.save``."""
        begin = time.perf_counter()
        facts = {"options": plain(self.options), "data": self.mnist.digest, "machine": _facts(self.machine)}
        state = checkpoint.weights(self.state.model)
        contents = facts | self.state.contents()
        checkpoint.save(self.last, self.options.arch, state, contents, "training", keep)
        self.saved_at = time.perf_counter()
        self.cost = self.saved_at - begin

    def save_best(self) -> None:
        """Write best.pt. Raises as ``checkpoint.save``."""
        best = self.state.best
        if best is not None:
            metrics = best.metrics
            facts: dict[str, Any] = {"epoch": metrics.epoch, "seed": self.options.seed}
            facts["images"], facts["dataset"] = self.mnist.kind.plain(), self.options.dataset
            facts["validation_accuracy"] = metrics.validation_accuracy
            checkpoint.save(self.best, self.options.arch, best.state, facts)

    def write_gradients(self) -> None:
        """Write gradients.csv, a row an epoch, a column a parameter. Raises ``OutputError``."""
        slopes = self.state.slopes
        names = list(dict.fromkeys(name for row in slopes for name in row))
        rows = ([epoch, *(row.get(name, "") for name in names)] for epoch, row in enumerate(slopes, 1))
        output.write_table(self.folder / GRADIENTS, ["epoch", *names], rows)

    def close(self) -> None:
        """Give the folder free."""
        self.metrics.close()


Make = Callable[..., Run]


def started(options: FitOptions) -> Run:
    """A new run in a new folder, which can be gone on with from here. Raises ``TrainError``."""
    if options.download and options.data_dir is not None:
        datasets.download(options.dataset, options.data_dir)
    make, options = _prepared(options)
    folder = output.new_folder(options.out)
    this = make(options, folder, MetricsFile(folder / METRICS))
    this.save()
    output.write_json(folder / OPTIONS, plain(options))
    return this


def resumed(options: FitOptions, given: Collection[str]) -> Run:
    """A run that goes on where its newest good checkpoint is. Raises ``TrainError``; then nothing is changed."""
    assert options.resume is not None
    source = options.resume
    folder = source if source.is_dir() else source.parent
    if not any(path.is_file() for path in _candidates(source)):
        raise MissingCheckpoint(f"There is no run in {source}: neither a {LAST} nor a checkpoint of that name.")
    held = MetricsFile(folder / METRICS, is_new=False) if options.out is None else None
    try:
        return _gone_on(options, given, folder, held)
    except BaseException:
        if held is not None:
            held.close()
        raise


def _gone_on(options: FitOptions, given: Collection[str], source: Path, held: MetricsFile | None) -> Run:
    contents, path, rejected = checkpoint.newest(_candidates(options.resume), _is_of(source / OPTIONS))
    for reason in rejected:
        print(f"Not used: {reason}", file=sys.stderr, flush=True)
    saved = _options(contents, path)
    try:
        options, contradictions = gone_on(saved, options, given)
    except ValueError as error:  # its own options and the given ones do not go together
        raise OptionError(f"{error}.") from error
    if contradictions:
        raise OptionError(
            f"A run goes on with its own options, there -> here: {'; '.join(contradictions)}. Leave these out, or start"
            f" a new run; --init {source / BEST} gives it the weights of this one."
        )
    if "arch" not in given:
        architectures.check_vouched(options.arch, path)
    make, options = _prepared(options)
    folder = source if options.out is None else output.new_folder(options.out)
    this = make(options, folder, held or MetricsFile(folder / METRICS))
    if contents.get("data") != this.mnist.digest:
        raise DataError(f"The images in {this.mnist.source} are not those that the run of {path} was started with.")
    this.state.restore(contents, path)
    _compare_machines(contents.get("machine"), this.machine)
    this.came_from = path
    this.metrics.rewrite(this.state.history)
    this.write_gradients()
    this.save_best()
    if path != this.last:
        this.save(keep=False)  # a damaged last.pt must not take the place of the good previous.pt
    output.write_json(folder / OPTIONS, plain(options))
    return this


def _candidates(source: Path | None) -> list[Path]:
    """A folder has two; a file is the one that is meant."""
    assert source is not None
    return [source / LAST, source / PREVIOUS] if source.is_dir() else [source]


def _options(contents: dict[str, Any], path: Path) -> FitOptions:
    try:
        return from_plain(contents["options"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ForeignCheckpoint(f"{path} has no options of this program: {error}.") from error


def _is_of(path: Path) -> Callable[[dict[str, Any], Path], object]:
    """A check that a checkpoint has the options of the folder it lies in; a folder without options takes any."""
    try:
        mine = from_plain(output.read_json(path))
    except (OSError, ValueError, TypeError, AttributeError):
        return _options
    names = [entry.name for entry in fields(FitOptions) if entry.metadata["kept"] and not entry.metadata["may_change"]]

    def check(contents: dict[str, Any], of: Path) -> None:
        _, contradictions = gone_on(mine, _options(contents, of), names)
        if contradictions:
            raise ForeignCheckpoint(f"{of} is of another run than {path}: {'; '.join(contradictions)}.")

    return check


def _prepared(options: FitOptions) -> tuple[Make, FitOptions]:
    """All that needs no folder, so that a mistake leaves none; and the options with every default resolved."""
    place = machine.prepare(options.backend, options.device, options.dtype, options.threads)
    mnist = datasets.load(options.dataset, options.data_dir, options.channels, options.image_size)
    training, validation = data.divided(mnist)
    training = training.first(options.max_train)
    batch_size = options.batch_size or fitting_batch_size(len(training), options.epochs)
    options = replace(options, batch_size=batch_size, lr=options.lr or LRS.get(options.arch, LR))
    model = machine.build(options.arch, place, options.seed, mnist.kind)
    if ":" in options.arch:
        smallest = len(training) % batch_size or batch_size
        architectures.tried(options.arch, model, mnist.kind, smallest, place.device)
    if options.init is not None and options.resume is None:
        checkpoint.restore(options.init, options.arch, model)
    assert options.lr is not None
    total = options.epochs * steps_in(len(training), batch_size)
    state = State(model, *optimisation(model, options.lr, total), place.device)
    criterion = architectures.named(options.arch, mnist.kind).criterion(place.layers)

    def make(options: FitOptions, folder: Path, metrics: MetricsFile) -> Run:
        return Run(options, place, mnist, training, validation, criterion, state, folder, metrics)

    return make, options


def _facts(place: Machine) -> dict[str, Any]:
    """On what the bits of a run depend besides its options."""
    return {"torch": str(torch.__version__), "device": place.device.type, "threads": torch.get_num_threads()}


def _compare_machines(there: Any, place: Machine) -> None:
    if not isinstance(there, dict):
        return
    changed = [f"{name} {there.get(name)} -> {here}" for name, here in _facts(place).items() if there.get(name) != here]
    if changed:
        print(f"The last bits may be others than without the stop: {', '.join(changed)}.", file=sys.stderr, flush=True)
