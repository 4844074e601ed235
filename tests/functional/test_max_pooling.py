"""max_pool1d, 2d and 3d: places are the loops', at NaN and infinity torch's; where results lie in memory."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import product
from typing import Any
from unittest import mock

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad

from manualconv import definitions, functional
from manualconv.kernels.pooling import maximum, selection
from manualconv.testing.cases import Pooling, poolings
from manualconv.testing.cases.tensors import LAYOUTS, laid_out
from tests.bad_input.calls import Row, outcome
from tests.bad_input.table import RIGHT, ROWS
from tests.layers import spread_out

BY_HAND = {1: functional.max_pool1d, 2: functional.max_pool2d, 3: functional.max_pool3d}
REFEREE = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
CASES = st.sampled_from((2, 1, 3)).flatmap(lambda ndim: poolings(ndim, dilated=True))
#: Bad calls of which tests/bad_input asks without indices.
REFUSED = [
    row
    for row in ROWS
    if row.function in ("max_pool2d", "max_pool3d") and row.changes and not row.dangerous and row.number != 64
]
DIMENSIONS = pytest.mark.parametrize("ndim", [1, 2, 3])


@pytest.fixture(scope="module", params=[None, 0], ids=["operations", "loops"], autouse=True)
def path(request: pytest.FixtureRequest) -> Iterator[None]:
    """Everything by torch's operations, and by compiled loops however small it is."""
    with ExitStack() as stack:
        for file in (maximum, selection):
            stack.enter_context(mock.patch.object(file, "LARGE", file.LARGE if request.param is None else 0))
        yield


def max_arguments(case: Pooling) -> dict[str, Any]:
    """The keyword arguments of max pooling."""
    return {**case.sizes, "dilation": case.window.dilation, "ceil_mode": case.ceil_mode}


@given(case=CASES)
def test_max_values_places_and_gradient_equal_the_loops(case: Pooling) -> None:
    x = case.input().requires_grad_()
    values, places = definitions.max_pool(x.detach().numpy(), case.window, case.ceil_mode)
    layer = BY_HAND[case.window.ndim]
    y, index = layer(case.unbatch(x), **max_arguments(case), return_indices=True)
    assert torch.equal(y, case.unbatch(torch.from_numpy(values)))
    assert torch.equal(index, case.unbatch(torch.from_numpy(places)))
    assert torch.equal(layer(case.unbatch(x), **max_arguments(case)), y)
    cotangent = case.cotangent(values.shape[2:])
    expected = definitions.max_pool_gradient(cotangent.numpy(), places, case.window)
    assert torch.equal(grad(y, x, case.unbatch(cotangent))[0], torch.from_numpy(expected))


@DIMENSIONS
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.uint8])
def test_maxima_of_every_real_dtype_are_torch_s(dtype: torch.dtype, ndim: int) -> None:
    x = torch.randint(0, 9, (2, 3, 7, 6, 5)[: ndim + 2], generator=torch.Generator().manual_seed(0)).to(dtype)
    arguments = ((3, 2, 2)[:ndim], (2, 1, 3)[:ndim], 1, (1, 2, 1)[:ndim], True, True)
    ours, theirs = BY_HAND[ndim](x, *arguments), REFEREE[ndim](x, *arguments)
    assert ours[0].dtype == dtype
    assert all(map(torch.equal, ours, theirs))


def test_a_nan_or_a_window_of_minus_infinities_is_reported_as_torch_does() -> None:
    x = torch.arange(60.0).reshape(1, 2, 5, 6)
    x[0, 0, 1, 2] = x[0, 0, 2, 1] = torch.nan
    x[0, 1] = -torch.inf
    for padding in (0, 1):
        ours = functional.max_pool2d(x, (3, 2), 1, padding, return_indices=True)
        theirs = F.max_pool2d(x, (3, 2), 1, padding, return_indices=True)
        assert torch.allclose(ours[0], theirs[0], rtol=0, atol=0, equal_nan=True)
        assert torch.equal(ours[1], theirs[1])


def lies(*tensors: Tensor) -> list[tuple[int, ...]]:
    """Strides."""
    return [t.stride() for t in tensors]


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_results_lie_as_torch_s_do(ndim: int, dtype: torch.dtype) -> None:
    for layout, of_cotangent, batch in product(LAYOUTS, ("contiguous", "channels_last"), (2, 1, 0)):
        found = []
        for layer in (BY_HAND[ndim], REFEREE[ndim]):
            x = laid_out(spread_out((batch, 3, 6, 5, 4)[: ndim + 2]).to(dtype), layout).requires_grad_()
            y, index = layer(x, 2, return_indices=True)
            x_bar = grad(y, x, laid_out(torch.ones_like(y, memory_format=torch.contiguous_format), of_cotangent))[0]
            found.append(lies(y, index, x_bar))
        assert found[0] == found[1], (layout, of_cotangent, batch)


def test_a_window_of_minus_infinities_keeps_its_own_position_in_channels_last() -> None:
    """torch's kernel for channels_last volumes gives a position of another window here."""
    x = torch.full((1, 1, 4, 4, 4), -torch.inf).expand(1, 2, 4, 4, 4).contiguous(memory_format=torch.channels_last_3d)
    _, index = functional.max_pool3d(x, 2, return_indices=True)
    assert index[0, 0].flatten().tolist() == [0, 2, 8, 10, 32, 34, 40, 42]


@pytest.mark.parametrize("row", REFUSED, ids=[row.name for row in REFUSED])
def test_a_bad_call_is_torch_s_error_with_indices_too(row: Row) -> None:
    arguments = {**RIGHT[row.function], **row.changes, "return_indices": True}
    theirs, ours = (outcome(lambda f: getattr(f, row.function)(**arguments), library) for library in (F, functional))
    assert ours.error is theirs.error and ours.message.startswith(theirs.message.split("\n")[0][:24])


def test_a_mapped_window_of_padding_alone_has_the_index_of_one_that_is_not_mapped() -> None:
    x = torch.randn(3, 2, 2, 2)
    y, index = torch.vmap(lambda v: functional.max_pool2d(v, 2, 1, 1, 3, return_indices=True))(x)
    each = [functional.max_pool2d(v, 2, 1, 1, 3, return_indices=True) for v in x]
    assert torch.equal(y, torch.stack([v for v, _ in each]))
    assert torch.equal(index, torch.stack([i for _, i in each]))
