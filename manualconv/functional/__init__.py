"""torch.nn.functional's names, with every derivative by hand; each asks its arguments first (`overrides`)."""

from typing import Any

from manualconv.functional.adaptive_pooling import adaptive_avg_pool1d as adaptive_avg_pool1d
from manualconv.functional.adaptive_pooling import adaptive_avg_pool2d as adaptive_avg_pool2d
from manualconv.functional.adaptive_pooling import adaptive_avg_pool3d as adaptive_avg_pool3d
from manualconv.functional.adaptive_pooling import adaptive_max_pool1d as adaptive_max_pool1d
from manualconv.functional.adaptive_pooling import adaptive_max_pool2d as adaptive_max_pool2d
from manualconv.functional.adaptive_pooling import adaptive_max_pool3d as adaptive_max_pool3d
from manualconv.functional.average_pooling import avg_pool1d as avg_pool1d
from manualconv.functional.average_pooling import avg_pool2d as avg_pool2d
from manualconv.functional.average_pooling import avg_pool3d as avg_pool3d
from manualconv.functional.batch_normalization import batch_norm as batch_norm
from manualconv.functional.batch_normalization import instance_norm as instance_norm
from manualconv.functional.classification_loss import binary_cross_entropy as binary_cross_entropy
from manualconv.functional.classification_loss import (
    binary_cross_entropy_with_logits as binary_cross_entropy_with_logits,
)
from manualconv.functional.classification_loss import cross_entropy as cross_entropy
from manualconv.functional.classification_loss import nll_loss as nll_loss
from manualconv.functional.convolution import conv1d as conv1d
from manualconv.functional.convolution import conv2d as conv2d
from manualconv.functional.convolution import conv3d as conv3d
from manualconv.functional.convolution_transpose import conv_transpose1d as conv_transpose1d
from manualconv.functional.convolution_transpose import conv_transpose2d as conv_transpose2d
from manualconv.functional.convolution_transpose import conv_transpose3d as conv_transpose3d
from manualconv.functional.dropout import alpha_dropout as alpha_dropout
from manualconv.functional.dropout import dropout as dropout
from manualconv.functional.dropout import dropout1d as dropout1d
from manualconv.functional.dropout import dropout2d as dropout2d
from manualconv.functional.dropout import dropout3d as dropout3d
from manualconv.functional.dropout import feature_alpha_dropout as feature_alpha_dropout
from manualconv.functional.flatten import flatten as flatten
from manualconv.functional.fold import fold as fold
from manualconv.functional.fold import unfold as unfold
from manualconv.functional.fractional_pooling import fractional_max_pool2d as fractional_max_pool2d
from manualconv.functional.fractional_pooling import fractional_max_pool3d as fractional_max_pool3d
from manualconv.functional.linear import linear as linear
from manualconv.functional.lp_pooling import lp_pool1d as lp_pool1d
from manualconv.functional.lp_pooling import lp_pool2d as lp_pool2d
from manualconv.functional.lp_pooling import lp_pool3d as lp_pool3d
from manualconv.functional.max_pooling import max_pool1d as max_pool1d
from manualconv.functional.max_pooling import max_pool2d as max_pool2d
from manualconv.functional.max_pooling import max_pool3d as max_pool3d
from manualconv.functional.max_unpooling import max_unpool1d as max_unpool1d
from manualconv.functional.max_unpooling import max_unpool2d as max_unpool2d
from manualconv.functional.max_unpooling import max_unpool3d as max_unpool3d
from manualconv.functional.normalization import group_norm as group_norm
from manualconv.functional.normalization import layer_norm as layer_norm
from manualconv.functional.normalization import local_response_norm as local_response_norm
from manualconv.functional.overrides import asking as _asking
from manualconv.functional.padding import pad as pad
from manualconv.functional.rectifiers import celu as celu
from manualconv.functional.rectifiers import elu as elu
from manualconv.functional.rectifiers import hardshrink as hardshrink
from manualconv.functional.rectifiers import hardsigmoid as hardsigmoid
from manualconv.functional.rectifiers import hardswish as hardswish
from manualconv.functional.rectifiers import hardtanh as hardtanh
from manualconv.functional.rectifiers import leaky_relu as leaky_relu
from manualconv.functional.rectifiers import relu as relu
from manualconv.functional.rectifiers import relu6 as relu6
from manualconv.functional.rectifiers import selu as selu
from manualconv.functional.rectifiers import softshrink as softshrink
from manualconv.functional.rectifiers import threshold as threshold
from manualconv.functional.regression_loss import huber_loss as huber_loss
from manualconv.functional.regression_loss import l1_loss as l1_loss
from manualconv.functional.regression_loss import mse_loss as mse_loss
from manualconv.functional.regression_loss import smooth_l1_loss as smooth_l1_loss
from manualconv.functional.sigmoidal import gelu as gelu
from manualconv.functional.sigmoidal import logsigmoid as logsigmoid
from manualconv.functional.sigmoidal import mish as mish
from manualconv.functional.sigmoidal import scaled_tanh as scaled_tanh
from manualconv.functional.sigmoidal import sigmoid as sigmoid
from manualconv.functional.sigmoidal import silu as silu
from manualconv.functional.sigmoidal import softplus as softplus
from manualconv.functional.sigmoidal import tanh as tanh
from manualconv.functional.softmax import log_softmax as log_softmax
from manualconv.functional.softmax import softmax as softmax
from manualconv.functional.softmax import softmin as softmin
from manualconv.functional.subsampling import subsample1d as subsample1d
from manualconv.functional.subsampling import subsample2d as subsample2d
from manualconv.functional.subsampling import subsample3d as subsample3d
from manualconv.functional.toeplitz import Connections as Connections
from manualconv.functional.toeplitz import connections as connections
from manualconv.functional.toeplitz import spectral_norm as spectral_norm
from manualconv.functional.toeplitz import toeplitz as toeplitz

#: The names above.
__all__ = sorted(
    name
    for name, value in globals().items()
    if getattr(value, "__module__", "").startswith(f"{__name__}.") and not name.startswith("_")
)

for _name in __all__:
    if _name != "Connections":  # a result
        globals()[_name] = _asking(globals()[_name])


def __getattr__(name: str) -> Any:
    import torch

    from manualconv.missing import absent

    own = next((place for place in ("nn.functional", "nn", "") if hasattr(_at(torch, place), name)), None)
    path = ".".join(filter(None, ("torch", own, name)))
    elsewhere = None if own is None or name.startswith("_") else f"{path} is torch's own"
    if own == "nn":
        elsewhere = f"layers are in manualconv.nn, torch's in torch.nn, as {name}"
    raise absent("manualconv.functional", name, "no hand-written function of that name", __all__, elsewhere)


def _at(module: Any, path: str) -> Any:
    for name in filter(None, path.split(".")):
        module = getattr(module, name)
    return module
