"""Flags made of dataclasses: a field is a flag, or a word of the command line without one; without torch."""

import argparse
from collections.abc import Callable
from dataclasses import Field, field, fields
from typing import Any

Check = Callable[[str], Any]


def option(
    default: Any, help: str, check: Check | None = None, *, may_change: bool = False, kept: bool = True, **more: Any
) -> Any:
    """A field that is a flag; ``more`` is for argparse."""
    notes = {"help": help, "check": check, "may_change": may_change, "kept": kept, "more": more}
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=notes)
    return field(default=default, metadata=notes)


def argument(help: str, check: Check, **more: Any) -> Any:
    """A field that is a word of the command line without a flag, and has to be there."""
    return field(metadata={"help": help, "check": check, "is_flag": False, "more": more})


def flag(entry: "Field[Any]") -> str:
    """``--batch-size`` of ``batch_size``; a switch that is on by default is named by what it does: ``--no-bias``."""
    return f"--{'no-' if entry.default is True else ''}{entry.name.replace('_', '-')}"


def add_options(parser: argparse.ArgumentParser, options: type) -> None:
    """Give the parser the flags of ``options``. What is not on the command line is not in the parser's answer."""
    for entry in fields(options):
        notes = entry.metadata
        if not notes.get("is_flag", True):
            parser.add_argument(entry.name, type=notes["check"], help=notes["help"], **notes["more"])
            continue
        words = dict(dest=entry.name, help=notes["help"], default=argparse.SUPPRESS, **notes["more"])
        if isinstance(entry.default, bool):
            parser.add_argument(flag(entry), action="store_false" if entry.default else "store_true", **words)
        else:
            parser.add_argument(flag(entry), type=notes["check"], **words)
