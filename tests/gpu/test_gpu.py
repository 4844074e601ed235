"""The trial on a device: what it moves, that it notices what is wrong, and that it does without a device."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from manualconv import functional
from manualconv.testing.faults.exam import complaint
from manualconv.testing.laws.law import Implementation
from tests.gpu import __main__ as program
from tests.gpu import trial

CPU = torch.device("cpu")


def test_operands_are_on_the_device_and_results_on_the_cpu() -> None:
    seen = []

    def apply(x: Tensor, pair: tuple[Tensor, int], *, w: Tensor) -> tuple[Tensor, None]:
        seen.extend([x.device.type, pair[0].device.type, w.device.type])
        return x * w, None

    with FakeTensorMode():
        x = torch.ones(2)
        y, nothing = trial.moved(apply, torch.device("lazy"))(x, (x, 1), w=x)
    assert (seen, y.device, nothing) == (["lazy"] * 3, CPU, None)


def test_a_step_is_right_and_one_of_other_weights_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert trial.step("lenet5", CPU).complaint is None
    monkeypatch.setattr(trial.torch, "manual_seed", lambda _: None)  # the second network has other weights
    assert "from the CPU's" in (trial.step("lenet5", CPU).complaint or "")


def test_a_law_and_a_mode_notice_a_wrong_device(monkeypatch: pytest.MonkeyPatch) -> None:
    def off(x: Tensor, *rest: object) -> Tensor:
        return functional.conv2d(x, *rest) + 1 if x.dim() == 4 else trial.GOOD["by hand"].layer(x, *rest)

    laws, ours = trial.FAMILIES["convolution"]
    assert any(complaint(law, Implementation(off, ours.promises), 3) for law in list(laws.values())[:5])
    monkeypatch.setattr(trial, "OPERATIONS", {"relu": trial.OPERATIONS["relu"]})
    assert all(row.complaint is None for row in trial.modes(CPU, frozenset()))
    monkeypatch.setattr(trial, "moved", lambda apply, _: lambda x: apply(x) + 1)
    assert any(row.complaint for row in trial.modes(CPU, frozenset()))


def test_without_a_device_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["tests.gpu"])
    assert program.main()
    assert "sees no CUDA device here" in capsys.readouterr().out
