"""The command line. Nothing here imports torch, so ``--help`` answers at once and a wrong option costs no waiting.

Without the name of a sub-command the sub-command is ``fit``: ``python -m train --epochs 1`` trains, whatever joins.
"""

import argparse
import gc
import os
import re
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any, NoReturn

from train import torchrun
from train.errors import MissingLibrary, OptionError, TrainError
from train.flags import add_options
from train.kept_options import told
from train.options import (
    CompareOptions,
    EvaluateOptions,
    ExportOptions,
    FitOptions,
    PredictOptions,
    ReportOptions,
    TraceOptions,
)
from train.terminal import CLOSED, Screen, one_line, screens

PROGRAM = "python -m train"
IMPLIED = "fit"


class OneSentenceParser(argparse.ArgumentParser):
    """argparse prints its whole usage at every mistake; one sentence is enough."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # argparse takes -1e308 for the name of an option: its own expression knows no exponents.
        self._negative_number_matcher = re.compile(r"-\.?\d")

    def error(self, message: str) -> NoReturn:
        """Exit with 2, as argparse does."""
        sentence = f"{self.prog}: {one_line(message)}; --help lists the options.\n"
        self.exit(2, sentence if torchrun.is_first() else None)


def spin_briefly() -> None:
    """Let the threads of GNU OpenMP, which torch brings, sleep soon when they wait for each other.

    By default they spin for milliseconds. With another busy program on the same two cores 25,600 images then took 97 s;
    with 1,000 spins 8.5 s, but a step of many small operations pays for every sleep: 20,000 images by hand took 6.9 s
    with 1,000 spins and 3.2 s with 30,000 (AMD EPYC, 2 cores, torch 2.14.1). The variable is read when torch is loaded;
    whoever has set a policy keeps it.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "30000")


Given = Collection[str]  # the names of the options that were on the command line


def imported(name: str) -> ModuleType:
    """``train/<name>.py``, with torch if nobody has it yet.

    Meanwhile the collector rests, and what was imported is none of its business later: it would look again and again
    through half a million objects, all of which stay to the end (1.8 seconds instead of 2.1).
    """
    if "torch" in sys.modules or not gc.isenabled():
        return import_module(f"train.{name}")
    gc.disable()
    try:
        return import_module(f"train.{name}")
    finally:
        gc.freeze()
        gc.enable()


def run_fit(options: FitOptions, given: Given) -> int:
    """Import torch only now."""
    code: int = imported("fit").run(options, given)
    return code


def by_module(name: str) -> Callable[[Any, Given], int]:
    """``run`` of ``train/<name>.py``, which is imported only now, and with it the libraries that training does without.

    Raises ``MissingLibrary``.
    """

    def run(options: Any, given: Given) -> int:
        try:
            module = imported(name)
        except ModuleNotFoundError as error:
            raise MissingLibrary(f"{name} needs {error.name}: pip install '.[train]' in the clone.") from error
        code: int = module.run(options)
        return code

    return run


@dataclass(frozen=True)
class Command:
    """A sub-command; the docstring of its options says in its help what it does.

    ``is_for_reading``: its output is all that it makes, so that it ends when nobody reads on.
    """

    options: type
    run: Callable[[Any, Given], int]
    is_for_reading: bool = True


COMMANDS = {
    "fit": Command(FitOptions, run_fit, is_for_reading=False),
    "evaluate": Command(EvaluateOptions, by_module("evaluate")),
    "predict": Command(PredictOptions, by_module("predict")),
    "report": Command(ReportOptions, by_module("report")),
    "export": Command(ExportOptions, by_module("export")),
    "compare": Command(CompareOptions, by_module("comparison")),
    "trace": Command(TraceOptions, by_module("trace")),
}


def make_parser(name: str) -> argparse.ArgumentParser:
    """The parser of one sub-command. No abbreviations: a later option must not change what an old command means."""
    options = COMMANDS[name].options
    others = ", ".join(f"'{PROGRAM} {other} --help'" for other in COMMANDS if other != name)
    parser = OneSentenceParser(
        prog=PROGRAM if name == IMPLIED else f"{PROGRAM} {name}",
        description=options.__doc__,
        epilog=f"Sub-commands: {', '.join(COMMANDS)}; '{IMPLIED}' may be left out. See also {others}.",
        allow_abbrev=False,
    )
    add_options(parser, options)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code: 0, 1 for ``TrainError`` or output that cannot be written, 128 + n after signal n.

    argparse exits with 2. Standard output that was closed before the start is a wish and no failure.
    """
    with screens() as (output, _):
        output.is_silent = not torchrun.is_first()
        try:
            try:
                code = _run(list(sys.argv[1:] if arguments is None else arguments), output)
            finally:
                output.flush()
        except OSError as error:
            if output.failure is None:
                raise
            if not isinstance(error, BrokenPipeError):  # `| head` has seen enough, and knows it
                print(f"{PROGRAM}: the output cannot be written: {output.failure}.", file=sys.stderr)
            return 1
        return code if output.failure in (None, CLOSED) else code or 1


def _run(words: list[str], output: Screen) -> int:
    name = words.pop(0) if words and not words[0].startswith("-") else IMPLIED
    if name not in COMMANDS:
        make_parser(IMPLIED).error(f"there is no sub-command {name!r}, only {', '.join(COMMANDS)}")
    parser, command = make_parser(name), COMMANDS[name]
    given = vars(parser.parse_args(words))
    try:
        options = told(command.options, given)
    except ValueError as error:
        parser.error(str(error))
    output.strict = command.is_for_reading
    spin_briefly()
    try:
        _check_place(name)
        return command.run(options, given.keys())
    except TrainError as error:
        if not error.is_told:
            print(f"{parser.prog}: {one_line(str(error))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n{parser.prog}: stopped by Ctrl-C.", file=sys.stderr)
        return 130


def _check_place(name: str) -> None:
    """Only training is for several workers. Raises ``OptionError``."""
    place = torchrun.place()
    if place.size == 1:
        return
    if name != IMPLIED:
        error = OptionError(f"One process does this, and there are {place.size}: start it as {PROGRAM} {name}.")
        error.is_told = place.rank != 0
        raise error
    # Warnings of torch's C++, said by every worker; it reads the variable when it is loaded.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
