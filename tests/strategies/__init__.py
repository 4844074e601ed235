"""Hypothesis strategies that read like nouns: windows, convolutions, poolings, paddings, normalizations.

A drawn layer is a *description*: numbers, a seed, how its tensors are filled and how they lie in memory.  Its tensors
are made from that, so that a failure shrinks to small numbers and prints as one line.  Every parameter is drawn for
each axis alone: equal numbers on two axes hide a mix-up of the axes.  The output size and the stride's remainder are
drawn and the input size computed, so that no draw is thrown away and positions that no window reaches are frequent.
"""

from tests.strategies.adaptive_pooling import AdaptivePooling as AdaptivePooling
from tests.strategies.adaptive_pooling import adaptive_poolings as adaptive_poolings
from tests.strategies.convolution import Convolution as Convolution
from tests.strategies.convolution import TransposedConvolution as TransposedConvolution
from tests.strategies.convolution import convolutions as convolutions
from tests.strategies.convolution import transposed_convolutions as transposed_convolutions
from tests.strategies.normalization import Normalization as Normalization
from tests.strategies.normalization import normalizations as normalizations
from tests.strategies.padding import Padding as Padding
from tests.strategies.padding import paddings as paddings
from tests.strategies.pooling import Pooling as Pooling
from tests.strategies.pooling import poolings as poolings
from tests.strategies.windows import BATCHES as BATCHES
from tests.strategies.windows import FILLS_OF_THREE as FILLS_OF_THREE
from tests.strategies.windows import LAYOUTS_OF_THREE as LAYOUTS_OF_THREE
from tests.strategies.windows import LAYOUTS_OF_TWO as LAYOUTS_OF_TWO
from tests.strategies.windows import SEEDS as SEEDS
from tests.strategies.windows import noted as noted
from tests.strategies.windows import numbers_per_axis as numbers_per_axis
from tests.strategies.windows import windows as windows
