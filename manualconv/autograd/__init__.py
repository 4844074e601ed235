"""The hand-written derivatives: torch.autograd.Function subclasses, named by map.

`Map`, `Linear`, `Bilinear`, `Pointwise` and `Stepwise` are what they are made of, and what a derivative of your own is:
docs/DERIVATIVES.md.  Words: docs/GLOSSARY.md.
"""

from manualconv.autograd.averaging import MeanIntervals, SpreadMeans
from manualconv.autograd.correlation import Convolution, TransposedConvolution, WeightCorrelation
from manualconv.autograd.extension import Extend, FoldBack, Pad
from manualconv.autograd.function import Map, conj
from manualconv.autograd.kinds import Bilinear, Linear
from manualconv.autograd.layout import Lay
from manualconv.autograd.masking import Mask
from manualconv.autograd.pointwise import OF_INPUT, OF_OUTPUT, Pointwise, Square, Stepwise, in_float32
from manualconv.autograd.power import NonzeroPower, Power, Root
from manualconv.autograd.rectifiers import ELU, HardSigmoid, HardSwish, HardTanh, LeakyReLU, ReLU, Threshold
from manualconv.autograd.residuals import Absolute, BinaryCrossEntropy, Clip, Huber, LogitCrossEntropy
from manualconv.autograd.rules import exact_bias, exact_input, exact_weight
from manualconv.autograd.scaling import DotChannels, ScaleChannels
from manualconv.autograd.selection import Place, Scatter, Select
from manualconv.autograd.sigmoidal import GELU, LogSigmoid, Mish, ScaledTanh, Sigmoid, SiLU, Softplus, Tanh, TanhGELU
from manualconv.autograd.slots import Rules, exact_pool, exact_slope
from manualconv.autograd.softmax import LogSoftmax, Softmax
from manualconv.autograd.standardization import Standardize
from manualconv.autograd.summation import SpreadBias, SpreadWindows, SumToBias, SumWindows
from manualconv.autograd.ties import SelectTied
from manualconv.autograd.windows import OverlapAdd, Windows

__all__ = [
    "OF_INPUT",
    "OF_OUTPUT",
    "Bilinear",
    "Linear",
    "Map",
    "Pointwise",
    "Stepwise",
    "conj",
    "in_float32",
    "Absolute",
    "BinaryCrossEntropy",
    "Clip",
    "Convolution",
    "DotChannels",
    "ELU",
    "Extend",
    "FoldBack",
    "GELU",
    "HardSigmoid",
    "HardSwish",
    "HardTanh",
    "Huber",
    "Lay",
    "LeakyReLU",
    "LogSigmoid",
    "LogitCrossEntropy",
    "LogSoftmax",
    "Mask",
    "MeanIntervals",
    "Mish",
    "NonzeroPower",
    "OverlapAdd",
    "Pad",
    "Place",
    "Power",
    "ReLU",
    "Root",
    "Rules",
    "ScaleChannels",
    "ScaledTanh",
    "Scatter",
    "Select",
    "SelectTied",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "SpreadBias",
    "SpreadMeans",
    "SpreadWindows",
    "Square",
    "Standardize",
    "SumToBias",
    "SumWindows",
    "Tanh",
    "TanhGELU",
    "Threshold",
    "TransposedConvolution",
    "WeightCorrelation",
    "Windows",
    "exact_bias",
    "exact_input",
    "exact_pool",
    "exact_slope",
    "exact_weight",
]
