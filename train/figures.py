"""Pictures of a run: curves, gradient norms, confusion, mistakes, filters.  Each function returns a matplotlib Figure.

Colours differ in lightness too, so that they can be told apart in grey and by the colour-blind.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor

WIDTH, HEIGHT = 6.4, 3.6  # inches
DARK, LIGHT = "#1f4e79", "#e08214"
FILTERS = 64  # at most, of the first layer


def _axes(title: str, x: str, y: str, size: tuple[float, float] = (WIDTH, HEIGHT)) -> tuple[Figure, Axes]:
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure, axes


def losses(epochs: Sequence[int], training: Sequence[float], validation: Sequence[float]) -> Figure:
    """Mean cross-entropy of an image, epoch by epoch."""
    figure, axes = _axes("Loss", "epoch", "mean loss of an image")
    axes.plot(epochs, training, color=DARK, marker="o", label="training")
    axes.plot(epochs, validation, color=LIGHT, marker="s", linestyle="--", label="validation")
    axes.set_yscale("log")
    axes.legend()
    return figure


def accuracy(epochs: Sequence[int], validation: Sequence[float], kept: int) -> Figure:
    """Share of right answers on the validation images; the epoch that is kept is marked."""
    figure, axes = _axes("Validation accuracy", "epoch", "%")
    axes.plot(epochs, [100 * share for share in validation], color=DARK, marker="o")
    axes.axvline(kept, color=LIGHT, linestyle="--", label=f"kept: epoch {kept}")
    axes.legend()
    return figure


def gradient_norms(epochs: Sequence[int], norms: Mapping[str, Sequence[float]]) -> Figure:
    """‖∂L/∂w‖ of each layer's weights, the mean over an epoch's steps: vanishing or exploding ones drift apart."""
    figure, axes = _axes("Gradient norms, first layer darkest", "epoch", "‖∂L/∂w‖, mean of the steps")
    for n, (name, values) in enumerate(norms.items()):
        shade = str(0.75 * n / max(1, len(norms) - 1))
        axes.plot(epochs, values, color=shade, marker="osD^v"[n % 5], markersize=4, label=name)
    axes.set_yscale("log")
    axes.legend(fontsize="small", ncols=2)
    return figure


def confusion(counts: Tensor, labels: Sequence[str]) -> Figure:
    """counts: (true, predicted).  The shade is the share of the row; right answers are left white to show the rest."""
    shares = counts.double() / counts.sum(1, keepdim=True).clamp_min(1)
    shares.fill_diagonal_(0)
    side = 1.6 + 0.42 * len(labels)
    figure, axes = _axes("Confusion on the test images", "predicted", "true", (side, side))
    axes.imshow(shares.numpy(), cmap="Oranges")
    axes.set_xticks(range(len(labels)), labels)
    axes.set_yticks(range(len(labels)), labels)
    for row, column in torch.nonzero(counts).tolist():
        weight = "bold" if row == column else "normal"
        colour = "white" if shares[row, column] > 0.6 * shares.max() else "black"
        said = str(int(counts[row, column]))
        axes.text(column, row, said, ha="center", va="center", fontsize=7, weight=weight, color=colour)
    return figure


def gallery(images: Tensor, captions: Sequence[str], columns: int = 8) -> Figure:
    """images: (N, H, W), ink dark, or (N, 3, H, W) in their colours; a caption below each."""
    rows = -(-len(images) // columns)
    figure = Figure(figsize=(1.1 * columns, 1.5 * rows), layout="constrained")
    cells = figure.subplots(rows, columns, squeeze=False).flatten()
    for cell in cells:
        cell.set_axis_off()
    for cell, image, caption in zip(cells, images, captions):
        cell.imshow(image.movedim(0, -1).numpy() if image.dim() == 3 else image.numpy(), cmap="gray_r")
        cell.set_title(caption, fontsize=7, y=-0.28)
    return figure


def filters(weight: Tensor) -> Figure:
    """weight: (O, C, kH, kW), one picture a filter: of three channels in colour, else of its first; 0 is mid-grey."""
    weight = weight.detach().cpu().double()[:FILTERS]
    largest = float(weight.abs().max()) or 1.0
    shown = weight.movedim(1, -1) if weight.shape[1] == 3 else weight[:, 0]
    columns = min(8, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(1.1 * columns, 1.2 * rows), layout="constrained")
    cells = figure.subplots(rows, columns, squeeze=False).flatten()
    for cell in cells:
        cell.set_axis_off()
    for n, (cell, image) in enumerate(zip(cells, np.asarray(shown / (2 * largest) + 0.5))):
        cell.imshow(image, cmap="gray", vmin=0, vmax=1)
        cell.set_title(str(n), fontsize=7, y=-0.22)
    return figure
