"""torch.nn.functional's names, with every derivative by hand; each asks its arguments first (`overrides`)."""

from typing import Any

from manualconv.functional.adaptive_pooling import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
)
from manualconv.functional.average_pooling import avg_pool1d, avg_pool2d, avg_pool3d
from manualconv.functional.batch_normalization import batch_norm, instance_norm
from manualconv.functional.classification_loss import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    nll_loss,
)
from manualconv.functional.convolution import conv1d, conv2d, conv3d
from manualconv.functional.convolution_transpose import conv_transpose1d, conv_transpose2d, conv_transpose3d
from manualconv.functional.dropout import alpha_dropout, dropout, dropout1d, dropout2d, dropout3d, feature_alpha_dropout
from manualconv.functional.flatten import flatten
from manualconv.functional.fold import fold, unfold
from manualconv.functional.fractional_pooling import fractional_max_pool2d, fractional_max_pool3d
from manualconv.functional.linear import linear
from manualconv.functional.lp_pooling import lp_pool1d, lp_pool2d, lp_pool3d
from manualconv.functional.max_pooling import max_pool1d, max_pool2d, max_pool3d
from manualconv.functional.max_unpooling import max_unpool1d, max_unpool2d, max_unpool3d
from manualconv.functional.normalization import group_norm, layer_norm, local_response_norm
from manualconv.functional.overrides import asking
from manualconv.functional.padding import pad
from manualconv.functional.rectifiers import (
    celu,
    elu,
    hardsigmoid,
    hardswish,
    hardtanh,
    leaky_relu,
    relu,
    relu6,
    selu,
    threshold,
)
from manualconv.functional.regression_loss import huber_loss, l1_loss, mse_loss, smooth_l1_loss
from manualconv.functional.sigmoidal import gelu, logsigmoid, mish, scaled_tanh, sigmoid, silu, softplus, tanh
from manualconv.functional.softmax import log_softmax, softmax, softmin
from manualconv.functional.subsampling import subsample1d, subsample2d, subsample3d
from manualconv.functional.toeplitz import Connections, connections, spectral_norm, toeplitz

__all__ = [
    "Connections",
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "alpha_dropout",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "batch_norm",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "celu",
    "connections",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "cross_entropy",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "elu",
    "feature_alpha_dropout",
    "flatten",
    "fold",
    "fractional_max_pool2d",
    "fractional_max_pool3d",
    "gelu",
    "group_norm",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "huber_loss",
    "instance_norm",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "local_response_norm",
    "log_softmax",
    "logsigmoid",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
    "mish",
    "mse_loss",
    "nll_loss",
    "pad",
    "relu",
    "relu6",
    "scaled_tanh",
    "selu",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softmax",
    "softmin",
    "softplus",
    "spectral_norm",
    "subsample1d",
    "subsample2d",
    "subsample3d",
    "tanh",
    "threshold",
    "toeplitz",
    "unfold",
]

for _name in __all__:
    if _name != "Connections":  # a result
        globals()[_name] = asking(globals()[_name])


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
