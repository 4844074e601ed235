"""Where layers read and write: integers alone, which may be symbols, and no torch.

`window` has the index relation that layers share, `padding` what lies outside of the input, `intervals` what adaptive
pooling divides an axis into, and `integers` how whole numbers are given.

Words: docs/GLOSSARY.md.
"""

from manualconv.geometry.integers import LARGEST as LARGEST
from manualconv.geometry.integers import LEAST as LEAST
from manualconv.geometry.integers import Axes as Axes
from manualconv.geometry.integers import Numbers as Numbers
from manualconv.geometry.integers import Pair as Pair
from manualconv.geometry.integers import is_int as is_int
from manualconv.geometry.integers import is_pairs as is_pairs
from manualconv.geometry.integers import per_axis as per_axis
from manualconv.geometry.integers import read as read
from manualconv.geometry.integers import whole as whole
from manualconv.geometry.intervals import Intervals as Intervals
from manualconv.geometry.intervals import divides as divides
from manualconv.geometry.intervals import longest as longest
from manualconv.geometry.padding import Extension as Extension
from manualconv.geometry.padding import full_padding as full_padding
from manualconv.geometry.padding import same_padding as same_padding
from manualconv.geometry.padding import sides as sides
from manualconv.geometry.window import Once as Once
from manualconv.geometry.window import TransposedWindow as TransposedWindow
from manualconv.geometry.window import Window as Window
from manualconv.geometry.window import ceil_padding as ceil_padding
from manualconv.geometry.window import transposed_window as transposed_window
from manualconv.geometry.window import window_of_output as window_of_output
from manualconv.geometry.window import within_reach as within_reach
