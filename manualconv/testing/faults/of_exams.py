"""The families' own exams as entries of the bank: their layers with torch's signatures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from manualconv.geometry import per_axis
from manualconv.testing.faults import batch_normalization, convolution, max_pooling
from manualconv.testing.faults.bank import FAULT, Entry, enter
from manualconv.testing.faults.exam import Exam

#: Of faults without a report of their own: what kind of mistake they are.
CLASSES = {
    "axes": "numbers of one axis used on another: the usual slip of kernels that were tried on squares",
    "padding": "a frame put on the wrong side, or not taken off",
    "dilation": "dilation left out of one of the three maps",
    "stride remainder": "rows behind the last window: the arithmetic of output_padding",
    "kernel flip": "convolution for correlation, in a map or along an axis",
    "groups": "channels of groups in another order",
    "bias": "a bias or its gradient, which few tests look at",
    "particular shapes": "a path of its own for a shape, never tried",
    "layout": "a kernel that takes memory to be contiguous",
    "memory": "buffers that are shared, kept or not written",
    "custom Function": "a slip in the protocol of autograd.Function",
    "numerics": "fewer bits, or numbers that are not, handled aside",
    "max pooling": "maxima, ties and the edge of the image",
    "batch norm": "statistics of the wrong axes, or without a derivative",
}
#: Noticed by what only a family's exam asks, of ours alone: memory that outlives a call, torch's policy under autocast.
OWN = {
    "a tensor kept beside the saved ones",
    "a cycle through the context",
}


def as_pairs(padding: Any, ndim: int) -> Any:
    """torch's padding as one pair an axis; words stay."""
    if padding == "valid":
        padding = 0
    if isinstance(padding, str):
        return padding
    numbers: tuple[Any, ...] = per_axis(padding, ndim)
    return tuple(p if isinstance(p, tuple) else (p, p) for p in numbers)


def convolved(layer: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A layer of the exam with torch's signature."""

    def conv(
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        return layer(input, weight, bias, stride, as_pairs(padding, weight.dim() - 2), dilation, groups)

    return conv


def pooled(layer: Callable[..., Any]) -> Callable[..., Any]:
    """A max pooling of the exam with torch's signature."""

    def pool(
        input: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        ndim = 2 if isinstance(kernel_size, int) else len(kernel_size)
        numbers = (per_axis(v, ndim) for v in (kernel_size, kernel_size if stride is None else stride, padding))
        batched = input.dim() == ndim + 2
        found = layer(input if batched else input.unsqueeze(0), *numbers, per_axis(dilation, ndim), ceil_mode)
        y, index = found if batched else (t.squeeze(0) for t in found)
        return (y, index) if return_indices else y

    return pool


def normed(layer: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A batch normalisation of the exam with torch's defaults."""

    def norm(
        input: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Tensor:
        return layer(input, running_mean, running_var, weight, bias, training, momentum, eps)

    return norm


def entered(family: str, exam: Exam, form: Callable[[Any], Any], *operations: str) -> None:
    """An exam's faults, dealt to operations of several dimensions in turn; axes are exchanged where there are two."""
    planar = [operation for operation in operations if operation[-2:] != "1d"]
    for n, (name, fault) in enumerate(exam.faults.items()):
        among = planar if fault.group in ("axes", "kernel flip") or "axes" in name else operations
        if name not in OWN:
            origin = fault.origin or CLASSES[fault.group]
            thing, promises = form(fault.implementation.layer), fault.implementation.promises
            # A single Function of torch's operations has no policy of its own under autocast.
            without = ("autocast",) if promises and "autocast" not in promises else ()
            enter(Entry(name, family, among[n % len(among)], thing, FAULT, origin, without=without))


entered("convolution", convolution.EXAM, convolved, "conv2d", "conv1d", "conv3d")
entered("max pooling", max_pooling.EXAM, pooled, "max_pool2d", "max_pool3d", "max_pool1d")
entered("normalisation", batch_normalization.EXAM, normed, "batch_norm")
