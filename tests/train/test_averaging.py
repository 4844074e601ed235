"""The mean of the weights is the mean, batch normalisation's statistics are its own, and it is what is kept."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tests.train.programs import Fit, Patch, called, refused
from tests.train.tiny import in_place_of_lenet, tiny
from train import checkpoint, machine
from train.augmentation import generator
from train.averaging import Average
from train.batches import EVALUATION_BATCH, training_batches
from train.cli import main
from train.data import divided, load
from train.errors import ForeignCheckpoint

CPU = torch.device("cpu")


def walked(kind: str, total: int) -> tuple[Average, list[torch.Tensor]]:
    """Weights that are drawn anew at every step, and what is made of them."""
    model = nn.Linear(3, 2).double()
    average, path = Average(model, kind, total), []
    for step in range(1, total + 1):
        nn.init.uniform_(model.weight, generator=torch.Generator().manual_seed(step))
        average.add(model, step)
        path.append(model.weight.detach().clone())
    return average, path


@given(st.floats(0.01, 0.99), st.integers(1, 12))
def test_ema_is_its_recurrence(decay: float, total: int) -> None:
    average, path = walked(f"ema:{decay!r}", total)
    mean = path[0]
    for step, weights in enumerate(path[1:], 2):
        kept = min(decay, step / (step + 9))
        mean = kept * mean + (1 - kept) * weights
    torch.testing.assert_close(average.model.get_parameter("weight"), mean)


@given(st.floats(0.01, 0.99), st.integers(1, 12))
def test_swa_is_the_mean_of_the_last_part(share: float, total: int) -> None:
    average, path = walked(f"swa:{share!r}", total)
    torch.testing.assert_close(average.model.get_parameter("weight"), torch.stack(path[int(share * total) :]).mean(0))


def test_there_is_no_mean_before_its_part_of_the_run() -> None:
    model = nn.Linear(3, 2)
    average = Average(model, "swa:0.5", 10)
    for step in range(1, 6):
        average.add(model, step)
        assert not average.has_begun
    average.add(model, 6)
    assert average.has_begun


def test_statistics_are_the_mean_s_own_and_training_draws_as_before() -> None:
    """Equal batches: the statistics are the means of theirs.  The dropout behind them draws from a seed of its own."""
    torch.manual_seed(0)
    model = tiny(torch.nn).double()
    average = Average(model, "ema:0.5", 10)
    average.add(model, 1)
    x = torch.randn(4, 8, 1, 28, 28, dtype=torch.float64)
    before = torch.get_rng_state()
    average.take_statistics([(batch, torch.zeros(8)) for batch in x], 7, CPU)
    assert torch.equal(torch.get_rng_state(), before)
    linear, norm = average.model.get_submodule("2"), average.model.get_submodule("3")
    seen = linear(nn.functional.avg_pool2d(x.flatten(0, 1), 4).flatten(1)).unflatten(0, (4, 8))
    torch.testing.assert_close(norm.running_mean, seen.mean(1).mean(0))
    torch.testing.assert_close(norm.running_var, seen.var(1).mean(0))
    assert torch.equal(model[3].running_mean, torch.zeros(12, dtype=torch.float64))


@pytest.mark.parametrize("kind", ["ema:0.9", "swa:0.5"])
def test_the_mean_is_evaluated_and_kept(fit: Fit, tmp_path: Path, small_data: Path, kind: str) -> None:
    with in_place_of_lenet():
        assert fit("--average", kind, "--keep", "last", "--augment", "affine").code == 0
        files = [str(tmp_path / "out" / name) for name in ("best.pt", "last.pt")]
        evaluated = [called(main, "evaluate", file, "--data-dir", str(small_data), "--json") for file in files]
        begun = machine.build("lenet5", machine.prepare("torch", "cpu", "float32", 1), 0)
        checkpoint.restore(tmp_path / "out" / "last.pt", "lenet5", begun)
    best, last = (checkpoint.load(tmp_path / "out" / name) for name in ("best.pt", "last.pt"))
    assert all(torch.equal(best["state"][name], last["average"]["state"][name]) for name in best["state"])
    assert not torch.equal(best["state"]["2.weight"], last["state"]["2.weight"])
    assert last["average"]["count"] == (22 if kind.startswith("ema") else 11)
    assert [ended.code for ended in evaluated] == [0, 0] and evaluated[0].out == evaluated[1].out
    assert all(torch.equal(best["state"][name], tensor) for name, tensor in begun.state_dict().items())
    model = tiny(torch.nn)
    model.load_state_dict(best["state"])
    average = Average(model, "ema:0.5", 1)
    average.add(model, 1)
    training, _ = divided(load(small_data))
    batches = training_batches(training, EVALUATION_BATCH, 0, 2, torch.float32, CPU, augment="affine")
    average.take_statistics(batches, generator(0, 2, "statistics").initial_seed(), CPU)
    for name in ("3.running_mean", "3.running_var"):
        torch.testing.assert_close(average.model.state_dict()[name], best["state"][name])


def test_statistics_are_of_equal_batches(fit: Fit, tmp_path: Path, monkeypatch: Patch) -> None:
    """220 images by at most 73: three of 73 and one would count its one image like 73, and be none to normalise."""
    monkeypatch.setattr("train.fit.EVALUATION_BATCH", 73)
    sizes: list[int] = []
    original = Average.take_statistics

    def taken(average: Average, batches: Any, *more: Any) -> None:
        kept = list(batches)
        sizes.extend(len(target) for _, target in kept)
        original(average, kept, *more)

    monkeypatch.setattr(Average, "take_statistics", taken)
    with in_place_of_lenet():
        assert fit("--average", "ema", "--epochs", "1").code == 0
    assert sizes == [55] * 4


def test_a_mean_that_is_not_finite_stops_the_run(fit: Fit, tmp_path: Path, monkeypatch: Patch) -> None:
    """The weights are finite, and their mean is not: nothing is written over what can be gone on with."""
    original = Average.add

    def add(average: Average, trained: nn.Module, steps: int) -> None:
        original(average, trained, steps)
        if steps == 7:
            average.model.get_parameter("2.weight").data[3, 4] = float("inf")

    monkeypatch.setattr(Average, "add", add)
    with in_place_of_lenet():
        ended = fit("--average", "ema", "--checkpoint-every", "1")
        refused(ended, 1, "The average state 2.weight are not finite, so ")
        refused(fit("--average", "ema", out="seldom"), 1, "The validation loss became nan at epoch 1: training stopped")
        refused(fit("--average", "ema", "--holdout", "0", out="last"), 1, "weights 2.weight are not finite, so ")
    assert checkpoint.position(checkpoint.load(tmp_path / "out" / "last.pt")) == (1, 6)


def test_a_mean_of_another_number_of_steps_is_refused() -> None:
    average = Average(nn.Linear(2, 2), "swa:0.5", 8)
    for count in (-1, 1.0, True, 2):
        with pytest.raises(ForeignCheckpoint, match=f"a mean of {count} steps, and the run has had 1 for it"):
            average.restore({**average.contents(), "count": count}, 5, Path("x"))
    average.restore({**average.contents(), "count": 1}, 5, Path("x"))
