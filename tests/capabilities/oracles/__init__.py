"""Every operation once more in plain differentiable arithmetic: the judge of manualconv and of torch alike.

Sums are lists of places, counted by the loops of manualconv.definitions: gather, multiply, `index_add`.  Activations
and losses are written out with exp and log.  Nothing here is a layer, so torch's derivatives of it are those of
multiplication and addition; evaluated in float64 or complex128 it says what is right in every dtype and mode.
"""

from tests.capabilities.oracles.activation import celu as celu
from tests.capabilities.oracles.activation import elu as elu
from tests.capabilities.oracles.activation import gelu as gelu
from tests.capabilities.oracles.activation import hardsigmoid as hardsigmoid
from tests.capabilities.oracles.activation import hardswish as hardswish
from tests.capabilities.oracles.activation import hardtanh as hardtanh
from tests.capabilities.oracles.activation import leaky_relu as leaky_relu
from tests.capabilities.oracles.activation import log_softmax as log_softmax
from tests.capabilities.oracles.activation import logsigmoid as logsigmoid
from tests.capabilities.oracles.activation import mish as mish
from tests.capabilities.oracles.activation import relu as relu
from tests.capabilities.oracles.activation import relu6 as relu6
from tests.capabilities.oracles.activation import scaled_tanh as scaled_tanh
from tests.capabilities.oracles.activation import selu as selu
from tests.capabilities.oracles.activation import sigmoid as sigmoid
from tests.capabilities.oracles.activation import silu as silu
from tests.capabilities.oracles.activation import softmax as softmax
from tests.capabilities.oracles.activation import softmin as softmin
from tests.capabilities.oracles.activation import softplus as softplus
from tests.capabilities.oracles.activation import tanh as tanh
from tests.capabilities.oracles.activation import threshold as threshold
from tests.capabilities.oracles.activation import unchanged as unchanged
from tests.capabilities.oracles.adaptive_pooling import adaptive_avg_pool as adaptive_avg_pool
from tests.capabilities.oracles.adaptive_pooling import adaptive_max_pool as adaptive_max_pool
from tests.capabilities.oracles.adaptive_pooling import fractional_max_pool as fractional_max_pool
from tests.capabilities.oracles.average_pooling import avg_pool as avg_pool
from tests.capabilities.oracles.convolution import convolution as convolution
from tests.capabilities.oracles.convolution import transposed as transposed
from tests.capabilities.oracles.folding import fold as fold
from tests.capabilities.oracles.folding import unfold as unfold
from tests.capabilities.oracles.linear import linear as linear
from tests.capabilities.oracles.loss import binary_cross_entropy as binary_cross_entropy
from tests.capabilities.oracles.loss import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
from tests.capabilities.oracles.loss import cross_entropy as cross_entropy
from tests.capabilities.oracles.loss import huber_loss as huber_loss
from tests.capabilities.oracles.loss import l1_loss as l1_loss
from tests.capabilities.oracles.loss import mse_loss as mse_loss
from tests.capabilities.oracles.loss import nll_loss as nll_loss
from tests.capabilities.oracles.loss import smooth_l1_loss as smooth_l1_loss
from tests.capabilities.oracles.loss import soft_cross_entropy as soft_cross_entropy
from tests.capabilities.oracles.lp_pooling import lp_pool as lp_pool
from tests.capabilities.oracles.max_pooling import max_pool as max_pool
from tests.capabilities.oracles.max_pooling import max_unpool as max_unpool
from tests.capabilities.oracles.max_pooling import places_backwards as places_backwards
from tests.capabilities.oracles.normalization import batch_norm as batch_norm
from tests.capabilities.oracles.normalization import batch_norm_evaluated as batch_norm_evaluated
from tests.capabilities.oracles.normalization import group_norm as group_norm
from tests.capabilities.oracles.normalization import instance_norm as instance_norm
from tests.capabilities.oracles.normalization import layer_norm as layer_norm
from tests.capabilities.oracles.normalization import local_response_norm as local_response_norm
from tests.capabilities.oracles.padding import padding as padding
