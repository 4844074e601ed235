"""Flags become torch's objects with the right numbers; a recipe sets what nobody has said."""

import copy
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler

import manualconv.nn
from tests.train.programs import ROOT, Fit, Patch, called, refused
from tests.train.tiny import in_place_of_lenet
from train import checkpoint
from train.cli import main, make_parser
from train.errors import OptionError
from train.kept_options import from_plain, plain, settled, told
from train.models import NETWORKS
from train.optimisation import optimisation, rate_1998
from train.options import EvaluateOptions, FitOptions
from train.recipe import OPTIMIZERS, RECIPES, SCHEDULES


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimiser_is_torch_s_with_these_numbers(name: str) -> None:
    rule = OPTIMIZERS[name]
    optimizer, _ = optimisation(nn.Linear(2, 2), 0.125, 10, name)
    assert isinstance(optimizer, getattr(torch.optim, rule.name))
    group = optimizer.param_groups[0]
    assert group["weight_decay"] == rule.weight_decay and group["initial_lr"] == pytest.approx(0.125 / 25)
    assert group.get("momentum") == rule.momentum
    momentum = None if rule.momentum is None else 0.25
    group = optimisation(nn.Linear(2, 2), 0.125, 10, name, "constant", momentum, 0.5)[0].param_groups[0]
    assert (group["lr"], group["weight_decay"], group.get("momentum")) == (0.125, 0.5, momentum)
    assert group.get("nesterov", True) is True


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_its_steps_are_torch_s_bit_for_bit(name: str) -> None:
    """Also when it is given back its state, as a run that goes on does."""
    torch.manual_seed(1)
    ours = nn.Linear(3, 2)
    theirs = copy.deepcopy(ours)
    mine, _ = optimisation(ours, 0.1, 20, name, "constant")
    group = {key: value for key, value in mine.param_groups[0].items() if key not in ("params", "initial_lr")}
    torch_s = getattr(torch.optim, OPTIMIZERS[name].name)(theirs.parameters(), **without_unknown(name, group))
    for step in range(6):
        if step == 3:
            mine, old = optimisation(ours, 0.1, 20, name, "constant")[0], mine
            mine.load_state_dict(old.state_dict())
        x = torch.randn(5, 3)
        for model, optimizer in ((ours, mine), (theirs, torch_s)):
            optimizer.zero_grad()
            model(x).square().sum().backward()
            optimizer.step()
    assert all(torch.equal(p, q) and not p.grad_fn for p, q in zip(ours.parameters(), theirs.parameters(), strict=True))


def without_unknown(name: str, group: dict[str, Any]) -> dict[str, Any]:
    """The numbers of a group that the optimiser's class takes."""
    takes = inspect.signature(getattr(torch.optim, OPTIMIZERS[name].name)).parameters
    return {key: value for key, value in group.items() if key in takes}


def test_no_optimiser_imports_torch_s_compiler() -> None:
    """It takes nearly as long as torch itself. A torch that has it from the start has nothing to be kept out."""
    code = f"""
import sys
import torch
from train.optimisation import optimisation
before = "torch._dynamo" in sys.modules
for name in {list(OPTIMIZERS)}:
    model = torch.nn.Linear(2, 2)
    optimizer, schedule = optimisation(model, 0.1, 20, name)
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    schedule.step()
    optimizer.zero_grad()
    optimizer.load_state_dict(optimizer.state_dict())
    assert ("torch._dynamo" in sys.modules) == before, name
"""
    child = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert child.returncode == 0, child.stderr


def test_plain_gradient_descent_has_no_momentum_to_look_ahead() -> None:
    optimizer, _ = optimisation(nn.Linear(2, 2), 0.1, 10, momentum=0.0)
    assert optimizer.param_groups[0]["momentum"] == 0 and not optimizer.param_groups[0]["nesterov"]


KINDS = {
    "one-cycle": lr_scheduler.OneCycleLR,
    "cosine": lr_scheduler.CosineAnnealingLR,
    "linear": lr_scheduler.LinearLR,
    "step": lr_scheduler.StepLR,
    "constant": lr_scheduler.ConstantLR,
    "1998": lr_scheduler.LambdaLR,
}


def rates(name: str, total: int) -> list[float]:
    optimizer, schedule = optimisation(nn.Linear(2, 2), 0.5, total, schedule=name)
    assert type(schedule) is KINDS[name] or (name, total < 10) == ("one-cycle", True)
    found = []
    for _ in range(total):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("total", [1, 2, 3, 9, 10, 100])
def test_a_schedule_fits_every_run(name: str, total: int) -> None:
    """Some step is taken at the peak, none above it or at nothing, and none but one-cycle's rises."""
    found = rates(name, total)
    assert max(found) == pytest.approx(0.5, rel=0.03) and min(found) > 0
    assert name == "one-cycle" or found == sorted(found, reverse=True)


def test_schedules_have_their_numbers() -> None:
    assert rates("constant", 5) == [0.5] * 5
    assert rates("linear", 4) == pytest.approx([0.5, 0.375, 0.25, 0.125])
    assert rates("step", 7) == pytest.approx([0.5] * 3 + [0.05] * 3 + [0.005])
    assert rates("cosine", 3) == pytest.approx([0.5, 0.375, 0.125])
    assert [2 * rate for rate in rates("1998", 20)] == [1] * 2 + [0.4] * 3 + [0.2] * 3 + [0.1] * 4 + [0.02] * 8
    assert rate_1998(20, 20) == 0.02


def told_by(*words: str) -> FitOptions:
    options = told(FitOptions, vars(make_parser("fit").parse_args(words)))
    assert isinstance(options, FitOptions)
    return options


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_sets_what_nobody_has_said(name: str) -> None:
    options = told_by("--recipe", name)
    assert {option: getattr(options, option) for option in RECIPES[name]} == RECIPES[name]
    assert FitOptions(recipe=name, **RECIPES[name]) == options
    assert told_by("--recipe", name, "--epochs", "2", "--augment", "shift").epochs == 2
    assert told_by("--recipe", name, "--augment", "shift").augment == "shift"


def test_a_recipe_s_mean_can_be_left_out() -> None:
    options = settled(told_by("--recipe", "augmented", "--average", "none"))
    assert options.average is None and from_plain(plain(options)) == options


def test_no_recipe_is_the_plain_one_and_other_commands_have_none() -> None:
    assert told_by() == told_by("--recipe", "plain") == FitOptions()
    assert told(EvaluateOptions, {"checkpoint": Path("x")}) == EvaluateOptions(Path("x"))


def test_a_recipe_s_numbers_go_with_its_optimiser_and_network() -> None:
    old = told_by("--recipe", "1998", "--optimizer", "adam")
    assert (old.lr, old.momentum, old.weight_decay, old.augment) == (None, None, None, "none")
    assert told_by("--recipe", "1998", "--arch", "lenet5").lr is None
    assert told_by("--recipe", "1998", "--arch", "lenet5-1998", "--optimizer", "sgd") == told_by("--recipe", "1998")
    assert settled(old).lr == OPTIMIZERS["adam"].lr


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ((), (0.05, 0.9, 5e-4, "best")),
        (("--arch", "lenet5-1998"), (0.002, 0.9, 5e-4, "best")),
        (("--optimizer", "adamw"), (0.002, None, 0.01, "best")),
        (("--optimizer", "rmsprop", "--lr", "1", "--holdout", "0"), (1.0, 0.0, 0.0, "last")),
        (("--momentum", "0", "--weight-decay", "0", "--keep", "last"), (0.05, 0.0, 0.0, "last")),
    ],
)
def test_what_is_settled(words: tuple[str, ...], numbers: tuple[Any, ...]) -> None:
    options = settled(told_by(*words))
    assert (options.lr, options.momentum, options.weight_decay, options.keep) == numbers
    assert settled(options) == options


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--recipe", "secret"), "choose from 'plain', 'augmented', '1998'"),
        (("--optimizer", "lbfgs"), "choose from 'sgd', 'adam'"),
        (("--schedule", "saw"), "choose from 'one-cycle', 'cosine'"),
        (("--augment", "flip"), "choose from 'none', 'shift', 'affine', 'elastic'"),
        (("--average", "median"), "'median' is neither none nor one of ema, swa, alone or with a :NUMBER"),
        (("--average", "ema:0"), "'ema:0' has the number '0', and needs one above 0 and below 1"),
        (("--average", "ema:1"), "has the number '1', and needs"),
        (("--average", "swa:"), "has the number '', and needs"),
        (("--average", "ema:nan"), "has the number 'nan', and needs"),
        (("--label-smoothing", "1"), "'1' is not a number of at least 0 and below 1"),
        (("--label-smoothing", "-0.1"), "'-0.1' is not a number of at least 0 and below 1"),
        (("--momentum", "1"), "'1' is not a number of at least 0 and below 1"),
        (("--momentum", "0.9", "--optimizer", "adam"), "goes with the optimizers sgd and rmsprop, and not with adam"),
        (("--weight-decay", "-1"), "'-1' is not a finite number of at least 0"),
        (
            ("--holdout", "0", "--keep", "best"),
            "--keep best needs images to validate with, and --holdout 0 leaves none",
        ),
        (("--holdout", "1"), "--holdout 1 leaves no image to train with"),
    ],
)
def test_a_mistake_is_one_sentence(fit: Fit, tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    refused(fit(*words), 2, message)
    assert not (tmp_path / "out").exists()


def test_smoothing_is_the_training_loss_s_alone() -> None:
    for layers in (torch.nn, manualconv.nn):
        assert NETWORKS["lenet5"].objective(layers, 0.0).label_smoothing == 0
        loss = NETWORKS["lenet5"].objective(layers, 0.25)
        assert type(loss) is layers.CrossEntropyLoss and loss.label_smoothing == 0.25
        assert NETWORKS["lenet5"].criterion(layers).label_smoothing == 0


def test_a_loss_of_its_own_is_not_smoothed(fit: Fit) -> None:
    with pytest.raises(OptionError, match="LeNet-5 of 1998 has a loss of its own"):
        NETWORKS["lenet5-1998"].objective(torch.nn, 0.1)
    refused(fit("--arch", "lenet5-1998", "--label-smoothing", "0.1"), 1, "--label-smoothing 0 leaves it as it is")


def test_a_recipe_is_shown_and_saved_with_its_numbers(fit: Fit, tmp_path: Path) -> None:
    with in_place_of_lenet():
        ended = fit("--recipe", "augmented", "--optimizer", "adamw")
        assert ended.code == 0
        assert "\nrecipe" not in fit(out="plain").out
    shown = "recipe augmented: augment affine, optimizer adamw, lr 0.002, weight decay 0.01, schedule one-cycle,"
    assert shown in ended.out
    saved = json.loads((tmp_path / "out" / "options.json").read_text("utf-8"))
    assert (saved["recipe"], saved["average"], saved["lr"], saved["epochs"]) == ("augmented", "ema:0.999", 0.002, 2)
    assert checkpoint.load(tmp_path / "out" / "last.pt")["options"] == saved


def test_nothing_validates(fit: Fit, tmp_path: Path) -> None:
    with in_place_of_lenet():
        ended = fit("--holdout", "0")
    assert ended.code == 0 and "240 training, 0 validation, 40 test images" in ended.out
    assert "validation loss" not in ended.out and "last epoch     2 of 2" in ended.out
    rows = (tmp_path / "out" / "metrics.csv").read_text("utf-8").splitlines()
    assert [row.split(",")[2:4] for row in rows[1:]] == [["nan", "nan"]] * 2
    best, last = (checkpoint.load(tmp_path / "out" / name) for name in ("best.pt", "last.pt"))
    assert best["epoch"] == 2 and all(torch.equal(best["state"][n], last["state"][n]) for n in best["state"])


def test_a_short_run_of_the_recipe_of_1998_learns(small_data: Path, tmp_path: Path) -> None:
    """In steps of 16 images its 220 leave it at 10 %."""
    words = ["--recipe", "1998", "--epochs", "6", "--backend", "torch", "--threads", "1", "--no-report"]
    ended = called(main, *words, "--data-dir", str(small_data), "--out", str(tmp_path / "out"))
    assert "a short run: batches of 1 make 1320 steps of it" in ended.out
    said = re.search(r"^test accuracy  ([\d.]+) %$", ended.out, flags=re.MULTILINE)
    assert said is not None and float(said[1]) > 90


def test_every_fifth_validates_and_the_last_epoch_is_kept(fit: Fit, tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr("train.fit.rank", lambda metrics: -metrics.epoch)
    with in_place_of_lenet():
        assert "192 training, 48 validation" in fit("--holdout", "5", "--keep", "last").out
        fit(out="first")
    assert [checkpoint.load(tmp_path / name / "best.pt")["epoch"] for name in ("out", "first")] == [2, 1]
