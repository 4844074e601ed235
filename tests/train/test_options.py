"""The dataclass is the flags; what is kept with a run is read back exactly, and what contradicts it is found."""

import argparse
import json
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path
from typing import Any

import pytest

from train import cli
from train.flags import flag
from train.kept_options import from_plain, gone_on, plain
from train.options import FitOptions

OTHERS: dict[str, Any] = {
    "seed": 2**63 - 1,
    "batch_size": 7,
    "threads": 3,
    "max_train": 50,
    "data_dir": Path("/data/é"),
    "arch": "lenet5-1998",
    "dataset": "folder:/data/é",
    "channels": 3,
    "image_size": 32,
    "epochs": 2,
    "lr": 1 / 3,
    "backend": "torch",
    "device": "cuda:1",
    "dtype": "float64",
    "init": Path("/a/best.pt"),
    "recipe": "augmented",
    "augment": "elastic",
    "optimizer": "rmsprop",
    "momentum": 0.5,
    "weight_decay": 0.0,
    "schedule": "1998",
    "average": "swa:0.5",
    "label_smoothing": 0.1,
    "holdout": 5,
    "keep": "last",
    "tensorboard": True,
    "checkpoint_every": 4,
    "report": False,
    "progress": False,
}


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_field_is_a_flag_and_every_flag_a_field(name: str) -> None:
    entries = fields(cli.COMMANDS[name].options)
    actions = [action for action in cli.make_parser(name)._actions if action.dest != "help"]
    assert [action.dest for action in actions] == [entry.name for entry in entries]
    for action, entry in zip(actions, entries, strict=True):
        assert action.option_strings == ([flag(entry)] if entry.metadata.get("is_flag", True) else [])
        assert action.help == entry.metadata["help"]
        assert action.default == (argparse.SUPPRESS if action.option_strings else None)


def test_options_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        FitOptions().seed = 1  # type: ignore[misc]


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_kept_is_read_back(name: str) -> None:
    told = replace(FitOptions(), **{name: OTHERS[name]})
    assert from_plain(json.loads(json.dumps(plain(told)))) == told
    assert from_plain({}) == FitOptions()


def test_the_kept_ones_are_named_here() -> None:
    assert plain(FitOptions()).keys() == OTHERS.keys()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"depth": 3}, "no option 'depth'"),
        ({"out": "x"}, "no option 'out'"),
        ({"seed": -1}, "--seed '-1' is not a whole number"),
        ({"seed": None}, "--seed cannot be None"),
        ({"lr": float("nan")}, "--lr 'nan' is not a finite number"),
        ({"lr": 1e39}, "more than float32 holds"),
        ({"arch": "resnet"}, "--arch 'resnet' is none of lenet5, lenet5-1998"),
        ({"arch": ["lenet5"]}, "--arch .* is none of"),
        ({"recipe": "secret"}, "--recipe cannot be 'secret'"),
        ({"optimizer": "SGD"}, "--optimizer cannot be 'SGD'"),
        ({"average": "ema:1"}, "--average 'ema:1' has the number '1'"),
        ({"average": "median"}, "--average 'median' is neither none nor one of ema, swa"),
        ({"label_smoothing": 1.0}, "--label-smoothing '1.0' is not a number of at least 0 and below 1"),
        ({"momentum": 0.5, "optimizer": "adam"}, "--momentum goes with the optimizers sgd and rmsprop, and not with"),
        ({"holdout": 1}, "--holdout 1 leaves no image"),
        ({"progress": 1}, "--no-progress cannot be 1"),
        ({"data_dir": "a\0"}, "--data-dir .* is not a path"),
    ],
)
def test_kept_options_that_nobody_can_have_given_are_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        from_plain(values)


@pytest.mark.parametrize("name", OTHERS)
def test_a_run_goes_on_with_its_own_options(name: str) -> None:
    """What decides the result is fixed; where and how loudly it runs is not; what is not said is taken over."""
    saved = FitOptions()
    free = name in ("threads", "data_dir", "dataset", "device", "checkpoint_every", "report", "progress", "tensorboard")
    wanted = replace(saved, **{name: OTHERS[name]})
    merged, contradictions = gone_on(saved, wanted, [name])
    assert merged == (wanted if free else saved)
    assert len(contradictions) == (0 if free else 1)
    if not free:
        assert contradictions[0].endswith(f" {getattr(saved, name)} -> {OTHERS[name]}")
    assert gone_on(wanted, saved, []) == (wanted, [])
    assert gone_on(wanted, wanted, [name]) == (wanted, [])
    back, contradictions = gone_on(wanted, saved, [name])  # the default, when it is given, is meant as well
    assert (back, len(contradictions)) == ((saved, 0) if free else (wanted, 1))
