"""Tensors as NumPy's numbers, and work shared among threads: torch's own or plain, failures, a child without either."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from unittest import mock

import numpy as np
import pytest
import torch

from manualconv.kernels import compiling
from manualconv.torch_internals import thread_team
from tests.systems import needs_fork


@pytest.fixture(params=["torch's threads", "plain threads"])
def three_threads(request: pytest.FixtureRequest) -> Iterator[None]:
    """Three of either kind, however little there is to do."""
    team = thread_team() if request.param == "torch's threads" else None
    if team is None and request.param == "torch's threads":
        pytest.skip("this torch has no team that can be asked")
    with (
        mock.patch.object(compiling, "SHARED", 0),
        mock.patch.object(torch, "get_num_threads", return_value=3),
        mock.patch.object(compiling, "thread_team", return_value=team),
    ):
        yield


@pytest.mark.usefixtures("three_threads")
@pytest.mark.parametrize("units", [1, 2, 3, 4, 100])
def test_every_unit_is_run_once(units: int) -> None:
    for _ in range(20):
        ran: list[int] = []
        compiling.share(lambda first, last, ran=ran: ran.extend(range(first, last)), units, 1.0)  # type: ignore[misc]
        assert sorted(ran) == list(range(units))


@pytest.mark.usefixtures("three_threads")
def test_shares_run_at_the_same_time() -> None:
    """Each waits for the two others: one thread alone would break the barrier."""
    barrier = threading.Barrier(3, timeout=30)
    compiling.share(lambda first, last: barrier.wait(), 3, 1.0)


@pytest.mark.usefixtures("three_threads")
@pytest.mark.parametrize("fails", [0, 1, 2])
def test_a_failure_in_any_share_reaches_the_caller(fails: int) -> None:
    def run(first: int, last: int) -> None:
        if first == fails:
            raise KeyError(first)

    with pytest.raises(KeyError, match=str(fails)):
        compiling.share(run, 3, 1.0)


CHILD = """
import os, torch
from manualconv.kernels import compiling
torch.set_num_threads(2)
compiling.SHARED = 0
ran = []
compiling.share(lambda first, last: ran.append(first), 2, 1.0)
assert sorted(ran) == [0, 1]
child = os.fork()
if child == 0:
    compiling.share(lambda first, last: ran.append(first), 2, 1.0)
    os._exit(len(ran))
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
"""


@needs_fork
def test_a_forked_child_does_without_its_parent_s_threads() -> None:
    """A child that waited for them would wait for ever."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", CHILD], timeout=60, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_numbers_leave_the_graph_take_marked_signs_and_lie_in_order() -> None:
    z = torch.complex(torch.arange(6.0), torch.arange(1.0, 7.0)).reshape(2, 3)
    signs = z.conj().imag
    assert signs.is_neg()
    for t in (signs, signs.T, torch.arange(6.0).reshape(2, 3).T.requires_grad_()):
        held = compiling.array(t)
        assert held.tolist() == t.tolist() and held.flags.c_contiguous
        assert compiling.numbers(t).tolist() == t.flatten().tolist()


def test_numbers_share_memory_with_a_tensor_in_order() -> None:
    t = torch.zeros(2, 3)
    compiling.numbers(t)[:] = 1
    assert t.sum().item() == 6


@pytest.mark.parametrize(("last", "finite"), [(1, True), (np.inf, False), (-np.inf, False), (np.nan, False)])
def test_numbers_that_are_no_numbers_are_found_without_a_warning(last: float, finite: bool) -> None:
    held = np.array([np.inf, last] if last == -np.inf else [0, last], np.float32)
    assert compiling.all_finite(held) is finite
    assert compiling.all_finite(torch.from_numpy(held)) is finite
    assert compiling.all_finite(np.full(2, 3e38, np.float32)) is False
