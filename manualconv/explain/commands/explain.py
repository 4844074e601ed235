"""``manualconv explain``: a layer with every number of a small case, forward and backward."""

from __future__ import annotations

import argparse

from manualconv.command import Command
from manualconv.explain.commands import add_out, show
from manualconv.explain.worked import TOPICS


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "topic",
        metavar="TOPIC",
        help=f"{', '.join(TOPICS)}; errata is what the article says otherwise",
    )
    add_out(parser)


def _run(options: argparse.Namespace) -> int:
    from manualconv.explain.worked import worked_example

    return show(lambda: worked_example(options.topic), options.out)


COMMAND = Command(
    "print every number of a small layer, forward and backward, and the code that is its equation", _options, _run
)
