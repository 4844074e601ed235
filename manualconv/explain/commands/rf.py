"""``manualconv rf``: what the units of a network see."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from manualconv.arguments import lengths
from manualconv.command import Command
from manualconv.explain.commands import add_out, show

MODEL = (
    "alexnet, zf5, vgg16, torchvision:NAME, torchvision:NAME.PART for a module of it, or module:factory, a function "
    "that gives a network"
)


def add_model(parser: argparse.ArgumentParser) -> None:
    """The network and its input."""
    parser.add_argument("model", metavar="MODEL", help=MODEL)
    size = "size of the input: 224, or 224x320 (default 224, but for module:factory)"
    parser.add_argument("--input", type=lengths, metavar="N", help=size)
    parser.add_argument("--channels", type=int, metavar="C", help="of the input (default: of the first convolution)")


def input_size(options: argparse.Namespace) -> int | tuple[int, ...]:
    """The size of the input: one number stands for every axis; ImageNet's where the network is made for it.

    Raises:
        ValueError: no size, and a network of the caller's.
    """
    if options.input is None and ":" in options.model and not options.model.startswith("torchvision:"):
        raise ValueError(f"--input is needed for {options.model}: the size of the images it is made for, as --input 28")
    size: tuple[int, ...] = options.input or (224,)
    return size[0] if len(size) == 1 else size


def _options(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument("--layer", metavar="NAME", help="the layer that is drawn (default: the last map)")
    parser.add_argument("--unit", type=_unit, metavar="I,J", help="the unit of it that is drawn (default: the centre)")
    parser.add_argument("--image", type=Path, metavar="FILE", help="draw the unit's box on this image")
    parser.add_argument(
        "--effective", action="store_true", help="draw the gradient of the unit, by the model's weights"
    )
    parser.add_argument("--object", type=int, metavar="N", help="compare with the size of an object, in pixels")
    add_out(parser)


def _unit(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"a position as 3,3, not {text!r}") from None


def _run(options: argparse.Namespace) -> int:
    from manualconv.explain.networks.named import named
    from manualconv.explain.networks.receptive import receptive_fields

    model = named(options.model, numbers=options.effective)
    figure = partial(
        receptive_fields,
        model,
        input_size(options),
        options.channels,
        layer=options.layer,
        unit=options.unit,
        image=options.image,
        effective=options.effective,
        object_size=options.object,
    )
    return show(figure, options.out)


COMMAND = Command("print what the units of each layer of a network see of its input", _options, _run)
