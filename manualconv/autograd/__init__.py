"""The hand-written derivatives: torch.autograd.Function subclasses, named by map."""

from manualconv.autograd.correlation import Convolution, TransposedConvolution, WeightCorrelation
from manualconv.autograd.pointwise import ReLU, Sigmoid, Square, Tanh
from manualconv.autograd.selection import Scatter, Select
from manualconv.autograd.softmax import LogSoftmax, Softmax
from manualconv.autograd.summation import SpreadBias, SpreadWindows, SumToBias, SumWindows

__all__ = [
    "Convolution",
    "LogSoftmax",
    "ReLU",
    "Scatter",
    "Select",
    "Sigmoid",
    "Softmax",
    "SpreadBias",
    "SpreadWindows",
    "Square",
    "SumToBias",
    "SumWindows",
    "Tanh",
    "TransposedConvolution",
    "WeightCorrelation",
]
