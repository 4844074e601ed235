"""The three maps of the trilinear form: every algorithm and the choice between them, exactly, on integers."""

from collections.abc import Iterator
from functools import partial
from types import ModuleType
from typing import Any
from unittest import mock

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from manualconv import definitions
from manualconv.geometry import Window
from manualconv.kernels.correlation import (
    clipping,
    direct,
    loops,
    lowering,
    lowering_batch_last,
    lowering_rows,
    matrix,
    shifting,
)
from manualconv.kernels.correlation import maps as correlation
from manualconv.kernels.correlation.chooser import cheapest
from manualconv.kernels.correlation.cost import Sizes
from manualconv.testing.cases import Convolution, convolutions
from manualconv.testing.judge import ROUNDING, error
from tests.kernels.correlation.three_maps import by_loops, maps

#: Each algorithm, and the choice between them, with its size limits as they are and as small as they go: tensors of a
#: test's size then take every branch that large ones take.
VARIANTS: dict[str, tuple[ModuleType, dict[str, int]]] = {
    "lowering": (lowering, {}),
    "lowering, one image a block": (lowering, {"BLOCK_BYTES": 1}),
    "lowering, batch last": (lowering_batch_last, {}),
    "lowering, rows in place": (lowering_rows, {}),
    "shifting": (shifting, {}),
    "matrix": (matrix, {}),
    "clipping": (clipping, {}),
    "loops": (loops, {}),
    "chosen": (correlation, {}),
    "chosen, the batch innermost": (correlation, {"MANY_IMAGES": 0}),
    "chosen among long rows": (correlation, {"SHORT_ROW": 0}),
    "chosen among large windows": (correlation, {"LARGEST_BLOCK": 0}),
}


def variants(x: Tensor, window: Window) -> Iterator[tuple[str, ModuleType]]:
    """Each variant that takes the window, in turn, its limits set while it is in use."""
    for name, (algorithm, limits) in VARIANTS.items():
        if algorithm is not correlation and _refuses(algorithm, x, window):
            continue
        cheapest.cache_clear()  # what was chosen under other limits
        with mock.patch.dict(vars(direct if algorithm is correlation else algorithm), limits):
            yield name, algorithm
    cheapest.cache_clear()


def _refuses(algorithm: Any, x: Tensor, window: Window) -> bool:
    """Whether an algorithm is none for the window: by its own word, or since there are no axes to speak of."""
    sizes = Sizes(x.shape[0], x.shape[1], x.shape[1], x.dtype, window)
    axes = window.ndim > 0 or algorithm in (matrix, lowering_batch_last, shifting)
    return not axes or algorithm.refusal(sizes) is not None


@pytest.mark.parametrize("ndim", [0, 1, 2, 3])
@given(data=st.data())
def test_every_algorithm_equals_the_loops(ndim: int, data: st.DataObject) -> None:
    case = data.draw(convolutions(ndim, cut=data.draw(st.booleans())))
    x, w, y = case.batched(data.draw(st.sampled_from((torch.float64, torch.float32))))
    b = torch.arange(len(w), dtype=x.dtype) - 1 if case.biased else None
    expected = by_loops(x, w, y, case.window, b)
    for name, algorithm in variants(x, case.window):
        assert all(map(torch.equal, maps(algorithm, x, w, y, case.window, b), expected)), name


@given(case=st.sampled_from((2, 1, 3, 0)).flatmap(lambda ndim: convolutions(ndim, cut=True)))
def test_three_inner_products_are_one_number(case: Convolution) -> None:
    x, w, y = case.batched()
    form = float(definitions.trilinear(x.numpy(), w.numpy(), y.numpy(), case.window))
    for name, algorithm in variants(x, case.window):
        found = maps(algorithm, x, w, y, case.window)
        assert [(t * slot).sum() for t, slot in zip(found, (y, x, w))] == [form] * 3, name


@given(case=convolutions(2, cut=True))
def test_operands_are_not_written_and_results_are_fresh(case: Convolution) -> None:
    x, w, y = case.batched()
    b = torch.ones(len(w), dtype=x.dtype)
    operands = (x, w, b, y)
    before = [t.clone() for t in operands]
    for name, algorithm in variants(x, case.window):
        results = maps(algorithm, x, w, y, case.window, b)
        assert not any(t._is_view() for t in results), name
        held = {t.untyped_storage().data_ptr() for t in operands if t.numel()}
        assert not any(t.untyped_storage().data_ptr() in held for t in results if t.numel()), name
        assert all(map(torch.equal, operands, before)), name


def test_a_bias_is_not_written_where_it_is_as_large_as_the_output() -> None:
    """One sample, one placement: spreading the bias over the output copies nothing."""
    window = Window((1, 1), (1, 1), (1, 1), (1, 1), ((0, 0), (0, 0)))
    x, w, b = torch.ones(1, 3, 1, 1), torch.ones(2, 3, 1, 1), torch.tensor([5.0, 7.0])
    for name, algorithm in variants(x, window):
        assert algorithm.to_output(x, w, b, window).flatten().tolist() == [8, 10], name
        assert b.tolist() == [5, 7], name


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@given(case=convolutions(2))
def test_half_precision_is_rounded_once(dtype: torch.dtype, case: Convolution) -> None:
    x, w, y = (t + torch.rand(t.shape, generator=torch.Generator().manual_seed(case.seed)) for t in case.batched())
    x, w, y = x.to(dtype), w.to(dtype), y.to(dtype)
    window = case.window
    each = (
        (partial(correlation.to_output, b=None), (x, w), case.channels * definitions.taps(window)),
        (correlation.to_input, (w, y), case.outputs * definitions.taps(window)),
        (correlation.to_weight, (x, y), y[:, :1].numel()),
    )
    for apply, operands, terms in each:
        exact = apply(*(t.double() for t in operands), window=window)
        scale = apply(*(t.double().abs() for t in operands), window=window)
        got = apply(*operands, window=window)
        assert got.dtype == dtype
        assert error(got, exact, scale) <= 1 + (terms + 2) * ROUNDING[torch.float32] / ROUNDING[dtype]
