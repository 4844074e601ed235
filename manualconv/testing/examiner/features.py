"""What a call of an operation needs of an implementation beyond its plainest case, read off the arguments alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from manualconv.testing.adapters import as_torch_says, bound, is_default, is_the_kernel, signature
from manualconv.torch_internals import hides_memory

#: Of an operation whose name does not say its axes, how many an input with a batch has besides batch and channels.
_FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}
#: What is not an option: the operands themselves.
OPERANDS = frozenset({"input", "weight", "target", "indices", "bias", "running_mean", "running_var"})
#: Operations that torch has for images alone, whatever ours takes.
OF_IMAGES = ("unfold", "fold")
#: What torch's own functions have not, and may be refused by any error.
EXTENSIONS = frozenset({"asymmetric padding", "other dimensions"})


class Recorded(Exception):
    """The arguments of a call, instead of its result."""


Call = tuple[str, tuple[Any, ...], dict[str, Any]]


def recorded(of: Callable[[Any], Callable[..., Any]], tensors: tuple[Any, ...]) -> Call | None:
    """The first call that a question makes of a library: name, arguments and options."""

    class Recorder:
        def __getattr__(self, name: str) -> Any:
            def record(*args: Any, **options: Any) -> Any:
                raise Recorded(name, args, options)

            return record

    try:
        of(Recorder())(*tensors)
    except Recorded as call:
        name, args, options = call.args
        return name, args, options
    return None


def _padding(value: Any) -> str:
    if isinstance(value, str):
        return "string padding"
    pairs = isinstance(as_torch_says(value), tuple) and any(isinstance(v, tuple) for v in as_torch_says(value))
    return "asymmetric padding" if pairs else "padding"


def _axes(operation: str) -> int | None:
    """Spatial axes, where the name says them."""
    return int(operation[-2]) if operation[-2:] in ("1d", "2d", "3d") else None


def features(operation: str, args: tuple[Any, ...], options: dict[str, Any]) -> frozenset[str]:
    """The names of options that are not as they are by default, and what the tensors are."""
    return frozenset(_features(operation, bound(operation, args, options)))


def _features(operation: str, call: dict[str, Any]) -> Iterator[str]:
    for name, value in call.items():
        if name in OPERANDS and isinstance(value, Tensor):
            if signature(operation).parameters[name].default is None:
                yield name
            continue
        if name == "padding" and not is_default(operation, name, value) and _is_not_zero(value):
            yield _padding(value)
        elif name != "padding" and not is_default(operation, name, value) and _has_default(operation, name):
            if is_the_kernel(call, name) and signature(operation).parameters[name].default is None:
                continue
            yield name
    if operation.startswith("conv"):
        yield from _channels(operation, call)
    x = call["input"] if "input" in call else next(value for value in call.values() if isinstance(value, Tensor))
    if x.dtype != torch.float64:
        yield str(x.dtype).removeprefix("torch.")
    axes = _axes(operation)
    kernel = call.get("kernel_size")
    of_no_image = operation in OF_IMAGES and isinstance(kernel, tuple) and len(kernel) != 2
    if of_no_image or (axes is not None and x.dim() not in (axes + 1, axes + 2)):
        yield "other dimensions"
    elif axes is not None and x.dim() == axes + 1:
        yield "unbatched"
    elif x.dim() > 1 and x.shape[0] == 0:
        yield "empty batch"
    if (
        x.dim() in _FORMATS
        and not hides_memory(x)
        and not x.is_contiguous()
        and x.is_contiguous(memory_format=_FORMATS[x.dim()])
    ):
        yield "channels-last"


def _channels(operation: str, call: dict[str, Any]) -> Iterator[str]:
    """What a depthwise kernel lacks; the weight is (O, C/g, *K), or (C, O/g, *K) of a transposed convolution."""
    first, second = call["weight"].shape[:2]
    pair = (second, first // call["groups"])
    channels, filters = pair[::-1] if "transpose" in operation else pair
    if channels > 1:
        yield "several channels a group"
    if filters > 1:
        yield "several filters a group"


def _has_default(operation: str, name: str) -> bool:
    parameter = signature(operation).parameters[name]
    return parameter.default is not parameter.empty


def _is_not_zero(value: Any) -> bool:
    said = as_torch_says(value)
    return isinstance(said, str) or any(v != 0 for v in (said if isinstance(said, tuple) else (said,)))
