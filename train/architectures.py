"""Networks by name: those of `train.models`, torchvision's classifiers, and anybody's ``module:factory``.

Those of `train.models` are built from a namespace of layers.  The others are built from torch.nn as they are; with the
backend manual their layers are converted, and whatever else they call runs by hand too.
"""

import copy
import inspect
from collections.abc import Callable
from dataclasses import replace
from functools import partial, wraps
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from train import random_states
from train.batches import standardised
from train.errors import OptionError
from train.image_kind import MNIST, ImageKind, spelled
from train.models import NETWORKS, Network

TORCHVISION = "torchvision"
COLOURS = 3  # the channels that torchvision's networks take
#: Auxiliary classifiers are trained by losses of their own, which this program does not have.
WITHOUT_AUXILIARY = {"googlenet": {"aux_logits": False}, "inception_v3": {"aux_logits": False}}


def is_code_of_others(arch: str) -> bool:
    """Whether a name is ``module:factory``, so that to build it runs whatever is in that module."""
    return ":" in arch and not arch.startswith(f"{TORCHVISION}:")


def check_vouched(arch: str, path: Path) -> None:
    """Raise ``OptionError`` for ``module:factory``: reading a checkpoint of somebody else's must run no code."""
    if is_code_of_others(arch):
        raise OptionError(f"{path} names code, {arch}, that only you can vouch for: --arch {arch} lets it be imported.")


def named(arch: str, kind: ImageKind = MNIST) -> Network:
    """The network of that name for such images.  Raises ``OptionError``."""
    if ":" in arch:
        make = _of_factory(arch, kind) if is_code_of_others(arch) else _of_torchvision(arch, kind)
        return Network(arch, make, scale=_scale(kind))
    if arch not in NETWORKS:
        raise OptionError(f"There is no network {arch!r}; there are {', '.join(NETWORKS)}.")
    network = NETWORKS[arch]
    return network if kind == MNIST and network.takes in (None, kind.shape) else _fitted(arch, network, kind)


def _fitted(arch: str, network: Network, kind: ImageKind) -> Network:
    """One of `train.models` for other images than MNIST's."""
    came, classes = kind.shape, len(kind.labels)
    takes = inspect.signature(network.build).parameters
    if network.takes is not None and network.takes != came:
        raise OptionError(_misfit(arch, came, spelled(network.takes)))
    if "classes" not in takes and classes != len(MNIST.labels):
        raise OptionError(f"--arch {arch} tells {len(MNIST.labels)} classes apart, and the images have {classes}.")
    sizes = {"classes": classes, "channels": came[0], "size": came[1:]}
    build = partial(_built, arch, partial(network.build, **{k: v for k, v in sizes.items() if k in takes}), came)
    return replace(network, build=build, scale=_scale(kind) if network.scale is standardised else network.scale)


def _built(arch: str, build: Callable[[ModuleType], nn.Module], came: tuple[int, ...], layers: ModuleType) -> nn.Module:
    try:
        return build(layers)
    except ValueError as error:
        raise OptionError(f"--arch {arch} cannot take images of {spelled(came)}: {error}.") from error


def _misfit(arch: str, came: tuple[int, ...], needed: str) -> str:
    return f"Images of {spelled(came)} came, and --arch {arch} takes {needed}: see --channels and --image-size."


def _scale(kind: ImageKind) -> Any:
    return standardised if kind == MNIST else partial(standardised, mean=kind.mean, deviation=kind.deviation)


def _of_torchvision(arch: str, kind: ImageKind) -> Callable[[ModuleType], nn.Module]:
    name = arch.partition(":")[2]
    try:
        models = import_module("torchvision.models")  # optional, and without type stubs
    except ImportError as error:
        raise OptionError(f"--arch {arch} needs torchvision: pip install torchvision.") from error
    names = models.list_models(module=models)
    if name not in names:
        raise OptionError(f"There is no {arch}; torchvision has {', '.join(names)}.")
    least = models.get_model_weights(name).DEFAULT.meta["min_size"]
    if kind.shape[0] != COLOURS or any(side < needed for side, needed in zip(kind.shape[1:], least)):
        raise OptionError(_misfit(arch, kind.shape, f"{COLOURS} channels of at least {spelled(least)}"))
    more = WITHOUT_AUXILIARY.get(name, {}) | ({"init_weights": True} if name in WITHOUT_AUXILIARY else {})

    def build(layers: ModuleType) -> nn.Module:
        return _on(layers, models.get_model(name, weights=None, num_classes=len(kind.labels), **more))

    return build


def _of_factory(arch: str, kind: ImageKind) -> Callable[[ModuleType], nn.Module]:
    """Import the module now: what it draws as it is imported must not move the initial weights."""
    module, _, name = arch.partition(":")
    try:
        factory: Any = import_module(module)
    except Exception as error:  # whatever the module does
        raise OptionError(f"--arch {arch}: {module} cannot be imported: {_said(error)}.") from error
    try:
        for part in name.split("."):
            factory = getattr(factory, part)
    except AttributeError as error:
        public = ", ".join(sorted(word for word in vars(import_module(module)) if not word.startswith("_")))
        raise OptionError(f"--arch {arch}: {module} has no {name}; it has {public or 'nothing'}.") from error
    if not callable(factory) or isinstance(factory, nn.Module):
        kinds = type(factory).__name__
        raise OptionError(f"--arch {arch} is a {kinds}, and has to be a function or class that makes a network.")
    return partial(_made, arch, factory, kind)


def _made(arch: str, factory: Callable[..., Any], kind: ImageKind, layers: ModuleType) -> nn.Module:
    try:
        model = factory(**_classes(factory, len(kind.labels)))
    except Exception as error:
        raise OptionError(f"--arch {arch} makes no network: {_said(error)}.") from error
    if not isinstance(model, nn.Module):
        raise OptionError(f"--arch {arch} makes a {type(model).__name__}, and has to make a torch.nn.Module.")
    if any(isinstance(tensor, UninitializedParameter) for tensor in model.parameters()):
        raise OptionError(f"--arch {arch} has lazy layers, which have no weights yet: give them their sizes.")
    return _on(layers, model)


def _classes(factory: Any, classes: int) -> dict[str, int]:
    """``num_classes`` for a factory that takes it."""
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):  # written in C
        return {}
    takes = any(p.name == "num_classes" or p.kind is p.VAR_KEYWORD for p in parameters)
    return {"num_classes": classes} if takes else {}


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(".")


def _on(layers: ModuleType, model: nn.Module) -> nn.Module:
    """The model as it is, or run by hand where the layers are ours."""
    if layers is nn:
        return model
    from manualconv import by_hand, convert

    if isinstance(model, torch.jit.ScriptModule):
        raise OptionError("A scripted network cannot be run by hand: --backend torch runs it.")
    convert(model)
    if not list(model.children()):
        return model
    theirs = type(model)

    @wraps(theirs.forward)  # torch.export reads the signature
    def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
        with by_hand():
            return theirs.forward(self, *args, **kwargs)

    # A subclass, and no module around it: the weights keep their names, so that their owner's code reads them.
    model.__class__ = type(theirs.__name__, (theirs,), {"forward": forward, "__module__": theirs.__module__})
    return model


def tried(arch: str, model: nn.Module, kind: ImageKind, smallest: int, device: torch.device) -> None:
    """Ask a copy for the scores of a few images, as it will be trained and evaluated.  Raises ``OptionError``.

    ``smallest``: the images of the smallest batch; batch normalisation may refuse to train on one.
    """
    count, classes = min(2, smallest), len(kind.labels)
    dtype = next((p.dtype for p in model.parameters()), torch.get_default_dtype())
    states = random_states.captured(device)
    try:
        for copied in (copy.deepcopy(model).train(), copy.deepcopy(model).eval()):
            scores = copied(torch.zeros(count, *kind.shape, dtype=dtype, device=device))
            found = spelled(tuple(scores.shape)) if isinstance(scores, Tensor) else f"a {type(scores).__name__}"
            if found != spelled((count, classes)):
                raise OptionError(
                    f"--arch {arch} makes {found} of {count} images, and has to make {count}×{classes} scores."
                )
    except OptionError:
        raise
    except Exception as error:  # whatever the network's code does
        of = f"{count} images of {spelled(kind.shape)}"
        raise OptionError(f"--arch {arch} cannot take {of}: {_said(error)}.") from error
    finally:
        random_states.restored(states, device)
