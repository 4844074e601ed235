"""What an image is, and what four filters find in one.

    a grey image is H x W numbers, a coloured one 3 x H x W, each from 0 to 255
    response = kernel * image (valid)      normalised = (response - min) / (max - min)      marked = normalised > 0.6

Shapes: pixels ``(3, H, W)`` uint8, grey ``(H, W)``.

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*, figures 2 and 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from manualconv.explain import photograph, printed
from manualconv.explain.figure import Figure
from manualconv.explain.figures.sheet import Sheet
from manualconv.explain.photograph import LUMA, house, luma
from manualconv.functional import conv2d

#: The article's filters: horizontal edges, diagonal ones, corners, and one that sharpens.
FILTERS = {
    "K1": torch.tensor([[1.0, 2, 1], [0, 0, 0], [-1, -2, -1]]),
    "K2": torch.tensor([[0.0, 1, 2], [-1, 0, 1], [-2, -1, 0]]),
    "K3": torch.tensor([[1.0, 0, -1], [0, 0, 0], [-1, 0, 1]]),
    "K4": torch.tensor([[0.0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
}
THRESHOLD = 0.6


def image(pixels: Tensor | None = None) -> Figure:
    """The numbers of a small picture: grey levels, and the three colours they are made of.

    Args:
        pixels: ``(3, H, W)`` uint8, a dozen pixels a side at most; a corner of a roof if None.

    Returns:
        A `Figure`, the article's figure 2.
    """
    colours = house(40)[:, 6:14, 8:18] if pixels is None else pixels
    grey = luma(colours).round().int()
    _, rows, columns = colours.shape
    lines = [
        f"a digital image: {rows} x {columns} pixels",
        f"  grey       {rows} x {columns} = {grey.numel()} numbers from 0, dark, to 255, bright",
        f"  coloured   3 x {rows} x {columns} = {colours.numel()} numbers of one byte, uint8: red, green, blue",
        f"  grey = {LUMA[0]} R + {LUMA[1]:.4f} G + {LUMA[2]:.4f} B, rounded",
    ]
    for name, plane in (("grey", grey), *zip("RGB", colours.int())):
        lines += printed.beside((name, plane))
    return Figure("a digital image", "\n".join(lines), {"02-image.png": lambda: _sheet(colours, grey).png()})


def _sheet(colours: Tensor, grey: Tensor) -> Sheet:
    rows, columns = grey.shape
    gap, ink = columns + 1.5, {"cmap": "gray", "vmin": 0, "vmax": 255}
    sheet = Sheet(0.5 + 3 * gap, 2 * rows + 4.3, "An image is a grid of numbers", 0.42)
    sheet.picture(0.5, 1, columns, rows, colours.movedim(0, -1).numpy(), f"coloured: 3 x {rows} x {columns}")
    sheet.picture(0.5 + gap, 1, columns, rows, grey.numpy(), f"grey: {rows} x {columns}", **ink)
    sheet.grid(0.5 + 2 * gap, 1, grey.tolist(), "its numbers: 0 dark, 255 bright", _greys(grey), size=8)
    top = rows + 2.7
    for n, (name, plane) in enumerate(zip(("red, R", "green, G", "blue, B"), colours)):
        sheet.grid(0.5 + n * gap, top, plane.tolist(), f"{name}: {rows} x {columns}", _greys(plane), size=8)
    sheet.words(0.5, top + rows + 0.8, f"grey = {LUMA[0]} R + {LUMA[1]:.4f} G + {LUMA[2]:.4f} B", 12)
    return sheet


def _greys(plane: Tensor) -> dict[tuple[int, int], str]:
    return {(r, c): "#" + f"{int(v):02x}" * 3 for r, row in enumerate(plane) for c, v in enumerate(row)}


class Response(NamedTuple):
    """What a filter finds: its sums, the same from 0 to 1, and where those are above the threshold."""

    sums: Tensor
    normalised: Tensor
    marked: Tensor


def response(grey: Tensor, kernel: Tensor, threshold: float = THRESHOLD) -> Response:
    """A filter over a whole picture, without padding.

    Args:
        grey: ``(H, W)``.
        kernel: ``(KH, KW)``.
        threshold: from 0 to 1.

    Returns:
        Three tensors ``(H - KH + 1, W - KW + 1)``; where all sums are equal nothing is marked, and normalised is 0.

    Raises:
        ValueError: the picture is smaller than the kernel.
    """
    if any(size < k for size, k in zip(grey.shape, kernel.shape)):
        sizes = [" x ".join(map(str, t.shape)) for t in (grey, kernel)]
        raise ValueError(
            f"a picture of {sizes[0]} pixels has no place for a kernel of {sizes[1]}: give a larger picture"
        )
    sums = conv2d(grey[None, None].double(), kernel[None, None].double())[0, 0]
    low, high = sums.min(), sums.max()
    # A sum of K terms of rounded grey levels: what differs by less is one number.
    is_flat = high - low <= 1e-12 * kernel.abs().sum() * max(float(grey.abs().max()), 1.0)
    normalised = torch.zeros_like(sums) if is_flat else (sums - low) / (high - low)
    return Response(sums, normalised, normalised > threshold)


def filter_gallery(
    picture: str | Path | Tensor | None = None,
    kernels: Mapping[str, Tensor] | None = None,
    threshold: float = THRESHOLD,
) -> Figure:
    """What filters find in a picture: their sums, normalised to 0..1, and where these are above a threshold.

    Args:
        picture: a file that Pillow reads, reduced to 480 pixels a side if it has more; or ``(3, H, W)`` from 0 to 255;
            a house drawn here if None.
        kernels: by name, ``(KH, KW)``; the article's four if None.
        threshold: from 0 to 1.

    Returns:
        A `Figure`, the article's figure 4.

    Raises:
        OSError: the file cannot be opened.
        ValueError: it holds no picture or one smaller than a kernel, the threshold is not between 0 and 1, or a kernel
            is no matrix of finite numbers.

    Example:
        >>> import torch
        >>> from manualconv.explain import filter_gallery
        >>> edge = torch.tensor([[1, 2, 1], [0, 0, 0], [-1, -2, -1]])
        >>> print(filter_gallery(torch.full((3, 8, 8), 7), {"edge": edge}).text.splitlines()[-1])
            sums 6 x 6, all of them 0: nothing to mark
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f"the threshold must lie between 0 and 1, as the normalised sums do, not at {threshold:g}")
    kernels = FILTERS if kernels is None else kernels
    if not kernels:
        raise ValueError("there is no kernel to show: give one or more by name, or None for the article's four")
    for name, kernel in kernels.items():
        if not (isinstance(kernel, Tensor) and kernel.dim() == 2 and kernel.numel() and kernel.isfinite().all()):
            raise ValueError(f"kernel {name} must be a tensor (KH, KW) of finite numbers, at least one")
    colours, what = _shown(picture)
    if colours.dim() != 3 or len(colours) != 3:
        raise ValueError(f"a picture is a tensor (3, H, W), not {tuple(colours.shape)}")
    grey = luma(colours)
    found = {name: response(grey, kernel, threshold) for name, kernel in kernels.items()}
    lines = [f"filters over {what}", "  grey = 0.2989 R + 0.5870 G + 0.1140 B"]
    for name, kernel in kernels.items():
        lines += [*printed.beside((name, kernel)), _said(found[name], threshold)]
    name = "04-gallery.png" if picture is None else "filters.png"
    files = {name: lambda: _gallery(grey, kernels, found, threshold).png()}
    return Figure("filters over a picture", "\n".join(lines), files)


def _shown(picture: str | Path | Tensor | None) -> tuple[Tensor, str]:
    """The pixels, and what they are."""
    name, reduced = "a house", ""
    if picture is None:
        pixels = house()
    elif isinstance(picture, Tensor):
        pixels, name = picture, "a picture"
    else:
        (pixels, size), name = photograph.read(picture), str(picture)
        reduced = "" if size == pixels.shape[1:] else f", reduced from {size[0]} x {size[1]}"
    return pixels, f"{name}: {' x '.join(map(str, pixels.shape[1:]))} pixels{reduced}"


def _said(found: Response, threshold: float) -> str:
    size = " x ".join(map(str, found.sums.shape))
    low, high = (printed.number(round(float(value), 6)) for value in (found.sums.min(), found.sums.max()))
    if not found.normalised.any():
        return f"    sums {size}, all of them {low}: nothing to mark"
    share = printed.number(round(100 * float(found.marked.double().mean()), 2))
    return f"    sums {size}, from {low} to {high}; normalised to 0..1, {share} % of them are above {threshold:g}"


def _gallery(grey: Tensor, kernels: Mapping[str, Tensor], found: Mapping[str, Response], threshold: float) -> Sheet:
    """The picture on the left; a column a filter: its kernel, the sums, the marks."""
    rows, columns = grey.shape
    wide, tall = (8.0 * min(1.0, size / other) for size, other in ((columns, rows), (rows, columns)))
    step = 1 + max([wide, 4.5, *(float(kernel.shape[1]) for kernel in kernels.values())])
    sums = 1.9 + max(kernel.shape[0] for kernel in kernels.values())
    marks = sums + tall + 1
    sheet = Sheet(0.5 + step * (1 + len(kernels)), marks + tall + 0.5, "What filters find in a picture", 0.5)
    sheet.picture(0.5, sums, wide, tall, grey.numpy(), "the picture, grey", cmap="gray", vmin=0, vmax=255)
    for n, (name, kernel) in enumerate(kernels.items(), 1):
        left, (_, normalised, marked) = 0.5 + n * step, found[name]
        sheet.grid(left, 1, [[f"{float(value):.3g}" for value in row] for row in kernel], f"kernel {name}")
        kind = {"cmap": "gray", "vmin": 0, "vmax": 1}
        sheet.picture(left, sums, wide, tall, normalised.numpy(), "sums, 0 to 1", **kind)
        sheet.picture(left, marks, wide, tall, marked.numpy(), f"white: above {threshold:g}", **kind)
    return sheet
