"""What pooling takes."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from manualconv.functional.validation.arguments import check_tensor, crossed, is_int_or_ints, kind, listed
from manualconv.geometry import Axes, Window

_COUNT = {1: "one int", 2: "two ints", 3: "three ints"}


def check_pooling(name: str, ndim: int, input: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any) -> None:
    """Types, tuple lengths, ranks and signs of a pooling layer's arguments."""
    check_tensor(name, input)
    for place, (key, value) in enumerate(
        (("kernel_size", kernel_size), ("stride", stride), ("padding", padding), ("dilation", dilation)), 2
    ):
        if value is None and key == "stride":
            continue
        if not is_int_or_ints(value):
            raise TypeError(f"{name}(): argument '{key}' (position {place}) must be tuple of ints, not {kind(value)}")
        if isinstance(value, (tuple, list)) and len(value) not in (1, ndim) and not (key == "stride" and not value):
            raise RuntimeError(
                f"{name}: {key} must either be a single int, or a tuple of {_COUNT[ndim]}, but got {tuple(value)}"
            )
    if input.is_complex():
        kind_of = input.type().removeprefix("torch.").removesuffix("Tensor")
        raise NotImplementedError(f"\"{name}\" not implemented for '{kind_of}' [pool .real and .imag, or .abs()]")
    if input.dim() not in (ndim + 1, ndim + 2):
        raise RuntimeError(
            f"non-empty {ndim + 1}D or {ndim + 2}D (batch mode) tensor expected for input, but got "
            f"{listed(input.shape)}"
        )
    if any(size == 0 for size in input.shape[input.dim() - ndim - 1 :]):
        raise RuntimeError(
            f"Expected {ndim + 1}D or {ndim + 2}D (batch mode) tensor with optional 0 dim batch size for input, but "
            f"got: {listed(input.shape)}"
        )


def check_pooling_window(name: str, input: Tensor, window: Window, padding: Axes) -> None:
    """Positive kernel, stride and dilation, padding at most half the window, at least one placement."""
    if any(k <= 0 for k in window.kernel_size):
        raise RuntimeError(f"kernel size should be greater than zero, but got kernel_size={window.kernel_size}")
    if any(s <= 0 for s in window.stride):
        raise RuntimeError(f"stride should not be zero or negative, but got stride={window.stride}")
    if any(d <= 0 for d in window.dilation):
        raise RuntimeError(f"dilation should be greater than zero, but got dilation={window.dilation}")
    if any(p < 0 for p in padding):
        raise RuntimeError(f"pad must be non-negative, but got pad={padding}")
    if any(p > e // 2 for p, e in zip(padding, window.extent)):
        raise RuntimeError(
            f"pad should be at most half of effective kernel size, but got pad={padding}, kernel_size="
            f"{window.kernel_size} and dilation={window.dilation} [2*pad <= d*(k-1)+1 = {window.extent}]"
        )
    if any(p > k // 2 for p, k in zip(padding, window.kernel_size)):
        raise RuntimeError(
            f"pad should be smaller than or equal to half of kernel size, but got pad={padding} and kernel_size="
            f"{window.kernel_size} [dilation={window.dilation} widens the window, not the padding allowed]"
        )
    if any(p < 1 for p in window.output_size):
        raise RuntimeError(
            f"Given input size: ({crossed(input.shape[-window.ndim - 1 :])}). Calculated output size: "
            f"({crossed(window.output_size)}). Output size is too small [i+2*pad >= d*(k-1)+1 is needed on every axis]"
        )
    # The first tap inside, of a window that starts at s·p − a < 0, reads position (s·p − a) mod d.
    for i, s, d, a in zip(window.input_size, window.stride, window.dilation, padding):
        if any((s * p - a) % d >= i for p in range(-(-a // s))):
            raise RuntimeError(
                f"a window sees nothing but padding: input of size {i} with padding={a} lies between two taps, "
                f"dilation={d} apart [torch returns -inf here and its backward writes outside the tensor]"
            )
