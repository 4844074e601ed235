"""The numbers of the default run and of the other recipes; without torch, so that ``--help`` may quote them."""

from dataclasses import dataclass
from typing import Any

EPOCHS = 6
BATCH_SIZE = 128
HOLDOUT = 12  # 60,000 images: 5,000 validate, 55,000 train
DATASETS = ("mnist", "fashion-mnist", "kmnist", "emnist", "cifar10")
ARCH = "lenet5"
LR = 0.05  # the peak of the schedule
LRS = {
    ARCH: LR,
    "lenet5-1998": 0.002,
    "lenet5-unpadded": LR,
    "conv-pool": LR,
    "normalized": 0.1,
    "sub-sampled": LR,
    "cifar": LR,
}  # of every network of `train.models`, with stochastic gradient descent
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4


@dataclass(frozen=True)
class BatchSizes:
    """The images of a step where nobody says how many: ``most``, halved down to ``least`` until there are ``steps``."""

    most: int = BATCH_SIZE
    least: int = 8
    steps: int = 100  # 2,000 images teach LeNet 12 to 27 % in 16 batches of 128, 84 % in 125 of 16


@dataclass(frozen=True)
class Rule:
    """An optimiser: torch.optim's name, and its defaults here; ``lr`` is None where it is the network's.

    ``momentum`` is None for one that has no such number.
    """

    name: str
    lr: float | None
    weight_decay: float = 0.0
    momentum: float | None = None


#: Adam's peak is twice torch's default, since every schedule but the constant one ends at nearly nothing.
OPTIMIZERS = {
    "sgd": Rule("SGD", None, WEIGHT_DECAY, MOMENTUM),
    "adam": Rule("Adam", 0.002),
    "adamw": Rule("AdamW", 0.002, 0.01),
    "nadam": Rule("NAdam", 0.002),
    "radam": Rule("RAdam", 0.002),
    "adamax": Rule("Adamax", 0.004),
    "adagrad": Rule("Adagrad", 0.02),
    "rmsprop": Rule("RMSprop", 0.001, momentum=0.0),
}
SCHEDULES = ("one-cycle", "cosine", "linear", "step", "constant", "1998")
AUGMENTATIONS = ("none", "shift", "affine", "elastic")
AVERAGES = {"ema": 0.999, "swa": 0.75}  # the decay a step; the share of the run before the first weights that count

#: What a recipe sets; plain is what every option is by default.
RECIPES: dict[str, dict[str, Any]] = {
    "plain": {},
    "augmented": {"augment": "affine", "epochs": 30, "average": "ema:0.999", "label_smoothing": 0.05},
    "1998": {
        "arch": "lenet5-1998",
        "augment": "none",
        "momentum": 0.0,
        "weight_decay": 0.0,
        "schedule": "1998",
        "epochs": 20,
        "lr": 0.005,  # for every weight: the article has a rate for each, from second derivatives
    },
}

#: The article takes one image at a time.  Its first weights are so small that the images hardly reach the output: at
#: one rate for every weight 2,000 images teach 10 % in 125 steps of 16, 67 % in 1,000 of 2, 76 % in 2,000 of 1.
BATCH_SIZES_1998 = BatchSizes(most=16, least=1, steps=2000)


def batch_sizes(recipe: str, arch: str, optimizer: str) -> BatchSizes:
    """Those of a recipe; where another network or optimiser than its own is given, the default."""
    return BATCH_SIZES_1998 if (recipe, arch, optimizer) == ("1998", "lenet5-1998", "sgd") else BatchSizes()
