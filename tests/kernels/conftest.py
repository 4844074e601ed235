"""What the tests of the kernels share: a machine without Numba."""

import warnings
from collections.abc import Iterator
from importlib import util
from unittest import mock

import pytest

from manualconv.kernels import compiling
from manualconv.kernels.correlation.chooser import cheapest


def forget() -> None:
    """Have the package look for Numba anew."""
    for cached in (compiling.is_installed, cheapest):
        cached.cache_clear()


def look_again() -> None:
    """Forget, and look.  A Numba that is told not to compile is complained about again, here to nobody."""
    forget()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        compiling.is_installed()


@pytest.fixture
def without_numba() -> Iterator[None]:
    """As where it is not installed."""
    with mock.patch.object(compiling, "find_spec", lambda name: None if name == "numba" else util.find_spec(name)):
        look_again()
        yield
    look_again()
