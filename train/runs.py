"""A run that starts, and one that was stopped and goes on."""

import sys
import time
from collections.abc import Callable, Collection
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from torch import nn

from train import architectures, checkpoint, data, datasets, machine, output, random_states
from train.augmentation import generator
from train.averaging import Average
from train.errors import DataError, ForeignCheckpoint, MissingCheckpoint, OptionError
from train.kept_options import from_plain, gone_on, may_change, plain, settled
from train.machine import Machine
from train.optimisation import optimisation
from train.options import FitOptions
from train.output import BEST, LAST, METRICS, OPTIONS, PREVIOUS, MetricsFile
from train.recipe import batch_sizes
from train.run import Run, facts
from train.state import State, workers
from train.tensorboard import library
from train.training import fitting_batch_size, steps_in
from train.world import DOWNLOAD, World

Make = Callable[..., Run]


def started(options: FitOptions, world: World) -> Run:
    """A new run in a new folder, which can be gone on with from here. Raises ``TrainError``."""
    if options.download and options.data_dir is not None:
        where = options.data_dir
        world.first(lambda: datasets.download(options.dataset, where), DOWNLOAD)
    make, options = world.together(lambda: _prepared(options, world))
    folder, metrics = _new(options, world)
    this = make(options, folder, metrics)
    this.save()
    world.first(lambda: output.write_json(folder / OPTIONS, plain(options)))
    world.first(this.open_board)
    return this


def resumed(options: FitOptions, given: Collection[str], world: World) -> Run:
    """A run that goes on where its newest good checkpoint is. Raises ``TrainError``; then nothing is changed.

    The first worker reads it for all.
    """
    assert options.resume is not None
    source = options.resume
    folder = source if source.is_dir() else source.parent
    held = world.first(lambda: _held(source, folder, options.out is None))
    try:
        return _gone_on(options, given, folder, held, world)
    except BaseException:
        if held is not None:
            held.close()
        raise


def _new(options: FitOptions, world: World) -> tuple[Path, MetricsFile | None]:
    """A folder, whose name every worker knows, and its table, which the first one writes."""
    folder = world.spread(world.first(lambda: output.new_folder(options.out)))
    assert folder is not None
    return folder, world.first(lambda: MetricsFile(folder / METRICS))


def _held(source: Path, folder: Path, goes_on_there: bool) -> MetricsFile | None:
    if not any(path.is_file() for path in _candidates(source)):
        raise MissingCheckpoint(f"There is no run in {source}: neither a {LAST} nor a checkpoint of that name.")
    return MetricsFile(folder / METRICS, is_new=False) if goes_on_there else None


def _gone_on(given: FitOptions, names: Collection[str], source: Path, held: MetricsFile | None, world: World) -> Run:
    contents, path = world.spread(world.first(lambda: _newest(given.resume, source))) or ({}, source)

    def prepared() -> tuple[Make, FitOptions]:
        try:
            options, contradictions = gone_on(_options(contents, path), given, names)
        except ValueError as error:  # its own options and the given ones do not go together
            raise OptionError(f"{error}.") from error
        if contradictions:
            raise OptionError(
                f"A run goes on with its own options, there -> here: {'; '.join(contradictions)}. Leave these out, or"
                f" start a new run; --init {source / BEST} gives it the weights of this one. What may change:"
                f" {may_change()}."
            )
        _check_workers(len(workers(contents)), world.size, path)
        if "arch" not in names:
            architectures.check_vouched(options.arch, path)
        return _prepared(options, world)

    make, options = world.together(prepared)
    folder, metrics = (source, held) if options.out is None else _new(options, world)
    this = make(options, folder, metrics)
    world.together(lambda: _restore(this, contents, path))
    world.first(lambda: _write_again(this, contents))
    if path != this.last:
        this.save(keep=False)  # a damaged last.pt must not take the place of the good previous.pt
    world.first(lambda: output.write_json(folder / OPTIONS, plain(options)))
    world.first(this.open_board)
    return this


def _newest(source: Path | None, folder: Path) -> tuple[dict[str, Any], Path]:
    contents, path, rejected = checkpoint.newest(_candidates(source), _is_of(folder / OPTIONS))
    for reason in rejected:
        print(f"Not used: {reason}", file=sys.stderr, flush=True)
    return contents, path


def _check_workers(there: int, here: int, path: Path) -> None:
    """The random states and the order of the sums are those of so many."""
    if there != here:
        start = "python" if there == 1 else f"torchrun --nproc-per-node {there}"
        raise OptionError(
            f"A run goes on with as many workers as it had, there -> here: {there} -> {here}."
            f" {start} -m train --resume {path} does."
        )


def _restore(this: Run, contents: dict[str, Any], path: Path) -> None:
    if contents.get("data") != this.mnist.digest:
        raise DataError(f"The images in {this.mnist.source} are not those that the run of {path} was started with.")
    this.state.restore(contents, path, steps_in(len(this.training), this.batch_size), this.world.rank)
    this.came_from = path


def _write_again(this: Run, contents: dict[str, Any]) -> None:
    """What the checkpoint has, and what of it is lost or damaged is made again."""
    assert this.metrics is not None
    _compare_machines(contents.get("machine"), this.machine)
    this.metrics.rewrite(this.state.history)
    this.write_gradients()
    this.save_best()


def _candidates(source: Path | None) -> list[Path]:
    """A folder has two; a file is the one that is meant."""
    assert source is not None
    return [source / LAST, source / PREVIOUS] if source.is_dir() else [source]


def _options(contents: dict[str, Any], path: Path) -> FitOptions:
    try:
        return settled(from_plain(contents["options"]))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ForeignCheckpoint(f"{path} has no options of this program: {error}.") from error


def _is_of(path: Path) -> Callable[[dict[str, Any], Path], object]:
    """A check that a checkpoint has the options of the folder it lies in; a folder without options takes any."""
    try:
        mine = settled(from_plain(output.read_json(path)))
    except (OSError, ValueError, TypeError, AttributeError):
        return _options
    names = [entry.name for entry in fields(FitOptions) if entry.metadata["kept"] and not entry.metadata["may_change"]]

    def check(contents: dict[str, Any], of: Path) -> None:
        _, contradictions = gone_on(mine, _options(contents, of), names)
        if contradictions:
            raise ForeignCheckpoint(f"{of} is of another run than {path}: {'; '.join(contradictions)}.")

    return check


def _prepared(options: FitOptions, world: World) -> tuple[Make, FitOptions]:
    """All that needs no folder, so that a mistake leaves none; and the options with every default resolved."""
    if options.tensorboard:
        library()
    place = machine.prepare(options.backend, world.device(options.device), options.dtype, options.threads)
    mnist = datasets.load(options.dataset, options.data_dir, options.channels, options.image_size)
    training, validation = data.divided(mnist, options.holdout)
    training = training.first(options.max_train)
    sizes = batch_sizes(options.recipe, options.arch, options.optimizer)
    batch_size = options.batch_size or fitting_batch_size(len(training), options.epochs, sizes)
    options = settled(replace(options, batch_size=batch_size))
    model = machine.build(options.arch, place, options.seed, mnist.kind)
    if ":" in options.arch:
        smallest = len(training) % batch_size or batch_size
        architectures.tried(options.arch, model, mnist.kind, smallest, place.device)
    if options.init is not None and options.resume is None:
        checkpoint.restore(options.init, options.arch, model)
    if not world.is_first:  # the weights are the first worker's, the draws of dropout each one's own
        random_states.seed(generator(options.seed, world.rank, "worker").initial_seed())
    network = architectures.named(options.arch, mnist.kind)
    losses = network.criterion(place.layers), network.objective(place.layers, options.label_smoothing)
    state = _state(options, model, options.epochs * steps_in(len(training), batch_size), place)

    def make(options: FitOptions, folder: Path, metrics: MetricsFile | None) -> Run:
        this = Run(options, place, mnist, training, validation, *losses, state, world, folder, metrics)
        this.saved_at = world.spread(time.perf_counter())
        return this

    return make, options


def _state(options: FitOptions, model: nn.Module, total: int, place: Machine) -> State:
    """Of a run of so many steps, before the first."""
    assert options.lr is not None
    numbers = options.optimizer, options.schedule, options.momentum, options.weight_decay
    average = None if options.average is None else Average(model, options.average, total)
    return State(model, *optimisation(model, options.lr, total, *numbers), place.device, average)


def _compare_machines(there: Any, place: Machine) -> None:
    if not isinstance(there, dict):
        return
    changed = [f"{name} {there.get(name)} -> {here}" for name, here in facts(place).items() if there.get(name) != here]
    if changed:
        print(f"The last bits may be others than without the stop: {', '.join(changed)}.", file=sys.stderr, flush=True)
