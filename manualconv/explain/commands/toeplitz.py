"""``manualconv toeplitz``: the matrix of a convolution, with its letters and its counts."""

from __future__ import annotations

import argparse

from manualconv.arguments import lengths, padding
from manualconv.command import Command
from manualconv.explain.commands import add_out, show


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--input", type=lengths, default=(3, 3), metavar="HxW", help="size of the input (default 3x3)")
    parser.add_argument(
        "--kernel", type=lengths, default=(2, 2), metavar="KxL", help="size of the kernel (default 2x2)"
    )
    for name, least in (("stride", 1), ("dilation", 1)):
        meaning = f"one number, or one an axis (default {least})"
        parser.add_argument(f"--{name}", type=lengths, default=(least,), metavar="S", help=meaning)
    meaning = "one number, one an axis, before:after as 1:0, or valid, same, full (default 0)"
    parser.add_argument("--padding", type=padding, default=(0,), metavar="P", help=meaning)
    add_out(parser)


def _run(options: argparse.Namespace) -> int:
    from manualconv.explain.worked.matrix import toeplitz_matrix

    numbers = (options.kernel, options.stride, options.padding, options.dilation)
    return show(lambda: toeplitz_matrix(options.input, *numbers), options.out)


COMMAND = Command("print a convolution as a matrix: sparse connections, shared weights, the transpose", _options, _run)
