"""Layers and their gradients used wrongly: torch's own code sees to it, if our layers let it see what it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from manualconv.testing.catalogue import activation
from manualconv.testing.catalogue.operation import Against
from tests.bad_input.calls import Row, numbers
from tests.layers import LAYERS

#: Of the catalogue: layers of products, those that normalise, and those without parameters.
_PRODUCTS = tuple(name for name, layer in LAYERS.items() if layer.twin and "Norm" not in name)
_NORMS = ("BatchNorm2d", "LayerNorm", "GroupNorm")
_PLAIN = (
    *("MaxPool1d", "MaxPool2d", "MaxPool3d", "AvgPool2d", "AvgPool3d", "LPPool2d"),
    *("AdaptiveAvgPool2d", "AdaptiveMaxPool2d", "LocalResponseNorm", "Softmax", "LogSoftmax", "Dropout"),
    *(layer.name for each in activation.ENTRYWISE.values() for layer in each.layers if hasattr(torch.nn, layer.name)),
)
_TARGETS: dict[str, Tensor] = {
    **{name: numbers(2, 3) + 1 for name in ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss")},
    **{name: torch.tensor([0, 2]) for name in ("NLLLoss", "CrossEntropyLoss")},
    "BCEWithLogitsLoss": numbers(2, 3) / 8 + 0.5,
}


def made(library: Any, name: str) -> tuple[Module, Tensor]:
    """A layer and an input; where there is no parameter to ask for a gradient, the input does."""
    if name in _TARGETS:
        return Against(getattr(library.nn, name)(reduction="none"), _TARGETS[name]), numbers(2, 3).requires_grad_()
    layer = LAYERS[name]
    x = numbers(*layer.input).requires_grad_(name in _PLAIN)
    return getattr(library.nn, name)(*layer.arguments, **layer.options), x


#: Layers that may not need their input any more once it has gone through.
FORGETFUL = (*_NORMS, *_PLAIN, *_TARGETS)


def edited(name: str, library: Any, factor: float) -> Tensor:
    """The gradient of an input that was multiplied in place after it had gone through; of a copy, if it was."""
    layer, x = made(library, name)
    leaf = x.detach().clone().requires_grad_()
    inner = leaf / 2
    torch.manual_seed(0)
    y = layer(inner)
    if factor != 1:
        inner.mul_(factor)
    return torch.autograd.grad(y, leaf, numbers(*y.shape))[0]


def _twice(layer: Any, x: Tensor) -> None:
    y = layer(x).sum()
    y.backward()
    y.backward()


def _weight_edited(layer: Any, x: Tensor) -> None:
    y = layer(x.requires_grad_()).sum()
    with torch.no_grad():
        layer.weight.mul_(2)
    y.backward()


def _input_edited(layer: Any, x: Tensor) -> None:
    y = layer(x).sum()
    x.mul_(2)
    y.backward()


def _cotangent_of_another_shape(layer: Any, x: Tensor) -> None:
    y = layer(x)
    y.backward(torch.ones(y.shape[1:]))


def _other_sizes_loaded(layer: Any, x: Tensor) -> None:
    layer.load_state_dict({"weight": numbers(1), "bias": layer.bias})


def _key_missing(layer: Any, x: Tensor) -> None:
    layer.load_state_dict({"weight": layer.weight})


def _key_too_many(layer: Any, x: Tensor) -> None:
    layer.load_state_dict({**layer.state_dict(), "other": numbers(1)})


def _inference_input(layer: Any, x: Tensor) -> None:
    with torch.inference_mode():
        inside = x.clone()
    layer(inside).sum().backward()


def _inference_weight(layer: Any, x: Tensor) -> None:
    with torch.inference_mode():
        weight = layer.weight.clone()
    torch.func.functional_call(layer, {"weight": weight}, (x.requires_grad_(),)).sum().backward()


def _not_a_scalar(layer: Any, x: Tensor) -> None:
    layer(x).backward()


def _unknown_argument(layer: Any, x: Tensor) -> None:
    layer(x, stide=2)


def _no_input(layer: Any, x: Tensor) -> None:
    layer()


def _parameter_edited(layer: Any, x: Tensor) -> None:
    layer.weight.mul_(2)


def _unused(layer: Any, x: Tensor) -> None:
    torch.autograd.grad(layer(x).sum(), numbers(1).requires_grad_())


_EDITED = (
    "one of the variables needed for gradient computation has been modified by an inplace operation: [torch.FloatTensor"
)
_INFERENCE = "Inference tensors cannot be saved for backward"
_LOADING = "Error(s) in loading state_dict for {}:…"

_MISUSES: tuple[tuple[int, Callable[[Any, Tensor], None], str], ...] = (
    (57, _twice, "Trying to backward through the graph a second time…Specify retain_graph=True"),
    (58, _weight_edited, _EDITED),
    (58, _input_edited, _EDITED),
    (58, _parameter_edited, "a leaf Variable that requires grad is being used in an in-place operation"),
    (59, _cotangent_of_another_shape, "Mismatch in shape: grad_output[0] has a shape of "),
    (60, _other_sizes_loaded, _LOADING + "size mismatch for weight: "),
    (61, _key_missing, _LOADING + 'Missing key(s) in state_dict: "bias"'),
    (61, _key_too_many, _LOADING + 'Unexpected key(s) in state_dict: "other"'),
    (62, _inference_input, _INFERENCE),
    (62, _inference_weight, _INFERENCE),
    (63, _not_a_scalar, "grad can be implicitly created only for scalar outputs"),
    (64, _unknown_argument, "{}.forward() got an unexpected keyword argument 'stide'"),
    (64, _no_input, "{}.forward() missing 1 required positional argument: 'input'"),
    (64, _unused, "The differentiated Tensor at index 0 appears to not have been used in the graph"),
)


_OF_ANY = (_twice, _cotangent_of_another_shape, _not_a_scalar, _unused)
_OF_MODULES = (*_OF_ANY, _key_too_many, _unknown_argument, _no_input)
_OF_PARAMETERS = (_weight_edited, _parameter_edited, _other_sizes_loaded, _key_missing, _inference_weight)


def _means_something(name: str, misuse: Callable[[Any, Tensor], None]) -> bool:
    """Whether torch minds, and not only since it keeps an input that ours has no use for."""
    if name in _PRODUCTS:
        return True
    if name in _TARGETS:
        return misuse in _OF_ANY
    if (name, misuse) == ("AdaptiveAvgPool2d", _twice):
        return False  # ours keeps no tensor at all: a second pass is as right as the first
    if name in ("BatchNorm2d", "ReLU6") and misuse in (_unknown_argument, _no_input):
        return False  # torch names the base class
    return misuse in _OF_MODULES or (name in _NORMS and misuse in _OF_PARAMETERS)


def rows() -> Iterator[Row]:
    """Every misuse of every layer; torch names its own views of an edited weight where ours names the weight."""
    for name in (*_PRODUCTS, *FORGETFUL):
        for number, misuse, words in _MISUSES:
            if not _means_something(name, misuse):
                continue

            def call(library: Any, name: str = name, misuse: Callable[[Any, Tensor], None] = misuse) -> None:
                misuse(*made(library, name))

            what = misuse.__name__.strip("_").replace("_", " ")
            own = misuse is _weight_edited and (name == "Linear" or name in _NORMS)
            yield Row(number, f"{name}, {what}", call, words.replace("{}", name), theirs=not own)
