"""The networks, each built from a layers namespace, so that ``torch.nn`` and ``manualconv.nn`` give the same one."""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

from torch import nn

from train.batches import Scale, framed, standardised
from train.models.cifar import cifar
from train.models.lenet import lenet5
from train.models.lenet1998 import NearestCodeLoss, lenet5_1998
from train.models.perceptron import perceptron
from train.models.schematic import conv_pool, sub_sampled

__all__ = ["NETWORKS", "Network", "cifar", "conv_pool", "lenet5", "lenet5_1998", "perceptron", "sub_sampled"]


def cross_entropy(layers: ModuleType) -> nn.Module:
    """The loss of a classifier's logits."""
    loss: nn.Module = layers.CrossEntropyLoss()
    return loss


@dataclass(frozen=True)
class Network:
    """What ``python -m train --model`` can train: images of 28×28, scaled, in; scores of ten digits out."""

    title: str
    build: Callable[[ModuleType], nn.Sequential]
    criterion: Callable[[ModuleType], nn.Module] = cross_entropy
    scale: Scale = standardised


NETWORKS = {
    "lenet5": Network("LeNet-5", lenet5),
    "lenet5-1998": Network("LeNet-5 of 1998", lenet5_1998, NearestCodeLoss, framed),
}
