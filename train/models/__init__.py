"""The networks, each built from a layers namespace, so that ``torch.nn`` and ``manualconv.nn`` give the same one."""

from collections.abc import Callable
from types import ModuleType

from torch import nn

from train.models.lenet import lenet5
from train.models.perceptron import perceptron
from train.models.schematic import conv_pool

__all__ = ["NETWORKS", "conv_pool", "lenet5", "perceptron"]

# What ``python -m train --model`` can train: images of 28×28 in, scores of ten digits out.
NETWORKS: dict[str, Callable[[ModuleType], nn.Sequential]] = {"lenet5": lenet5}
