"""The layers by their definitions: every sum written out, one term after another.

These files, one a family, are the specification.  They share no code with manualconv (a `Window` is read as a bundle of
numbers, its output size counted afresh) and know no algorithm, so they can be checked by reading them beside the
equations:

    i = s·p + d·k − a        input position i, tap k, output position p, each one number per axis

Arrays are NumPy's, of any dtype; on integers every result is exact.  Letters: n sample, g group, c channel and o output
channel inside a group, (g c) and (g o) their positions among all channels.
"""

from tests.definitions.activation import activate as activate
from tests.definitions.activation import log_softmax_gradient as log_softmax_gradient
from tests.definitions.activation import softmax as softmax
from tests.definitions.activation import softmax_gradient as softmax_gradient
from tests.definitions.adaptive_pooling import adaptive_avg_pool as adaptive_avg_pool
from tests.definitions.adaptive_pooling import adaptive_avg_pool_gradient as adaptive_avg_pool_gradient
from tests.definitions.adaptive_pooling import adaptive_max_pool as adaptive_max_pool
from tests.definitions.adaptive_pooling import adaptive_max_pool_gradient as adaptive_max_pool_gradient
from tests.definitions.adaptive_pooling import fractional_max_pool as fractional_max_pool
from tests.definitions.adaptive_pooling import interval as interval
from tests.definitions.average_pooling import avg_pool as avg_pool
from tests.definitions.average_pooling import avg_pool_gradient as avg_pool_gradient
from tests.definitions.average_pooling import divisors as divisors
from tests.definitions.convolution import terms as terms
from tests.definitions.convolution import to_bias as to_bias
from tests.definitions.convolution import to_input as to_input
from tests.definitions.convolution import to_output as to_output
from tests.definitions.convolution import to_weight as to_weight
from tests.definitions.convolution import trilinear as trilinear
from tests.definitions.convolution import with_bias as with_bias
from tests.definitions.folding import fold as fold
from tests.definitions.folding import unfold as unfold
from tests.definitions.linear import linear as linear
from tests.definitions.linear import linear_gradients as linear_gradients
from tests.definitions.loss import bce as bce
from tests.definitions.loss import coin as coin
from tests.definitions.loss import cross_entropy as cross_entropy
from tests.definitions.loss import huber as huber
from tests.definitions.loss import log_softmax as log_softmax
from tests.definitions.loss import reduced as reduced
from tests.definitions.loss import soft_cross_entropy as soft_cross_entropy
from tests.definitions.loss import weighted_entropy as weighted_entropy
from tests.definitions.max_pooling import max_pool as max_pool
from tests.definitions.max_pooling import max_pool_gradient as max_pool_gradient
from tests.definitions.max_pooling import max_pool_tied_gradient as max_pool_tied_gradient
from tests.definitions.max_pooling import max_unpool as max_unpool
from tests.definitions.max_pooling import max_unpool_gradient as max_unpool_gradient
from tests.definitions.normalization import Key as Key
from tests.definitions.normalization import by_channel as by_channel
from tests.definitions.normalization import by_front as by_front
from tests.definitions.normalization import by_group as by_group
from tests.definitions.normalization import by_instance as by_instance
from tests.definitions.normalization import groups as groups
from tests.definitions.normalization import local_response_norm as local_response_norm
from tests.definitions.normalization import local_response_norm_gradient as local_response_norm_gradient
from tests.definitions.normalization import mean_and_variance as mean_and_variance
from tests.definitions.normalization import scale_and_shift as scale_and_shift
from tests.definitions.normalization import scale_and_shift_gradients as scale_and_shift_gradients
from tests.definitions.normalization import standardize as standardize
from tests.definitions.normalization import standardize_gradient as standardize_gradient
from tests.definitions.padding import constant_pad as constant_pad
from tests.definitions.padding import copies as copies
from tests.definitions.padding import extend as extend
from tests.definitions.padding import fold_back as fold_back
from tests.definitions.padding import source as source
from tests.definitions.placement import Array as Array
from tests.definitions.placement import Index as Index
from tests.definitions.placement import indices as indices
from tests.definitions.placement import inside as inside
from tests.definitions.placement import output_size as output_size
from tests.definitions.placement import position as position
from tests.definitions.placement import taps as taps
from tests.definitions.subsampling import subsample as subsample
from tests.definitions.subsampling import subsample_gradients as subsample_gradients
