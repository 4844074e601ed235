"""The hand-written derivatives: torch.autograd.Function subclasses, named by map.

`Map`, `Linear`, `Bilinear`, `Pointwise` and `Stepwise` are what they are made of, and what a derivative of your own is:
docs/DERIVATIVES.md.  Words: docs/GLOSSARY.md.
"""

from types import ModuleType as _Module

from manualconv.autograd.averaging import MeanIntervals as MeanIntervals
from manualconv.autograd.averaging import SpreadMeans as SpreadMeans
from manualconv.autograd.correlation import Convolution as Convolution
from manualconv.autograd.correlation import TransposedConvolution as TransposedConvolution
from manualconv.autograd.correlation import WeightCorrelation as WeightCorrelation
from manualconv.autograd.extension import Extend as Extend
from manualconv.autograd.extension import FoldBack as FoldBack
from manualconv.autograd.extension import Pad as Pad
from manualconv.autograd.function import Map as Map
from manualconv.autograd.function import conj as conj
from manualconv.autograd.kinds import Bilinear as Bilinear
from manualconv.autograd.kinds import Linear as Linear
from manualconv.autograd.layout import Lay as Lay
from manualconv.autograd.masking import Mask as Mask
from manualconv.autograd.maximum import Maximum as Maximum
from manualconv.autograd.maximum import ScatterTaps as ScatterTaps
from manualconv.autograd.maximum import SelectTaps as SelectTaps
from manualconv.autograd.pointwise import OF_INPUT as OF_INPUT
from manualconv.autograd.pointwise import OF_OUTPUT as OF_OUTPUT
from manualconv.autograd.pointwise import Pointwise as Pointwise
from manualconv.autograd.pointwise import Square as Square
from manualconv.autograd.pointwise import Stepwise as Stepwise
from manualconv.autograd.pointwise import in_float32 as in_float32
from manualconv.autograd.power import NonzeroPower as NonzeroPower
from manualconv.autograd.power import Power as Power
from manualconv.autograd.power import Root as Root
from manualconv.autograd.rectifiers import ELU as ELU
from manualconv.autograd.rectifiers import HardShrink as HardShrink
from manualconv.autograd.rectifiers import HardSigmoid as HardSigmoid
from manualconv.autograd.rectifiers import HardSwish as HardSwish
from manualconv.autograd.rectifiers import HardTanh as HardTanh
from manualconv.autograd.rectifiers import LeakyReLU as LeakyReLU
from manualconv.autograd.rectifiers import ReLU as ReLU
from manualconv.autograd.rectifiers import SoftShrink as SoftShrink
from manualconv.autograd.rectifiers import Threshold as Threshold
from manualconv.autograd.residuals import Absolute as Absolute
from manualconv.autograd.residuals import BinaryCrossEntropy as BinaryCrossEntropy
from manualconv.autograd.residuals import Clip as Clip
from manualconv.autograd.residuals import Huber as Huber
from manualconv.autograd.residuals import LogitCrossEntropy as LogitCrossEntropy
from manualconv.autograd.rules import exact_bias as exact_bias
from manualconv.autograd.rules import exact_input as exact_input
from manualconv.autograd.rules import exact_weight as exact_weight
from manualconv.autograd.scaling import DotChannels as DotChannels
from manualconv.autograd.scaling import ScaleChannels as ScaleChannels
from manualconv.autograd.selection import Place as Place
from manualconv.autograd.selection import Scatter as Scatter
from manualconv.autograd.selection import Select as Select
from manualconv.autograd.sigmoidal import GELU as GELU
from manualconv.autograd.sigmoidal import LogSigmoid as LogSigmoid
from manualconv.autograd.sigmoidal import Mish as Mish
from manualconv.autograd.sigmoidal import ScaledTanh as ScaledTanh
from manualconv.autograd.sigmoidal import Sigmoid as Sigmoid
from manualconv.autograd.sigmoidal import SiLU as SiLU
from manualconv.autograd.sigmoidal import Softplus as Softplus
from manualconv.autograd.sigmoidal import Tanh as Tanh
from manualconv.autograd.sigmoidal import TanhGELU as TanhGELU
from manualconv.autograd.slots import Rules as Rules
from manualconv.autograd.slots import exact_pool as exact_pool
from manualconv.autograd.slots import exact_slope as exact_slope
from manualconv.autograd.softmax import LogSoftmax as LogSoftmax
from manualconv.autograd.softmax import Softmax as Softmax
from manualconv.autograd.standardization import Standardize as Standardize
from manualconv.autograd.summation import SpreadBias as SpreadBias
from manualconv.autograd.summation import SpreadWindows as SpreadWindows
from manualconv.autograd.summation import SumToBias as SumToBias
from manualconv.autograd.summation import SumWindows as SumWindows
from manualconv.autograd.ties import SelectTied as SelectTied
from manualconv.autograd.windows import OverlapAdd as OverlapAdd
from manualconv.autograd.windows import Windows as Windows

#: The names above: what is no module is imported.
__all__ = sorted(name for name, value in globals().items() if name[0] != "_" and not isinstance(value, _Module))
