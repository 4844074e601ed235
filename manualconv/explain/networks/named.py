"""The networks whose receptive fields the notes work out, as lists of layers, and any other network by its name.

Source: collected notes (receptive fields, networks); Krizhevsky, Sutskever and Hinton 2012 (AlexNet), Zeiler and Fergus
2013 (ZF-5), Simonyan and Zisserman 2014 (VGG16).
"""

from __future__ import annotations

import importlib
import os
import sys
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch.nn import Conv2d, MaxPool2d, Module, ReLU, Sequential

from manualconv.explain.names import unknown


class Listed(NamedTuple):
    """Kernel, stride, padding; the output's channels of a convolution, None for max pooling."""

    name: str
    kernel: int
    stride: int
    padding: int
    channels: int | None


def _three_by_threes(block: int, count: int, channels: int) -> list[Listed]:
    """A block of VGG's."""
    convolutions = [Listed(f"conv{block}_{n + 1}", 3, 1, 1, channels) for n in range(count)]
    return [*convolutions, Listed(f"pool{block}", 2, 2, 0, None)]


#: Without the groups of AlexNet's two graphics cards.
LISTS: dict[str, list[Listed]] = {
    "alexnet": [
        Listed("conv1", 11, 4, 0, 96),
        Listed("pool1", 3, 2, 0, None),
        Listed("conv2", 5, 1, 2, 256),
        Listed("pool2", 3, 2, 0, None),
        *(Listed(f"conv{n}", 3, 1, 1, channels) for n, channels in ((3, 384), (4, 384), (5, 256))),
        Listed("pool5", 3, 2, 0, None),
    ],
    "zf5": [
        Listed("conv1", 7, 2, 3, 96),
        Listed("pool1", 3, 2, 1, None),
        Listed("conv2", 5, 2, 2, 256),
        Listed("pool2", 3, 2, 1, None),
        *(Listed(f"conv{n}", 3, 1, 1, channels) for n, channels in ((3, 384), (4, 384), (5, 256))),
    ],
    "vgg16": [
        layer
        for block, (count, channels) in enumerate(((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)), start=1)
        for layer in _three_by_threes(block, count, channels)
    ],
}


def built(layers: list[Listed]) -> Sequential:
    """A list as a network of three channels, with a ReLU behind each convolution."""
    modules: OrderedDict[str, Module] = OrderedDict()
    before = 3
    for name, kernel, stride, padding, channels in layers:
        if channels is None:
            modules[name] = MaxPool2d(kernel, stride, padding)
        else:
            modules[name] = Conv2d(before, channels, kernel, stride, padding)
            modules[f"relu_{name}"] = ReLU()
            before = channels
    return Sequential(modules)


def named(text: str, numbers: bool = False) -> Module:
    """The network of a name.

    Args:
        text: one of the `LISTS`, ``torchvision:NAME``, ``torchvision:NAME.PART`` for a module of it, or
            ``module:factory``: what takes no argument and gives a module back, found from the working folder on.
        numbers: whether its weights are wanted; if not, torch's ``meta`` device gives it shapes alone, faster.

    Raises:
        ValueError: no such network, or it cannot be built; a sentence says why.
    """
    module, colon, name = text.partition(":")
    if text in LISTS:
        return _made(lambda: built(LISTS[text]), numbers)
    if module == "torchvision" and colon:
        return _made(_of_torchvision(name), numbers)
    if not (module and name):
        raise ValueError(
            f"no network {text!r}: {', '.join(LISTS)}, torchvision:NAME, or module:factory, as models.mine:network"
        )
    made = _of_yours(module, name)()
    if not isinstance(made, Module):
        raise ValueError(f"{text} gives {type(made).__name__}, where a torch.nn.Module is needed")
    return made


def _made(build: Callable[[], Module], numbers: bool) -> Module:
    if not numbers:
        try:
            with torch.device("meta"):
                return build()
        except (RuntimeError, NotImplementedError):  # its constructor computes with numbers
            pass
    return build()


def _of_torchvision(name: str) -> Callable[[], Module]:
    try:
        from torchvision import models
    except ModuleNotFoundError:
        raise ValueError(
            "torchvision: is not here: pip install torchvision, or name a network as module:factory"
        ) from None
    name, _, part = name.partition(".")
    try:
        build = models.get_model_builder(name)
    except ValueError:
        raise unknown(name, models.list_models(), "network of torchvision's") from None
    takes = build.__annotations__
    none = {key: None for key in ("weights", "weights_backbone") if key in takes}
    quick = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    return lambda: _part(build(**none, **quick), part)


def _part(model: Module, path: str) -> Module:
    try:
        return model.get_submodule(path)
    except AttributeError:
        raise unknown(path, [name for name, _ in model.named_modules() if name], "module") from None


def _of_yours(module: str, name: str) -> Callable[[], Any]:
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (Exception, SystemExit) as error:  # a program that reads its command line
        raise ValueError(f"{module}:{name} cannot be imported: {type(error).__name__}: {error}") from None
    if isinstance(found, Module):
        return lambda: found
    if not callable(found):
        raise ValueError(f"{module}:{name} is a {type(found).__name__}; a function without arguments is needed")

    def build() -> Any:
        try:
            return found()
        except (Exception, SystemExit) as error:
            reason = f"{type(error).__name__}: {error}"
            raise ValueError(f"{module}:{name}() gives no network: {reason}; it is called without arguments") from None

    return build
