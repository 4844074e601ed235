"""Adaptive pooling: places of maxima, dtypes, and sizes counted by hand."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad

from manualconv import definitions, functional
from manualconv.kernels.pooling import intervals
from manualconv.testing.cases import AdaptivePooling, adaptive_poolings
from manualconv.testing.referee import two_orders
from tests.layers import close, spread_out

#: Any number of axes.
ANY = st.sampled_from((2, 1, 3)).flatmap(adaptive_poolings)


def maximum(case: AdaptivePooling) -> Callable[..., Any]:
    """Ours of the case's dimension, with the places of the maxima."""
    layer = getattr(functional, f"adaptive_max_pool{case.ndim}d")
    return lambda x, output_size: layer(x, output_size, return_indices=True)


@given(case=ANY, spoiled=st.sampled_from((torch.nan, -torch.inf)), share=st.sampled_from((0.0, 0.3, 0.9)))
def test_max_values_places_first_and_second_gradients_equal_torch(
    case: AdaptivePooling, spoiled: float, share: float
) -> None:
    """P11 to P13: ties to the first, the last NaN wins, an interval of −∞ alone has a place inside it."""
    chosen = torch.rand(case.input().shape, generator=torch.Generator().manual_seed(case.seed)) < share
    x = case.unbatch(torch.where(chosen, spoiled, case.input()))
    results = []
    for layer in (maximum(case), partial(getattr(F, f"adaptive_max_pool{case.ndim}d"), return_indices=True)):
        layer = partial(layer, output_size=case.output_size)
        orders = two_orders(
            lambda x, f=layer: f(x)[0], [x], case.unbatch(case.cotangent()), [case.unbatch(case.input())]
        )
        results.append([layer(x)[1], *orders])
    torch.testing.assert_close(*results, rtol=0, atol=0, equal_nan=True)


def test_what_is_not_finite_stays_in_its_intervals() -> None:
    x = torch.arange(1.0, 22.0).reshape(1, 1, 3, 7)
    x[0, 0, 1, 3], x[0, 0, 0, 0] = torch.inf, torch.nan
    for size in ((3, 7), (2, 3), (3, 1), (4, 9), 1):
        ours, theirs = functional.adaptive_avg_pool2d(x, size), F.adaptive_avg_pool2d(x, size)
        torch.testing.assert_close(ours, theirs, equal_nan=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("size", [(2, 3), (5, 2), 1])
def test_means_of_every_precision_are_torch_s(dtype: torch.dtype, size: Any) -> None:
    generator = torch.Generator().manual_seed(0)
    x = (torch.rand((2, 3, 5, 7), generator=generator) * 100).to(dtype)
    ours, theirs = functional.adaptive_avg_pool2d(x, size), F.adaptive_avg_pool2d(x, size)
    assert ours.dtype == dtype
    torch.testing.assert_close(ours, theirs, rtol=4 * torch.finfo(dtype).eps, atol=0)


def test_half_precision_is_summed_in_float32() -> None:
    """The sum of the window leaves float16, the mean does not."""
    x = torch.full((1, 1, 8, 8), 60000.0, dtype=torch.float16)
    for size in (1, 4, 3):
        assert torch.all(functional.adaptive_avg_pool2d(x, size) == 60000)


def test_a_global_mean_takes_complex_numbers_and_any_axes_before_it_as_torch_does() -> None:
    x = torch.arange(48.0).reshape(2, 2, 3, 2, 2)
    for layer in (functional.adaptive_avg_pool2d, F.adaptive_avg_pool2d):
        assert torch.equal(layer(x, 1)[..., 0, 0], x.mean((-2, -1)))
        assert torch.equal(layer(x[0, 0, 0], 1), x[0, 0, 0].mean((-2, -1), keepdim=True))
        assert torch.equal(layer(torch.complex(x[0], -x[0]), 1)[..., 0, 0].imag, -x[0].mean((-2, -1)))
        assert layer(torch.ones(1, 2, 0, 3), 1).isnan().all()


def test_an_output_size_of_zero_is_an_empty_result_as_in_torch() -> None:
    for library in (functional, F):
        assert library.adaptive_avg_pool2d(torch.ones(2, 3, 6, 5), (0, 2)).shape == (2, 3, 0, 2)
    x = torch.ones(2, 3, 6, 5, requires_grad=True)
    (x_bar,) = grad(functional.adaptive_avg_pool2d(x, (0, 2)).sum(), x)
    assert torch.equal(x_bar, torch.zeros_like(x))


def test_as_many_intervals_as_positions_are_a_copy() -> None:
    x = spread_out((2, 3, 4, 5))
    for library in ("adaptive_avg_pool2d", "adaptive_max_pool2d"):
        y = getattr(functional, library)(x, (4, 5))
        assert torch.equal(y, x) and y.data_ptr() != x.data_ptr()


def test_none_keeps_an_axis() -> None:
    x = torch.arange(60.0).reshape(1, 2, 6, 5)
    assert torch.equal(functional.adaptive_avg_pool2d(x, (None, 1)), x.mean(-1, keepdim=True))
    assert torch.equal(functional.adaptive_avg_pool2d(x, (None, None)), x)


@pytest.mark.parametrize("seen", [torch.tensor([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])])
def test_b20_global_and_adaptive_poolings_counted_by_hand(seen: Tensor) -> None:
    """Three positions in two intervals: 0–1 and 1–2, which share the middle one."""
    x = seen.reshape(1, 3, 3)
    assert functional.adaptive_avg_pool2d(x, 1).tolist() == [[[5.0]]]
    assert functional.adaptive_avg_pool2d(x, 2).tolist() == [[[3.0, 4.0], [6.0, 7.0]]]
    assert functional.adaptive_avg_pool2d(x, (1, None)).tolist() == [[[4.0, 5.0, 6.0]]]
    assert functional.adaptive_max_pool2d(x, 1).tolist() == [[[9.0]]]
    values, places = functional.adaptive_max_pool2d(-x, 2, return_indices=True)
    assert values.tolist() == [[[-1.0, -2.0], [-4.0, -5.0]]]
    assert places.tolist() == [[[0, 1], [3, 4]]]


#: Where an interval starts and ends, wrongly: rounded the other way, to a common length, or to the nearest.
WRONG = {
    "ends rounded down": lambda p, i, o: (p * i // o, torch.maximum((p + 1) * i // o, p * i // o + 1)),
    "starts rounded up": lambda p, i, o: ((p * i + o - 1) // o, ((p + 1) * i + o - 1) // o),
    "one kernel and stride": lambda p, i, o: (p * (i // o), p * (i // o) + i - (o - 1) * (i // o)),
    "to the nearest": lambda p, i, o: ((2 * p * i + o) // (2 * o), (2 * (p + 1) * i + o) // (2 * o)),
}


@pytest.mark.parametrize("fault", WRONG)
def test_the_loops_notice_an_interval_rounded_wrongly(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def bounds(length: int, parts: int, device: torch.device) -> tuple[Tensor, Tensor]:
        return WRONG[fault](torch.arange(parts, device=device), length, parts)

    monkeypatch.setattr(intervals, "bounds", bounds)
    rising = torch.arange(1.0, 9.0) ** 2
    x = torch.stack([rising, -rising])[None]
    wrong = functional.adaptive_avg_pool1d(x, 3), functional.adaptive_max_pool1d(x, 3)
    right = definitions.adaptive_avg_pool(x.numpy(), (3,)), definitions.adaptive_max_pool(x.numpy(), (3,))[0]
    assert not any(torch.allclose(w, torch.from_numpy(r)) for w, r in zip(wrong, right))


def test_a_global_mean_of_one_volume_that_lies_channels_last_has_no_batch_axis() -> None:
    x = spread_out((3, 4, 5, 6)).contiguous(memory_format=torch.channels_last)
    ours, theirs = (library.adaptive_avg_pool3d(x, 1) for library in (functional, torch.nn.functional))
    assert ours.shape == theirs.shape == (3, 1, 1, 1)
    close(ours, theirs)
