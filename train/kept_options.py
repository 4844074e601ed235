"""The options of a run: what a recipe sets, what is kept with a run, and what a run that goes on takes over."""

import argparse
import os
from collections.abc import Collection, Mapping
from dataclasses import Field, fields, replace
from pathlib import Path
from typing import Any

from train.flags import flag
from train.options import FitOptions
from train.recipe import LR, LRS, OPTIMIZERS, RECIPES


def told(options: type, given: Mapping[str, Any]) -> Any:
    """The options of a command line: what it says, else what its recipe says, else the default.

    A recipe's numbers are those of its optimiser and network: where another is given, that one's defaults count.
    Raises ValueError for options that do not go together.
    """
    if options is not FitOptions:
        return options(**given)
    recipe = RECIPES[given.get("recipe", "plain")]
    own = {"optimizer": FitOptions.optimizer, "arch": FitOptions.arch} | recipe
    others = {"optimizer": ("lr", "momentum", "weight_decay"), "arch": ("lr",)}
    left_out = {
        name for option, names in others.items() if given.get(option, own[option]) != own[option] for name in names
    }
    made = FitOptions(**{name: value for name, value in recipe.items() if name not in left_out} | dict(given))
    if given.get("keep") == "best" and not made.holdout:
        raise ValueError("--keep best needs images to validate with, and --holdout 0 leaves none")
    return made


def settled(options: FitOptions) -> FitOptions:
    """The same with the numbers that depend on the network and the optimiser."""
    rule = OPTIMIZERS[options.optimizer]
    return replace(
        options,
        lr=options.lr or rule.lr or LRS.get(options.arch, LR),
        momentum=rule.momentum if options.momentum is None else options.momentum,
        weight_decay=rule.weight_decay if options.weight_decay is None else options.weight_decay,
        keep=options.keep if options.holdout else "last",
    )


def plain(options: FitOptions) -> dict[str, Any]:
    """What is kept with a run, for JSON and for a checkpoint; paths do not depend on where the program was started."""
    values = {entry.name: getattr(options, entry.name) for entry in fields(options) if entry.metadata["kept"]}
    return {name: os.path.abspath(value) if isinstance(value, Path) else value for name, value in values.items()}


def from_plain(values: Mapping[str, Any]) -> FitOptions:
    """The options that ``plain`` was given. Raises ValueError for what no command line could say."""
    known = {entry.name: entry for entry in fields(FitOptions) if entry.metadata["kept"]}
    strange = sorted(map(str, values.keys() - known.keys()))
    if strange:
        raise ValueError(f"there is no option {strange[0]!r}")
    return FitOptions(**{name: _checked(known[name], value) for name, value in values.items()})


def _checked(entry: "Field[Any]", value: Any) -> Any:
    if isinstance(entry.default, bool):
        fits = isinstance(value, bool)
    elif value is None:
        fits = entry.default is None
    elif "choices" in entry.metadata["more"]:
        fits = value in entry.metadata["more"]["choices"]
    else:
        try:
            return entry.metadata["check"](str(value))
        except argparse.ArgumentTypeError as error:
            raise ValueError(f"{flag(entry)} {error}") from error
    if not fits:
        raise ValueError(f"{flag(entry)} cannot be {value!r}")
    return value


def gone_on(saved: FitOptions, given: FitOptions, names: Collection[str]) -> tuple[FitOptions, list[str]]:
    """The options of a run that goes on, and what contradicts its own: "--seed 0 -> 1", one for each fixed option.

    ``names`` are those of ``given`` that were on the command line.
    """
    new, contradictions = {}, []
    for entry in fields(FitOptions):
        old, wanted = getattr(saved, entry.name), getattr(given, entry.name)
        if (entry.metadata["may_change"] and entry.name in names) or not entry.metadata["kept"]:
            new[entry.name] = wanted
        elif entry.name in names and _spelled(wanted) != _spelled(old):
            contradictions.append(f"{flag(entry)} {old} -> {wanted}")
    return replace(saved, **new), contradictions


def may_change() -> str:
    """The flags that a run that goes on may have anew."""
    return ", ".join(flag(entry) for entry in fields(FitOptions) if entry.metadata["may_change"])


def _spelled(value: Any) -> Any:
    return os.path.abspath(value) if isinstance(value, Path) else value
