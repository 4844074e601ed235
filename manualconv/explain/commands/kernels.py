"""``manualconv kernels``: what filters find in a picture of yours."""

from __future__ import annotations

import argparse
from math import isfinite

from manualconv.command import Command
from manualconv.explain.commands import add_out, show

NAMES = ("K1", "K2", "K3", "K4")
HOW = "numbers with commas between, rows with semicolons between, as '1,2,1;0,0,0;-1,-2,-1'"


def kernel(text: str) -> list[list[float]]:
    """``1,2;3,4`` as rows."""
    try:
        rows = [[float(part) for part in row.split(",")] for row in text.strip().rstrip(";").split(";")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"a kernel is {HOW}, not {text!r}") from None
    lengths = [len(row) for row in rows]
    if len(set(lengths)) > 1:
        raise argparse.ArgumentTypeError(
            f"a kernel's rows have equally many numbers, and those of {text!r} have {lengths}"
        )
    if not all(isfinite(value) for row in rows for value in row):
        raise argparse.ArgumentTypeError(f"a kernel's numbers are finite, and {text!r} has one that is not")
    return rows


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", metavar="IMAGE", help="a picture that Pillow reads")
    parser.add_argument("--filter", nargs="+", choices=NAMES, metavar="K", help="of K1, K2, K3, K4 (default all)")
    parser.add_argument("--kernel", type=kernel, metavar="ROWS", help=f"a kernel of your own: {HOW}")
    meaning = "what is marked: sums above it, normalised to 0..1 (default 0.6)"
    parser.add_argument("--threshold", type=float, default=0.6, metavar="T", help=meaning)
    add_out(parser)


def _run(options: argparse.Namespace) -> int:
    import torch

    from manualconv.explain.figures.images import FILTERS, filter_gallery

    chosen = options.filter or (() if options.kernel else NAMES)
    kernels = {name: FILTERS[name] for name in chosen}
    if options.kernel:
        kernels["own"] = torch.tensor(options.kernel)
    return show(lambda: filter_gallery(options.image, kernels, options.threshold), options.out)


COMMAND = Command("show what edge filters, or a kernel of your own, find in a picture", _options, _run)
