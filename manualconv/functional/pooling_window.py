"""The window of a pooling layer: the same geometry as convolution's, checked and built in one place.

``ceil_mode`` is one more placement where the stride leaves positions over: a larger right padding, nothing else.
"""

from __future__ import annotations

from torch import Tensor

from manualconv.functional.validation import pooling as validation
from manualconv.geometry import Axes, Window, ceil_padding, per_axis

Numbers = int | tuple[int, ...]


def pooling_window(
    name: str,
    ndim: int,
    input: Tensor,
    kernel_size: Numbers,
    stride: Numbers | None,
    padding: Numbers,
    dilation: Numbers,
    ceil_mode: bool,
) -> tuple[Window, tuple[int, ...]]:
    """The checked window, and the symmetric padding asked for (which ceil_mode's overhang does not belong to)."""
    validation.check_pooling(name, ndim, input, kernel_size, stride, padding, dilation)
    k, p, d = (per_axis(v, ndim) for v in (kernel_size, padding, dilation))
    s = per_axis(stride, ndim) if stride or stride == 0 else k
    window = placed_window(input, k, s, p, d, ceil_mode)
    validation.check_pooling_window(name, input, window, p)
    return window, p


def placed_window(
    input: Tensor, kernel_size: Axes, stride: Axes, padding: Axes, dilation: Axes, ceil_mode: bool
) -> Window:
    """The window of numbers per axis on the last axes of `input`, unchecked."""
    size = tuple(input.shape[input.dim() - len(kernel_size) :])
    window = Window(size, kernel_size, stride, dilation, tuple((a, a) for a in padding))
    # Without a step there are no placements to count, and the check says so.
    return ceil_padding(window) if ceil_mode and all(stride) else window
