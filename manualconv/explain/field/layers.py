"""The rules of layers that read windows, enlarge, pad, reduce or normalise: what each reads of every axis."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from manualconv.explain.field.call import Call, each, rule
from manualconv.explain.field.reading import Reading, divided, resized, shifted, transposed, window
from manualconv.explain.field.tensor import Field
from manualconv.geometry import Window, ceil_padding, per_axis, sides


def read_window(call: Call) -> Window | None:
    """The window of a convolution or pooling that is called; None of any other function."""
    name = call.name.split("d_with_")[0].rstrip("d123")
    if name == "conv":
        kernel = tuple(call.given(1, "weight").shape[2:])
        stride, padding = call.given(3, "stride", 1), call.given(4, "padding", 0)
        return _window(call, kernel, stride, padding, call.given(5, "dilation", 1), call.given(6, "groups", 1))
    if name in ("max_pool", "avg_pool"):
        kernel, stride, padding = (
            call.given(1 + n, word) for n, word in enumerate(("kernel_size", "stride", "padding"))
        )
        dilation = call.given(4, "dilation", 1) if name == "max_pool" else 1
        made = _window(call, kernel, stride or kernel, padding or 0, dilation)
        return ceil_padding(made) if call.given(5 if name == "max_pool" else 4, "ceil_mode", False) else made
    if name == "lp_pool":
        kernel = call.given(2, "kernel_size")
        made = _window(call, kernel, call.given(3, "stride") or kernel, 0, 1)
        return ceil_padding(made) if call.given(4, "ceil_mode", False) else made
    if name == "subsample":
        kernel = call.given(3, "kernel_size")
        return _window(call, kernel, call.given(4, "stride") or kernel, 0, 1)
    return None


def _window(call: Call, kernel: Any, stride: Any, padding: Any, dilation: Any, groups: int = 1) -> Window:
    ndim = call.ndim
    kernel, stride, dilation = (per_axis(numbers, ndim) for numbers in (kernel, stride, dilation))
    size = tuple(call.input.shape)[-ndim:]
    return Window(size, kernel, stride, dilation, sides(padding, kernel, dilation), groups)


@rule(*each("conv", "max_pool", "avg_pool", "lp_pool", "subsample"), *[f"max_pool{n}d_with_indices" for n in (1, 2, 3)])
def _windows(call: Call) -> Field:
    made = read_window(call)
    assert made is not None
    axes = zip(made.kernel_size, made.stride, made.dilation, made.padding)
    return call.main.through([window(k, s, d, a) for k, s, d, (a, _) in axes], call.sizes)


@rule(*each("conv_transpose"))
def _transposed(call: Call) -> Field:
    numbers = (call.given(3, "stride", 1), call.given(7, "dilation", 1), call.given(4, "padding", 0))
    axes = zip(call.given(1, "weight").shape[2:], *(per_axis(each, call.ndim) for each in numbers))
    return call.main.through([transposed(*axis) for axis in axes], call.sizes)


@rule(*each("max_unpool"))
def _unpooled(call: Call) -> Field:
    """The indices, computed from the same places, say where in its window a number goes."""
    kernel = call.given(2, "kernel_size")
    numbers = (kernel, call.given(3, "stride") or kernel, 1, call.given(4, "padding") or 0)
    axes = zip(*(per_axis(each, call.ndim) for each in numbers))
    return call.fields[id(call.input)].through([transposed(*axis) for axis in axes], call.sizes)


@rule("pad")
def _padded(call: Call) -> Field:
    frame, mode = list(call.given(1, "pad")), call.given(2, "mode", "constant")
    return call.main.through(
        [shifted(before, mode=mode) for before in frame[-2::-2]], list(call.outs[0].shape)[-(len(frame) // 2) :]
    )


@rule("interpolate")
def _interpolated(call: Call) -> Field:
    ndim = call.input.dim() - 2
    old, new = call.input.shape[2:], call.outs[0].shape[2:]
    mode, corners = call.given(3, "mode", "nearest"), bool(call.given(4, "align_corners", False))
    scale = None if call.given(5, "recompute_scale_factor") else call.given(2, "scale_factor")
    readings: list[Reading] = []
    for axis, (i, o) in enumerate(zip(old, new)):
        ratio = Fraction(i, o)
        if corners and mode not in ("nearest", "nearest-exact", "area"):
            ratio = Fraction(i - 1, o - 1) if o > 1 and i > 1 else Fraction(1, o)
        elif scale is not None:
            each = scale[axis] if isinstance(scale, (tuple, list)) else scale
            ratio = 1 / Fraction(each).limit_denominator(1 << 16)
        reading = divided(i, o) if mode == "area" else resized(ratio, mode, corners)
        if reading is None or call.given(6, "antialias", False):
            return call.main.mixed(range(2, 2 + ndim)).beyond(call.main.spans, call.main.guessed)
        readings.append(reading)
    return call.main.through(readings, new)


@rule(*each("adaptive_avg_pool", "adaptive_max_pool"), *[f"adaptive_max_pool{n}d_with_indices" for n in (1, 2, 3)])
def _adaptive(call: Call) -> Field:
    """One position sees the whole map, and is followed no more; several divide it."""
    ndim, sizes = call.ndim, call.sizes
    old = list(call.input.shape)[-ndim:]
    lead = call.input.dim() - ndim
    field = call.main.mixed([lead + n for n in range(ndim) if sizes[n] == 1 and old[n] > 1])
    return field.through([divided(i, o) for i, o in zip(old, sizes)], sizes)


@rule("pixel_shuffle")
def _shuffled(call: Call) -> Field:
    factor = call.given(1, "upscale_factor")
    return call.main.through([transposed(factor, factor, 1, 0)] * 2, list(call.outs[0].shape)[-2:])


@rule("pixel_unshuffle")
def _unshuffled(call: Call) -> Field:
    factor = call.given(1, "downscale_factor")
    return call.main.through([window(factor, factor, 1, 0)] * 2, list(call.outs[0].shape)[-2:])


@rule("batch_norm", "instance_norm")
def _normalised(call: Call) -> Field:
    """Statistics of the batch see all of it; running ones see nothing."""
    own = call.given(5, "training" if call.name == "batch_norm" else "use_input_stats", call.name == "instance_norm")
    return call.main.spread(range(call.input.dim())) if own else call.main


@rule("group_norm")
def _normalised_by_group(call: Call) -> Field:
    return call.main.spread(range(call.input.dim()))


@rule("layer_norm", "rms_norm")
def _normalised_by_layer(call: Call) -> Field:
    last = len(call.given(1, "normalized_shape"))
    return call.main.spread(range(call.input.dim() - last, call.input.dim()))


@rule("softmax", "log_softmax", "softmin", "normalize", "cumsum", "gumbel_softmax")
def _along(call: Call) -> Field:
    """Each entry sees all of one axis, and stays where it is."""
    dim = call.given(2, "dim", 1) if call.name == "normalize" else call.given(1, "dim")
    dims = range(call.input.dim()) if dim is None else [dim] if isinstance(dim, int) else dim
    return call.main.spread([d % call.input.dim() for d in dims])
