"""After every test of swapping the stack of modes is as it was before."""

from collections.abc import Iterator

import pytest

from manualconv.torch_internals import function_modes


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    """No mode of ours stays on the stack."""
    yield
    assert function_modes() == []
