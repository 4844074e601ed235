"""The hand-written derivatives: torch.autograd.Function subclasses, named by map."""

from manualconv.autograd.correlation import Convolution, TransposedConvolution, WeightCorrelation
from manualconv.autograd.extension import Extend, FoldBack, Pad
from manualconv.autograd.pointwise import ReLU, Sigmoid, Square, Tanh
from manualconv.autograd.rules import Rules, exact_bias, exact_input, exact_weight
from manualconv.autograd.scaling import DotChannels, ScaleChannels
from manualconv.autograd.selection import Scatter, Select
from manualconv.autograd.softmax import LogSoftmax, Softmax
from manualconv.autograd.standardization import Standardize
from manualconv.autograd.summation import SpreadBias, SpreadWindows, SumToBias, SumWindows
from manualconv.autograd.windows import OverlapAdd, Windows

__all__ = [
    "Convolution",
    "DotChannels",
    "Extend",
    "FoldBack",
    "LogSoftmax",
    "OverlapAdd",
    "Pad",
    "ReLU",
    "Rules",
    "ScaleChannels",
    "Scatter",
    "Select",
    "Sigmoid",
    "Softmax",
    "SpreadBias",
    "SpreadWindows",
    "Square",
    "Standardize",
    "SumToBias",
    "SumWindows",
    "Tanh",
    "TransposedConvolution",
    "WeightCorrelation",
    "Windows",
    "exact_bias",
    "exact_input",
    "exact_weight",
]
