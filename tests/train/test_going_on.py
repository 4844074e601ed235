"""Whatever the recipe, a run that is stopped and goes on is bit for bit the run that was not."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.train.equality import differing
from tests.train.programs import Patch, called
from tests.train.test_resume import raising, said
from tests.train.tiny import in_place_of_lenet, small_run
from train import checkpoint
from train.cli import main
from train.recipe import AUGMENTATIONS, OPTIMIZERS, SCHEDULES

STEPS = 10
POINTS = (("steps", STEPS + 7), ("_take_statistics", 2), ("evaluate", 1))

#: Every optimiser, schedule, average and augmentation is in one of them.
RECIPES = (
    "--optimizer adam --schedule cosine --average ema:0.9 --augment affine",
    "--optimizer adamw --schedule linear --average swa:0.4 --augment elastic --label-smoothing 0.1",
    "--optimizer nadam --schedule step --average swa:0.9 --augment none",
    "--optimizer radam --schedule constant --keep last --holdout 0 --average ema",
    "--optimizer adamax --schedule 1998 --augment shift",
    "--optimizer adagrad --schedule one-cycle --average ema:0.5 --holdout 5",
    "--optimizer rmsprop --momentum 0.9 --schedule cosine --keep last",
    "--optimizer sgd --momentum 0 --weight-decay 0 --schedule 1998 --augment none --average swa",
    "--recipe augmented --batch-size 24 --epochs 3",
)


@pytest.fixture(autouse=True)
def network(monkeypatch: Patch) -> Iterator[None]:
    """Nothing here loses power, so that nobody waits for the disk."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    with in_place_of_lenet():
        yield


def test_all_are_tried() -> None:
    for flag, names in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES), ("augment", AUGMENTATIONS)):
        assert {name for name in names if any(f"--{flag} {name}" in recipe for recipe in RECIPES)} == set(names)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_run_that_was_stopped_is_the_run_that_was_not(
    small_data: Path, tmp_path: Path, monkeypatch: Patch, recipe: str
) -> None:
    words = [*small_run(small_data, 3), *recipe.split()]
    whole = called(main, *words, "--out", str(tmp_path / "whole"))
    assert whole.code == 0, whole
    for name, at in POINTS:
        out = tmp_path / name
        with monkeypatch.context() as patch:
            raising(patch, name, at)
            assert called(main, *words, "--out", str(out)).code == 128 + signal.SIGTERM
        again = called(main, "--resume", str(out), *recipe.split())
        assert (again.code, again.err, said(again)) == (0, "", said(whole))
        assert differing(tmp_path / "whole", out) is None, (recipe, name)


def test_the_run_s_weights_stay_when_the_test_of_the_kept_ones_is_stopped(
    small_data: Path, tmp_path: Path, monkeypatch: Patch
) -> None:
    """The kept epoch is the first one here."""
    monkeypatch.setattr("train.fit.rank", lambda metrics: -metrics.epoch)
    words = small_run(small_data, 3)
    assert called(main, *words, "--out", str(tmp_path / "whole")).code == 0
    with monkeypatch.context() as patch:
        raising(patch, "evaluate", 4)
        assert called(main, *words, "--out", str(tmp_path / "out")).code == 128 + signal.SIGTERM
    assert called(main, "--resume", str(tmp_path / "out")).code == 0
    assert differing(tmp_path / "whole", tmp_path / "out") is None


def test_a_run_from_before_there_were_recipes_goes_on(small_data: Path, tmp_path: Path, monkeypatch: Patch) -> None:
    """Its options and its checkpoint lack what was added since, and the weights are those of today's plain run."""
    words = small_run(small_data, 3)
    assert called(main, *words, "--out", str(tmp_path / "whole")).code == 0
    out = tmp_path / "old"
    with monkeypatch.context() as patch:
        raising(patch, "steps", STEPS + 3)
        called(main, *words, "--out", str(out))
    added = ("recipe", "augment", "optimizer", "momentum", "weight_decay", "schedule", "average", "label_smoothing")
    for path in (out / "last.pt", out / "previous.pt"):
        contents = checkpoint.load(path)
        del contents["average"]
        for name in (*added, "holdout", "keep", "tensorboard"):
            del contents["options"][name]
        path.write_bytes(checkpoint.sealed(contents))
    again = called(main, "--resume", str(out))
    assert (again.code, again.err) == (0, "")
    assert differing(tmp_path / "whole", out) is None
