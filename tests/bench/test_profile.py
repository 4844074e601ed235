"""The profile: each part's share of a call, and what the call dispatches."""

from __future__ import annotations

import re
import time
from pathlib import Path
from unittest import mock

import pytest
import torch

import manualconv
from manualconv import cli, functional
from manualconv.bench import profile


@pytest.mark.parametrize(
    ("file", "part"),
    [
        ("kernels/correlation/maps.py", "kernels"),
        ("autograd/function.py", "autograd"),
        ("torch_internals/calling.py", "autograd"),
        ("functional/convolution.py", "checks"),
        ("geometry/window.py", "checks"),
        ("nn/convolution.py", "checks"),
    ],
)
def test_a_file_of_the_package_is_of_its_floor(file: str, part: str) -> None:
    path = Path(manualconv.__file__).parent / file
    assert path.exists()
    assert profile.part_of(str(path)) == part
    assert profile.part_of(torch.__file__) == "around"


def test_time_is_counted_where_it_is_spent() -> None:
    """A wait inside a kernel is the kernel's, whoever else is called."""
    x, w = torch.randn(1, 2, 9, requires_grad=True), torch.randn(3, 2, 3)
    with mock.patch("manualconv.kernels.correlation.maps._to_output", waiting):
        shares = profile.shares_of(lambda: functional.conv1d(x, w), 3)
    assert set(shares) == set(profile.PARTS)
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["around"] > 0.8, "the file that waits is a test's"


def waiting(x: torch.Tensor, w: torch.Tensor, b: object, window: object) -> torch.Tensor:
    time.sleep(0.05)
    return torch.ones(1, 3, 7)


def test_operations_clones_and_reads_are_counted() -> None:
    x = torch.ones(3)
    names = profile.dispatched(lambda: (x.clone() + x).sum().item())
    assert names == {"aten.clone": 1, "aten.add": 1, "aten.sum": 1, "aten._local_scalar_dense": 1}


def test_the_table_has_ours_and_torch_s(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    kept = dict(list(profile.calls().items())[:1])
    monkeypatch.setattr(profile, "calls", lambda: kept)
    monkeypatch.setattr(profile.measure, "__defaults__", (profile.Pace(1, 0.0, 2),))
    assert cli.main(["bench", "--profile"]) == 0
    head, ours, theirs = capsys.readouterr().out.splitlines()
    assert re.match(r"A5 latency +manualconv +\d+( +\d+){4} +\d+ +\d+ +\d+$", ours)
    assert re.match(r"A5 latency +torch +\d+ +\d+ +\d+ +\d+$", theirs)
    assert head.split()[-3:] == ["operations", "clones", "reads"]


def test_every_row_is_a_call_of_both() -> None:
    found = profile.calls()
    assert [name.split()[0] for name in found] == ["A5", "N1", "N2"]
    for ours, theirs in found.values():
        a, b = ours(), theirs()
        for one, other in zip(*((t if isinstance(t, tuple) else (t,)) for t in (a, b)), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_it_takes_no_other_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["bench", "--profile", "--quick"])
    assert "--profile is a table of its own" in capsys.readouterr().err
