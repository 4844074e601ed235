"""The networks, each built from a layers namespace, so that ``torch.nn`` and ``manualconv.nn`` give the same one."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import ModuleType

from torch import nn

from train.batches import Scale, framed, standardised
from train.errors import OptionError
from train.models.cifar import cifar
from train.models.lenet import lenet5
from train.models.lenet1998 import NearestCodeLoss, lenet5_1998
from train.models.normalized import normalized
from train.models.perceptron import perceptron
from train.models.schematic import conv_pool, sub_sampled

__all__ = [
    "NETWORKS",
    "Network",
    "cifar",
    "conv_pool",
    "lenet5",
    "lenet5_1998",
    "normalized",
    "perceptron",
    "sub_sampled",
]


def cross_entropy(layers: ModuleType) -> nn.Module:
    """The loss of a classifier's logits."""
    loss: nn.Module = layers.CrossEntropyLoss()
    return loss


@dataclass(frozen=True)
class Network:
    """What ``python -m train --arch`` can train: scaled images in; scores of the classes out.

    ``takes``: the images' (channels, rows, columns), where the network has no choice.
    """

    title: str
    build: Callable[..., nn.Module]
    criterion: Callable[[ModuleType], nn.Module] = cross_entropy
    scale: Scale = standardised
    takes: tuple[int, int, int] | None = None

    def objective(self, layers: ModuleType, smoothing: float) -> nn.Module:
        """What training makes small: the criterion, of labels that are smoothed.  Raises ``OptionError``."""
        if not smoothing:
            return self.criterion(layers)
        if self.criterion is not cross_entropy:
            reason = f"--label-smoothing goes with cross-entropy, and {self.title} has a loss of its own"
            raise OptionError(f"{reason}: --label-smoothing 0 leaves it as it is.")
        loss: nn.Module = layers.CrossEntropyLoss(label_smoothing=smoothing)
        return loss


NETWORKS = {
    "lenet5": Network("LeNet-5", lenet5),
    "lenet5-1998": Network("LeNet-5 of 1998", lenet5_1998, NearestCodeLoss, framed, (1, 28, 28)),
    "lenet5-unpadded": Network("LeNet-5 without padding", partial(lenet5, padding=0)),
    "conv-pool": Network("conv-pool-conv-pool", conv_pool),
    "normalized": Network("conv-pool-norm twice", normalized),
    "sub-sampled": Network("C-S-C-S", sub_sampled),
    "cifar": Network("Keras's network for CIFAR-10", cifar, takes=(3, 32, 32)),
}
