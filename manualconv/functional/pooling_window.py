"""The window of a pooling layer: the same geometry as convolution's, checked and built in one place.

``ceil_mode`` is one more placement where the stride leaves positions over: a larger right padding, nothing else.
"""

from __future__ import annotations

from torch import Tensor

from manualconv.functional.validation import pooling as validation
from manualconv.geometry import Window, ceil_padding, per_axis

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
    window = Window(tuple(input.shape[-ndim:]), k, s, d, tuple((a, a) for a in p))
    if ceil_mode:
        window = ceil_padding(window)
    validation.check_pooling_window(name, input, window, p)
    return window, p
