"""What one word of the command line may be: argparse types, each of which says in one sentence what it refuses."""

import argparse
import math
import os
from collections.abc import Callable
from pathlib import Path

from train.recipe import AVERAGES, DATASETS, LRS

LARGEST = 2**63 - 1


def whole(least: int, most: int = LARGEST) -> Callable[[str], int]:
    """An argparse type: a whole number from ``least`` to ``most``."""

    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            bounds = f"of at least {least}" if most == LARGEST and value < least else f"from {least} to {most}"
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number {bounds}")
        return value

    return convert


def _number(text: str) -> float:
    """NaN for what is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def positive(text: str) -> float:
    """An argparse type: a finite number above zero."""
    value = _number(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number above 0")
    return value


def finite(text: str) -> float:
    """An argparse type: a finite number."""
    value = _number(text)
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number")
    return value


def not_negative(text: str) -> float:
    """An argparse type: a finite number of at least zero."""
    value = _number(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number of at least 0")
    return value


def below_one(text: str) -> float:
    """An argparse type: a number of at least zero, and below one."""
    value = _number(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 0 and below 1")
    return value


def average(text: str) -> str | None:
    """An argparse type: a kind of `train.recipe.AVERAGES`, with its number between 0 and 1: ``ema`` → ``ema:0.999``.

    None for ``none``.
    """
    if text == "none":
        return None
    kind, colon, number = text.partition(":")
    if kind not in AVERAGES:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither none nor one of {', '.join(AVERAGES)}, alone or with a :NUMBER"
        )
    value = _number(number) if colon else AVERAGES[kind]
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} has the number {number!r}, and needs one above 0 and below 1")
    return f"{kind}:{value!r}"


def architecture(text: str) -> str:
    """An argparse type: the name of a network of `train.models`, ``torchvision:NAME`` or ``module:factory``."""
    module, colon, name = text.partition(":")
    if text not in LRS and not (colon and all(part.isidentifier() for part in f"{module}.{name}".split("."))):
        raise argparse.ArgumentTypeError(
            f"{text!r} is none of {', '.join(LRS)}, and neither torchvision:NAME nor a module:factory of yours"
        )
    return text


def dataset(text: str) -> str:
    """An argparse type: the name of a data set, or ``folder:PATH``, whose path is made absolute."""
    if text.startswith("folder:"):
        return f"folder:{os.path.abspath(path(text.removeprefix('folder:')))}"
    if text not in DATASETS:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(DATASETS)}, and no folder:PATH")
    return text


def path(text: str) -> Path:
    """An argparse type: a path; ``~`` is the home folder also where the shell has left it, as in ``--out=~/runs``."""
    try:
        if not text or "\0" in text:
            raise ValueError
        return Path(text).expanduser()
    except (ValueError, RuntimeError):  # RuntimeError: nobody of that name has a home
        raise argparse.ArgumentTypeError(f"{text!r} is not a path") from None
