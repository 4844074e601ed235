"""``manualconv animate``: the passes of a layer step by step, in words, and as GIF, PNG and HTML with ``--out``."""

from __future__ import annotations

import argparse
import re

from manualconv.arguments import lengths, padding
from manualconv.command import Command
from manualconv.explain.commands import add_out, show
from manualconv.explain.tracing.layer import KINDS
from manualconv.explain.tracing.passes import GROUPS, KEYS

PASSES = (*KEYS, *GROUPS)


def passes(text: str) -> tuple[str, ...]:
    """``forward,input`` as names of passes."""
    names = tuple(text.split(","))
    for name in names:
        if name not in PASSES:
            raise argparse.ArgumentTypeError(f"{name!r} is no pass: name one or more of {','.join(PASSES)}")
    return names


def steps(text: str) -> slice:
    """``0:20`` as a slice; either end may be left out."""
    found = re.fullmatch(r"(\d*):(\d*)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"a first step and one behind the last, as 0:20, not {text!r}")
    return slice(*(int(end) if end else None for end in found.groups()))


def add_options(parser: argparse.ArgumentParser) -> None:
    """The layer as PyTorch's modules take it, and what to show of it."""
    parser.add_argument("kind", choices=KINDS, help="the layer")
    parser.add_argument(
        "--input", type=lengths, default=(5, 5), metavar="S", help="of its input, 6x7 or 9 (default 5x5)"
    )
    parser.add_argument("--kernel", type=lengths, metavar="S", help="default 3, of a pooling layer 2")
    parser.add_argument("--stride", type=lengths, metavar="S", help="default 1, of a pooling layer its kernel")
    parser.add_argument(
        "--padding",
        type=padding,
        default=0,
        metavar="S",
        help="1x0, or before:after on each axis, as 1:0x2:2, or valid, same, full (default 0)",
    )
    parser.add_argument("--dilation", type=lengths, default=(1,), metavar="S", help="default 1")
    parser.add_argument("--channels", type=int, default=1, metavar="C", help="of the input (default 1)")
    parser.add_argument("--filters", type=int, metavar="O", help="channels of the output (default 1)")
    parser.add_argument("--groups", type=int, default=1, metavar="G", help="channel blocks (default 1)")
    parser.add_argument(
        "--flip", action="store_true", help="turn the kernel round: the convolution of the mathematicians"
    )
    parser.add_argument(
        "--pass",
        dest="passes",
        type=passes,
        default=("all",),
        metavar="PASS,...",
        help=f"of {', '.join(PASSES)} (default all); forward,input are also drawn side by side",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the small whole numbers (default 0)")
    parser.add_argument("--steps", type=steps, default=slice(None), metavar="A:B", help="only the steps from A up to B")
    add_out(parser)


def run(options: argparse.Namespace) -> int:
    """Trace, print, and save if asked."""
    from manualconv.explain.animation.animate import check_pictures, figure, traced
    from manualconv.explain.tracing.layer import make

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
    traces = []
    for found in traced(layer, options.passes, seed=options.seed):
        if options.out is not None:
            check_pictures(found, options.steps)
        traces.append(found)
    return show(lambda: figure(layer, traces, {}, options.seed, options.steps), options.out)


COMMAND = Command(
    "show a layer's passes step by step: each sum with its numbers, animations, pictures, a page to explore",
    add_options,
    run,
)
