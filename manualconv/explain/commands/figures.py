"""``manualconv figures``: the article's figures, listed, printed and saved."""

from __future__ import annotations

import argparse
from functools import partial

from manualconv.command import Command
from manualconv.explain.commands import add_out, show


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", metavar="NAME", nargs="*", help="which ones (default: all are listed, or saved)")
    add_out(parser)


def _run(options: argparse.Namespace) -> int:
    from manualconv.explain.figures import FIGURES, article_figure
    from manualconv.explain.names import known

    for name in options.names:
        known(name, FIGURES, "figure")
    if not options.names:
        print("the article's figures; manualconv figures NAME prints one, --out DIR saves its picture, or all of them")
        for name, (number, _, what) in FIGURES.items():
            print(f"  {number:2}  {name:12} {what}")
        if options.out is None:
            return 0
    for name in options.names or FIGURES:
        show(partial(article_figure, name), options.out)
        print()
    return 0


COMMAND = Command("draw the article's figures from code: list, print and save them", _options, _run)
