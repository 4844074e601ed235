"""Convolution over volumes, and the dimensions of the tensors of a layer.

    [n_h, n_w, c] * [f_h, f_w, c] x n_f -> [floor((n_h + 2p - f_h)/s) + 1, floor((n_w + 2p - f_w)/s) + 1, n_f]
    Z = W * A + b        dim dW = dim W        db has one number a filter        dim dA = dim A

A filter is as deep as the input, and each filter makes one channel.

Shapes: A ``(N, C, H, W)``, W ``(O, C, KH, KW)``, b ``(O,)``, Z ``(N, O, PH, PW)``.

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*, figures 7 and 8.
"""

from __future__ import annotations

from math import prod

import torch
from torch.autograd import grad

from manualconv.explain.figure import Figure
from manualconv.explain.figures.sheet import LIGHT, MIDDLE, PALE, QUIET, Sheet
from manualconv.functional import conv2d
from manualconv.functional.refusals.convolution import convolution_window
from manualconv.geometry import Axes


def dense_weights(inputs: Axes, outputs: Axes) -> int:
    """The weights of a fully connected layer between tensors of these sizes: every number meets every other.

    Example:
        >>> dense_weights((3, 32, 32), (6, 28, 28))
        14450688
    """
    return prod(inputs) * prod(outputs)


def convolution_parameters(channels: int, filters: int, kernel: Axes) -> int:
    """The weights and biases of a convolution, whatever the size of its input.

    Example:
        >>> convolution_parameters(3, 6, (5, 5))
        456
    """
    return filters * (channels * prod(kernel) + 1)


def volumes(
    channels: int = 3,
    size: Axes = (32, 32),
    filters: int = 6,
    kernel: Axes = (5, 5),
    stride: int = 1,
    padding: int = 0,
) -> Figure:
    """A convolution over volumes: sizes and the number of parameters, beside those of a dense layer.

    Args:
        channels, size: of the input.
        filters, kernel: how many there are, and ``(KH, KW)``.
        stride, padding: one number each.

    Returns:
        A `Figure`, the article's figure 7.

    Raises:
        ValueError: sizes that make no convolution.
    """
    output = _output(channels, size, filters, kernel, stride, padding)
    a, z = (channels, *size), (filters, *output)
    lines = [
        "convolution over volumes: [height, width, channels]",
        f"  {_volume(a)} * {filters} filters of {_volume((channels, *kernel))} -> {_volume(z)}",
        f"  stride {stride}, padding {padding}: each filter is as deep as the input and makes one channel",
    ]
    for axis, (n, f, o) in zip(("height", "width "), zip(size, kernel, output)):
        lines.append(f"    {axis} floor(({n} + 2*{padding} - {f}) / {stride}) + 1 = {o}")
    weights = convolution_parameters(channels, filters, kernel)
    lines.append(f"  convolution {filters} * ({channels}*{kernel[0]}*{kernel[1]} + 1) = {weights:,} parameters")
    lines.append(f"  dense       {prod(a):,} * {prod(z):,} = {dense_weights(a, z):,} weights")
    return Figure(
        "convolution over volumes",
        "\n".join(lines),
        {"07-volumes.png": lambda: _volumes_sheet(a, kernel, z, weights).png()},
    )


def _output(channels: int, size: Axes, filters: int, kernel: Axes, stride: int, padding: int) -> Axes:
    """What the convolution's own check makes of the sizes."""
    if min(channels, filters, *size, *kernel) < 1:
        raise ValueError(f"channels {channels}, filters {filters}, size {size} and kernel {kernel} must be at least 1")
    try:
        read = ((stride,) * 2, (padding,) * 2, (1, 1), 1)
        window = convolution_window(2, (1, channels, *size), (filters, channels, *kernel), None, *read)
    except RuntimeError as error:
        raise ValueError(f"there is no such convolution: {str(error).splitlines()[0]}") from None
    return window.output_size


def _volume(chw: Axes) -> str:
    """``[32, 32, 3]``: the article names the channels last."""
    return f"[{chw[1]}, {chw[2]}, {chw[0]}]"


def _cuboid(sheet: Sheet, x: float, y: float, chw: Axes, unit: float, shade: str, name: str) -> None:
    """A box seen from the front: height down, width across, the channels behind; its sizes stand beside it."""
    channels, height, width = chw[0], chw[1] * unit, chw[2] * unit
    depth = 0.32 * min(channels, 8)
    for layer in range(min(channels, 8), 0, -1):
        sheet.box(x + 0.32 * (layer - 1), y + depth - 0.32 * layer, width, height, shade)
    sheet.words(x + width / 2, y + depth + height + 0.2, str(chw[2]), align="center")
    sheet.words(x - 0.25, y + depth - 0.32 + height / 2, str(chw[1]), align="right")
    sheet.words(x + width + depth + 0.1, y + height / 2, f"{channels} deep", 10)
    sheet.words(x, y - 0.5, name, 11, fontweight="bold")


def _volumes_sheet(a: Axes, kernel: Axes, z: Axes, weights: int) -> Sheet:
    unit = 6.0 / max(*a[1:], *z[1:])
    channels, filters = a[0], z[0]
    sheet = Sheet(30, 13.2, "Convolution over volumes: a filter is as deep as the input, each makes one channel")
    _cuboid(sheet, 1.5, 1.6, a, unit, LIGHT, f"input {_volume(a)}")
    sheet.words(10.6, 4.6, "*", 22, "center")
    deep = (channels, *kernel)
    shown = min(filters, 6)
    sheet.words(11.5, 1.1, f"{filters} filters {_volume(deep)}", fontweight="bold")
    for n in range(shown):
        small = max(unit, 0.22)
        x, y = 12.2 + (n % 2) * 3.4, 2.0 + (n // 2) * 2.6
        for layer in range(min(channels, 4), 0, -1):
            sheet.box(x + 0.2 * layer, y + 0.8 - 0.2 * layer, kernel[1] * small, kernel[0] * small, MIDDLE)
        sheet.words(x - 0.15, y + 0.9, f"{n + 1}", 10, "right")
    if shown < filters:
        sheet.words(12.2, 9.6, f"and {filters - shown} more", 10)
    sheet.arrow((18.4, 4.6), (19.4, 4.6))
    _cuboid(sheet, 20.4, 1.6, z, unit, PALE, f"output {_volume(z)}")
    sheet.line((0.5, 29.5), (11, 11), QUIET, 0.6)
    sheet.words(
        0.5, 11.6, f"convolution: {filters} x ({channels} x {kernel[0]} x {kernel[1]} + 1) = {weights:,} parameters", 12
    )
    dense = f"dense, between the same tensors: {prod(a):,} x {prod(z):,} = {dense_weights(a, z):,} weights"
    sheet.words(0.5, 12.4, dense, 12)
    return sheet


def dimensions(
    samples: int = 4, channels: int = 3, size: Axes = (8, 9), filters: int = 5, kernel: Axes = (3, 2)
) -> Figure:
    """The shapes of a convolution layer's tensors, of its gradients too: each has its tensor's shape.

    Args:
        samples, channels, size: of the input.
        filters, kernel: how many there are, and ``(KH, KW)``.

    Returns:
        A `Figure`, the article's figure 8.  The shapes are read off the tensors of a layer that ran.

    Raises:
        ValueError: sizes that make no convolution.
    """
    _output(channels, size, filters, kernel, 1, 0)
    if samples < 1:
        raise ValueError(f"samples must be at least 1, not {samples}")
    sizes = ((samples, channels, *size), (filters, channels, *kernel), (filters,))
    A, W, b = (torch.ones(shape, requires_grad=True) for shape in sizes)
    Z = conv2d(A, W, b)
    dA, dW, db = grad(Z, (A, W, b), torch.ones_like(Z))
    rows = [
        ("A_prev", tuple(A.shape), "dA_prev", tuple(dA.shape), "samples, channels, height, width"),
        ("W", tuple(W.shape), "dW", tuple(dW.shape), "filters, channels, kernel height, kernel width"),
        ("b", tuple(b.shape), "db", tuple(db.shape), "one a filter"),
        ("Z, A", tuple(Z.shape), "dZ, dA", tuple(Z.shape), "samples, filters, height, width"),
    ]
    lines = ["the tensors of a convolution layer: Z = W * A_prev + b, A = g(Z)"]
    lines += [
        f"  {name:7} {shape!s:16} {gradient:8} {other!s:16} {what}" for name, shape, gradient, other, what in rows
    ]
    lines.append("  a gradient has its tensor's shape: it says for every number of it how the loss moves with it")
    return Figure("tensor dimensions of a layer", "\n".join(lines), {"08-dimensions.png": lambda: _table(rows).png()})


def _table(rows: list[tuple[str, Axes, str, Axes, str]]) -> Sheet:
    sheet = Sheet(25, 8.4, "A convolution layer: Z = W * A_prev + b,  A = g(Z)")
    for x, head in ((0.5, "tensor"), (7.5, "its gradient"), (14.5, "axes")):
        sheet.words(x, 0.6, head, fontweight="bold")
    for n, (name, shape, gradient, other, what) in enumerate(rows):
        y = 1.2 + 1.5 * n
        for x, letter, size, shade in ((0.5, name, shape, LIGHT), (7.5, gradient, other, PALE)):
            sheet.words(x, y + 0.55, letter, 12)
            for axis, count in enumerate(size):
                sheet.grid(x + 2.1 + axis, y, [[str(count)]], base=shade)
        sheet.words(14.5, y + 0.55, what)
    sheet.words(0.5, 7.6, "A gradient has its tensor's shape. A row: the sizes of the axes, first to last.", 12)
    return sheet
