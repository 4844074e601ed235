"""torch.nn's names, with every derivative by hand, and torch's own containers.

A layer that is not written here yet is an AttributeError that names torch.nn's: nothing falls back in silence.
"""

from __future__ import annotations

from types import ModuleType as _ModuleType
from typing import Any

from torch.nn import Identity as Identity
from torch.nn import Module as Module
from torch.nn import ModuleDict as ModuleDict
from torch.nn import ModuleList as ModuleList
from torch.nn import Parameter as Parameter
from torch.nn import ParameterDict as ParameterDict
from torch.nn import ParameterList as ParameterList
from torch.nn import Sequential as Sequential
from torch.nn import init as init
from torch.nn import parameter as parameter
from torch.nn import utils as utils

from manualconv.nn._tracing import not_scripted as _not_scripted
from manualconv.nn._tracing import traced_whole as _traced_whole
from manualconv.nn.adaptive_pooling import AdaptiveAvgPool1d as AdaptiveAvgPool1d
from manualconv.nn.adaptive_pooling import AdaptiveAvgPool2d as AdaptiveAvgPool2d
from manualconv.nn.adaptive_pooling import AdaptiveAvgPool3d as AdaptiveAvgPool3d
from manualconv.nn.adaptive_pooling import AdaptiveMaxPool1d as AdaptiveMaxPool1d
from manualconv.nn.adaptive_pooling import AdaptiveMaxPool2d as AdaptiveMaxPool2d
from manualconv.nn.adaptive_pooling import AdaptiveMaxPool3d as AdaptiveMaxPool3d
from manualconv.nn.average_pooling import AvgPool1d as AvgPool1d
from manualconv.nn.average_pooling import AvgPool2d as AvgPool2d
from manualconv.nn.average_pooling import AvgPool3d as AvgPool3d
from manualconv.nn.batch_normalization import BatchNorm1d as BatchNorm1d
from manualconv.nn.batch_normalization import BatchNorm2d as BatchNorm2d
from manualconv.nn.batch_normalization import BatchNorm3d as BatchNorm3d
from manualconv.nn.batch_normalization import InstanceNorm1d as InstanceNorm1d
from manualconv.nn.batch_normalization import InstanceNorm2d as InstanceNorm2d
from manualconv.nn.batch_normalization import InstanceNorm3d as InstanceNorm3d
from manualconv.nn.batch_normalization import LazyBatchNorm1d as LazyBatchNorm1d
from manualconv.nn.batch_normalization import LazyBatchNorm2d as LazyBatchNorm2d
from manualconv.nn.batch_normalization import LazyBatchNorm3d as LazyBatchNorm3d
from manualconv.nn.batch_normalization import LazyInstanceNorm1d as LazyInstanceNorm1d
from manualconv.nn.batch_normalization import LazyInstanceNorm2d as LazyInstanceNorm2d
from manualconv.nn.batch_normalization import LazyInstanceNorm3d as LazyInstanceNorm3d
from manualconv.nn.classification_loss import BCELoss as BCELoss
from manualconv.nn.classification_loss import BCEWithLogitsLoss as BCEWithLogitsLoss
from manualconv.nn.classification_loss import CrossEntropyLoss as CrossEntropyLoss
from manualconv.nn.classification_loss import NLLLoss as NLLLoss
from manualconv.nn.convolution import Conv1d as Conv1d
from manualconv.nn.convolution import Conv2d as Conv2d
from manualconv.nn.convolution import Conv3d as Conv3d
from manualconv.nn.convolution import LazyConv1d as LazyConv1d
from manualconv.nn.convolution import LazyConv2d as LazyConv2d
from manualconv.nn.convolution import LazyConv3d as LazyConv3d
from manualconv.nn.convolution_transpose import ConvTranspose1d as ConvTranspose1d
from manualconv.nn.convolution_transpose import ConvTranspose2d as ConvTranspose2d
from manualconv.nn.convolution_transpose import ConvTranspose3d as ConvTranspose3d
from manualconv.nn.convolution_transpose import LazyConvTranspose1d as LazyConvTranspose1d
from manualconv.nn.convolution_transpose import LazyConvTranspose2d as LazyConvTranspose2d
from manualconv.nn.convolution_transpose import LazyConvTranspose3d as LazyConvTranspose3d
from manualconv.nn.dropout import AlphaDropout as AlphaDropout
from manualconv.nn.dropout import Dropout as Dropout
from manualconv.nn.dropout import Dropout1d as Dropout1d
from manualconv.nn.dropout import Dropout2d as Dropout2d
from manualconv.nn.dropout import Dropout3d as Dropout3d
from manualconv.nn.dropout import FeatureAlphaDropout as FeatureAlphaDropout
from manualconv.nn.flatten import Flatten as Flatten
from manualconv.nn.fold import Fold as Fold
from manualconv.nn.fold import Unfold as Unfold
from manualconv.nn.fractional_pooling import FractionalMaxPool2d as FractionalMaxPool2d
from manualconv.nn.fractional_pooling import FractionalMaxPool3d as FractionalMaxPool3d
from manualconv.nn.linear import LazyLinear as LazyLinear
from manualconv.nn.linear import Linear as Linear
from manualconv.nn.lp_pooling import LPPool1d as LPPool1d
from manualconv.nn.lp_pooling import LPPool2d as LPPool2d
from manualconv.nn.lp_pooling import LPPool3d as LPPool3d
from manualconv.nn.max_pooling import MaxPool1d as MaxPool1d
from manualconv.nn.max_pooling import MaxPool2d as MaxPool2d
from manualconv.nn.max_pooling import MaxPool3d as MaxPool3d
from manualconv.nn.max_unpooling import MaxUnpool1d as MaxUnpool1d
from manualconv.nn.max_unpooling import MaxUnpool2d as MaxUnpool2d
from manualconv.nn.max_unpooling import MaxUnpool3d as MaxUnpool3d
from manualconv.nn.normalization import GroupNorm as GroupNorm
from manualconv.nn.normalization import LayerNorm as LayerNorm
from manualconv.nn.normalization import LocalResponseNorm as LocalResponseNorm
from manualconv.nn.padding import CircularPad1d as CircularPad1d
from manualconv.nn.padding import CircularPad2d as CircularPad2d
from manualconv.nn.padding import CircularPad3d as CircularPad3d
from manualconv.nn.padding import ConstantPad1d as ConstantPad1d
from manualconv.nn.padding import ConstantPad2d as ConstantPad2d
from manualconv.nn.padding import ConstantPad3d as ConstantPad3d
from manualconv.nn.padding import ReflectionPad1d as ReflectionPad1d
from manualconv.nn.padding import ReflectionPad2d as ReflectionPad2d
from manualconv.nn.padding import ReflectionPad3d as ReflectionPad3d
from manualconv.nn.padding import ReplicationPad1d as ReplicationPad1d
from manualconv.nn.padding import ReplicationPad2d as ReplicationPad2d
from manualconv.nn.padding import ReplicationPad3d as ReplicationPad3d
from manualconv.nn.padding import ZeroPad1d as ZeroPad1d
from manualconv.nn.padding import ZeroPad2d as ZeroPad2d
from manualconv.nn.padding import ZeroPad3d as ZeroPad3d
from manualconv.nn.rectifiers import CELU as CELU
from manualconv.nn.rectifiers import ELU as ELU
from manualconv.nn.rectifiers import SELU as SELU
from manualconv.nn.rectifiers import Hardshrink as Hardshrink
from manualconv.nn.rectifiers import Hardsigmoid as Hardsigmoid
from manualconv.nn.rectifiers import Hardswish as Hardswish
from manualconv.nn.rectifiers import Hardtanh as Hardtanh
from manualconv.nn.rectifiers import LeakyReLU as LeakyReLU
from manualconv.nn.rectifiers import ReLU as ReLU
from manualconv.nn.rectifiers import ReLU6 as ReLU6
from manualconv.nn.rectifiers import Softshrink as Softshrink
from manualconv.nn.rectifiers import Threshold as Threshold
from manualconv.nn.regression_loss import HuberLoss as HuberLoss
from manualconv.nn.regression_loss import L1Loss as L1Loss
from manualconv.nn.regression_loss import MSELoss as MSELoss
from manualconv.nn.regression_loss import SmoothL1Loss as SmoothL1Loss
from manualconv.nn.sigmoidal import GELU as GELU
from manualconv.nn.sigmoidal import LogSigmoid as LogSigmoid
from manualconv.nn.sigmoidal import Mish as Mish
from manualconv.nn.sigmoidal import ScaledTanh as ScaledTanh
from manualconv.nn.sigmoidal import Sigmoid as Sigmoid
from manualconv.nn.sigmoidal import SiLU as SiLU
from manualconv.nn.sigmoidal import Softplus as Softplus
from manualconv.nn.sigmoidal import Tanh as Tanh
from manualconv.nn.softmax import LogSoftmax as LogSoftmax
from manualconv.nn.softmax import Softmax as Softmax
from manualconv.nn.softmax import Softmax2d as Softmax2d
from manualconv.nn.softmax import Softmin as Softmin
from manualconv.nn.subsampling import Subsample1d as Subsample1d
from manualconv.nn.subsampling import Subsample2d as Subsample2d
from manualconv.nn.subsampling import Subsample3d as Subsample3d


def _is_public(name: str, value: Any) -> bool:
    """Whether a name above is ours, or torch's container or module; our own modules stand under their names too."""
    if isinstance(value, _ModuleType):
        return value.__name__.startswith("torch.nn.")
    return not name.startswith("_") and getattr(value, "__module__", "").startswith((f"{__name__}.", "torch.nn."))


__all__ = sorted(name for name, value in globals().items() if _is_public(name, value))

for _layer in [value for value in list(globals().values()) if isinstance(value, type)]:
    if _layer.__module__.startswith(f"{__name__}."):
        _layer.forward = _traced_whole(  # type: ignore[attr-defined]
            _layer.forward,  # type: ignore[attr-defined]
            in_block=hasattr(_layer, "derivative_slots"),
        )
        _layer.__prepare_scriptable__ = _not_scripted  # type: ignore[attr-defined]


def __getattr__(name: str) -> Any:
    import torch.nn

    from manualconv.missing import absent

    elsewhere = f"torch.nn.{name} is torch's own" if hasattr(torch.nn, name) else None
    if name == "functional":
        elsewhere = "the functions are in manualconv.functional"
    raise absent("manualconv.nn", name, "no hand-written layer of that name", __all__, elsewhere)
