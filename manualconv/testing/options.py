"""The options of an examination, for ``manualconv check`` and for ``pytest --manualconv-impl``; no torch, no NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from manualconv.arguments import DTYPES, file

#: Libraries that are examined whole, by the name they have on the command line.
LIBRARIES = ("torch", "manualconv")
TARGET = "package.module:name, path/file.py:name, or torch or manualconv for all of it"
#: Options that take all the words behind them.
LISTS = ("only", "require", "without")


@dataclass(frozen=True)
class Wish:
    """What is to be examined, and how."""

    target: str
    operation: str | None = None
    only: tuple[str, ...] = ()
    require: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    tier: str = "direct"
    profile: str = "ci"
    seed: int = 0
    timeout: float = 30.0
    device: str = "cpu"
    dtype: str = ""
    json: Path | None = None


def add_options(add: Callable[..., object], prefix: str = "") -> None:
    """Add every option but the target by `add`, which takes what argparse's ``add_argument`` takes."""

    def option(name: str, dest: str = "", **how: Any) -> None:
        add(f"--{prefix}{name}", dest=f"{prefix}{dest or name}".replace("-", "_"), **how)

    words: dict[str, Any] = {"action": "extend", "nargs": "+", "default": []}
    option("as", "operation", metavar="OPERATION", help="which of torch.nn.functional's it is")
    option("device", default="cpu", metavar="D", help="where it runs (default cpu)")
    option("dtype", choices=DTYPES, default="", help="what it takes (default: found by asking)")
    option("only", **words, metavar="LAW", help="laws with these words in their names")
    option("require", **words, metavar="ABILITY", help="abilities that it must have")
    option("without", **words, metavar="ABILITY", help="abilities that it need not have")
    option("tier", choices=("direct", "fast", "bf16", "f16"), default="direct", help="errors admitted")
    option("profile", choices=("smoke", "ci", "deep"), default="ci", help="how many cases (default ci)")
    option("seed", type=int, default=0, metavar="N", help="of the drawn cases (default 0)")
    option("timeout", type=float, default=30.0, metavar="S", help="seconds a case may take (default 30)")
    option("json", type=file, metavar="FILE", help="write everything that was found to FILE")


def wish(said: Mapping[str, Any], prefix: str = "") -> Wish:
    """What a parser made of the options."""
    named: dict[str, Any] = {each.name: said[f"{prefix}{each.name}".replace("-", "_")] for each in fields(Wish)}
    tuples: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in named.items()}
    return Wish(**tuples)


def with_target(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options, where a list has swallowed the TARGET behind it: its last word, if that names one."""
    for name in LISTS if said["target"] is None else ():
        *words, last = said[name] or ("",)
        place, _, thing = last.partition(":")
        if last in LIBRARIES or (place and thing):
            return {**said, name: words, "target": last}
    return said


def examiner() -> Any:
    """The program behind the options.  Raises ValueError, a sentence, where the extra `testing` is missing."""
    try:
        from manualconv.testing.examiner import program
    except ModuleNotFoundError as error:
        raise ValueError(f"{error.name} is missing: pip install '.[testing]' in a clone brings it") from None
    return program
