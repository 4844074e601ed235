"""Outputs and gradients have the same bits in every run, and mostly whatever the number of threads.

A sum over all entries, as a loss takes, and a matrix product may be split among threads, so that its order of additions
depends on their number; everything else is computed entry by entry or row by row, and threads only share out the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from unittest import mock

import pytest
import torch
from torch import Tensor
from torch.autograd import grad

from manualconv import functional
from manualconv.geometry import Window
from manualconv.kernels import compiling
from manualconv.kernels.pooling import maximum, selection
from manualconv.kernels.pooling.doubling import runs_of, spreads_of
from manualconv.testing.catalogue.question import Shape
from tests.layers import WEIGHTED, spread_out

RUNS = 100
#: Large enough that torch shares the work among its threads: its grain is 32,768 numbers.
WIDE = (2, 5, 64, 64)
CLASSES = torch.arange(2 * 64 * 64).reshape(2, 64, 64) % 5


@dataclass(frozen=True)
class Work:
    """A layer on wide tensors; `split` if its additions may be shared among threads."""

    apply: Callable[..., Tensor]
    shapes: tuple[Shape, ...] = (WIDE,)
    split: bool = False

    def results(self) -> list[Tensor]:
        """In float32, where the order of additions shows."""
        inputs = tuple(spread_out(s, n).float().requires_grad_() for n, s in enumerate(self.shapes))
        y = self.apply(*inputs)
        return [y.detach(), *grad(y, inputs, spread_out(tuple(y.shape), 3).float())]


def loss(name: str) -> Work:
    """A mean over all entries, of numbers that are not the target's."""
    return Work(lambda x, t: getattr(functional, name)(x, t.abs() / 2), (WIDE, WIDE), split=True)


WORK: dict[str, Work] = {
    "conv2d": Work(
        lambda x, w, b: functional.conv2d(x, w, b, padding=1), ((4, 8, 40, 40), (16, 8, 3, 3), (16,)), split=True
    ),
    **{name: Work(layer.by_hand, layer.shapes, split=True) for name, layer in WEIGHTED.items()},
    "max_pool1d": Work(lambda x: functional.max_pool1d(x.flatten(2), 5, 2)),
    "max_pool2d, overlapping": Work(lambda x: functional.max_pool2d(x, 3, 1, 1)),
    "max_pool2d, wide": Work(lambda x: functional.max_pool2d(x[..., :20], 13, 1, 6)),
    "max_pool2d, dilated": Work(lambda x: functional.max_pool2d(x, 3, 2, 1, 2)),
    "max_pool2d, ties in equal parts": Work(lambda x: functional.max_pool2d((4 * x).round(), 3, 2, 1, ties="split")),
    "max_pool3d": Work(lambda x: functional.max_pool3d(x.unsqueeze(1), (2, 3, 3), (1, 2, 1), (1, 1, 1))),
    "avg_pool2d": Work(lambda x: functional.avg_pool2d(x, 3, 2, 1)),
    "avg_pool2d by doubling": Work(lambda x: functional.avg_pool2d(x, 31, 1, 15)),
    "lp_pool2d": Work(lambda x: functional.lp_pool2d(x, 2, 3, 2)),
    "adaptive_avg_pool2d": Work(lambda x: functional.adaptive_avg_pool2d(x, (7, 9))),
    "global adaptive_avg_pool2d": Work(lambda x: functional.adaptive_avg_pool2d(x, 1)),
    "adaptive_max_pool2d": Work(lambda x: functional.adaptive_max_pool2d(x, (7, 9))),
    "batch_norm": Work(lambda x, w, b: functional.batch_norm(x, None, None, w, b, True), (WIDE, WIDE[1:2], WIDE[1:2])),
    "instance_norm": Work(functional.instance_norm),
    "layer_norm": Work(lambda x, w, b: functional.layer_norm(x, (64, 64), w, b), (WIDE, WIDE[2:], WIDE[2:])),
    "group_norm": Work(lambda x, w, b: functional.group_norm(x, 5, w, b), (WIDE, WIDE[1:2], WIDE[1:2])),
    "local_response_norm": Work(lambda x: functional.local_response_norm(x, 3)),
    "log_softmax": Work(lambda x: functional.log_softmax(x, 1)),
    "pad by reflection": Work(lambda x: functional.pad(x, (5, 4, 3, 2), "reflect")),
    "cross_entropy": Work(lambda x: functional.cross_entropy(x, CLASSES, label_smoothing=0.25), split=True),
    **{
        name: loss(name)
        for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy_with_logits")
    },
}

EVERY = pytest.mark.parametrize("work", WORK.values(), ids=WORK)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """So many of torch's own threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def repeats_itself(work: Work, runs: int) -> list[Tensor]:
    """The results, the same in all those runs."""
    expected = work.results()
    assert all(all(map(torch.equal, work.results(), expected)) for _ in range(runs - 1))
    return expected


@EVERY
def test_a_hundred_runs_are_bitwise_equal(work: Work) -> None:
    repeats_itself(work, RUNS)


#: A product and a scatter.  Where other processes have the cores, every sharing waits for a turn of the scheduler: a
#: hundred runs of all layers would take minutes.
@pytest.mark.parametrize("name", ["conv2d", "max_pool2d, overlapping"])
def test_a_hundred_runs_on_two_threads_are_bitwise_equal(name: str) -> None:
    with threads(2):
        repeats_itself(WORK[name], RUNS)


def test_the_wide_window_is_one_that_is_summed_by_doubling() -> None:
    window = Window(WIDE[2:], (31, 31), (1, 1), (1, 1), ((15, 15), (15, 15)))
    assert all(runs.pays for axis in (0, 1) for runs in (runs_of(window, axis), spreads_of(window, axis)))


def on_one_and_two_threads(work: Work) -> None:
    """The same again each time, and the same on both if nothing but rows is shared out."""
    found = []
    for count in (1, 2):
        with threads(count):
            found.append(repeats_itself(work, 2))
    if work.split:
        torch.testing.assert_close(*found, rtol=1e-4, atol=1e-4)
    else:
        assert all(map(torch.equal, *found))


@EVERY
def test_two_threads_repeat_themselves_and_share_rows_without_a_difference(work: Work) -> None:
    on_one_and_two_threads(work)


@pytest.mark.parametrize("name", [name for name in WORK if "max_pool" in name])
def test_compiled_loops_share_rows_without_a_difference(name: str) -> None:
    """Whatever the size, where there is Numba; as they come, tensors of this size are not worth a thread to them."""
    with ExitStack() as stack:
        for file, limit in ((maximum, "LARGE"), (selection, "LARGE"), (compiling, "SHARED")):
            stack.enter_context(mock.patch.object(file, limit, 0))
        on_one_and_two_threads(WORK[name])
