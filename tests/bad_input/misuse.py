"""Layers and their gradients used wrongly: torch's own code sees to it, if our layers let it see what it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from tests.bad_input.calls import Row, numbers

_LAYERS: dict[str, tuple[tuple[Any, ...], tuple[int, ...]]] = {
    "Conv1d": ((4, 6, 3), (2, 4, 8)),
    "Conv2d": ((4, 6, 3), (2, 4, 8, 9)),
    "Conv3d": ((4, 6, 2), (2, 4, 3, 4, 5)),
    "ConvTranspose1d": ((4, 6, 3), (2, 4, 8)),
    "ConvTranspose2d": ((4, 6, 3), (2, 4, 8, 9)),
    "ConvTranspose3d": ((4, 6, 2), (2, 4, 3, 4, 5)),
    "Linear": ((4, 3), (2, 4)),
}


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


def rows() -> Iterator[Row]:
    """Every misuse of every layer; torch names its own transposed view where linear's weight was edited."""
    for name, (arguments, size) in _LAYERS.items():
        for number, misuse, words in _MISUSES:

            def call(library: Any, name: str = name, misuse: Callable[[Any, Tensor], None] = misuse) -> None:
                arguments, size = _LAYERS[name]
                layer: Module = getattr(library.nn, name)(*arguments)
                misuse(layer, numbers(*size))

            what = misuse.__name__.strip("_").replace("_", " ")
            own = (name, misuse) == ("Linear", _weight_edited)
            yield Row(number, f"{name}, {what}", call, words.replace("{}", name), theirs=not own)
