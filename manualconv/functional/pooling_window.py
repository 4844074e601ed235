"""The window of a pooling layer: the same geometry as convolution's, built in one place.

``ceil_mode`` is one more placement where the stride leaves positions over: a larger right padding, nothing else.
"""

from __future__ import annotations

from torch import Tensor

from manualconv.geometry import Axes, Window, ceil_padding


def placed_window(
    input: Tensor, kernel_size: Axes, stride: Axes, padding: Axes, dilation: Axes, ceil_mode: bool
) -> Window:
    """The window of numbers per axis on the last axes of `input`, unchecked."""
    size = tuple(input.shape[input.dim() - len(kernel_size) :])
    window = Window(size, kernel_size, stride, dilation, tuple((a, a) for a in padding))
    # Without a step there are no placements to count, and the check says so.
    return ceil_padding(window) if ceil_mode and all(stride) else window
