"""Whole runs on small data: what they print, what they leave, what they look at, how they end."""

import csv
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.train.programs import FILES, Fit, Patch, refused
from train import checkpoint, cli, data, machine
from train import fit as fitting
from train.batches import plain_batches, training_batches
from train.models import NETWORKS
from train.recipe import LRS
from train.training import Batches, evaluate


def rows(folder: Path) -> list[dict[str, float]]:
    with (folder / "metrics.csv").open() as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = checkpoint.load(folder / "best.pt", "lenet5")["state"]
    return state


def test_a_run_says_what_it_did_and_ends_with_the_test_accuracy(fit: Fit, tmp_path: Path) -> None:
    shown = fit()
    assert shown.code == 0 and not shown.err
    assert "61,706 parameters" in shown.out
    assert "220 training, 20 validation, 40 test images" in shown.out
    assert len(re.findall(r"^epoch \d/2 ", shown.out, re.MULTILINE)) == 2
    assert re.search(r"time .* [\d.]+ s in all, [\d,]+ images/s", shown.out)
    for name in ("metrics.csv", "best.pt"):
        assert str(tmp_path / "out" / name) in shown.out
        assert (tmp_path / "out" / name).is_file()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == FILES
    last = re.findall(r"\d+\.\d\d %", shown.out)[-1]
    assert shown.out.rstrip().endswith(f"test accuracy  {last}")


def test_it_learns(fit: Fit, tmp_path: Path) -> None:
    accuracy = float(re.findall(r"(\d+\.\d\d) %", fit("--epochs", "12").out)[-1])
    assert accuracy > 90
    losses = [row["train_loss"] for row in rows(tmp_path / "out")]
    assert losses[-1] < 0.5 * losses[0]


def test_the_best_epoch_by_validation_is_kept_and_tested_once(fit: Fit, tmp_path: Path, monkeypatch: Patch) -> None:
    """Validation accuracies are dictated; the test set may only be seen last, with the weights of epoch 4."""
    dictated = iter([(1.0, 0.3), (0.9, 0.8), (0.5, 0.7), (0.8, 0.8), (0.8, 0.8)])
    seen: list[int] = []
    after_epoch: list[dict[str, torch.Tensor]] = []

    def evaluated(model: torch.nn.Module, criterion: torch.nn.Module, batches: Batches) -> tuple[float, float]:
        images = sum(len(t) for _, t in batches)
        seen.append(images)
        after_epoch.append({name: tensor.clone() for name, tensor in model.state_dict().items()})
        return next(dictated) if images == 20 else (0.0, 0.1234)

    monkeypatch.setattr(fitting, "evaluate", evaluated)
    out = fit("--epochs", "5").out
    assert seen == [20] * 5 + [40]
    kept, tested = weights(tmp_path / "out"), after_epoch[-1]
    for name in kept:  # epoch 4: as accurate as 2 with a smaller loss, and the first of two equals
        assert torch.equal(kept[name], after_epoch[3][name])
        assert torch.equal(tested[name], kept[name])
    assert out.rstrip().endswith("12.34 %")
    assert "best epoch     4 of 5" in out


def test_the_printed_accuracy_is_the_checkpoints(fit: Fit, small_data: Path, tmp_path: Path) -> None:
    printed = float(re.findall(r"(\d+\.\d\d) %", fit("--epochs", "4", "--dtype", "float64").out)[-1])
    model = machine.build("lenet5", machine.prepare("torch", "cpu", "float64", None), 9)
    checkpoint.restore(tmp_path / "out" / "best.pt", "lenet5", model)
    test = data.load(small_data).test
    batches = plain_batches(test, 7, torch.float64, torch.device("cpu"))
    assert evaluate(model, torch.nn.CrossEntropyLoss(), batches)[1] * 100 == pytest.approx(printed, abs=0.005)


def test_one_seed_one_result(fit: Fit, tmp_path: Path) -> None:
    torch.manual_seed(1)
    assert fit("--seed", "7", out="a").code == 0
    torch.manual_seed(2)
    assert fit("--seed", "7", out="b").code == fit("--seed", "8", out="c").code == 0
    a, b, c = (weights(tmp_path / name) for name in "abc")
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not any(torch.equal(a[name], c[name]) for name in a)
    timeless = [[{k: v for k, v in r.items() if "second" not in k} for r in rows(tmp_path / n)] for n in "ab"]
    assert timeless[0] == timeless[1]


def test_max_train_keeps_validation_and_test_whole(fit: Fit) -> None:
    assert "30 training, 20 validation, 40 test images" in fit("--max-train", "30").out


def test_init_starts_from_a_checkpoint(fit: Fit, tmp_path: Path) -> None:
    assert fit("--epochs", "8", out="first").code == 0
    fit("--init", str(tmp_path / "first" / "best.pt"), "--lr", "1e-12", "--epochs", "1", out="second")
    first, second = (weights(tmp_path / name) for name in ("first", "second"))
    for name in first:
        torch.testing.assert_close(first[name], second[name], rtol=0, atol=1e-6)


@pytest.mark.parametrize("steps", range(1, 13))
def test_a_run_of_few_steps_divides_by_zero(fit: Fit, tmp_path: Path, steps: int) -> None:
    """Five steps: ``OneCycleLR`` ends its rise at step 0 and divides by that."""
    ended = fit("--max-train", str(4 * steps), "--batch-size", "4", "--epochs", "1")
    assert ended.code == 0, ended
    assert ended.out.splitlines()[-1].startswith("test accuracy")
    assert (f"{steps} steps in all teach little" in ended.out) is (steps < 10)
    state = checkpoint.load(tmp_path / "out" / "best.pt", "lenet5")["state"]
    torch.manual_seed(0)
    assert not any(torch.equal(state[name], w) for name, w in NETWORKS["lenet5"].build(torch.nn).named_parameters())


@pytest.mark.parametrize(
    "options",
    [
        ("--max-train", "1"),
        ("--max-train", "1", "--batch-size", "1"),
        ("--max-train", "7"),
        ("--max-train", str(2**63 - 1)),
        ("--batch-size", "1000"),
        ("--batch-size", str(2**63 - 1), "--epochs", "2"),
        ("--max-train", "5", "--batch-size", "2", "--epochs", "3", "--arch", "lenet5-1998"),
        ("--seed", str(2**63 - 1)),
        ("--lr", "1e-320"),
    ],
    ids=" ".join,
)
def test_extreme_numbers_train(fit: Fit, options: tuple[str, ...]) -> None:
    ended = fit(*options)
    assert ended.code == 0, ended
    assert "test accuracy" in ended.out and not ended.err


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_validation_loss_that_is_no_number_is_kept_as_the_best(
    fit: Fit, tmp_path: Path, monkeypatch: Patch, loss: float
) -> None:
    monkeypatch.setattr(fitting, "evaluate", lambda *_: (loss, 0.5))
    refused(fit(), 1, f"The validation loss became {loss} at epoch 1")
    assert not (tmp_path / "out" / "best.pt").exists()


@pytest.mark.parametrize(
    ("options", "code"), [(("1e308",), 2), (("1e30",), 1), (("3e38",), 1), (("1e308", "--dtype", "float64"), 1)]
)
def test_a_rate_that_blows_the_weights_up_ends_in_a_line(
    fit: Fit, tmp_path: Path, options: tuple[str, ...], code: int
) -> None:
    """float32 does not hold 1e308; torch's optimiser has a RuntimeError for it."""
    ended = fit("--lr", *options)
    refused(ended, code)
    assert re.search(r"The (loss|gradient) .* at epoch 1, step \d" if code == 1 else "than float32 holds", ended.err)
    assert not (tmp_path / "out" / "best.pt").exists()


def test_a_later_failure_leaves_the_checkpoint_whole(fit: Fit, tmp_path: Path, monkeypatch: Patch) -> None:
    def spoiled(split: data.Split, size: int, seed: int, epoch: int, *rest: Any) -> Batches:
        for x, t in training_batches(split, size, seed, epoch, *rest):
            yield (x * float("nan") if epoch == 2 else x), t

    monkeypatch.setattr(fitting, "training_batches", spoiled)
    refused(fit(), 1, "at epoch 2, step 1")
    assert checkpoint.load(tmp_path / "out" / "best.pt", "lenet5")["epoch"] == 1
    assert len(rows(tmp_path / "out")) == 1


def test_both_backends_train_alike(small_data: Path, tmp_path: Path) -> None:
    """LeNet itself, a few steps, float64: the same script, weights and batches, so the same losses."""
    common = ["--no-report", "--epochs", "1", "--dtype", "float64", "--seed", "3", "--threads", "1"]
    for backend in ("torch", "manual"):
        words = [*common, "--data-dir", str(small_data), "--backend", backend]
        assert cli.main([*words, "--out", str(tmp_path / backend)]) == 0
    torch_row, manual_row = (rows(tmp_path / backend)[0] for backend in ("torch", "manual"))
    for key in ("train_loss", "validation_loss", "validation_accuracy"):
        assert manual_row[key] == pytest.approx(torch_row[key], rel=1e-10)
    torch_weights, manual_weights = (weights(tmp_path / backend) for backend in ("torch", "manual"))
    for name in torch_weights:
        torch.testing.assert_close(torch_weights[name], manual_weights[name], rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("model", "parameters"),
    [("lenet5-1998", "LeNet-5 of 1998, 60,000"), ("lenet5-unpadded", "LeNet-5 without padding, 44,426")],
)
def test_another_network(fit: Fit, tmp_path: Path, model: str, parameters: str) -> None:
    assert f"{parameters} parameters" in fit("--arch", model, "--epochs", "4").out
    losses = [row["train_loss"] for row in rows(tmp_path / "out")]
    assert losses[-1] < 0.7 * losses[0]
    assert max(row["lr"] for row in rows(tmp_path / "out")) == pytest.approx(LRS[model], rel=0.1)
    assert checkpoint.load(tmp_path / "out" / "best.pt", model)["network"] == model
    refused(fit("--init", str(tmp_path / "out" / "best.pt"), out="again"), 1, f"'{model}', not 'lenet5'")
    assert not (tmp_path / "again").exists()


def test_every_network_has_a_rate() -> None:
    assert LRS.keys() == NETWORKS.keys()
