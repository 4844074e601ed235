"""Faults of convolution: a right layer taken apart into rules (`apart`), with one of them replaced."""

from manualconv.testing.faults.convolution import channels as channels
from manualconv.testing.faults.convolution import memory as memory
from manualconv.testing.faults.convolution import numbers as numbers
from manualconv.testing.faults.convolution import placement as placement
from manualconv.testing.faults.convolution.apart import EXAM as EXAM
