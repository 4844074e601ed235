"""Hypothesis strategies that read like nouns: windows, convolutions, poolings, paddings, normalizations.

A drawn layer is a *description*: numbers, a seed, how its tensors are filled and how they lie in memory.  Its tensors
are made from that, so that a failure shrinks to small numbers and prints as one line.  Every parameter is drawn for
each axis alone: equal numbers on two axes hide a mix-up of the axes.  The output size and the stride's remainder are
drawn and the input size computed, so that no draw is thrown away and positions that no window reaches are frequent.
"""

try:
    import hypothesis  # noqa: F401  (asked for here, so that its absence is told once and in full)
except ModuleNotFoundError as error:
    raise ImportError("manualconv.testing.cases need Hypothesis: pip install '.[testing]' in the clone") from error

from manualconv.testing.cases.adaptive_pooling import AdaptivePooling as AdaptivePooling
from manualconv.testing.cases.adaptive_pooling import FractionalPooling as FractionalPooling
from manualconv.testing.cases.adaptive_pooling import adaptive_poolings as adaptive_poolings
from manualconv.testing.cases.adaptive_pooling import fractional_poolings as fractional_poolings
from manualconv.testing.cases.convolution import Convolution as Convolution
from manualconv.testing.cases.convolution import TransposedConvolution as TransposedConvolution
from manualconv.testing.cases.convolution import convolutions as convolutions
from manualconv.testing.cases.convolution import transposed_convolutions as transposed_convolutions
from manualconv.testing.cases.normalization import Normalization as Normalization
from manualconv.testing.cases.normalization import normalizations as normalizations
from manualconv.testing.cases.padding import Padding as Padding
from manualconv.testing.cases.padding import paddings as paddings
from manualconv.testing.cases.pooling import Pooling as Pooling
from manualconv.testing.cases.pooling import poolings as poolings
from manualconv.testing.cases.windows import BATCHES as BATCHES
from manualconv.testing.cases.windows import FILLS_OF_THREE as FILLS_OF_THREE
from manualconv.testing.cases.windows import LAYOUTS_OF_THREE as LAYOUTS_OF_THREE
from manualconv.testing.cases.windows import LAYOUTS_OF_TWO as LAYOUTS_OF_TWO
from manualconv.testing.cases.windows import SEEDS as SEEDS
from manualconv.testing.cases.windows import noted as noted
from manualconv.testing.cases.windows import numbers_per_axis as numbers_per_axis
from manualconv.testing.cases.windows import windows as windows
