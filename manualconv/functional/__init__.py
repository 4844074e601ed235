"""torch.nn.functional's names, with every derivative by hand."""

from manualconv.functional.activation import log_softmax, relu, sigmoid, softmax, tanh
from manualconv.functional.average_pooling import avg_pool1d, avg_pool2d, avg_pool3d
from manualconv.functional.batch_normalization import batch_norm, instance_norm
from manualconv.functional.convolution import conv1d, conv2d, conv3d
from manualconv.functional.convolution_transpose import conv_transpose1d, conv_transpose2d, conv_transpose3d
from manualconv.functional.flatten import flatten
from manualconv.functional.fold import fold, unfold
from manualconv.functional.linear import linear
from manualconv.functional.loss import cross_entropy, mse_loss, nll_loss
from manualconv.functional.max_pooling import max_pool2d
from manualconv.functional.normalization import group_norm, layer_norm, local_response_norm
from manualconv.functional.padding import pad
from manualconv.functional.subsampling import subsample1d, subsample2d, subsample3d
from manualconv.functional.toeplitz import Connections, connections, spectral_norm, toeplitz

__all__ = [
    "Connections",
    "avg_pool1d",
    "avg_pool2d",
    "batch_norm",
    "avg_pool3d",
    "connections",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "cross_entropy",
    "flatten",
    "fold",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "linear",
    "local_response_norm",
    "log_softmax",
    "max_pool2d",
    "mse_loss",
    "nll_loss",
    "pad",
    "relu",
    "sigmoid",
    "softmax",
    "spectral_norm",
    "subsample1d",
    "subsample2d",
    "subsample3d",
    "tanh",
    "toeplitz",
    "unfold",
]
