"""A kernel at its places: one placement and all of them, how many a pixel is part of, and strides.

    Z[p] = sum_k W[k] * A[i]          i = s*p + d*k - a
    influence[i] = number of p and k with s*p + d*k - a = i, the input gradient of ones by ones
    o = floor((i + 2p - d(k - 1) - 1) / s) + 1          r = (i + 2p - d(k - 1) - 1) mod s border rows stay unread

Shapes: A ``(H, W)``, W ``(KH, KW)``, Z ``(PH, PW)``.

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*, figures 3, 5 and 6.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import torch
from torch import Tensor
from torch.autograd import grad

from manualconv.explain import printed
from manualconv.explain.figure import Figure
from manualconv.explain.figures.sheet import DARK, FRAME, INK, LIGHT, MIDDLE, PALE, Sheet, shade_of
from manualconv.explain.tracing.layer import make
from manualconv.explain.tracing.trace import Trace, trace
from manualconv.functional import conv2d

#: A binary image and a cross, as in the article's notes: the sums are 4 3 4, 2 4 3, 2 3 4.
IMAGE = torch.tensor([[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]])
KERNEL = torch.tensor([[1, 0, 1], [0, 1, 0], [1, 0, 1]])


def placement(A: Tensor = IMAGE, W: Tensor = KERNEL, at: tuple[int, int] = (1, 1)) -> Figure:
    """One placement of a kernel on an image, its products and their sum; and the sums of all placements.

    Args:
        A: the image ``(H, W)``.
        W: the kernel ``(KH, KW)``.
        at: which placement, counted from 0.

    Returns:
        A `Figure`, the article's figure 3.

    Raises:
        ValueError: the kernel is larger than the image, or there is no such placement.
    """
    layer = make("conv", tuple(A.shape), tuple(W.shape))
    rows, columns = layer.window.output_size
    if not (0 <= at[0] < rows and 0 <= at[1] < columns):
        raise ValueError(f"there are {rows} x {columns} placements, counted from 0, and none at {at}")
    done = trace(layer, "forward", {"x": A, "w": W})
    step = done.steps[at[0] * columns + at[1]]
    sums = conv2d(A[None, None].double(), W[None, None].double())[0, 0]
    terms = [printed.product(w, x) for x, w in (term.factors for term in step.terms)]
    lines = [
        f"one placement of {rows * columns}: Z[p] = sum_k W[k] * A[p + k]",
        *printed.beside(("A", A), ("W", W)),
        printed.line("Z", at, terms, sums[at]),
        *printed.beside(("Z", sums)),
    ]
    return Figure("one placement", "\n".join(lines), {"03-placement.png": lambda: _placed(done, at, A, W, sums).png()})


def _placed(done: Trace, at: tuple[int, int], A: Tensor, W: Tensor, sums: Tensor) -> Sheet:
    step = done.steps[at[0] * sums.shape[1] + at[1]]
    read = [(term.read[0][2], term.read[0][3]) for term in step.terms]
    (height, width), (tall, wide) = A.shape, W.shape
    left = 0.5 + width + 1.7
    last = left + wide + 1.7
    sheet = Sheet(
        last + sums.shape[1] + 5.5, max(height, tall, len(sums)) + 4.3, "Convolution: one placement of the kernel"
    )
    sheet.grid(0.5, 1, printed.rows(A), "image A", dict.fromkeys(read, LIGHT), read)
    sheet.grid(left, 1, printed.rows(W), "kernel W", base=LIGHT)
    sheet.words(left - 0.85, 1 + tall / 2, "*", 20, "center")
    sheet.arrow((left + wide + 0.4, 1 + tall / 2), (last - 0.4, 1 + tall / 2))
    sheet.grid(last, 1, printed.rows(sums), "output Z", {at: MIDDLE}, [at])
    below = max(height, tall, len(sums)) + 1.7
    terms = [printed.product(b, a) for a, b in (term.factors for term in step.terms)]
    sheet.words(0.5, below, f"framed: A[i] times W[k], summed, is Z[{at[0]},{at[1]}]")
    sheet.words(0.5, below + 0.8, f"{printed.total(terms)} = {printed.number(sums[at])}", 12)
    sheet.words(0.5, below + 1.6, f"the kernel has {sums.numel()} placements, so Z has {sums.numel()} numbers")
    return sheet


def reached(size: tuple[int, int], kernel: tuple[int, int], padding: int = 0) -> Tensor:
    """How many outputs each pixel is part of, ``(H, W)``: the input gradient of ones by a kernel of ones.

    Example:
        >>> reached((6, 6), (3, 3))[0].tolist()
        [1, 2, 3, 3, 2, 1]
    """
    pixels = torch.zeros(1, 1, *size, dtype=torch.float64, requires_grad=True)
    z = conv2d(pixels, torch.ones(1, 1, *kernel, dtype=torch.float64), padding=padding)
    return grad(z.sum(), pixels)[0][0, 0].long()


def influence(size: tuple[int, int] = (6, 6), kernel: tuple[int, int] = (3, 3), padding: int = 1) -> Figure:
    """How many outputs each pixel reaches, without padding and with it: pixels at the border count less.

    Args:
        size, kernel: ``(H, W)`` and ``(KH, KW)``.
        padding: of the second picture.

    Returns:
        A `Figure`, the article's figure 5.

    Raises:
        ValueError: the kernel is larger than the image.
    """
    make("conv", size, kernel, padding=padding)
    make("conv", size, kernel)
    found = [(pad, reached(size, kernel, pad)) for pad in (0, padding)]
    lines = [f"how many outputs each pixel of {size[0]} x {size[1]} reaches, kernel {kernel[0]} x {kernel[1]}"]
    for pad, counts in found:
        middle = counts[size[0] // 2, size[1] // 2]
        edge = counts[0, size[1] // 2]
        lines.append(f"  padding {pad}: corner {counts[0, 0]}, edge {edge}, centre {middle}")
        lines += printed.beside(("reached", counts))
    return Figure("pixel influence", "\n".join(lines), {"05-influence.png": lambda: _influences(found).png()})


def _influences(found: list[tuple[int, Tensor]]) -> Sheet:
    rows, columns = found[0][1].shape
    sheet = Sheet(2 * columns + 3.5, rows + 3.2, "How many outputs each pixel reaches")
    most = max(int(counts.max()) for _, counts in found)
    for n, (pad, counts) in enumerate(found):
        fill = {(r, c): shade_of(int(v), most) for r, row in enumerate(counts) for c, v in enumerate(row)}
        sheet.grid(0.5 + n * (columns + 1.5), 1, counts.tolist(), f"padding {pad}", fill)
    sheet.words(0.5, rows + 1.8, "the darker, the more: without padding a corner is seen once", 11)
    sheet.words(0.5, rows + 2.5, f"and the centre {most} times; padding gives the border more say", 11)
    return sheet


def stride(size: tuple[int, int] = (7, 7), kernel: tuple[int, int] = (3, 3), strides: Sequence[int] = (2, 3)) -> Figure:
    """Strided convolution: where the kernel is placed, how many outputs there are, which rows stay unread.

    Args:
        size, kernel: ``(H, W)`` and ``(KH, KW)``.
        strides: those to compare, each for both axes.

    Returns:
        A `Figure`, the article's figure 6.

    Raises:
        ValueError: sizes that make no convolution, or no strides.
    """
    if not strides:
        raise ValueError("there is no stride to show: give one or more, as (2, 3)")
    ones = {"x": torch.ones(size), "w": torch.ones(kernel)}
    traces = [trace(make("conv", size, kernel, steps), "forward", ones) for steps in strides]
    lines = ["strided convolution: o = floor((i + 2p - d(k - 1) - 1) / s) + 1, here p = 0, d = 1"]
    for done in traces:
        lines += _sizes(done)
    lines.append("  without the + 1 the last one would be lost: placements are counted, not the steps between them")
    return Figure("strided convolution", "\n".join(lines), {"06-stride.png": lambda: _strides(traces).png()})


def _unread(done: Trace) -> set[tuple[int, int]]:
    """The pixels of the input that no placement reads."""
    return {(at[2], at[3]) for at in done.never(0)}


def _sizes(done: Trace) -> Iterator[str]:
    window, never = done.layer.window, _unread(done)
    for axis, name in enumerate(("rows", "columns")):
        i, k, s, o = (of[axis] for of in (window.input_size, window.kernel_size, window.stride, window.output_size))
        lines = [{at for at in product(*map(range, window.input_size)) if at[axis] == n} for n in range(i)]
        spots = [n for n, line in enumerate(lines) if line <= never]
        said = f"unread: {', '.join(map(str, spots))}, counted from 0" if spots else "all of them read"
        yield f"  stride {s}   {name:7} o = floor(({i} - {k - 1} - 1) / {s}) + 1 = {o}; {said}"


def _strides(traces: Sequence[Trace]) -> Sheet:
    """A row a stride: where placements begin, the first two framed, what stays unread; the output beside it."""
    rows, columns = traces[0].layer.window.input_size
    outputs = max(done.layer.window.output_size[1] for done in traces)
    step = max(rows, *(done.layer.window.output_size[0] for done in traces)) + 2.0
    sheet = Sheet(max(columns + outputs + 4.5, 14.5), len(traces) * step + 2.4, "Strided convolution")
    for n, done in enumerate(traces):
        _strided(sheet, done, 1.2 + n * step)
    below = len(traces) * step + 0.6
    sheet.words(0.5, below, "n: placement n begins here; thick frame: placement 1, thin: placement 2")
    sheet.words(0.5, below + 0.7, "dark: no placement reads this pixel;  o = floor((i - k) / s) + 1")
    return sheet


def _strided(sheet: Sheet, done: Trace, top: float) -> None:
    window = done.layer.window
    (rows, columns), (ph, pw), (kh, kw) = window.input_size, window.output_size, window.extent
    corners = [(step.terms[0].read[0][2], step.terms[0].read[0][3]) for step in done.steps]
    held = [["" for _ in range(columns)] for _ in range(rows)]
    for n, (r, c) in enumerate(corners):
        held[r][c] = str(n + 1)
    fill = dict.fromkeys(corners, LIGHT) | dict.fromkeys(_unread(done), DARK)
    sheet.grid(0.5, top, held, f"stride {window.stride[0]}: input {rows} x {columns}", fill)
    for n, (r, c) in enumerate(corners[:2]):
        inset = 0.1 + 0.1 * n
        edge, line = ((FRAME, 2.8), (INK, 1.6))[n]
        sheet.box(0.5 + c + inset, top + r + inset, kw - 2 * inset, kh - 2 * inset, None, edge, line)
    sheet.arrow((columns + 1.0, top + ph / 2), (columns + 2.2, top + ph / 2))
    numbers = [[str(r * pw + c + 1) for c in range(pw)] for r in range(ph)]
    sheet.grid(columns + 2.7, top, numbers, f"output {ph} x {pw}", base=PALE)
