"""``manualconv``: the command line.  Nothing imports torch before a command runs, so ``--help`` answers at once."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

DTYPES = ("float32", "float64")


class Command(NamedTuple):
    """A sub-command: its line in ``--help``, its options, and what it does with them."""

    help: str
    add_options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], None]


def sizes(text: str) -> tuple[int, ...]:
    """``4,64,56,56`` as a tuple."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"whole numbers with commas between, as 4,64,56,56, not {text!r}") from None


def _bench_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", nargs="+", default=(), metavar="ROW", help="rows (A1) or classes (D) of the suite")
    parser.add_argument("--quick", action="store_true", help="a dozen rows, few rounds, no peers: a minute or two")
    parser.add_argument("--dtype", choices=DTYPES, help="one dtype only (default both)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number to FILE")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write the results as Markdown, as BENCHMARKS.md is"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the speed-ups (.svg, .png), by matplotlib")


def _bench(options: argparse.Namespace) -> None:
    from manualconv.bench import Options, run

    dtypes = (options.dtype,) if options.dtype else DTYPES
    run(Options(tuple(options.only), options.quick, dtypes, options.json, options.output, options.plot))


def _choice_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--input", type=sizes, required=True, metavar="N,C,I…", help="size of x, as 4,64,56,56")
    parser.add_argument("--weight", type=sizes, required=True, metavar="O,C/g,K…", help="size of w, as 64,64,3,3")
    for name, default in (("stride", "1"), ("padding", "0"), ("dilation", "1")):
        meaning = f"one number, or one per axis (default {default})"
        parser.add_argument(f"--{name}", type=sizes, default=default, metavar="S", help=meaning)
    parser.add_argument("--groups", type=int, default=1, help="of the channels (default 1)")
    parser.add_argument("--dtype", choices=DTYPES, default="float32", help="of the tensors (default float32)")
    parser.add_argument(
        "--accuracy", choices=("exact", "fast"), default="exact", help="errors admitted (default exact)"
    )


def _choice(options: argparse.Namespace) -> None:
    import torch

    from manualconv.algorithms import accuracy, choice

    stride, padding, dilation = (
        value[0] if len(value) == 1 else value for value in (options.stride, options.padding, options.dilation)
    )
    dtype = getattr(torch, options.dtype)
    with accuracy(options.accuracy):
        print(choice(options.input, options.weight, stride, padding, dilation, options.groups, dtype=dtype))


COMMANDS = {
    "bench": Command(
        "time every layer of the suite beside torch and the peers that are installed", _bench_options, _bench
    ),
    "choice": Command(
        "print which algorithm computes the three maps of a convolution, and why", _choice_options, _choice
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0.  Options that make no sense are said in a sentence, and the exit is 2."""
    parser = argparse.ArgumentParser(
        "manualconv", description="Convolutions whose every derivative is written by hand."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        command.add_options(commands.add_parser(name, help=command.help, description=f"{command.help.capitalize()}."))
    options = parser.parse_args(arguments)
    try:
        COMMANDS[options.command].run(options)
    except ValueError as error:
        commands.choices[options.command].error(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
