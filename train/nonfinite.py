"""Where a number stopped being one. The loop only looks at the loss and one norm; this looks at everything, once."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from train.errors import NonFiniteError


def is_finite(value: float) -> bool:
    """Neither NaN nor infinite."""
    return abs(value) < float("inf")


def first_in_forward(model: nn.Module, x: Tensor, loss: float) -> NonFiniteError:
    """The error of a loss that is not finite: it names the first such weight, else the images, else the first layer.

    The layer is found by running the forward once more; its input is finite, its output is not.  Running statistics
    tell nothing: the forward that failed may have spoilt them itself.
    """
    said = f"The loss became {loss}"
    for name, p in model.named_parameters():
        if not _all_finite(p):
            return NonFiniteError(f"{said}: the weights {name} are not finite", name)
    if not _all_finite(x):
        return NonFiniteError(f"{said}: the images of the batch are not finite", "images")
    with torch.no_grad(), _watched(model) as names:
        model(x)
    if names:
        return NonFiniteError(f"{said}: the output of layer {names[0]} is not finite", names[0])
    return NonFiniteError(f"{said}, of finite logits", "loss")


def first_in_gradients(model: nn.Module) -> None:
    """Raise ``NonFiniteError`` for the gradient that is not finite and was computed first: the last layer's.

    Nothing is raised if there is none: the norm of large gradients overflows before they do.
    """
    for name, p in reversed(list(model.named_parameters())):
        if p.grad is not None and not _all_finite(p.grad):
            raise NonFiniteError(f"The gradient of {name} is not finite", f"gradient of {name}")


def _all_finite(tensor: Tensor) -> bool:
    return bool(torch.isfinite(tensor).all())


@contextmanager
def _watched(model: nn.Module) -> Iterator[list[str]]:
    """The names of the layers whose output is not finite, in the order in which they run."""
    names: list[str] = []

    def look(name: str) -> Any:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor) and not _all_finite(output):
                names.append(f"{name} ({type(module).__name__})")

        return hook

    leaves = [(name, module) for name, module in model.named_modules() if not list(module.children())]
    handles = [module.register_forward_hook(look(name)) for name, module in leaves]
    try:
        yield names
    finally:
        for handle in handles:
            handle.remove()
