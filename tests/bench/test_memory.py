"""The watch: the peak of live memory, the results' share of it, and every operator's name."""

import torch

from manualconv.bench.memory import watched

BYTES = 4 * 1000


def test_the_peak_counts_what_is_alive_at_once() -> None:
    x = torch.ones(1000)

    def three_in_turn() -> torch.Tensor:
        a = x + 1
        b = a * 2
        del a
        c = b - 1
        del b
        return c

    watch = watched(three_in_turn)
    assert (watch.peak, watch.kept, watch.operators) == (2 * BYTES, BYTES, 3)
    assert {"aten.add.Tensor", "aten.mul.Tensor", "aten.sub.Tensor"} == watch.names


def test_views_inputs_and_what_is_written_in_place_take_nothing() -> None:
    x = torch.ones(1000)
    watch = watched(lambda: (x.view(10, 100), x.add_(1)))
    assert watch.peak == 0
    watch = watched(lambda: (x + 1).view(10, 100).mul_(2))
    assert (watch.peak, watch.kept) == (BYTES, BYTES)


def test_a_gradient_s_memory_is_followed_too() -> None:
    x = torch.ones(1000, requires_grad=True)
    watch = watched(lambda: torch.autograd.grad((x * x).sum(), x))
    assert watch.peak >= 2 * BYTES
    assert watch.kept == BYTES
