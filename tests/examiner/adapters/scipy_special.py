"""scipy.special: a function of one number, and its derivative."""

from scipy.special import expit

from manualconv.testing import Pair

sigmoid = Pair(expit, lambda g, z: (g * expit(z) * expit(-z),))
