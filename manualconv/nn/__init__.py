"""torch.nn's names, with every derivative by hand, and torch's own containers.

A layer that is not written here yet is an AttributeError that names torch.nn's: nothing falls back in silence.
"""

from __future__ import annotations

from typing import Any

from torch.nn import (
    Identity,
    Module,
    ModuleDict,
    ModuleList,
    Parameter,
    ParameterDict,
    ParameterList,
    Sequential,
    init,
    parameter,
    utils,
)

from manualconv.nn._tracing import not_scripted, traced_whole
from manualconv.nn.adaptive_pooling import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
)
from manualconv.nn.average_pooling import AvgPool1d, AvgPool2d, AvgPool3d
from manualconv.nn.batch_normalization import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
    LazyBatchNorm1d,
    LazyBatchNorm2d,
    LazyBatchNorm3d,
    LazyInstanceNorm1d,
    LazyInstanceNorm2d,
    LazyInstanceNorm3d,
)
from manualconv.nn.classification_loss import BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, NLLLoss
from manualconv.nn.convolution import Conv1d, Conv2d, Conv3d, LazyConv1d, LazyConv2d, LazyConv3d
from manualconv.nn.convolution_transpose import (
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
    LazyConvTranspose1d,
    LazyConvTranspose2d,
    LazyConvTranspose3d,
)
from manualconv.nn.dropout import AlphaDropout, Dropout, Dropout1d, Dropout2d, Dropout3d, FeatureAlphaDropout
from manualconv.nn.flatten import Flatten
from manualconv.nn.fold import Fold, Unfold
from manualconv.nn.fractional_pooling import FractionalMaxPool2d, FractionalMaxPool3d
from manualconv.nn.linear import LazyLinear, Linear
from manualconv.nn.lp_pooling import LPPool1d, LPPool2d, LPPool3d
from manualconv.nn.max_pooling import MaxPool1d, MaxPool2d, MaxPool3d
from manualconv.nn.max_unpooling import MaxUnpool1d, MaxUnpool2d, MaxUnpool3d
from manualconv.nn.normalization import GroupNorm, LayerNorm, LocalResponseNorm
from manualconv.nn.padding import (
    CircularPad1d,
    CircularPad2d,
    CircularPad3d,
    ConstantPad1d,
    ConstantPad2d,
    ConstantPad3d,
    ReflectionPad1d,
    ReflectionPad2d,
    ReflectionPad3d,
    ReplicationPad1d,
    ReplicationPad2d,
    ReplicationPad3d,
    ZeroPad1d,
    ZeroPad2d,
    ZeroPad3d,
)
from manualconv.nn.rectifiers import (
    CELU,
    ELU,
    SELU,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    LeakyReLU,
    ReLU,
    ReLU6,
    Threshold,
)
from manualconv.nn.regression_loss import HuberLoss, L1Loss, MSELoss, SmoothL1Loss
from manualconv.nn.sigmoidal import GELU, LogSigmoid, Mish, ScaledTanh, Sigmoid, SiLU, Softplus, Tanh
from manualconv.nn.softmax import LogSoftmax, Softmax, Softmax2d, Softmin
from manualconv.nn.subsampling import Subsample1d, Subsample2d, Subsample3d

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AlphaDropout",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "CELU",
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "CrossEntropyLoss",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "ELU",
    "FeatureAlphaDropout",
    "Flatten",
    "Fold",
    "FractionalMaxPool2d",
    "FractionalMaxPool3d",
    "GELU",
    "GroupNorm",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "HuberLoss",
    "Identity",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "L1Loss",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "LayerNorm",
    "LazyBatchNorm1d",
    "LazyBatchNorm2d",
    "LazyBatchNorm3d",
    "LazyConv1d",
    "LazyConv2d",
    "LazyConv3d",
    "LazyConvTranspose1d",
    "LazyConvTranspose2d",
    "LazyConvTranspose3d",
    "LazyInstanceNorm1d",
    "LazyInstanceNorm2d",
    "LazyInstanceNorm3d",
    "LazyLinear",
    "LeakyReLU",
    "Linear",
    "LocalResponseNorm",
    "LogSigmoid",
    "LogSoftmax",
    "MSELoss",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
    "Mish",
    "Module",
    "ModuleDict",
    "ModuleList",
    "NLLLoss",
    "Parameter",
    "ParameterDict",
    "ParameterList",
    "ReLU",
    "ReLU6",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "SELU",
    "ScaledTanh",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SmoothL1Loss",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Subsample1d",
    "Subsample2d",
    "Subsample3d",
    "Tanh",
    "Threshold",
    "Unfold",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
    "init",
    "parameter",
    "utils",
]

for _layer in [value for value in list(globals().values()) if isinstance(value, type)]:
    if _layer.__module__.startswith(f"{__name__}."):
        _layer.forward = traced_whole(  # type: ignore[attr-defined]
            _layer.forward,  # type: ignore[attr-defined]
            in_block=hasattr(_layer, "derivative_slots"),
        )
        _layer.__prepare_scriptable__ = not_scripted  # type: ignore[attr-defined]


def __getattr__(name: str) -> Any:
    import torch.nn

    from manualconv.missing import absent

    elsewhere = f"torch.nn.{name} is torch's own" if hasattr(torch.nn, name) else None
    if name == "functional":
        elsewhere = "the functions are in manualconv.functional"
    raise absent("manualconv.nn", name, "no hand-written layer of that name", __all__, elsewhere)
