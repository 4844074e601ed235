"""``manualconv animate``: the passes of a layer step by step, in words, and as GIF, PNG and HTML with ``--out``."""

from __future__ import annotations

import argparse
import re
from typing import Any

from manualconv.command import Command
from manualconv.explain.commands import add_out, show
from manualconv.explain.layer import KINDS
from manualconv.explain.passes import GROUPS, KEYS

PASSES = (*KEYS, *GROUPS)


def size(text: str) -> tuple[int, ...]:
    """``6x7`` as a tuple; ``6`` as a tuple of one."""
    if not re.fullmatch(r"\d+(x\d+)*", text):
        raise argparse.ArgumentTypeError(f"whole numbers with an x between, as 6x7, not {text!r}")
    return tuple(map(int, text.split("x")))


def padding(text: str) -> Any:
    """``1x0``, or ``1:0x2:2`` with a number before and after on each axis, or a word."""
    if text in ("valid", "same", "full"):
        return text
    if not re.fullmatch(r"\d+(:\d+)?(x\d+(:\d+)?)*", text):
        meaning = "as 1x0, 1:0x2:2 for before:after on each axis, or valid, same or full"
        raise argparse.ArgumentTypeError(f"{meaning}, not {text!r}")
    if ":" not in text:
        return size(text)
    pairs = [part.split(":") for part in text.split("x")]
    return tuple((int(pair[0]), int(pair[-1])) for pair in pairs)


def steps(text: str) -> slice:
    """``0:20`` as a slice; either end may be left out."""
    found = re.fullmatch(r"(\d*):(\d*)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"a first step and one behind the last, as 0:20, not {text!r}")
    return slice(*(int(end) if end else None for end in found.groups()))


def add_options(parser: argparse.ArgumentParser) -> None:
    """The layer as PyTorch's modules take it, and what to show of it."""
    parser.add_argument("kind", choices=KINDS, help="the layer")
    parser.add_argument("--input", type=size, default=(5, 5), metavar="S", help="of its input, 6x7 or 9 (default 5x5)")
    parser.add_argument("--kernel", type=size, metavar="S", help="default 3, of a pooling layer 2")
    parser.add_argument("--stride", type=size, metavar="S", help="default 1, of a pooling layer its kernel")
    parser.add_argument(
        "--padding",
        type=padding,
        default=0,
        metavar="S",
        help="1x0, or before:after on each axis, as 1:0x2:2, or valid, same, full (default 0)",
    )
    parser.add_argument("--dilation", type=size, default=(1,), metavar="S", help="default 1")
    parser.add_argument("--channels", type=int, default=1, metavar="C", help="of the input (default 1)")
    parser.add_argument("--filters", type=int, metavar="O", help="channels of the output (default 1)")
    parser.add_argument("--groups", type=int, default=1, metavar="G", help="channel blocks (default 1)")
    parser.add_argument(
        "--flip", action="store_true", help="turn the kernel round: the convolution of the mathematicians"
    )
    parser.add_argument("--pass", dest="passes", choices=PASSES, default="all", metavar="PASS", help=", ".join(PASSES))
    parser.add_argument("--seed", type=int, default=0, help="of the small whole numbers (default 0)")
    parser.add_argument("--steps", type=steps, default=slice(None), metavar="A:B", help="only the steps from A up to B")
    add_out(parser)


def run(options: argparse.Namespace) -> int:
    """Trace, print, and save if asked."""
    from manualconv.explain.animation import check_pictures, figure, traced
    from manualconv.explain.layer import make

    pools = options.kind.endswith("pool")
    layer = make(
        options.kind,
        options.input,
        options.kernel or ((2,) if pools else (3,)),
        options.stride,
        options.padding,
        options.dilation,
        options.channels,
        1 if options.filters is None and not pools else options.filters,
        options.groups,
        options.flip,
    )
    traces = traced(layer, options.passes, seed=options.seed)
    if options.out is not None:
        check_pictures(traces, options.steps)
    return show(figure(layer, traces, {}, options.seed, options.steps), options.out)


COMMAND = Command(
    "show a layer's passes step by step: each sum with its numbers, animations, pictures, a page to explore",
    add_options,
    run,
)
