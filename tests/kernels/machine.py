"""What a test of the kernels needs of the machine."""

import pytest

from manualconv.kernels.compiling import is_installed

needs_numba = pytest.mark.skipif(not is_installed(), reason="no Numba here that compiles")
