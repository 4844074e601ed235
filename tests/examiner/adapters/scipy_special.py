"""scipy.special: a function of one number, and its derivative."""

from scipy.special import expit

from manualconv.testing import Pair


def value(z):
    return expit(z).astype(z.dtype)


sigmoid = Pair(value, lambda g, z: (g * value(z) * value(-z),))
