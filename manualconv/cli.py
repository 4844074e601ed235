"""``manualconv``: the command line.  Nothing imports torch before a command runs, so ``--help`` answers at once."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def _bench(parser: argparse.ArgumentParser) -> None:
    """Time every layer of the suite beside torch and the peers that are installed."""
    parser.add_argument("--only", nargs="+", default=(), metavar="ROW", help="rows (A1) or classes (D) of the suite")
    parser.add_argument("--quick", action="store_true", help="a dozen rows, five rounds, no peers: a minute or two")
    parser.add_argument("--dtype", choices=("float32", "float64"), help="one dtype only (default both)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number to FILE")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write the results as Markdown, as BENCHMARKS.md is"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the speed-ups (.svg, .png), by matplotlib")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0, or 2 for options that make no sense."""
    parser = argparse.ArgumentParser(
        "manualconv", description="Convolutions whose every derivative is written by hand."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _bench(commands.add_parser("bench", help="time the suite beside torch", description=_bench.__doc__))
    options = parser.parse_args(arguments)
    from manualconv.bench import Options, run

    dtypes = (options.dtype,) if options.dtype else ("float32", "float64")
    try:
        run(Options(tuple(options.only), options.quick, dtypes, options.json, options.output, options.plot))
    except ValueError as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
