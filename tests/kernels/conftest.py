"""What the tests of the kernels share: a machine without Numba."""

from collections.abc import Iterator
from importlib import util
from unittest import mock

import pytest

from manualconv.kernels import compiling
from manualconv.kernels.correlation.chooser import cheapest


@pytest.fixture
def without_numba() -> Iterator[None]:
    """As where it is not installed."""
    for cached in (compiling.is_installed, cheapest):
        cached.cache_clear()
    with mock.patch.object(compiling, "find_spec", lambda name: None if name == "numba" else util.find_spec(name)):
        yield
    for cached in (compiling.is_installed, cheapest):
        cached.cache_clear()
