"""``manualconv arith``: sizes, and which numbers give them."""

from __future__ import annotations

import argparse
from functools import partial

from manualconv.arguments import lengths, padding
from manualconv.command import Command
from manualconv.explain.commands import show


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--input", type=lengths, metavar="I", help="size of the input: 28, or 28x32")
    parser.add_argument("--kernel", type=lengths, metavar="K", help="of the window: 5, or 3x5")
    parser.add_argument("--stride", type=lengths, metavar="S", help="between windows (default 1)")
    parser.add_argument(
        "--padding", type=padding, metavar="P", help="2, 1x2, 1:0 for unequal sides, valid, same or full (default 0)"
    )
    parser.add_argument("--dilation", type=lengths, default=(1,), metavar="D", help="between taps (default 1)")
    parser.add_argument("--output", type=lengths, metavar="O", help="ask instead which numbers give this size")
    parser.add_argument("--ceil", action="store_true", help="count a last window that is not full, as pooling can")
    parser.add_argument("--transposed", action="store_true", help="of a transposed convolution")
    parser.add_argument("--output-padding", type=lengths, default=(0,), metavar="N", help="of --transposed (default 0)")
    parser.add_argument("--channels", type=int, metavar="C", help="of the input: count parameters, with --filters")
    parser.add_argument("--filters", type=int, metavar="F", help="channels of the output")
    parser.add_argument("--groups", type=int, default=1, metavar="G", help="of the channels (default 1)")


def _run(options: argparse.Namespace) -> int:
    from manualconv.explain.arithmetic.calculator import arith

    figure = partial(
        arith,
        options.input,
        options.kernel,
        options.stride,
        options.padding,
        options.dilation,
        output_size=options.output,
        ceil_mode=options.ceil,
        transposed=options.transposed,
        output_padding=options.output_padding,
        channels=options.channels,
        filters=options.filters,
        groups=options.groups,
    )
    return show(figure)


COMMAND = Command("compute a layer's sizes, or which kernel, stride, padding or input gives one", _options, _run)
