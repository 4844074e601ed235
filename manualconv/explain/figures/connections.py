"""Sparse connections and shared weights: a convolution's neurons joined by its weights, and its matrix.

Shapes: one channel and one filter; the input ``(*I,)``, the output ``(*P,)``.

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*, figure 9.
"""

from __future__ import annotations

from collections.abc import Sequence

from manualconv.explain.figure import Figure
from manualconv.explain.figures.lettered import Lettered, letter, lettered, roman
from manualconv.explain.figures.sheet import DARK, FRAME, INK, LIGHT, MIDDLE, PALE, PAPER, Sheet
from manualconv.geometry import Axes

#: Of the weights, from the first to the last; and how a line of each is drawn.
SHADES = (PALE, LIGHT, MIDDLE, DARK)
STYLES = ("-", "--", "-.", ":")
COLOURS = (FRAME, INK, MIDDLE, DARK)
#: Of a matrix with more rows or columns the places are drawn, not the letters.
NAMED = 40


def connections(input_size: Axes = (3, 3), kernel_size: Axes = (2, 2)) -> Figure:
    """Which neuron feeds which output, and by which weight; what a dense layer would need instead.

    Args:
        input_size, kernel_size: two numbers each.

    Returns:
        A `Figure`, the neurons of the article's figure 9.

    Raises:
        ValueError: sizes that make no convolution.
    """
    made = lettered(input_size, kernel_size)
    counts = made.counts
    lines = ["sparse connections and shared weights"]
    for row in range(counts.rows):
        terms = " + ".join(f"{roman(w + 1)}*{column + 1}" for r, column, w in made.entries if r == row)
        lines.append(f"    {letter(row)} = {terms}")
    dense = counts.rows * counts.columns
    lines.append(f"  pruned     {counts.nonzeros} connections, where a dense layer has {dense}")
    lines.append(f"  shared     {counts.weights} weights, each used {counts.uses_of_weights.flatten().tolist()} times")
    lines.append(f"  uses per neuron {counts.uses_of_inputs.flatten().tolist()}: the centre feeds most, a corner one")
    files = {"09-connections.png": lambda: neurons_sheet(made).png()}
    return Figure("sparse connections and shared weights", "\n".join(lines), files)


def shade(weight: int, weights: int) -> str:
    """The later the weight, the darker."""
    return SHADES[(len(SHADES) - 1) * weight // max(weights - 1, 1)]


def neurons_sheet(made: Lettered) -> Sheet:
    """Neurons on the left, outputs on the right, a line a connection; on the right the same as grids."""
    counts, weights = made.counts, made.window.taps
    sheet = Sheet(19, max(counts.columns + 1.5, 1.6 + weights * 1.2 + 2.5), "Sparse connections, shared weights", 0.5)
    sheet.words(0.5, 0.4, "input")
    sheet.words(6.5, 0.4, "output")
    across = (counts.columns - counts.rows) / (counts.rows + 1)
    at = [1 + across + row * (1 + across) for row in range(counts.rows)]
    for row, column, w in made.entries:
        _connection(sheet, w, (1.5, 6.5), (column + 1.5, at[row] + 0.5))
    for column in range(counts.columns):
        sheet.grid(0.5, column + 1, [[str(column + 1)]], base=PALE)
    for row in range(counts.rows):
        sheet.grid(6.5, at[row], [[letter(row)]], base=LIGHT)
    sheet.words(9, 0.4, "the kernel's weights, and their lines")
    for w in range(weights):
        sheet.grid(9, 1 + w * 1.2, [[roman(w + 1)]], base=shade(w, weights))
        _connection(sheet, w, (10.3, 12.3), (1.5 + w * 1.2,) * 2)
        sheet.words(12.6, 1.5 + w * 1.2, f"used {int(counts.uses_of_weights.flatten()[w])} times")
    below = 1.6 + weights * 1.2
    sheet.words(9, below, f"{counts.nonzeros} connections by {counts.weights} weights;", 12)
    sheet.words(9, below + 0.8, f"a dense layer: {counts.rows * counts.columns} connections, as many weights", 12)
    fed = made.fed_by(0)
    alone = " alone" if len(fed) == 1 else ""
    sheet.words(9, below + 1.6, f"neuron 1 feeds {', '.join(map(letter, fed))}{alone}", 12)
    return sheet


def _connection(sheet: Sheet, weight: int, xs: Sequence[float], ys: Sequence[float]) -> None:
    """A line of the weight's own colour and dashes: sixteen pairs of them."""
    count = len(COLOURS)
    sheet.line(xs, ys, COLOURS[(weight + weight // count) % count], 1.8, STYLES[weight % count])


def matrix_sheet(made: Lettered) -> Sheet:
    """The matrix with its letters, or its places where it is too large for them."""
    counts, weights = made.counts, made.window.taps
    title = f"A convolution is a matrix: {counts.nonzeros} of {counts.rows * counts.columns} non-zeros"
    if max(counts.rows, counts.columns) > NAMED:
        return _places(made, title)
    sheet = Sheet(max(counts.columns + 2.0, 15.0), counts.rows + 5.5, title)
    sheet.grid(1.5, 1.2, [[str(n + 1) for n in range(counts.columns)]], "the neurons of the input", base=PAPER)
    sheet.grid(0.5, 2.2, [[letter(n)] for n in range(counts.rows)])
    fill = {(row, column): shade(w, weights) for row, column, w in made.entries}
    sheet.grid(1.5, 2.2, made.rows(""), fill=fill)
    below = 2.2 + counts.rows
    uses = [str(int(n)) for n in counts.uses_of_inputs.flatten()]
    sheet.words(1.5, below + 0.75, "how many outputs each neuron feeds")
    sheet.grid(1.5, below + 1.2, [uses], base=PAPER)
    sheet.words(1.5, below + 2.8, f"{counts.weights} distinct weights; its transpose is the input gradient", 12)
    return sheet


def _places(made: Lettered, title: str) -> Sheet:
    import numpy as np

    counts = made.counts
    places = np.full((counts.rows, counts.columns), np.nan)
    rows, columns, weights = (list(each) for each in zip(*made.entries))
    places[rows, columns] = weights
    wide, tall = (16.0 * min(1.0, n / m) for n, m in ((counts.columns, counts.rows), (counts.rows, counts.columns)))
    wide, tall = max(wide, 6.0), max(tall, 6.0)
    sheet = Sheet(wide + 2, tall + 3, title)
    head = f"{counts.columns} neurons across, {counts.rows} outputs down; the darker, the later the weight"
    sheet.picture(0.5, 1.2, wide, tall, places, head, cmap="Blues", vmin=-made.window.taps / 3, interpolation="nearest")
    return sheet
