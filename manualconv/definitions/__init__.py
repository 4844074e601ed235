"""The layers by their definitions, forward and backward: every sum written out, one term after another.

These files, one a family, are the specification, the tests' first oracle, and a text to read.  They share no code with
the rest of manualconv and know no algorithm: a `Window` is read as a bundle of numbers, its output size counted afresh.
So they can be checked by reading them beside the equations.  Each file opens with its equation, its backward, the
shapes and an example.

    A, Z      what a layer reads and what it computes; an activation reads Z and computes A
    W, b      weights and bias
    dZ        ∂E/∂Z of some loss E, from the layer above, in the shape of Z; so dA, dW and db, which backward computes
    i, k, p   input position, tap and output position, ``i = s·p + d·k − a``, each one number per axis
    n, g, c, o    sample, group, input and output channel inside a group; (g c) and (g o) among all channels

Every term of a forward sum comes back as one term of a backward sum: an entry that several terms read adds up what they
send, hence the ``+=``.  Normalisation and losses have their own usual letters.

Arrays are NumPy's, of any dtype; on integers every result of additions and products is exact.  NumPy is an extra,
``pip install '.[testing]'`` in the clone; nothing else in the package but its tests' tools imports these files.

Words: docs/GLOSSARY.md.
"""

try:
    import numpy  # noqa: F401  (asked for here, so that its absence is told once and in full)
except ModuleNotFoundError as error:
    raise ImportError("manualconv.definitions are loops in NumPy: pip install '.[testing]' in the clone") from error

from manualconv.definitions.activation import activate as activate
from manualconv.definitions.activation import activation_gradient as activation_gradient
from manualconv.definitions.adaptive_pooling import adaptive_avg_pool as adaptive_avg_pool
from manualconv.definitions.adaptive_pooling import adaptive_avg_pool_gradient as adaptive_avg_pool_gradient
from manualconv.definitions.adaptive_pooling import adaptive_max_pool as adaptive_max_pool
from manualconv.definitions.adaptive_pooling import adaptive_max_pool_gradient as adaptive_max_pool_gradient
from manualconv.definitions.adaptive_pooling import fractional_max_pool as fractional_max_pool
from manualconv.definitions.adaptive_pooling import interval as interval
from manualconv.definitions.average_pooling import avg_pool as avg_pool
from manualconv.definitions.average_pooling import avg_pool_gradient as avg_pool_gradient
from manualconv.definitions.average_pooling import divisors as divisors
from manualconv.definitions.convolution import conv as conv
from manualconv.definitions.convolution import conv_gradients as conv_gradients
from manualconv.definitions.convolution import terms as terms
from manualconv.definitions.convolution import to_bias as to_bias
from manualconv.definitions.convolution import to_input as to_input
from manualconv.definitions.convolution import to_output as to_output
from manualconv.definitions.convolution import to_weight as to_weight
from manualconv.definitions.convolution import trilinear as trilinear
from manualconv.definitions.convolution import with_bias as with_bias
from manualconv.definitions.convolution_transpose import conv_transpose as conv_transpose
from manualconv.definitions.convolution_transpose import conv_transpose_gradients as conv_transpose_gradients
from manualconv.definitions.dropout import alpha_dropout as alpha_dropout
from manualconv.definitions.dropout import alpha_dropout_gradient as alpha_dropout_gradient
from manualconv.definitions.dropout import dropout as dropout
from manualconv.definitions.dropout import dropout_gradient as dropout_gradient
from manualconv.definitions.folding import fold as fold
from manualconv.definitions.folding import unfold as unfold
from manualconv.definitions.linear import linear as linear
from manualconv.definitions.linear import linear_gradients as linear_gradients
from manualconv.definitions.loss import bce as bce
from manualconv.definitions.loss import coin as coin
from manualconv.definitions.loss import cross_entropy as cross_entropy
from manualconv.definitions.loss import huber as huber
from manualconv.definitions.loss import reduced as reduced
from manualconv.definitions.loss import soft_cross_entropy as soft_cross_entropy
from manualconv.definitions.loss import weighted_entropy as weighted_entropy
from manualconv.definitions.lp_pooling import lp_pool as lp_pool
from manualconv.definitions.lp_pooling import lp_pool_gradient as lp_pool_gradient
from manualconv.definitions.max_pooling import max_pool as max_pool
from manualconv.definitions.max_pooling import max_pool_gradient as max_pool_gradient
from manualconv.definitions.max_pooling import max_pool_mask as max_pool_mask
from manualconv.definitions.max_pooling import max_pool_tied_gradient as max_pool_tied_gradient
from manualconv.definitions.max_pooling import max_pool_tied_mask as max_pool_tied_mask
from manualconv.definitions.max_unpooling import max_unpool as max_unpool
from manualconv.definitions.max_unpooling import max_unpool_gradient as max_unpool_gradient
from manualconv.definitions.normalization import Key as Key
from manualconv.definitions.normalization import Place as Place
from manualconv.definitions.normalization import by_channel as by_channel
from manualconv.definitions.normalization import by_front as by_front
from manualconv.definitions.normalization import by_group as by_group
from manualconv.definitions.normalization import by_instance as by_instance
from manualconv.definitions.normalization import channel as channel
from manualconv.definitions.normalization import groups as groups
from manualconv.definitions.normalization import local_response_norm as local_response_norm
from manualconv.definitions.normalization import local_response_norm_gradient as local_response_norm_gradient
from manualconv.definitions.normalization import mean_and_variance as mean_and_variance
from manualconv.definitions.normalization import norm as norm
from manualconv.definitions.normalization import norm_gradients as norm_gradients
from manualconv.definitions.normalization import scale_and_shift as scale_and_shift
from manualconv.definitions.normalization import scale_and_shift_gradients as scale_and_shift_gradients
from manualconv.definitions.normalization import standardize as standardize
from manualconv.definitions.normalization import standardize_by as standardize_by
from manualconv.definitions.normalization import standardize_by_gradient as standardize_by_gradient
from manualconv.definitions.normalization import standardize_gradient as standardize_gradient
from manualconv.definitions.padding import constant_pad as constant_pad
from manualconv.definitions.padding import copies as copies
from manualconv.definitions.padding import extend as extend
from manualconv.definitions.padding import fold_back as fold_back
from manualconv.definitions.padding import source as source
from manualconv.definitions.placement import Array as Array
from manualconv.definitions.placement import Index as Index
from manualconv.definitions.placement import indices as indices
from manualconv.definitions.placement import inside as inside
from manualconv.definitions.placement import output_size as output_size
from manualconv.definitions.placement import position as position
from manualconv.definitions.placement import taps as taps
from manualconv.definitions.softmax import log_softmax as log_softmax
from manualconv.definitions.softmax import log_softmax_gradient as log_softmax_gradient
from manualconv.definitions.softmax import softmax as softmax
from manualconv.definitions.softmax import softmax_gradient as softmax_gradient
from manualconv.definitions.subsampling import subsample as subsample
from manualconv.definitions.subsampling import subsample_gradients as subsample_gradients
