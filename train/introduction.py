"""What a run says of itself before its first epoch, and of the place where it is."""

from dataclasses import fields

import torch

from train.kept_options import settled
from train.optimisation import LEAST_STEPS
from train.options import FitOptions
from train.recipe import batch_sizes
from train.run import Run
from train.training import fitting_batch_size, steps_in

#: The options that a line of their own shows, where one of them is not as the plain recipe has it.
SHOWN = (
    *("augment", "optimizer", "lr", "momentum", "weight_decay", "schedule", "average", "label_smoothing"),
    *("batch_size", "epochs", "keep"),
)


def introduce(this: Run) -> None:
    """Print the network, the place, the images, the recipe and, of a run that goes on, where it was stopped."""
    options, mnist, training = this.options, this.mnist, this.training
    parameters = sum(p.numel() for p in this.state.model.parameters())
    place = f"backend {options.backend}, {options.dtype} on {this.machine.device}, threads {torch.get_num_threads()}"
    place += "" if this.world.is_alone else f", {this.world.size} workers"
    print(f"{this.network.title}, {parameters:,} parameters, {place}, seed {options.seed}")
    kind = "MNIST, SHA-256 verified" if mnist.canonical else "not MNIST's own bytes"
    if options.dataset != "mnist":
        kind = f"{options.dataset}, {len(mnist.kind.labels)} classes"
    counts = f"{len(training):,} training, {len(this.validation):,} validation, {len(mnist.test):,} test images"
    print(f"{counts} ({kind})", flush=True)
    if not is_plain(options):
        print(f"recipe {options.recipe}: {spelled(options)}", flush=True)
    in_all = options.epochs * steps_an_epoch(this)
    sizes = batch_sizes(options.recipe, options.arch, options.optimizer)
    if this.batch_size == fitting_batch_size(len(training), options.epochs, sizes) < sizes.most:
        print(f"a short run: batches of {this.batch_size} make {in_all} steps of it", flush=True)
    elif in_all < LEAST_STEPS:
        print(f"{in_all} steps in all teach little: a smaller --batch-size or more --epochs makes more", flush=True)
    if this.came_from is not None:
        print(f"goes on {where(this)}, from {this.came_from}", flush=True)


def is_plain(options: FitOptions) -> bool:
    """Whether nothing of ``SHOWN`` is other than by default, but for what any run chooses for itself."""
    default = settled(FitOptions(arch=options.arch))
    free = ("lr", "batch_size", "epochs")
    names = ["recipe", *(name for name in SHOWN if name not in free)]
    return all(getattr(options, name) == getattr(default, name) for name in names)


def spelled(options: FitOptions) -> str:
    """``augment affine, optimizer sgd, …``, all that there is of ``SHOWN``."""
    values = {entry.name: getattr(options, entry.name) for entry in fields(FitOptions)}
    return ", ".join(f"{name.replace('_', ' ')} {values[name]}" for name in SHOWN if values[name] is not None)


def steps_an_epoch(this: Run) -> int:
    """The last one possibly with fewer images."""
    return steps_in(len(this.training), this.batch_size)


def where(this: Run) -> str:
    """The epoch and step after which the run stands."""
    state = this.state
    if state.epoch > this.options.epochs:
        return "after the last epoch"
    return f"in epoch {state.epoch} of {this.options.epochs}, after step {state.step} of {steps_an_epoch(this)}"
