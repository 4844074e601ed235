"""The options: a frozen dataclass a sub-command, whose fields are its flags. Nothing here imports torch.

A field gives the flag its name (``batch_size`` is ``--batch-size``), default, help and check, and says what becomes of
it when a run goes on: most options decide what the run computes and are fixed when it starts; those with
``may_change`` say where and how it is computed; those that are not ``kept`` are about one start of the program.
"""

# ruff: noqa: RUF009 -- ``option`` makes a field, as ``dataclasses.field`` does

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from train.argument_types import (
    LARGEST,
    architecture,
    average,
    below_one,
    dataset,
    finite,
    not_negative,
    path,
    positive,
    whole,
)
from train.flags import argument, option
from train.recipe import (
    ARCH,
    AUGMENTATIONS,
    BATCH_SIZE,
    DATASETS,
    EPOCHS,
    HOLDOUT,
    LRS,
    OPTIMIZERS,
    RECIPES,
    SCHEDULES,
)

MOST_THREADS = 1024
LARGEST_SIDE = 1024
FLOAT32_MAX = (2 - 2**-23) * 2.0**127


def _recipes() -> str:
    """The recipes as flags."""
    flags = {
        name: " ".join(f"--{option.replace('_', '-')} {value}" for option, value in recipe.items())
        for name, recipe in RECIPES.items()
    }
    return "; ".join(f"{name} ({said})" if said else name for name, said in flags.items())


def _with_momentum() -> dict[str, float]:
    return {name: rule.momentum for name, rule in OPTIMIZERS.items() if rule.momentum is not None}


@dataclass(frozen=True)
class Common:
    """What every sub-command that trains understands."""

    seed: int = option(0, "of the weights, the order and the augmentation (default 0)", whole(0), metavar="N")
    batch_size: int | None = option(
        None, f"default {BATCH_SIZE}, fewer where that would leave few steps", whole(1), metavar="N"
    )
    threads: int | None = option(None, "default: torch's choice", whole(1, MOST_THREADS), may_change=True, metavar="N")
    max_train: int | None = option(None, "train on N images only, for a quick try", whole(1), metavar="N")
    data_dir: Path | None = option(
        None,
        "IDX files, or where torchvision keeps the data set (default: embedded MNIST)",
        path,
        may_change=True,
        metavar="DIR",
    )


@dataclass(frozen=True)
class FitOptions(Common):
    """Train a network, LeNet-5 unless told otherwise, choose by validation, test once."""

    arch: str = option(
        ARCH,
        f"{', '.join(LRS)}; torchvision:NAME; or module:factory, a function of yours that makes a network"
        f" (default {ARCH})",
        architecture,
        metavar="NAME",
    )
    dataset: str = option(
        "mnist",
        f"{', '.join(DATASETS)} (the others than mnist, which is embedded, are in --data-dir as torchvision puts"
        " them); or folder:PATH, a folder of images, with a sub-folder a class (default mnist)",
        dataset,
        may_change=True,
        metavar="NAME",
    )
    channels: int | None = option(
        None, "1 (grey) or 3 (colours); default: as the images have them", whole(1, 3), choices=(1, 3)
    )
    image_size: int | None = option(
        None,
        "resize the images to squares of N pixels a side; default: as they are, 28 of a folder",
        whole(1, LARGEST_SIDE),
        metavar="N",
    )
    recipe: str = option("plain", f"defaults of other options: {_recipes()} (default plain)", choices=tuple(RECIPES))
    epochs: int = option(EPOCHS, f"default {EPOCHS}", whole(1), metavar="N")
    augment: str = option(
        "shift",
        "what training makes of an image: shift by whole pixels; affine, turn, scale and shift; elastic, these and a"
        " smooth displacement (default shift)",
        choices=AUGMENTATIONS,
    )
    optimizer: str = option("sgd", "of torch.optim (default sgd)", choices=tuple(OPTIMIZERS))
    lr: float | None = option(
        None,
        f"peak of the learning rate (default {', '.join(f'{lr} for {arch}' for arch, lr in LRS.items())}; with"
        f" {', '.join(f'{name} {rule.lr}' for name, rule in OPTIMIZERS.items() if rule.lr)})",
        positive,
    )
    momentum: float | None = option(
        None, f"of {', '.join(_with_momentum())} (default {', '.join(map(str, _with_momentum().values()))})", below_one
    )
    weight_decay: float | None = option(
        None,
        f"default {', '.join(f'{r.weight_decay} with {n}' for n, r in OPTIMIZERS.items() if r.weight_decay)}, else 0",
        not_negative,
    )
    schedule: str = option(
        "one-cycle",
        "of the learning rate, of torch.optim.lr_scheduler (default one-cycle); step: a tenth after each third of the"
        " run; 1998: the article's five rates",
        choices=SCHEDULES,
    )
    average: str | None = option(
        None,
        "evaluate and keep averaged weights: ema:DECAY, a decay a step (ema is ema:0.999), or swa:SHARE, the mean of"
        " all steps after that share of the run (swa is swa:0.75); or none (default)",
        average,
        metavar="KIND",
    )
    label_smoothing: float = option(
        0.0, "the part of a label that training spreads over the classes (default 0)", below_one, metavar="PART"
    )
    holdout: int = option(
        HOLDOUT,
        f"every Nth training image validates (default {HOLDOUT}); 0: none, all train and the last epoch is kept",
        whole(0),
        metavar="N",
    )
    keep: str = option(
        "best", "the epoch that is kept and tested: best by validation (default)", choices=("best", "last")
    )
    backend: str = option("manual", "default manual", choices=("manual", "torch"))
    device: str = option("cpu", "cpu (default), cuda, cuda:1, ...", str, may_change=True)
    dtype: str = option("float32", "default float32", choices=("float32", "float64"))
    download: bool = option(False, "let torchvision download the data set into --data-dir first", kept=False)
    init: Path | None = option(None, "start from the weights of this checkpoint", path, metavar="FILE")
    out: Path | None = option(
        None, "a new or empty folder (default: a new one in runs/)", path, kept=False, metavar="DIR"
    )
    resume: Path | None = option(
        None,
        "go on with a run that was stopped: its folder, or a last.pt of it; the result is that of the run undisturbed",
        path,
        kept=False,
        metavar="RUN",
    )
    checkpoint_every: int | None = option(
        None,
        "steps from one last.pt to the next (default: as many as keep its cost below 1 %% of the time); each epoch"
        " ends with one in any case",
        whole(1),
        may_change=True,
        metavar="N",
    )
    report: bool = option(True, "no report.html at the end", may_change=True)
    progress: bool = option(True, "no bar, even on a terminal", may_change=True)
    tensorboard: bool = option(
        False, "write each epoch's numbers for TensorBoard too, into the run's folder", may_change=True
    )

    def __post_init__(self) -> None:
        """Raise ValueError for options that do not go together."""
        if self.download and self.data_dir is None:
            raise ValueError("--download needs --data-dir, the folder to download into")
        if self.dataset.startswith("folder:") and (self.data_dir or self.download):
            raise ValueError("--dataset folder:PATH has its folder: neither --data-dir nor --download goes with it")
        if self.dataset in DATASETS[1:] and self.data_dir is None:
            raise ValueError(f"--dataset {self.dataset} needs --data-dir, the folder where torchvision has put it")
        if self.dtype == "float32" and (self.lr or 0) > FLOAT32_MAX:
            raise ValueError(f"--lr {self.lr:g} is more than float32 holds, {FLOAT32_MAX:g}")
        if self.momentum is not None and self.optimizer not in _with_momentum():
            takes = " and ".join(_with_momentum())
            raise ValueError(f"--momentum goes with the optimizers {takes}, and not with {self.optimizer}")
        if self.holdout == 1:
            raise ValueError("--holdout 1 leaves no image to train with: 2 or more, or 0 for none to validate with")


@dataclass(frozen=True)
class CompareOptions(Common):
    """Train one epoch with torch.nn and one with manualconv.nn; compare times, memory and losses."""

    rounds: int = option(2, "timed epochs of each (default 2)", whole(1), metavar="N")


def vouched() -> Any:
    """The option of those who read a checkpoint."""
    return option(
        None, "needed where the checkpoint names a module:factory: importing it runs code", architecture, metavar="NAME"
    )


@dataclass(frozen=True)
class EvaluateOptions:
    """Ask a trained network the test images: loss, accuracy, each label's share, the commonest mistakes."""

    checkpoint: Path = argument("best.pt of a run", path, metavar="CHECKPOINT")
    data_dir: Path | None = option(
        None, "IDX files, or where torchvision keeps the data set (default: embedded MNIST)", path, metavar="DIR"
    )
    dataset: str | None = option(None, "default: that of the run", dataset, metavar="NAME")
    backend: str = option("manual", "default manual", choices=("manual", "torch"))
    device: str = option("cpu", "cpu (default), cuda, cuda:1, ...", str)
    json: bool = option(False, "all numbers, with the confusion matrix")
    arch: str | None = vouched()


@dataclass(frozen=True)
class ReportOptions:
    """Write report.html into a run's folder: curves, gradient norms, confusion, mistakes, filters."""

    run: Path = argument("the folder of a run", path, metavar="RUN")
    arch: str | None = vouched()


@dataclass(frozen=True)
class ExportOptions:
    """Write a checkpoint's weights as safetensors and its network as a program of torch.export."""

    checkpoint: Path = argument("best.pt of a run", path, metavar="CHECKPOINT")
    out: Path | None = option(None, "default: next to the checkpoint", path, metavar="DIR")
    arch: str | None = vouched()


@dataclass(frozen=True)
class PredictOptions:
    """Say which digit photographs and scans show: PNG, JPEG and other images, and folders of them."""

    checkpoint: Path = argument("best.pt of a run", path, metavar="CHECKPOINT")
    images: list[Path] = argument("a file, or a folder of files", path, nargs="+", metavar="IMAGE")
    json: bool = option(False, 'a list of {"file", "label", "confidence", "top"}')
    show: Path | None = option(None, "save what the network sees of each image there", path, metavar="DIR")
    arch: str | None = vouched()


@dataclass(frozen=True)
class TraceOptions:
    """Print back-propagation through a 2-3-2-1 network of sigmoid units, every number of every step."""

    seed: int = option(0, "of the weights (default 0)", whole(0, LARGEST), metavar="N")
    eta: float = option(0.5, "learning rate (default 0.5)", positive)
    steps: int = option(1, "default 1", whole(1), metavar="N")
    input: list[float] = option([1.0, -0.5], "default 1 -0.5", finite, nargs=2, metavar=("X1", "X2"))
    target: list[float] = option([1.0], "default 1", finite, nargs=1, metavar="T")
    bias: bool = option(True, "units without biases, weights alone")
