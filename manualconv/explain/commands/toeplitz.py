"""``manualconv toeplitz``: the matrix of a convolution, with its letters and its counts."""

from __future__ import annotations

import argparse

from manualconv.command import Command
from manualconv.explain.commands import add_out, show

WORDS = ("valid", "same", "full")


def axes(text: str) -> tuple[int, ...]:
    """``3x4`` or ``3,4`` as a tuple."""
    try:
        return tuple(int(part) for part in text.lower().replace(",", "x").split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"one whole number an axis with x between, as 3x4, not {text!r}") from None


def padding(text: str) -> tuple[int, ...] | str:
    """Numbers, or one of torch's words."""
    return text if text in WORDS else axes(text)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--input", type=axes, default=(3, 3), metavar="HxW", help="size of the input (default 3x3)")
    parser.add_argument("--kernel", type=axes, default=(2, 2), metavar="KxL", help="size of the kernel (default 2x2)")
    for name, least in (("stride", 1), ("dilation", 1)):
        meaning = f"one number, or one an axis (default {least})"
        parser.add_argument(f"--{name}", type=axes, default=(least,), metavar="S", help=meaning)
    meaning = "one number, one an axis, or valid, same, full (default 0)"
    parser.add_argument("--padding", type=padding, default=(0,), metavar="P", help=meaning)
    add_out(parser)


def _run(options: argparse.Namespace) -> int:
    from manualconv.explain.worked.matrix import toeplitz_matrix

    stride, padding, dilation = (
        value[0] if len(value) == 1 else value for value in (options.stride, options.padding, options.dilation)
    )
    return show(toeplitz_matrix(options.input, options.kernel, stride, padding, dilation), options.out)


COMMAND = Command("print a convolution as a matrix: sparse connections, shared weights, the transpose", _options, _run)
