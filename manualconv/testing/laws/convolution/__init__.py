"""Laws of convolution."""

from manualconv.testing.laws.convolution import algebra as algebra
from manualconv.testing.laws.convolution import channels as channels
from manualconv.testing.laws.convolution import derivatives as derivatives
from manualconv.testing.laws.convolution import form as form
from manualconv.testing.laws.convolution import numbers as numbers
from manualconv.testing.laws.convolution import placement as placement
from manualconv.testing.laws.convolution.layer import LAWS as LAWS
