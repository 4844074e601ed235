"""What the windows of a pooling are: the rules that maximum and mean share."""

from __future__ import annotations

from manualconv.functional.refusals.refusal import Refusal, once
from manualconv.geometry import Axes, Window, ceil_padding, within_reach


@once
def pooling_window(
    size: Axes, k: Axes, s: Axes, p: Axes, d: Axes, ceil_mode: bool, channels_last: bool = False
) -> Window:
    """Positive kernel, stride and dilation, padding at most half the kernel, at least one placement."""
    for key, numbers in (("kernel_size", k), ("stride", s), ("dilation", d)):
        if min(numbers) < 1:
            raise Refusal(f"{key}={numbers} must be >= 1 on every axis; stride is kernel_size={k} if not given")
    if min(p) < 0 or any(a > n // 2 for a, n in zip(p, k)):
        raise Refusal(f"padding={p} must be >= 0 and <= {tuple(n // 2 for n in k)}, half of kernel_size={k}")
    window = Window(size, k, s, d, tuple((a, a) for a in p), channels_last=channels_last)
    window = ceil_padding(window) if ceil_mode else window
    if min(window.output_size) < 1:
        needed = ", ".join(f"{i} + {2 * a} >= {e}*{n - 1} + 1" for i, a, e, n in zip(size, p, d, k))
        raise Refusal(f"i + 2*pad >= d*(k-1) + 1 is needed on every axis: {needed}")
    return within_reach(window)
